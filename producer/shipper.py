"""Ships one stream from the spool to Kafka, in order, and moves its watermark as Kafka acknowledges.

Bytes are a function of the spool alone: a stream that is shipped again, by whoever, is shipped with identical bytes.
"""

import base64
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from confluent_kafka import KafkaException, Message, Producer

from langtrail.schemas import KEY_HEADER, chain_hash, event_hash, frame, topic
from langtrail.schemas.codec import join_raw

from .spool import Entry, SpoolReader, StreamFiles, Watermark

_CHUNK_BYTES = 512 * 1024
_CHUNKS_IN_FLIGHT = 8
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.5, 15.0
RAW_TOPIC: Final = topic("raw").name


@dataclass(slots=True)
class _Chunk:
    """Some consecutive events on their way: acknowledged as a whole, sent again as a whole."""

    after: Watermark
    waiting: int = 0
    failed: str = ""
    last_seq: int = -1

    def delivered(self, error: Any, _message: Message) -> None:
        """Count one delivery report."""
        self.waiting -= 1
        if error is not None:
            self.failed = error.name()


class Shipper:
    """One stream's way to Kafka. `step` does what can be done now and returns; the sender calls it again and again."""

    def __init__(self, files: StreamFiles, producer: Producer) -> None:
        """Begin at the stream's watermark. Raises SpoolDamaged when its facts are not readable."""
        facts = files.facts()
        self.files, self._producer = files, producer
        self._schema_id: int = facts["schema_id"]
        self._stream_bytes = UUID(facts["stream_id"]).bytes
        self._headers: list[tuple[str, str | bytes | None]] = (
            [(KEY_HEADER, base64.b64decode(facts["key"]))] if facts["key"] else []
        )
        self.acknowledged = files.watermark()
        self._saved = self.acknowledged
        self._chunks: deque[_Chunk] = deque()
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self.failure = ""
        """Kafka's name of the last error, empty while all is well."""
        self._rewind()

    @property
    def in_flight(self) -> bool:
        """Whether Kafka still has to answer for something."""
        return bool(self._chunks)

    @property
    def head(self) -> str:
        """The chain hash of the last event handed to Kafka, in hexadecimal."""
        return self._sent.chain_hash

    def step(self) -> bool:
        """Acknowledge what was delivered, send what is new. Return whether there was something to send."""
        self._settle()
        if self._chunks and self._chunks[0].failed:
            self._start_again()
        if time.monotonic() < self._retry_at or len(self._chunks) >= _CHUNKS_IN_FLIGHT:
            return False
        entries = self._reader.read(_CHUNK_BYTES)
        if entries:
            self._send(entries)
        return bool(entries)

    def save(self) -> None:
        """Write the watermark, if it moved."""
        if self.acknowledged != self._saved:
            self.files.acknowledge(self.acknowledged)
            self._saved = self.acknowledged

    def at_end(self) -> bool:
        """Tell whether all that is in the files is acknowledged."""
        return not self._chunks and not SpoolReader(self.files, self.acknowledged.position).read(1)

    def _settle(self) -> None:
        while self._chunks and not self._chunks[0].waiting and not self._chunks[0].failed:
            self.acknowledged = self._chunks.popleft().after
            self._retry_seconds, self.failure = _FIRST_RETRY_SECONDS, ""

    def _start_again(self) -> None:
        """Once Kafka has answered for all that is in flight, go back to the watermark and wait before the next try."""
        if any(chunk.waiting for chunk in self._chunks):
            return
        self.failure = self._chunks[0].failed
        self._chunks.clear()
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, _LAST_RETRY_SECONDS)
        self._rewind()

    def _rewind(self) -> None:
        self._sent = self.acknowledged
        self._reader = SpoolReader(self.files, self._sent.position)

    def _send(self, entries: list[Entry]) -> None:
        chain = bytes.fromhex(self._sent.chain_hash)
        chunk = _Chunk(self._sent)
        for entry in entries:
            chain = chain_hash(self._stream_bytes, entry.seq, chain, event_hash(entry.core))
            value = frame(self._schema_id, join_raw(chain, entry.content, entry.core))
            self._produce(chunk, entry.key, value)
        following = entries[-1].next
        self._sent = Watermark(self._sent.events + len(entries), chain.hex(), following.segment, following.offset)
        chunk.after = self._sent
        self._chunks.append(chunk)

    def _produce(self, chunk: _Chunk, key: bytes, value: bytes) -> None:
        chunk.waiting += 1
        while True:
            try:
                self._producer.produce(RAW_TOPIC, value, key, headers=self._headers, on_delivery=chunk.delivered)
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                chunk.delivered(error.args[0], None)  # type: ignore[arg-type] # no message was made
                return
            else:
                return
