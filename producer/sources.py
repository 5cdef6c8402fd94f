"""Where a shipper's events come from: the log of this process, or the files that a dead one left."""

import logging

from .entry import Entry
from .event_log import EventLog
from .outlet import Headers
from .refused import set_aside
from .spool import StreamFiles, Watermark
from .spool_reader import Lost, SpoolReader

log = logging.getLogger("langtrail.producer")


class FileSource:
    """A stream's files. `save` writes the watermark; until then it is only known here."""

    def __init__(self, files: StreamFiles, watermark: Watermark, headers: Headers) -> None:
        """Read from the watermark on."""
        self.files = files
        self._headers = headers
        self._reader = SpoolReader(files, watermark.position, watermark.seq)
        self._acknowledged = self._saved = watermark

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next events; empty when there are none now."""
        return self._reader.read(max_bytes)

    def take(self, at_hand: list[Entry]) -> list[Entry]:
        """Return those of some events that come next, instead of reading them; empty when none does."""
        return self._reader.take(at_hand)

    def rewind(self, watermark: Watermark) -> None:
        """Go back to the first event after the watermark. What was found damaged before it is not found again."""
        self._reader = SpoolReader(self.files, watermark.position, watermark.seq)

    def acknowledge(self, watermark: Watermark) -> None:
        """Take note that Kafka has all up to the watermark."""
        self._acknowledged = watermark

    def finish(self) -> None:
        """Take note that nothing more will be written."""
        self._reader.finish()

    def lost(self) -> list[Lost]:
        """Return what was found damaged since the last call."""
        found, self._reader.lost = self._reader.lost, []
        return found

    def set_aside(self, seq: int, key: bytes, value: bytes, why: str) -> str:
        """Keep a message that Kafka refuses for good; return where, empty when the disk does not take it."""
        spool, stream_id = self.files.directory.parent, self.files.stream_id
        try:
            return set_aside(spool, stream_id, seq, key, value, self._headers, why)
        except OSError as error:
            log.warning("event %d of stream %s, which Kafka refuses, cannot be kept (%s)", seq, stream_id, error.strerror)
            return ""

    def save(self) -> None:
        """Write the watermark, if it moved. Raises OSError."""
        if self._acknowledged != self._saved:
            self.files.acknowledge(self._acknowledged)
            self._saved = self._acknowledged


class LogSource:
    """The log of this process: its files, and what waits in memory because the disk does not take it."""

    def __init__(self, event_log: EventLog, headers: Headers) -> None:
        """Read from the beginning."""
        self._log, self._headers = event_log, headers
        self._watermark = Watermark()
        self._files: FileSource | None = None

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next events; empty when there are none now. Those on disk come first: they are older."""
        entries = self._on_disk(max_bytes)
        if entries or not self._log.in_memory:
            return entries
        with self._log.lock:
            return self._on_disk(max_bytes) or self._log.waiting(max_bytes)

    def rewind(self, watermark: Watermark) -> None:
        """Go back to the first event after the watermark."""
        if self._files:
            self._files.rewind(watermark)

    def acknowledge(self, watermark: Watermark) -> None:
        """Take note that Kafka has all up to the watermark."""
        self._watermark = watermark
        self._log.acknowledge(watermark)
        if self._files:
            self._files.acknowledge(watermark)

    def lost(self) -> list[Lost]:
        """Return what was found damaged since the last call."""
        return self._files.lost() if self._files else []

    def set_aside(self, seq: int, key: bytes, value: bytes, why: str) -> str:
        """Keep a message that Kafka refuses for good; return where, empty when there is no disk for it."""
        return self._files.set_aside(seq, key, value, why) if self._files else ""

    def save(self) -> None:
        """Write the watermark, if it moved. Raises OSError."""
        if self._files:
            self._files.save()

    def _on_disk(self, max_bytes: int) -> list[Entry]:
        files = self._log.files
        if files is None:
            return []
        if self._files is None or self._files.files is not files:
            self._files = FileSource(files, self._watermark, self._headers)
        return self._files.take(self._log.take_at_hand()) or self._files.read(max_bytes)
