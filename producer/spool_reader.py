"""Reads a stream from a place on, also while it is being written. What is damaged is passed over and named."""

import os
from dataclasses import dataclass

from .entry import Entry, Parsed, Position, Resume, begun_after, find_entry, parse
from .spool import StreamFiles


@dataclass(frozen=True)
class Lost:
    """Numbers that the files no longer hold, both included, and where they were."""

    first_seq: int
    last_seq: int
    where: str


class SpoolReader:
    """A reader at one place of a stream. `lost` collects what was damaged."""

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

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next entries, about `max_bytes` of them, and move on; empty when there are none yet."""
        while True:
            entries = self._read_segment(max_bytes)
            if entries:
                return self._passed(entries)
            following = self._following_segment()
            if following is None:
                return []
            # The writer leaves a file for good before it makes the next one: what is in it now is all there will be.
            entries = self._read_segment(max_bytes, final=True)
            if entries:
                return self._passed(entries)
            self.position = Position(following, 0)

    def finish(self) -> None:
        """Take note that nothing more will be written: an end that is torn is a loss, of one event at least."""
        self._read_segment(1, final=True)
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
        try:
            descriptor = os.open(self._files.segment_path(self.position.segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            size = os.fstat(descriptor).st_size
            while self.position.offset < size:
                parsed = self._parse(descriptor, max_bytes, size)
                if parsed.end:
                    self.position = Position(self.position.segment, self.position.offset + parsed.end)
                    if parsed.entries:
                        return parsed.entries
                elif not self._pass_over(descriptor, size, final=final):
                    break
            return []
        finally:
            os.close(descriptor)

    def _parse(self, descriptor: int, max_bytes: int, size: int) -> Parsed:
        """Parse about `max_bytes`; an entry that is longer is read whole."""
        segment, offset = self.position
        wanted = max_bytes
        while True:
            data = os.pread(descriptor, min(wanted, size - offset), offset)
            parsed, resume = parse(data, segment, offset, self._resume)
            if parsed.end or not len(data) < parsed.wanted <= size - offset:
                break
            wanted = parsed.wanted
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
