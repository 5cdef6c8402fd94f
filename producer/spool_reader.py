"""Reads a stream from a place on, also while it is being written. What is damaged is passed over and named."""

import os
from dataclasses import dataclass

from .entry import Entry, Parsed, Position, Resume, begun_after, find_entry, parse
from .spool import StreamFiles

_PIECE_BYTES = 128 * 1024


@dataclass(frozen=True)
class Lost:
    """Numbers that the files no longer hold, both included, and where they were."""

    first_seq: int
    last_seq: int
    where: str


class _OpenFile:
    """A file that is closed once nobody refers to it, and be it when Python has let go of its modules."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self._close = descriptor, os.close

    def __del__(self) -> None:
        self._close(self.descriptor)


class SpoolReader:
    """A reader at one place of a stream. `lost` collects what was damaged.

    Each call of the system lets the application's threads go on, and the sender then waits for its turn: while there is
    something to read it keeps its file open, and reads it in pieces that are soon looked through.
    """

    def __init__(self, files: StreamFiles, position: Position, after_seq: int = -1) -> None:
        """Read from `position` on; `after_seq` is the number of the event before it."""
        self._files = files
        self.position = position
        self.lost: list[Lost] = []
        self._last_seq = after_seq
        self._damage = ""
        self._begun = 0
        """How many entries seem to begin in the damaged end of a file."""
        self._resume: Resume | None = None
        self._file: _OpenFile | None = None

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next entries, about `max_bytes` of them, and move on; empty when there are none yet."""
        while True:
            entries = self._read_segment(max_bytes)
            if entries:
                return self._passed(entries)
            self._file = None
            following = self._following_segment()
            if following is None:
                return []
            # The writer leaves a file for good before it makes the next one: what is in it now is all there will be.
            entries = self._read_segment(max_bytes, final=True)
            if entries:
                return self._passed(entries)
            self.position, self._file = Position(following, 0), None

    def take(self, at_hand: list[Entry]) -> list[Entry]:
        """Return those of some entries that come next, and go on after them as if they had been read; empty when none does."""
        following = [entry for entry in at_hand if entry.seq > self._last_seq]
        if not following or following[0].seq != self._last_seq + 1 or self._damage or self._resume is not None:
            return []
        self._last_seq, end = following[-1].seq, following[-1].next
        if end is not None:
            self.position, self._file = end, self._file if end.segment == self.position.segment else None
        return following

    def finish(self) -> None:
        """Take note that nothing more will be written: an end that is torn is a loss, of one event at least."""
        self._read_segment(1, final=True)
        self._file = None
        if self._damage:
            self.lost.append(Lost(self._last_seq + 1, self._last_seq + self._begun, self._damage))
            self._damage = ""

    def _passed(self, entries: list[Entry]) -> list[Entry]:
        first = entries[0].seq
        if self._damage and first > self._last_seq + 1:
            self.lost.append(Lost(self._last_seq + 1, first - 1, self._damage))
        self._damage, self._last_seq = "", entries[-1].seq
        return entries

    def _read_segment(self, max_bytes: int, *, final: bool = False) -> list[Entry]:
        if self._file is None:
            try:
                self._file = _OpenFile(os.open(self._files.segment_path(self.position.segment), os.O_RDONLY | os.O_CLOEXEC))
            except FileNotFoundError:
                return []
        descriptor = self._file.descriptor
        entries: list[Entry] = []
        left = max_bytes
        while (left > 0 or not entries) and (
            data := os.pread(descriptor, min(max(left, 1), _PIECE_BYTES), self.position.offset)
        ):
            parsed = self._parse(descriptor, data)
            if parsed.end:
                self.position = Position(self.position.segment, self.position.offset + parsed.end)
                entries += parsed.entries
                left -= parsed.end
            elif entries or not self._pass_over(descriptor, os.fstat(descriptor).st_size, final=final):
                break
        return entries

    def _parse(self, descriptor: int, data: bytes) -> Parsed:
        """Parse what was read; an entry that is longer is read whole."""
        segment, offset = self.position
        while True:
            parsed, resume = parse(data, segment, offset, self._resume)
            read = len(data)
            if parsed.end or parsed.wanted <= read or len(data := os.pread(descriptor, parsed.wanted, offset)) <= read:
                break
        self._resume = resume
        return parsed

    def _pass_over(self, descriptor: int, size: int, *, final: bool) -> bool:
        """Go on after bytes that are no entry: to the next one that is, or, in a file that is complete, to its end."""
        segment, offset = self.position
        following = find_entry(descriptor, offset + 1, size)
        if following is None and not final:
            return False
        self._begun = begun_after(descriptor, offset, size) if following is None else 0
        self._damage = self._damage or f"byte {offset} of {segment:020d}.log"
        self.position = Position(segment, size if following is None else following)
        return True

    def _following_segment(self) -> int | None:
        return next((segment for segment in self._files.segments() if segment > self.position.segment), None)
