"""The size limit of a spool directory, all its processes together: LANGTRAIL_SPOOL_MAX_BYTES.

What is recorded is never deleted to make room: at the limit new events are refused until Kafka has acknowledged old ones.
Each process counts what it writes and looks at the directory every 64th of the limit, so the limit is exceeded by at most
that much for each other process that writes at the same time.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

MAX_SEGMENT_BYTES = 8 * 1024 * 1024
_MIN_STEP_BYTES = 64 * 1024
_LOOK_AGAIN_SECONDS = 0.25


class SpoolLimit:
    """How much may still be written. Not safe for threads: the stream's lock is held around it."""

    def __init__(self, spool: Path, max_bytes: int) -> None:
        self._spool, self.max_bytes = spool, max_bytes
        self.segment_bytes = min(MAX_SEGMENT_BYTES, max(max_bytes // 16, _MIN_STEP_BYTES))
        self._step = max(max_bytes // 64, _MIN_STEP_BYTES)
        self.left = 0
        """How much of the room that was found is left."""
        self._look_at = 0.0

    def take(self, count: int) -> bool:
        """Take room for `count` bytes; False when there is none."""
        if count > self.left:
            self._look(count)
        if count > self.left:
            return False
        self.left -= count
        return True

    def give_back(self, count: int) -> None:
        """Return room that was taken and not used."""
        self.left += count

    def _look(self, count: int) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        free = self.max_bytes - bytes_in(self._spool)
        self.left = max(0, min(free, max(self._step, count)))
        self._look_at = now + _LOOK_AGAIN_SECONDS if self.left < count else 0.0


def bytes_in(spool: Path) -> int:
    """Return how many bytes of events the streams of a spool directory hold."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(spool) as directories:
        for directory in directories:
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory.path) as files:
                total += sum(_size(file) for file in files if file.name.endswith(".log"))
    return total


def _size(file: os.DirEntry[str]) -> int:
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0
