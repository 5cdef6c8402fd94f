"""The stream of one process: numbers, times and seals each event, and keeps it before the hook returns."""

import base64
import os
import threading
import time
from collections import deque
from typing import Final
from uuid import UUID

import orjson

from langtrail.schemas import RAW_EVENT, DataKey, associated_data, registry

from .content import content_of
from .core import CoreWriter
from .draft import Draft
from .errors import SpoolFull
from .event_log import EventLog
from .fresh import Fresh, fresh, many_fresh
from .ids import EventIds, uuid7
from .job import host
from .own_events import Hole, dropped_event, own_event
from .settings import ProducerSettings
from .spool import Watermark

_now_ns = time.time_ns
_monotonic_ns: Final = time.monotonic_ns


class Stream:
    """Numbers events from 0 on. What cannot be kept leaves a hole in the numbers, and a `dropped` event that names it.

    A hook may run within another (a finaliser, a signal handler): its draft goes through an inbox that the outer one empties,
    so that numbers and the order in the log agree and nobody waits for itself.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        """Open a new stream, on disk where that is possible."""
        self.stream_id = uuid7(_now_ns() // 1_000_000)
        self._stream_bytes, self._stream_key = UUID(self.stream_id).bytes, self.stream_id.encode()
        self._settings = settings
        self._writer = CoreWriter(settings, self.stream_id)
        self._key = DataKey.generate(list(settings.public_keys)) if settings.public_keys else None
        self.facts = self._facts()
        spool = None if settings.delivery == "drop" else settings.spool()
        self.log = EventLog(
            self.stream_id, orjson.dumps(self.facts), spool, settings.spool_max_bytes, settings.memory_max_bytes
        )
        self._lock = self.log.lock
        self._ids = EventIds()
        self._fresh: list[Fresh] = []
        self._inbox: deque[tuple[Draft, Fresh, bytes, bytes]] = deque()
        self._appending = False
        self._closed = False
        self.sleeper: threading.Event | None = None
        """What wakes the one who ships these events, while it sleeps."""
        self._seq = 0
        self._last_at = 0
        self.kept, self.last_kept = 0, -1
        """How many events were kept, and the number of the last one."""
        self.dropped = 0
        """How many numbers nobody will receive."""
        self._hole: Hole | None = None
        self._namings: deque[tuple[int, int]] = deque(maxlen=256)
        """Of the last `dropped` events: their own number, and the first one that they name."""

    def record(self, draft: Draft) -> bool:
        """Keep one event: on return it is in the log, or its number is part of a hole. False when the stream is closed."""
        try:
            random = self._fresh.pop()
        except IndexError:
            random = self._more_fresh()
        content, facts = content_of(draft, random)
        with self._lock:
            if self._closed:
                return False
            if self._appending:
                self._inbox.append((draft, random, content, facts))
                draft.taken = True
            else:
                self._append(draft, random, content, facts)
                if self._inbox:
                    self._empty_inbox()
        if self.sleeper is not None:
            self.sleeper.set()
        return True

    def record_surely(self, draft: Draft) -> int | None:
        """Keep one event and return its number; None: it was not kept. Within another hook it is not known yet: -1."""
        with self._lock:
            dropped = self.dropped
            if not self.record(draft):
                return None
            if self._appending:
                return -1
            return self._seq - 1 if self.dropped == dropped else None

    def record_hole(self, hole: Hole) -> None:
        """Name numbers of this stream that got lost after they were kept."""
        with self._lock:
            self.dropped += hole.count
        self.record(dropped_event(self._settings, hole))

    def check_files(self, acknowledged: Watermark) -> None:
        """Go on in new files when somebody removed ours; what Kafka did not have is lost with them, and named."""
        with self._lock:
            lost = self.log.start_over(acknowledged) if self.log.is_gone() else None
        if lost is not None:
            self.record_hole(Hole(*lost, "the files of the spool were removed"))

    def close(self) -> None:
        """Write the last event. What comes later belongs to another stream."""
        with self._lock:
            if not self._closed:
                self._empty_inbox()
                self._last_words()
                self._closed = True
        if self.sleeper is not None:
            self.sleeper.set()

    def end(self) -> bool:
        """Once nothing ships any more: let go of what is only in memory, and name it where the disk takes that.

        Tells whether there was any.
        """
        with self._lock:
            lost = self.log.give_up()
            if lost is not None:
                first, last, count = lost
                dropped = self.dropped + count  # what was dropped before is in the same hole, or named in an event that is lost
                named = min([named for seq, named in self._namings if seq >= first], default=first)
                self._drop(Hole(min(named, first), last, self.log.refusal or "the process ended before Kafka took it"))
                self.dropped = dropped
                self._last_words()
            self.log.close()
        return lost is not None

    def _empty_inbox(self) -> None:
        while self._inbox:
            self._append(*self._inbox.popleft())

    def _append(self, draft: Draft, random: Fresh, content: bytes, facts: bytes) -> None:
        self._appending = True
        try:
            if self._hole is not None:
                self._name_hole()
            seq = self._seq
            self._seq = seq + 1
            draft.taken = True
            try:
                self._write(seq, draft, random, content, facts)
            except SpoolFull as error:
                self._drop(Hole(seq, seq, str(error)))
            except BaseException:  # Ctrl-C in the middle of it
                draft.taken = self._find_out(seq)
                raise
        finally:
            self._appending = False

    def _drop(self, hole: Hole) -> None:
        """Widen the open hole: its numbers follow one another."""
        if self._hole is not None:
            first, last = min(self._hole.first_seq, hole.first_seq), max(self._hole.last_seq, hole.last_seq)
            self.dropped -= self._hole.count
            hole = Hole(first, last, self._hole.reason)
        self._hole = hole
        self.dropped += hole.count

    def _name_hole(self, *, last: bool = False) -> None:
        """Name the open hole as soon as there is room again; until then it only grows."""
        hole = self._hole
        assert hole is not None  # noqa: S101 - the caller asked
        if self._write_own(dropped_event(self._settings, hole), last=last):
            self._namings.append((self._seq - 1, hole.first_seq))
            self._hole = None

    def _last_words(self) -> None:
        if self._hole is not None:
            self._name_hole(last=True)
        ext = {"dropped": str(self.dropped)}
        self._write_own(own_event(self._settings, "stream_close", ext=ext, count=self.kept + 1), last=True)

    def _write_own(self, draft: Draft, *, last: bool) -> bool:
        random = fresh()  # of one's own: while there is no room, every event asks for this
        content, facts = content_of(draft, random)
        seq, self._seq = self._seq, self._seq + 1
        try:
            self._write(seq, draft, random, content, facts, last=last)
        except SpoolFull:
            self._seq = seq
            return False
        except BaseException:
            self._find_out(seq)
            raise
        return True

    def _find_out(self, seq: int) -> bool:
        """After an interrupt: tell whether the event was written. If it was not, its number is the next one's."""
        if not self.log.has(seq):
            self._seq = seq
            return False
        if self.last_kept < seq:
            self.last_kept = seq
            self.kept += 1
        self._last_at = max(self._last_at + 1, _now_ns() // 1000)
        return True

    def _write(self, seq: int, draft: Draft, random: Fresh, content: bytes, facts: bytes, *, last: bool = False) -> None:
        occurred_at = _now_ns() // 1000
        if occurred_at <= self._last_at:
            occurred_at = self._last_at + 1
        event_id = self._ids.of(occurred_at // 1000, seq)
        core = self._writer.core(draft, seq, event_id, occurred_at, _monotonic_ns(), facts)
        if content and self._key:
            content = self._key.seal(content, associated_data(self._stream_bytes, seq), random[2])
        key = draft.shared.key or self._stream_key
        if last:
            self.log.append_last(seq, key, content, core)
        else:
            self.log.append(seq, key, content, core)
        self._last_at, self.last_kept = occurred_at, seq
        self.kept += 1

    def _more_fresh(self) -> Fresh:
        """Return random values, and keep more for the next events; a fork has a stream of its own, and values of its own."""
        one, *more = many_fresh()
        self._fresh += more
        return one

    def _facts(self) -> dict[str, str | int]:
        return {
            "version": 1,
            "stream_id": self.stream_id,
            "schema_id": registry().latest(RAW_EVENT).id,
            "key": base64.b64encode(self._key.header).decode() if self._key else "",
            "app": self._settings.app_name(),
            "host": host(),
            "pid": os.getpid(),
        }
