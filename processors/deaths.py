"""Finds the record that kills the worker: which one was in hand is noted in a file that outlives the process."""

import mmap
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from .event import Rejected

MOST_DEATHS: Final = 3
"""A record that a worker died of this often is rejected."""
_NONE = (-1, -1)
_LAYOUT = struct.Struct("<qqqqq")  # record in hand, record last died of (each offset and timestamp), how often
_IN_HAND = struct.Struct("<qq")


class Notes:
    """The notes on one partition, in memory that is a file's."""

    def __init__(self, path: Path) -> None:
        self._memory = _mapped(path)
        in_hand, suspect, deaths = _read(self._memory)
        if in_hand != _NONE:
            _LAYOUT.pack_into(self._memory, 0, *_NONE, *in_hand, deaths + 1 if in_hand == suspect else 1)
        _, suspect, self._deaths = _read(self._memory)
        self.convicted = suspect if self._deaths >= MOST_DEATHS else None
        """Offset and timestamp of the record that was in hand at three deaths, if there is one."""
        self.in_hand: Callable[[int, int], None] = partial(_IN_HAND.pack_into, self._memory, 0)
        """Note that the record with this offset and timestamp is in hand."""

    def judge(self, offset: int, timestamp_ms: int) -> None:
        """Raise Rejected for a record that was in hand at three deaths.

        The timestamp tells it from a record of the same offset in a topic that was made anew.
        """
        if self.convicted == (offset, timestamp_ms):
            raise Rejected("worker", "killed_worker", f"the worker died {self._deaths} times with this record in hand")

    def done(self) -> None:
        """Note that no record is in hand."""
        self.in_hand(*_NONE)


class Deaths:
    """The notes of one worker: one file for each partition, written through memory, so that a killed process leaves them.

    A note costs no system call. It survives the death of the process, not of the machine: then the count begins anew.
    """

    def __init__(self, directory: Path) -> None:
        """Keep the notes in `directory`. Raises OSError when it cannot be made."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._notes: dict[int, Notes] = {}

    def of(self, partition: int) -> Notes:
        """Return the notes on a partition."""
        if partition not in self._notes:
            self._notes[partition] = Notes(self._directory / f"partition-{partition}.notes")
        return self._notes[partition]

    def forget(self, partition: int) -> None:
        """Have no more notes on a partition that another worker has now."""
        self._notes.pop(partition, None)


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size != _LAYOUT.size:
            os.truncate(descriptor, 0)
            os.write(descriptor, _LAYOUT.pack(*_NONE, *_NONE, 0))
        return mmap.mmap(descriptor, _LAYOUT.size)
    finally:
        os.close(descriptor)


def _read(notes: mmap.mmap) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Return the record in hand, the record last died of, and how often."""
    offset, timestamp_ms, suspect, suspect_ms, deaths = _LAYOUT.unpack_from(notes)
    return (offset, timestamp_ms), (suspect, suspect_ms), deaths
