"""The stream of one process: numbers, times and seals each event, and keeps it before the hook returns."""

import base64
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from uuid import UUID

import orjson

from langtrail.schemas import RAW_EVENT, DataKey, associated_data, registry

from .content import content_of
from .core import CoreWriter
from .draft import Draft
from .errors import SpoolFull
from .event_log import EventLog
from .ids import uuid7
from .own_events import Hole, dropped_event, own_event
from .settings import ProducerSettings
from .spool import Watermark

_KEY_BYTES = 0xFFFF
_now_ns, _monotonic_ns = time.time_ns, time.monotonic_ns

Append = Callable[[int, bytes, bytes, bytes], None]
"""Keeps an event: seq, key, content, core. Raises SpoolFull."""


class Stream:
    """Numbers events from 0 on. What cannot be kept leaves a hole in the numbers, and a `dropped` event that names it.

    A hook may run within another (a finaliser, a signal handler): its draft goes through an inbox that the outer one empties,
    so that numbers and the order in the log agree and nobody waits for itself.
    """

    def __init__(self, settings: ProducerSettings, on_append: Callable[[], None]) -> None:
        """Open a new stream, on disk where that is possible."""
        self.stream_id = uuid7(_now_ns() // 1_000_000)
        self._stream_bytes = UUID(self.stream_id).bytes
        self._settings = settings
        self._writer = CoreWriter(settings, self.stream_id)
        self._key = DataKey.generate(list(settings.public_keys)) if settings.public_keys else None
        self.facts = self._facts()
        spool = None if settings.delivery == "drop" else settings.spool()
        self.log = EventLog(
            self.stream_id, orjson.dumps(self.facts), spool, settings.spool_max_bytes, settings.memory_max_bytes
        )
        self._lock = self.log.lock
        self._inbox: deque[tuple[Draft, bytes, bytes]] = deque()
        self._appending = False
        self._closed = False
        self._on_append = on_append
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
        content, facts = content_of(draft)
        tail = self._writer.tail(draft, facts)
        with self._lock:
            if self._closed:
                return False
            self._inbox.append((draft, content, tail))
            if not self._appending:
                self._empty_inbox()
        self._on_append()
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
        self._on_append()

    def end(self) -> int:
        """Once nothing ships any more: let go of what is only in memory, and name it where the disk takes that.

        Returns how many events that is.
        """
        with self._lock:
            lost = self.log.give_up()
            if lost is not None:
                first = min([named for seq, named in self._namings if seq >= lost[0]], default=lost[0])
                self._drop(Hole(min(first, lost[0]), lost[1], self.log.refusal or "the process ended before Kafka took it"))
                self._last_words()
            self.log.close()
        return lost[1] - lost[0] + 1 if lost else 0

    def _empty_inbox(self) -> None:
        self._appending = True
        try:
            while self._inbox:
                self._append(*self._inbox.popleft())
        finally:
            self._appending = False

    def _append(self, draft: Draft, content: bytes, tail: bytes) -> None:
        if self._hole is not None:
            self._name_hole(self.log.append)
        seq, self._seq = self._seq, self._seq + 1
        try:
            self._write(seq, draft, content, tail, self.log.append)
        except SpoolFull as error:
            self._drop(Hole(seq, seq, str(error)))
        except BaseException:  # Ctrl-C in the middle of it: whether it was written is not known
            self._drop(Hole(seq, seq, "the process was interrupted"))
            raise

    def _drop(self, hole: Hole) -> None:
        """Widen the open hole: its numbers follow one another."""
        if self._hole is not None:
            first, last = min(self._hole.first_seq, hole.first_seq), max(self._hole.last_seq, hole.last_seq)
            self.dropped -= self._hole.count
            hole = Hole(first, last, self._hole.reason)
        self._hole = hole
        self.dropped += hole.count

    def _name_hole(self, append: Append) -> None:
        """Name the open hole as soon as there is room again; until then it only grows."""
        hole = self._hole
        assert hole is not None  # noqa: S101 - the caller asked
        if self._write_own(dropped_event(self._settings, hole), append):
            self._namings.append((self._seq - 1, hole.first_seq))
            self._hole = None

    def _last_words(self) -> None:
        if self._hole is not None:
            self._name_hole(self.log.append_last)
        ext = {"dropped": str(self.dropped)}
        self._write_own(own_event(self._settings, "stream_close", ext=ext, count=self.kept + 1), self.log.append_last)

    def _write_own(self, draft: Draft, append: Append) -> bool:
        content, facts = content_of(draft)
        seq, self._seq = self._seq, self._seq + 1
        try:
            self._write(seq, draft, content, self._writer.tail(draft, facts), append)
        except SpoolFull:
            self._seq = seq
            return False
        return True

    def _write(self, seq: int, draft: Draft, content: bytes, tail: bytes, append: Append) -> None:
        occurred_at = max(_now_ns() // 1000, self._last_at + 1)
        session_id = draft.identity.session_id or draft.root_run_id
        key = (session_id or self.stream_id).encode("utf-8", "backslashreplace")
        if len(key) > _KEY_BYTES:
            key = key[:_KEY_BYTES].decode("utf-8", "ignore").encode()
        event_id = uuid7(occurred_at // 1000)
        group = self._writer.event(draft, seq, event_id, occurred_at, _monotonic_ns(), session_id or self.stream_id)
        if content and self._key:
            content = self._key.seal(content, associated_data(self._stream_bytes, seq))
        append(seq, key, content, group + tail)
        self._last_at, self.last_kept = occurred_at, seq
        self.kept += 1

    def _facts(self) -> dict[str, str | int]:
        return {
            "version": 1,
            "stream_id": self.stream_id,
            "schema_id": registry().latest(RAW_EVENT).id,
            "key": base64.b64encode(self._key.header).decode() if self._key else "",
            "app": self._settings.app_name(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }
