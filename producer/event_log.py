"""Where a stream's events are kept until Kafka has them: on disk, or in memory, within a bound, while the disk refuses.

Events that wait in memory are shipped from there, and go to the disk, in their order, as soon as it takes them again. Those
that Kafka acknowledged meanwhile never reach the disk; the next entry there then says where the chain is.
"""

import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from .entry import Entry, Resume
from .errors import SpoolFull
from .spool import StreamFiles, Watermark, create_stream
from .spool_limit import SpoolLimit
from .spool_writer import SpoolWriter

_TRY_AGAIN_SECONDS = 0.05
_ENTRY_BYTES: Final = 500
"""What Python's objects of an event take beside its bytes."""
_AT_HAND_BYTES: Final = 1024 * 1024
"""How much of what went to the disk is kept for who ships it: to read it back takes three times as long."""


class EventLog:
    """The events of one stream that Kafka has not acknowledged, oldest first. `lock` is held around every change."""

    def __init__(self, stream_id: str, facts: bytes, spool: Path | None, spool_max_bytes: int, memory_max_bytes: int) -> None:
        """Open the log. Without `spool`, and while it cannot be written, all is in memory."""
        self.lock = threading.RLock()
        self.files: StreamFiles | None = None
        self._stream_id, self._facts, self._spool = stream_id, facts, spool
        self._limit = SpoolLimit(spool, spool_max_bytes) if spool else None
        self._writer: SpoolWriter | None = None
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes, self._waiting_max = 0, memory_max_bytes
        self._resume: Resume | None = None
        self._last_on_disk = -1
        self._at_hand: list[Entry] = []
        self._at_hand_left = 0
        """How many bytes more are kept at hand: none where one event before is not, and before anybody asked."""
        self._try_at = 0.0
        self.refusal = ""
        """Why the disk last refused, empty when it never did."""
        self._open()

    @property
    def in_memory(self) -> bool:
        """Whether events wait in memory."""
        return bool(self._waiting)

    def append(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        """Keep an event, on disk where possible. Raises SpoolFull when memory, too, has no room."""
        writer = self._writer
        if (writer is not None and not self._waiting) or self.spill():
            try:
                if writer is not None and self._resume is None:
                    room, self._at_hand_left = self._at_hand_left, 0  # so it stays when the writer is interrupted
                    writer.append(seq, key, content, core)
                    self._last_on_disk = seq
                    if room > 0:
                        self._at_hand.append(Entry(seq, key, content, core, writer.end))
                        self._at_hand_left = room - len(content) - len(core) - _ENTRY_BYTES
                else:
                    self._write(seq, key, content, core)
            except SpoolFull as error:
                self.refusal = str(error)
            else:
                return
        size = len(key) + len(content) + len(core) + _ENTRY_BYTES
        if self._waiting_bytes + size > self._waiting_max:
            raise SpoolFull(self.refusal or "LANGTRAIL_MEMORY_MAX_BYTES is reached")
        exact = bytes(memoryview(content))  # what orjson returns takes 4 KiB, however short it is
        self._waiting.append(Entry(seq, key, exact, core, None))
        self._waiting_bytes += size

    def on_disk(self, seq: int) -> bool:
        """Tell whether a kept event is out of memory: on disk, or acknowledged."""
        with self.lock:
            return not self._waiting or self._waiting[0].seq > seq

    def has(self, seq: int) -> bool:
        """Tell, after an interrupt, whether the event that was being appended is here, as the last one."""
        if self._waiting and self._waiting[-1].seq == seq:
            return True
        last = self.files.last_event() if self.files is not None else None
        if last is None or last.seq != seq:
            return False
        self._last_on_disk = seq
        return True

    def spill(self) -> bool:
        """Move what waits in memory to the disk; tell whether nothing waits any more and the disk is there."""
        if self._waiting and time.monotonic() < self._try_at:
            return False
        if self._writer is None and not self._open():
            return False
        try:
            while self._waiting:
                entry = self._waiting[0]
                self._write(entry.seq, entry.key, entry.content, entry.core)
                self._forget_first()
        except SpoolFull as error:
            self.refusal = str(error)
            self._try_at = time.monotonic() + _TRY_AGAIN_SECONDS
            return False
        return True

    def take_at_hand(self) -> list[Entry]:
        """Return the first of what went to the disk since the last call. All of it is in the files, too."""
        with self.lock:
            taken, self._at_hand, self._at_hand_left = self._at_hand, [], _AT_HAND_BYTES
        return taken

    def waiting(self, max_bytes: int) -> list[Entry]:
        """Return the first events that wait in memory, about `max_bytes` of them, at least one if there is any."""
        found: list[Entry] = []
        for entry in self._waiting:
            max_bytes -= len(entry.content) + len(entry.core)
            found.append(entry)
            if max_bytes <= 0:
                break
        return found

    def acknowledge(self, watermark: Watermark) -> None:
        """Let go of events in memory that Kafka has."""
        if not self._waiting:
            return
        with self.lock:
            first = len(self._waiting)
            while self._waiting and self._waiting[0].seq <= watermark.seq:
                self._forget_first()
            if len(self._waiting) < first:
                self._resume = Resume(watermark.seq, watermark.events, bytes.fromhex(watermark.chain_hash))

    def is_gone(self) -> bool:
        """Tell whether somebody removed the file that is being written: what goes into it is lost."""
        return self._writer is not None and self._writer.is_gone()

    def start_over(self, acknowledged: Watermark) -> tuple[int, int] | None:
        """Go on in new files. Return the first and last number of what was lost with the old ones."""
        self.close()
        if self.files is not None:
            self.files.unlock()
        self.files = self._writer = None
        self._at_hand = []
        if acknowledged.events:
            self._resume = Resume(acknowledged.seq, acknowledged.events, bytes.fromhex(acknowledged.chain_hash))
        self._open()
        first = acknowledged.seq + 1
        return (first, self._last_on_disk) if first <= self._last_on_disk else None

    def append_last(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        """Keep one of the stream's last words, wherever there is any room. Raises SpoolFull."""
        if self._writer is None or self._waiting:
            self.append(seq, key, content, core)
        else:
            self._at_hand_left = 0
            self._writer.append_last(seq, key, content, core)

    def give_up(self) -> tuple[int, int, int] | None:
        """At the end: try the disk once more, and drop what still waits in memory.

        Return its first and last number, and how many events it is: there may be holes between them.
        """
        self._try_at = 0.0
        if self.spill() or not self._waiting:
            return None
        lost = self._waiting[0].seq, self._waiting[-1].seq, len(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return lost

    def close(self) -> None:
        """Write no more. The files stay, and stay locked."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, seq: int, key: bytes, content: bytes, core: bytes) -> None:
        assert self._writer is not None  # noqa: S101 - the caller looked
        self._at_hand_left = 0
        if self._resume is not None:
            self._writer.resume(seq, self._resume)
            self._resume = None
        self._writer.append(seq, key, content, core)
        self._last_on_disk = seq

    def _forget_first(self) -> None:
        entry = self._waiting.popleft()
        self._waiting_bytes -= len(entry.key) + len(entry.content) + len(entry.core) + _ENTRY_BYTES

    def _open(self) -> bool:
        if self._spool is None or self._limit is None or time.monotonic() < self._try_at:
            return False
        try:
            self.files = create_stream(self._spool, self._stream_id)
        except SpoolFull as error:
            self.refusal = str(error)
            self._try_at = time.monotonic() + _TRY_AGAIN_SECONDS
            return False
        self._writer = SpoolWriter(self.files, self._facts, self._limit)
        return True
