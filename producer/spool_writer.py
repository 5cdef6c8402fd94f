"""Appends to a stream's files. On return an entry survives the death of the process; a refused one leaves no part."""

import errno
import os
from typing import Final

from .descriptors import close, is_ours
from .entry import Position, Resume, pack_event, pack_facts, pack_resume
from .errors import SpoolFull
from .file_write import write
from .spool import StreamFiles
from .spool_limit import SpoolLimit

_O_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_write = write
_ELSEWHERE: Final = (errno.EFBIG, errno.EBADF)
"""A limit on the size of files, and a descriptor that the application closed: another file takes it."""


class SpoolWriter:
    """Appends entries to a stream. Not safe for threads: the stream's lock is held around it."""

    def __init__(self, files: StreamFiles, facts: bytes, limit: SpoolLimit) -> None:
        """Write to `files`, which this process has locked; `facts` begins every file."""
        self._files, self._facts, self._limit = files, pack_facts(facts), limit
        self._descriptor: int | None = None
        self._file: os.stat_result | None = None
        self._path = files.directory
        self._segment = self._size = 0

    @property
    def end(self) -> Position:
        """The place after the last entry."""
        return Position(self._segment, self._size)

    def append(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        """Write one event. Raises SpoolFull."""
        entry = pack_event(seq, key, content, core)
        self._append(seq, entry, len(entry))

    def resume(self, seq: int, resume: Resume) -> None:
        """Write where the chain is before the event `seq`. Raises SpoolFull."""
        entry = pack_resume(resume)
        self._append(seq, entry, len(entry))

    def append_last(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        """Write one of the stream's last words: beyond the limit, and into the reserve when the disk is full."""
        entry = pack_event(seq, key, content, core)
        try:
            self._append(seq, entry, 0)
        except SpoolFull:
            (self._files.directory / "reserve").unlink(missing_ok=True)
            self._append(seq, entry, 0)

    def is_gone(self) -> bool:
        """Tell whether the file being written is no longer where it was made. One that the application closed is let go of."""
        if self._descriptor is None or self._file is None:
            return False
        if not is_ours(self._descriptor, self._file):
            self.close()
            return False
        try:
            return not os.path.samestat(self._file, self._path.stat())
        except FileNotFoundError:
            return True

    def close(self) -> None:
        """Close the file being written."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and self._file is not None:
            close(descriptor, self._file)

    def _append(self, seq: int, entry: bytes, counted: int) -> None:
        limit = self._limit
        if counted <= limit.left:
            limit.left -= counted
        elif not limit.take(counted):
            raise SpoolFull("the spool has reached LANGTRAIL_SPOOL_MAX_BYTES")
        try:
            if self._descriptor is None or self._size >= limit.segment_bytes:
                self._open_segment(seq)
            written = _write(self._descriptor, entry)  # type: ignore[arg-type] # _open_segment sets it or raises
            if written < len(entry):
                written += self._write_rest(entry[written:])
            self._size += written
        except OSError as error:
            limit.give_back(counted)
            self._cut()
            if error.errno in _ELSEWHERE:
                self.close()
            refusal = f"the spool cannot be written ({error.strerror})"
        except BaseException:
            self._find_out(len(entry))
            raise
        else:
            return
        raise SpoolFull(refusal)

    def _write_rest(self, entry: bytes) -> int:
        """Write what one call did not take; the second one tells why."""
        assert self._descriptor is not None  # noqa: S101 - it was just written to
        written = 0
        while written < len(entry):
            written += _write(self._descriptor, entry[written:])
        return written

    def _find_out(self, size: int) -> None:
        """After an interrupt, which may have come after the write: an entry that is whole in the file counts."""
        if self._descriptor is None:
            return
        if os.fstat(self._descriptor).st_size == self._size + size:
            self._size += size
        else:
            self._cut()

    def _cut(self) -> None:
        """Take a part of an entry back. Where that fails, leave the file: a reader passes over its torn end."""
        if self._descriptor is None or self._file is None:
            return
        try:
            is_cut = is_ours(self._descriptor, self._file)
            if is_cut:
                os.ftruncate(self._descriptor, self._size)
        except OSError:
            is_cut = False
        if not is_cut:
            self.close()

    def _open_segment(self, seq: int) -> None:
        self.close()
        self._segment, self._path = seq, self._files.segment_path(seq)
        self._descriptor = os.open(self._path, _O_FLAGS, 0o600)
        self._file = os.fstat(self._descriptor)
        self._size = self._file.st_size
        if self._size:
            return
        try:
            self._size = _write(self._descriptor, self._facts)
            self._size += self._write_rest(self._facts[self._size :])
        except BaseException:
            self._size = 0
            self._cut()
            self.close()
            raise
