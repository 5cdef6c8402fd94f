"""What a dead letter says of itself in its headers, and the core that its bytes may hold. Its content is never opened."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from confluent_kafka import Message

from langtrail.schemas import (
    AUDIT_EVENT,
    RAW_EVENT,
    DeadLetterHeader,
    MalformedRecord,
    UnknownSchemaId,
    decode,
    registry,
    unframe,
)
from langtrail.schemas.headers import REPLAYED_FROM_HEADER, REVISION_HEADER

from .records import Headers

_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is known of a dead letter without its bytes. Times: milliseconds since 1970. `size`: of its value, in bytes.

    A number is None when its header is missing or is none. `digest` is the same for all dead letters of one record.
    """

    partition: int
    offset: int
    rejected_at_ms: int
    reason: str
    stage: str
    error: str
    origin_topic: str
    origin_partition: int | None
    origin_offset: int | None
    origin_at_ms: int | None
    version: str
    revision: int
    replayed_from: str | None
    size: int
    key: str | None
    digest: bytes

    @property
    def name(self) -> str:
        """PARTITION:OFFSET in the topic of the dead letters."""
        return f"{self.partition}:{self.offset}"


def letter_of(message: Message) -> DeadLetter:
    """Return what a record of the dead letters says of itself, whoever wrote it."""
    headers = dict(headers_of(message))
    key, value = bytes_of(message.key()), bytes_of(message.value())
    origin = _text(headers.get(DeadLetterHeader.TOPIC))
    return DeadLetter(
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        rejected_at_ms=message.timestamp()[1],
        reason=_text(headers.get(DeadLetterHeader.REASON)),
        stage=_text(headers.get(DeadLetterHeader.STAGE)),
        error=_text(headers.get(DeadLetterHeader.ERROR)),
        origin_topic=origin,
        origin_partition=_number(headers.get(DeadLetterHeader.PARTITION)),
        origin_offset=_number(headers.get(DeadLetterHeader.OFFSET)),
        origin_at_ms=_number(headers.get(DeadLetterHeader.TIMESTAMP)),
        version=_text(headers.get(DeadLetterHeader.VERSION)),
        revision=_number(headers.get(REVISION_HEADER)) or 0,
        replayed_from=_text(headers.get(REPLAYED_FROM_HEADER)) or None,
        size=len(value or b""),
        key=None if key is None else _text(key),
        digest=sha256(b"".join(sha256(part or b"").digest() for part in (origin.encode(), key, value))).digest(),
    )


def core_of(value: bytes | None) -> tuple[int | None, dict[str, Any] | None]:
    """Return schema id and core of a value (UUIDs as text, times in microseconds), None for what cannot be read.

    It is what the bytes say, held against no hash.
    """
    schema_id = None
    try:
        framed = unframe(value)
        schema_id = framed.schema_id
        schema = registry().by_id(schema_id)
        if schema.subject not in (RAW_EVENT, AUDIT_EVENT):
            return schema_id, None
        record = decode(schema, framed.datum)
    except (MalformedRecord, UnknownSchemaId):
        return schema_id, None
    return schema_id, {field["name"]: record[field["name"]] for field in schema.avro["fields"][schema.head_length :]}


def headers_of(message: Message) -> Headers:
    """Return the headers of a message in their order."""
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(name, bytes_of(value)) for name, value in pairs]


def bytes_of(value: str | bytes | None) -> bytes | None:
    """Return a key, a value or a header as Kafka has it."""
    return value.encode() if isinstance(value, str) else value


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= _MOST_DIGITS else None
