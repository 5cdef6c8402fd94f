"""A stream whose process is dead, taken over by this one: shipped to its end, then removed.

What its files lost is named in the stream itself, by an event that is appended to it: whoever ships it after us ships that
event with the same bytes.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

import orjson

from langtrail.schemas import RAW_EVENT, MalformedRecord, decode, registry
from langtrail.schemas.codec import join_raw

from .content import content_of
from .core import CoreWriter
from .entry import Entry
from .errors import SpoolFull
from .ids import uuid7
from .own_events import Hole, dropped_event
from .settings import ProducerSettings
from .shipper import Shipper, identify
from .sources import FileSource
from .spool import StreamFiles
from .spool_limit import SpoolLimit
from .spool_writer import SpoolWriter

log = logging.getLogger("langtrail.producer")


class Adopted:
    """One stream of a dead process. Its lock is held until it is removed or let go."""

    def __init__(self, files: StreamFiles, settings: ProducerSettings, on_hole: Callable[[Hole], None] | None = None) -> None:
        """Begin at the stream's watermark; `on_hole` is told what was lost. Raises SpoolDamaged when nobody can ship it."""
        self.files = files
        self._settings, self._on_hole = settings, on_hole
        self._facts = files.facts() if files.segments() else {}
        watermark = files.watermark()
        last = files.last_event()
        self._last_seq = last.seq if last else watermark.seq
        self._last_number = max(watermark.seq, self._last_seq) + files.torn(last)
        """The highest number that was given, as far as the files tell: the next event of ours must not use it again."""
        headers = identify(self._facts)[2] if self._facts else []
        self.stream_id: str = self._facts.get("stream_id", files.stream_id)
        self.source = FileSource(files, watermark, headers)
        self.shipper = Shipper(self.source, self._facts, watermark, self._name) if self._facts else None
        self._finished = False

    @property
    def left(self) -> int:
        """How many events Kafka has not acknowledged: the numbers up to the last one, and what is torn until that is named."""
        return self._unacknowledged(self._last_seq if self._finished else self._last_number)

    def done(self) -> bool:
        """Tell whether all of it is acknowledged. At the end of the files what is torn there is named, which adds an event."""
        if self.shipper is None:
            return True
        if not self._finished and self._unacknowledged(self._last_seq) == 0:
            self.source.finish()
            self.shipper.report_lost()
            self._finished = True
        return self._finished and self.left == 0

    def _unacknowledged(self, last_seq: int) -> int:
        return max(0, last_seq - self.shipper.acknowledged.seq) if self.shipper else 0

    def _name(self, hole: Hole) -> None:
        log.warning("events %d to %d of stream %s are lost: %s", hole.first_seq, hole.last_seq, self.stream_id, hole.reason)
        if self._on_hole:
            self._on_hole(hole)
        try:
            self._append_dropped(hole)
        except (SpoolFull, MalformedRecord) as error:
            log.warning("that cannot be recorded in stream %s (%s)", self.stream_id, error)

    def _append_dropped(self, hole: Hole) -> None:
        newest = registry().latest(RAW_EVENT)
        if self._facts["schema_id"] != newest.id:
            raise SpoolFull("another version of langtrail wrote it")
        seq = max(self._last_number, hole.last_seq) + 1
        occurred_at = max(time.time_ns() // 1000, _time_of(self.files.last_event()) + 1)
        draft = dropped_event(self._settings, hole)
        content, facts = content_of(draft)
        writer = CoreWriter(replace(self._settings, app=str(self._facts.get("app", ""))), self.stream_id)
        core = writer.core(draft, seq, uuid7(occurred_at // 1000), occurred_at, time.monotonic_ns(), facts)
        # Its own file: the last one may end within an entry. The limit is for what an application writes.
        appender = SpoolWriter(self.files, orjson.dumps(self._facts), SpoolLimit(self.files.directory.parent, 1 << 62))
        appender.append(seq, self.stream_id.encode(), content, core)
        appender.close()
        self._last_seq = self._last_number = seq


def _time_of(last: Entry | None) -> int:
    if last is None:
        return 0
    occurred_at: int = decode(registry().latest(RAW_EVENT), join_raw(bytes(32), b"", last.core))["occurred_at"]
    return occurred_at
