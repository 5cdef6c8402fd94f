"""Ships one stream to Kafka, in order, and knows up to where Kafka has acknowledged.

Bytes are a function of the stream alone: a stream that is shipped again, by whoever, is shipped with identical bytes.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from confluent_kafka import KafkaError, Message

from langtrail.schemas import KEY_HEADER, chain_hash, event_hash, frame
from langtrail.schemas.codec import join_raw

from .entry import Entry
from .errors import SpoolDamaged
from .outlet import REFUSED_FOR_GOOD, Headers
from .own_events import Hole
from .spool import Watermark
from .spool_reader import Lost

_MANY = 4096


class Source(Protocol):
    """Where a stream's events come from."""

    def read(self, max_bytes: int) -> list[Entry]:
        """Return the next events and move on; empty when there are none now."""

    def rewind(self, watermark: Watermark) -> None:
        """Go back to the first event after the watermark."""

    def acknowledge(self, watermark: Watermark) -> None:
        """Take note that Kafka has all up to the watermark."""

    def lost(self) -> list[Lost]:
        """Return what was found damaged since the last call."""

    def set_aside(self, seq: int, key: bytes, value: bytes, why: str) -> str:
        """Keep a message that Kafka refuses for good; return where, empty when it cannot be kept."""


class Shipper:
    """One stream's way to Kafka: load a batch, hand its messages over, settle once Kafka has answered for all of them."""

    def __init__(self, source: Source, facts: dict[str, Any], acknowledged: Watermark, report: Callable[[Hole], None]) -> None:
        """Begin after `acknowledged`; `report` is told what will never arrive. Raises SpoolDamaged when the facts are none."""
        self._schema_id, self._stream_bytes, self.headers = identify(facts)
        self.acknowledged = acknowledged
        self._source, self._report = source, report
        self._sent = acknowledged
        self._failure: KafkaError | None = None
        self._entries: list[Entry] = []
        self._read_ahead = False
        """Whether more was read than is sent."""
        self._lost_to = acknowledged.seq
        self._most = 0
        """Above 0: Kafka refused a batch for its size or content, and at most so many are sent at once, alone."""

    @property
    def careful(self) -> bool:
        """Whether this stream has to be sent apart from others, to find the event that Kafka refuses."""
        return self._most > 0

    @property
    def head(self) -> str:
        """The chain hash of the last event that Kafka has, in hexadecimal."""
        return self.acknowledged.chain_hash

    def load(self, max_bytes: int) -> int:
        """Read the next batch; return how many bytes its events have."""
        entries = self._unacknowledged(max_bytes)
        self.report_lost()
        if not entries:
            self._most = 0
        self._entries = entries[: self._most] if self._most else entries
        self._read_ahead = len(self._entries) < len(entries)
        self._failure = None
        return sum([len(content) + len(core) for _, _, content, core, _, _ in self._entries])

    def messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the batch as (key, value) pairs."""
        sent = self.acknowledged
        seq, events, position = sent.seq, sent.events, sent.position
        chain, stream, prefix = bytes.fromhex(sent.chain_hash), self._stream_bytes, frame(self._schema_id, b"")
        for number, key, content, core, following, resume in self._entries:
            if resume is not None and resume.seq > seq:
                _, events, chain = resume
            seq, events, position = number, events + 1, following or position
            chain = chain_hash(stream, seq, chain, event_hash(core))
            yield key, join_raw(chain, content, core, prefix)
        self._sent = Watermark(seq, events, chain.hex(), position.segment, position.offset)

    def failed(self, error: KafkaError, _message: Message | None) -> None:
        """Take note of a refusal; one that asks for another try counts more than one that is for good."""
        if self._failure is None or self._failure.code() in REFUSED_FOR_GOOD:
            self._failure = error

    def settle(self) -> KafkaError | None:
        """Once Kafka has answered for the whole batch: move on, or go back. Return the error that asks for a pause."""
        failure, self._failure = self._failure, None
        if not self._entries:
            return None
        if failure is None:
            self._most = self._most * 2 if self._most < _MANY else 0
            self._advance()
        elif failure.code() not in REFUSED_FOR_GOOD:
            self.rewind()
            return failure
        elif len(self._entries) > 1:
            self._most = len(self._entries) // 2
            self.rewind()
        else:
            self._pass_by(failure.name())
        return None

    def rewind(self) -> None:
        """Forget the batch: it will be read again."""
        self._entries = []
        self._source.rewind(self.acknowledged)

    def report_lost(self) -> None:
        """Name what its source found damaged, once, however often it is read again."""
        for lost in self._source.lost():
            if lost.last_seq > self._lost_to:
                self._lost_to = lost.last_seq
                self._report(Hole(lost.first_seq, lost.last_seq, f"the spool was damaged at {lost.where}"))

    def _unacknowledged(self, max_bytes: int) -> list[Entry]:
        """Read on. What was acknowledged while it was in memory, and came to the disk after that, is passed over."""
        while entries := self._source.read(max_bytes):
            if entries[0].seq > self.acknowledged.seq:
                return entries
            if left := [entry for entry in entries if entry.seq > self.acknowledged.seq]:
                return left
            if (position := entries[-1].next) is not None:
                self.acknowledged = replace(self.acknowledged, segment=position.segment, offset=position.offset)
        return []

    def _advance(self) -> None:
        self._entries = []
        self.acknowledged = self._sent
        self._source.acknowledge(self.acknowledged)
        if self._read_ahead:
            self._source.rewind(self.acknowledged)

    def _pass_by(self, why: str) -> None:
        """Go on without an event that Kafka refuses even alone; its hash stays in the chain."""
        ((key, value),) = self.messages()
        entry = self._entries[0]
        kept_in = self._source.set_aside(entry.seq, key, value, why)
        self._advance()
        ext = {"event_hash": event_hash(entry.core).hex()}
        self._report(Hole(entry.seq, entry.seq, f"Kafka refuses it ({why})", {**ext, "kept_in": kept_in} if kept_in else ext))


def identify(facts: dict[str, Any]) -> tuple[int, bytes, Headers]:
    """Return a stream's schema id, its id as 16 bytes, and the headers of its records. Raises SpoolDamaged."""
    try:
        schema_id, stream_id, key = int(facts["schema_id"]), UUID(facts["stream_id"]).bytes, base64.b64decode(facts["key"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpoolDamaged(f"it does not say whose stream it is ({type(error).__name__})") from None
    return schema_id, stream_id, [(KEY_HEADER, key)] if key else []
