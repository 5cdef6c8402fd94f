"""The stream of one process: numbers, times and seals each event, and spools it before the hook returns."""

import base64
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from uuid import UUID

from langtrail.schemas import RAW_EVENT, DataKey, associated_data, registry

from .core import CoreWriter, content_of
from .draft import Draft
from .errors import SpoolFull
from .identity import from_environment
from .settings import ProducerSettings
from .spool import SpoolWriter, StreamFiles, create_stream


class Stream:
    """Numbers events from 0 on. What cannot be kept leaves a hole in the numbers, and a `dropped` event that names it.

    A hook may run within another (a finaliser, a signal handler): drafts go through an inbox, and whoever holds the lock
    empties it, so that numbers and the order in the file agree and nobody waits for itself.
    """

    def __init__(self, settings: ProducerSettings, on_append: Callable[[], None]) -> None:
        """Open a new stream in the spool. Raises SpoolFull when the spool cannot be written."""
        self.stream_id = uuid7(time.time_ns() // 1_000_000)
        self._stream_bytes = UUID(self.stream_id).bytes
        self._settings = settings
        self._writer = CoreWriter(settings)
        self._key = DataKey.generate(list(settings.public_keys)) if settings.public_keys else None
        self.files: StreamFiles = create_stream(settings.spool(), self.stream_id, self._facts())
        self._spool = SpoolWriter(self.files, settings.spool_max_bytes)
        self._inbox: deque[tuple[Draft, bytes, bytes]] = deque()
        self._lock = threading.RLock()
        self._draining = False
        self._on_append = on_append
        self._seq = 0
        self._last_at = 0
        self.kept = 0
        self._dropped: tuple[int, int, str] | None = None

    @property
    def dropped(self) -> int:
        """How many events the open hole holds."""
        return self._dropped[1] - self._dropped[0] + 1 if self._dropped else 0

    def record(self, draft: Draft) -> None:
        """Keep one event. On return it is in the spool, or its number is part of a hole."""
        content, facts = content_of(draft)
        self._inbox.append((draft, content, self._writer.tail(draft, facts)))
        with self._lock:
            if self._draining:
                return
            self._draining = True
            try:
                while self._inbox:
                    self._append(*self._inbox.popleft())
            finally:
                self._draining = False
        self._on_append()

    def own(self, event_type: str, *, ext: dict[str, str] | None = None, **stream_fields: Any) -> Draft:
        """Return an event of the stream about itself."""
        return Draft(
            event_type=event_type,
            component="langtrail",
            identity=from_environment(self._settings),
            groups={"stream": stream_fields},
            ext=ext or {},
        )

    def close(self) -> None:
        """Write no more. The files stay: the sender removes them once all is acknowledged."""
        with self._lock:
            self._spool.close()

    def _append(self, draft: Draft, content: bytes, tail: bytes) -> None:
        if self._dropped is not None:
            self._report_dropped()
        try:
            self._write(draft, content, tail)
        except SpoolFull as error:
            first, reason = (self._dropped[0], self._dropped[2]) if self._dropped else (self._seq, str(error))
            self._dropped = (first, self._seq, reason)
        self._seq += 1

    def _report_dropped(self) -> None:
        """Name the hole as soon as there is room again; until then it only grows."""
        assert self._dropped is not None  # noqa: S101 - the caller asked
        first, last, reason = self._dropped
        draft = self.own("dropped", first_seq=first, last_seq=last, count=last - first + 1, ext={"reason": reason})
        content, facts = content_of(draft)
        try:
            self._write(draft, content, self._writer.tail(draft, facts))
        except SpoolFull:
            return
        self._dropped = None
        self._seq += 1

    def _write(self, draft: Draft, content: bytes, tail: bytes) -> None:
        occurred_at = max(time.time_ns() // 1000, self._last_at + 1)
        session_id = draft.identity.session_id or draft.root_run_id or self.stream_id
        core = CoreWriter.event(draft, self._numbered(occurred_at, session_id)) + tail
        if content and self._key:
            content = self._key.seal(content, associated_data(self._stream_bytes, self._seq))
        key = session_id if draft.root_run_id or draft.identity.session_id else self.stream_id
        self._spool.append(self._seq, key.encode("utf-8", "backslashreplace"), content, core)
        self._last_at = occurred_at
        self.kept += 1

    def _numbered(self, occurred_at: int, session_id: str) -> dict[str, Any]:
        return {
            "event_id": uuid7(occurred_at // 1000),
            "stream_id": self.stream_id,
            "seq": self._seq,
            "occurred_at": occurred_at,
            "monotonic_ns": time.monotonic_ns(),
            "session_id": session_id,
        }

    def _facts(self) -> dict[str, Any]:
        return {
            "version": 1,
            "stream_id": self.stream_id,
            "schema_id": registry().latest(RAW_EVENT).id,
            "key": base64.b64encode(self._key.header).decode() if self._key else "",
            "app": self._settings.app_name(),
            "pid": os.getpid(),
        }


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 (RFC 9562 §5.7) as text: 48 bits of time, 74 of randomness."""
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    digits = f"{value & ~(0x3 << 62) | (0x2 << 62):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
