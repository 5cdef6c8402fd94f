"""The spool: one directory for each stream, in it append-only files that hold every event before its hook returns.

STREAM_ID/00000000000000000000.log   entries from that seq on; a new file every few MiB
STREAM_ID/acknowledged.json          up to where Kafka has acknowledged, and the chain there; replaced as a whole
STREAM_ID/lock                       locked by the one process that writes or ships the stream; free once that process is dead
STREAM_ID/reserve                    room on the disk for the stream's last words
refused/STREAM_ID/                   events that Kafka refused for good
last-APP                             the newest stream of an application

A directory gets its name once it is locked, and loses it before anything in it is removed: whoever finds a stream finds
all of it. It survives the death of the process; only what a file's removal depends on is forced to the disk itself.
"""

import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from .entry import Entry, Position, begun_after, facts_of, last_event, parse
from .errors import SpoolDamaged, SpoolFull
from .file_lock import lock_file, unlock_file

RESERVE_BYTES = 8192
"""Room for a stream's last `dropped` and `stream_close`."""

_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Watermark:
    """Up to where Kafka has acknowledged: the last seq, how many events, the chain there, and the place of the next one."""

    seq: int = -1
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
        """Take the stream for this process. False when a living process has it, or it is gone. Raises OSError."""
        self._lock = lock_file(self.directory / "lock")
        return self._lock is not None

    def unlock(self) -> None:
        """Let go of the stream."""
        if self._lock is not None:
            unlock_file(self._lock)
            self._lock = None

    def facts(self) -> dict[str, Any]:
        """Return what a reader needs to know, from the first file that tells it. Raises SpoolDamaged when none does."""
        for segment in self.segments():
            with suppress(FileNotFoundError), self.segment_path(segment).open("rb") as file:
                found = facts_of(file.read(64 * 1024))
                if found is not None:
                    loaded: dict[str, Any] = json.loads(found)
                    return loaded
        raise SpoolDamaged("none of its files says whose stream it is")

    def watermark(self) -> Watermark:
        """Return what is acknowledged; nothing, for a stream that was never shipped.

        Raises SpoolDamaged when it cannot be read and events are gone already: nobody knows the chain before the others.
        """
        path = self.directory / "acknowledged.json"
        try:
            return Watermark(**json.loads(path.read_text()))
        except FileNotFoundError:
            return Watermark()
        except (OSError, ValueError, TypeError) as error:
            if self.segments()[:1] == [0]:
                return Watermark()
            raise SpoolDamaged(f"{path.name} is not readable ({type(error).__name__})") from None

    def acknowledge(self, watermark: Watermark) -> None:
        """Record what is acknowledged, and remove the files that hold nothing else. Raises OSError when the disk is full."""
        done = [segment for segment in self.segments() if segment < watermark.segment]
        replace_file(self.directory / "acknowledged.json", json.dumps(asdict(watermark)).encode(), durable=bool(done))
        for segment in done:
            self.segment_path(segment).unlink(missing_ok=True)

    def segments(self) -> list[int]:
        """Return the first seq of each file, ascending."""
        with suppress(FileNotFoundError):
            return sorted(int(path.stem) for path in self.directory.glob("*.log") if path.stem.isdecimal())
        return []

    def segment_path(self, segment: int) -> Path:
        """Return the path of the file that begins with this seq."""
        return self.directory / f"{segment:020d}.log"

    def last_event(self) -> Entry | None:
        """Return the last event in the files; None when there is none."""
        for segment in reversed(self.segments()):
            with suppress(FileNotFoundError), self.segment_path(segment).open("rb") as file:
                found = last_event(file.fileno(), segment, os.fstat(file.fileno()).st_size)
                if found is not None:
                    return found
        return None

    def torn(self, last: Entry | None) -> int:
        """Return how many events seem to lie, damaged, after the last one of the files."""
        segments = self.segments()
        if not segments:
            return 0
        start = last.next.offset if last and last.next and last.next.segment == segments[-1] else 0
        with self.segment_path(segments[-1]).open("rb") as file:
            rest = file.read() if not start else os.pread(file.fileno(), 1 << 30, start)
            whole = parse(rest, segments[-1], start, None)[0].end
            return begun_after(file.fileno(), start + whole, start + len(rest))

    def left(self) -> int:
        """Return how many events Kafka has not acknowledged: from the watermark to the last event, and what is torn after it.

        Raises SpoolDamaged.
        """
        last = self.last_event()
        return 0 if last is None else max(0, last.seq + self.torn(last) - self.watermark().seq)

    def remove(self) -> None:
        """Remove the stream: all of it is acknowledged."""
        gone = self.directory.with_name(f".removed-{self.stream_id}")
        self.directory.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        self.unlock()


def create_stream(spool: Path, stream_id: str) -> StreamFiles:
    """Make the directory of a new stream and lock it. Raises SpoolFull when that is not possible."""
    making = StreamFiles(spool / f".new-{stream_id}")
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        making.directory.mkdir(mode=0o700, exist_ok=True)
        if not making.lock():
            raise SpoolFull(f"the spool {spool} cannot be locked")
        _reserve(making.directory / "reserve")
        making.directory = making.directory.rename(spool / stream_id)
    except OSError as error:
        making.unlock()
        raise SpoolFull(f"the spool {spool} cannot be written ({error.strerror})") from error
    return making


def streams(spool: Path) -> list[StreamFiles]:
    """Return the streams in a spool directory, oldest first by their name, which is a UUIDv7. Raises OSError."""
    try:
        names = sorted(path.name for path in spool.iterdir())
    except FileNotFoundError:
        return []
    return [StreamFiles(spool / name) for name in names if is_stream_id(name)]


def is_stream_id(name: str) -> bool:
    """Tell whether a name is that of a stream."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def sweep(spool: Path) -> None:
    """Remove what processes left behind that died while they made or removed a stream. There are no events in it."""
    for path in spool.glob(".*-*"):
        stale = path.name.startswith((".new-", ".removed-")) and is_stream_id(path.name.partition("-")[2])
        with suppress(FileNotFoundError):
            if stale and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a small file so that a reader sees the old or the new one, never a part. `durable`: it survives a power loss."""
    temporary = path.with_name(f"{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(descriptor)
    temporary.replace(path)


def _reserve(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, bytes(RESERVE_BYTES))
    finally:
        os.close(descriptor)
