"""Finds the record that kills the worker: which one was in hand is noted in a file that outlives the process."""

import mmap
import os
import struct
from pathlib import Path
from typing import Final

from .event import Rejected

MOST_DEATHS: Final = 3
"""A record that a worker died of this often is rejected."""
_NONE = (-1, -1)
_LAYOUT = struct.Struct("<qqqqq")  # record in hand, record last died of (each offset and timestamp), how often
_IN_HAND = struct.Struct("<qq")


class Deaths:
    """The notes of one worker: one file for each partition, written through memory, so that a killed process leaves them.

    A note costs no system call. It survives the death of the process, not of the machine: then the count begins anew.
    """

    def __init__(self, directory: Path) -> None:
        """Keep the notes in `directory`. Raises OSError when it cannot be made."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._notes: dict[int, mmap.mmap] = {}
        self._suspects: dict[int, tuple[int, int]] = {}

    def take(self, partition: int, offset: int, timestamp_ms: int) -> None:
        """Note that this record is in hand. Raises Rejected when it was in hand at three deaths.

        The timestamp tells it from a record of the same offset in a topic that was made anew.
        """
        notes = self._notes.get(partition) or self._open(partition)
        if (offset, timestamp_ms) == self._suspects[partition] and (deaths := _read(notes)[2]) >= MOST_DEATHS:
            raise Rejected("worker", "killed_worker", f"the worker died {deaths} times with this record in hand")
        _IN_HAND.pack_into(notes, 0, offset, timestamp_ms)

    def done(self, partition: int) -> None:
        """Note that no record of this partition is in hand."""
        _IN_HAND.pack_into(self._notes[partition], 0, *_NONE)

    def forget(self, partition: int) -> None:
        """Close the notes of a partition that another worker has now."""
        if notes := self._notes.pop(partition, None):
            notes.close()

    def _open(self, partition: int) -> mmap.mmap:
        descriptor = os.open(self._directory / f"partition-{partition}.notes", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size != _LAYOUT.size:
                os.truncate(descriptor, 0)
                os.write(descriptor, _LAYOUT.pack(*_NONE, *_NONE, 0))
            notes = mmap.mmap(descriptor, _LAYOUT.size)
        finally:
            os.close(descriptor)
        in_hand, suspect, deaths = _read(notes)
        if in_hand != _NONE:
            _LAYOUT.pack_into(notes, 0, *_NONE, *in_hand, deaths + 1 if in_hand == suspect else 1)
        self._notes[partition] = notes
        self._suspects[partition] = _read(notes)[1]
        return notes


def _read(notes: mmap.mmap) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Return the record in hand, the record last died of, and how often."""
    offset, timestamp_ms, suspect, suspect_ms, deaths = _LAYOUT.unpack_from(notes)
    return (offset, timestamp_ms), (suspect, suspect_ms), deaths
