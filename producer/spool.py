"""The spool: one directory for each stream, in it append-only files that hold every event before its hook returns.

STREAM_ID/stream.json         who wrote it, and the wrapped data key; written once
STREAM_ID/00000000000000000000.log   entries from that seq on; a new file every 64 MiB
STREAM_ID/acknowledged.json   up to where Kafka has acknowledged, and the chain there; replaced as a whole
STREAM_ID/lock                locked by the one process that writes or ships the stream; free once that process is dead

An entry is its length and CRC-32 (four bytes each, big endian), then its payload: seq (8), key length (2), key, content
length (4), content, core. A file that ends within an entry was cut by a full disk or a power loss: reading stops there.
"""

import fcntl
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .errors import SpoolDamaged, SpoolFull

SEGMENT_BYTES = 64 * 1024 * 1024

_ENTRY = struct.Struct(">II")
_SEQ_KEY = struct.Struct(">QH")
_CONTENT = struct.Struct(">I")


class Entry(NamedTuple):
    """One event as it was spooled, and where its successor begins."""

    seq: int
    key: bytes
    content: bytes
    core: bytes
    next: "Position"


class Position(NamedTuple):
    """A place in a stream's files: the segment by its first seq, and a byte offset within it."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Watermark:
    """Up to where Kafka has acknowledged: how many events, the chain's head there, and the place of the next one."""

    events: int = 0
    chain_hash: str = "00" * 32
    segment: int = 0
    offset: int = 0

    @property
    def position(self) -> Position:
        """The place of the first event that is not acknowledged."""
        return Position(self.segment, self.offset)


class StreamFiles:
    """The files of one stream. Who makes one holds its lock, or did not get it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    @property
    def stream_id(self) -> str:
        """The stream's id, by which its directory is named."""
        return self.directory.name

    def lock(self) -> bool:
        """Take the stream for this process. False when a living process has it, or it is gone."""
        try:
            descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def unlock(self) -> None:
        """Let go of the stream. In a forked child this closes the child's copy and leaves the parent's lock alone."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def describe(self, facts: dict[str, Any]) -> None:
        """Write stream.json: facts that a reader of the spool needs."""
        _replace(self.directory / "stream.json", facts)

    def facts(self) -> dict[str, Any]:
        """Return stream.json. Raises SpoolDamaged when it is not readable."""
        loaded: dict[str, Any] = _load(self.directory / "stream.json")
        return loaded

    def watermark(self) -> Watermark:
        """Return what is acknowledged; nothing, for a stream that was never shipped. Raises SpoolDamaged."""
        path = self.directory / "acknowledged.json"
        return Watermark(**_load(path)) if path.exists() else Watermark()

    def acknowledge(self, watermark: Watermark) -> None:
        """Record what is acknowledged, and remove the files that hold nothing else."""
        _replace(self.directory / "acknowledged.json", asdict(watermark))
        for segment in self.segments():
            if segment < watermark.segment:
                self.segment_path(segment).unlink(missing_ok=True)

    def segments(self) -> list[int]:
        """Return the first seq of each file, ascending."""
        return sorted(int(path.stem) for path in self.directory.glob("*.log"))

    def segment_path(self, segment: int) -> Path:
        """Return the path of the file that begins with this seq."""
        return self.directory / f"{segment:020d}.log"

    def remove(self) -> None:
        """Remove the stream: all of it is acknowledged. The lock goes last, so that nobody takes a half-removed stream."""
        for path in sorted(self.directory.iterdir(), key=lambda path: path.name == "lock"):
            path.unlink(missing_ok=True)
        self.directory.rmdir()
        self.unlock()


class SpoolWriter:
    """Appends entries to a stream. Not safe for threads: the stream's numbering lock is held around it."""

    def __init__(self, files: StreamFiles, max_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._files, self._max_bytes, self._segment_bytes = files, max_bytes, segment_bytes
        self._descriptor: int | None = None
        self._size = 0
        self._total_at_open = 0

    def append(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        """Write one entry; on return it survives the death of the process. Raises SpoolFull, and leaves no part of it."""
        key = key[:0xFFFF]
        payload = b"".join((_SEQ_KEY.pack(seq, len(key)), key, _CONTENT.pack(len(content)), content, core))
        entry = _ENTRY.pack(len(payload), zlib.crc32(payload)) + payload
        try:
            descriptor = self._segment_for(seq, len(entry))
            written = os.write(descriptor, entry)
            if written != len(entry):
                os.ftruncate(descriptor, self._size)
                raise SpoolFull("the spool's disk is full")
        except OSError as error:
            raise SpoolFull(f"the spool cannot be written ({error.strerror})") from error
        self._size += written

    def close(self) -> None:
        """Close the file being written."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _segment_for(self, seq: int, entry_bytes: int) -> int:
        if self._total_at_open + self._size + entry_bytes > self._max_bytes:
            self._total_at_open = self._bytes_of_others()
            if self._total_at_open + self._size + entry_bytes > self._max_bytes:
                raise SpoolFull("the spool has reached LANGTRAIL_SPOOL_MAX_BYTES")
        if self._descriptor is None or self._size >= self._segment_bytes:
            self._open_segment(seq)
        assert self._descriptor is not None  # noqa: S101 - _open_segment sets it or raises
        return self._descriptor

    def _open_segment(self, seq: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._files.segment_path(seq), flags, 0o600)
        self.close()
        self._descriptor, self._size = descriptor, os.fstat(descriptor).st_size
        self._total_at_open = self._bytes_of_others()

    def _bytes_of_others(self) -> int:
        sizes = [path.stat().st_size for path in self._files.directory.glob("*.log") if path.exists()]
        return sum(sizes) - self._size


class SpoolReader:
    """Reads a stream from a place on, also while it is being written."""

    def __init__(self, files: StreamFiles, position: Position) -> None:
        self._files = files
        self.position = position

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next entries, about `max_bytes` of them, and move on; empty when there are none yet.

        Raises SpoolDamaged when an entry that is whole does not fit its checksum.
        """
        entries = self._read_segment(max_bytes)
        while not entries and (following := self._following_segment()) is not None:
            self.position = Position(following, 0)
            entries = self._read_segment(max_bytes)
        return entries

    def _read_segment(self, max_bytes: int) -> list[Entry]:
        try:
            with self._files.segment_path(self.position.segment).open("rb") as file:
                file.seek(self.position.offset)
                data = file.read(max(max_bytes, _ENTRY.size))
                if len(data) >= _ENTRY.size and (missing := _ENTRY.size + _ENTRY.unpack_from(data)[0] - len(data)) > 0:
                    data += file.read(missing)
        except FileNotFoundError:
            return []
        entries = list(_entries(data, self.position))
        if entries:
            self.position = entries[-1].next
        return entries

    def _following_segment(self) -> int | None:
        return next((segment for segment in self._files.segments() if segment > self.position.segment), None)


def streams(spool: Path) -> list[StreamFiles]:
    """Return the streams in a spool directory, oldest first by their name, which is a UUIDv7."""
    if not spool.is_dir():
        return []
    return [StreamFiles(path) for path in sorted(spool.iterdir()) if (path / "stream.json").is_file()]


def create_stream(spool: Path, stream_id: str, facts: dict[str, Any]) -> StreamFiles:
    """Make the directory of a new stream and lock it. Raises SpoolFull when that is not possible."""
    files = StreamFiles(spool / stream_id)
    try:
        files.directory.mkdir(mode=0o700, parents=True)
        files.lock()
        files.describe(facts)
    except OSError as error:
        raise SpoolFull(f"the spool {spool} cannot be written ({error.strerror})") from error
    return files


def _entries(data: bytes, start: Position) -> Iterator[Entry]:
    at = 0
    while at + _ENTRY.size <= len(data):
        length, checksum = _ENTRY.unpack_from(data, at)
        payload = data[at + _ENTRY.size : at + _ENTRY.size + length]
        if len(payload) < length:
            return
        if zlib.crc32(payload) != checksum:
            raise SpoolDamaged(f"entry at byte {start.offset + at} of {start.segment:020d}.log does not fit its checksum")
        at += _ENTRY.size + length
        yield _entry(payload, Position(start.segment, start.offset + at))


def _entry(payload: bytes, following: Position) -> Entry:
    seq, key_length = _SEQ_KEY.unpack_from(payload)
    content_at = _SEQ_KEY.size + key_length
    (content_length,) = _CONTENT.unpack_from(payload, content_at)
    core_at = content_at + _CONTENT.size + content_length
    key, content = payload[_SEQ_KEY.size : content_at], payload[content_at + _CONTENT.size : core_at]
    return Entry(seq, key, content, payload[core_at:], following)


def _replace(path: Path, document: dict[str, Any]) -> None:
    """Write a small file so that a reader sees the old or the new one, never a part."""
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    temporary.replace(path)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SpoolDamaged(f"{path.name} is not readable ({type(error).__name__})") from None
