"""Records of one partition gathered into batches: as large as the backlog allows, as young as a reader can wait for."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

from confluent_kafka import Message

from langtrail.schemas import (
    AUDIT_EVENT,
    MalformedRecord,
    RegisteredSchema,
    UnknownSchemaId,
    frame,
    record_hash,
    registry,
    unframe,
)

from .event import Rejected
from .intent import Intent

_HASH_BYTES: Final = 32
_FRAME_BYTES: Final = 5
_MOST_WAITING: Final = 3
_PLAUSIBLE_IDS: Final = 1000
"""So many ids above the newest known one are taken for a newer version's; what is beyond is no schema id at all."""


class Row(NamedTuple):
    """A record that can be handed to the store: its offset, its Avro datum, and how it came from Kafka."""

    offset: int
    datum: bytes
    message: Message


class Reject(NamedTuple):
    """A record that cannot be stored, and why."""

    message: Message
    why: Rejected


@dataclass
class Batch:
    """Consecutive records of one partition and one schema, lo to hi."""

    lo: int
    began: float
    """When its first record was taken, seconds on the monotonic clock."""
    schema: RegisteredSchema | None = None
    """None as long as there is no readable record."""
    hi: int = -1
    bytes: int = 0
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    doubtful: bool = False
    """Some of it may be stored already: ask before it is inserted."""
    newer: int | None = None
    """The schema id that all its records have, when that is one of a newer langtrail."""

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejects)

    def intent(self, generation: int) -> Intent:
        """Return what is about to be stored."""
        return Intent(self.lo, self.hi, len(self), self.schema.id if self.schema else 0, generation)


@dataclass(frozen=True)
class Limits:
    """When a batch is full."""

    rows: int
    bytes: int


class Gathering:
    """The records of one partition that were read and are not yet being stored."""

    def __init__(self, limits: Limits, replay: Intent | None = None) -> None:
        self._limits = limits
        self._replay = replay
        self._full: deque[Batch] = deque()
        self._open: Batch | None = None

    def add(self, message: Message, now: float) -> None:
        """Take the next record. A batch ends where it is full, where the schema changes, and where a replay ends."""
        offset = message.offset()
        assert offset is not None  # noqa: S101 - a message without error has an offset
        schema, datum = _read_sound(message.value())
        batch, size, limits = self._open, len(datum), self._limits
        if schema is None or batch is None or schema is not batch.schema or self._replay or batch.bytes + size > limits.bytes:
            self._add_other(message, offset, now)
        else:  # nearly every record: one more of the same
            batch.hi = offset
            batch.bytes += size
            batch.rows.append(Row(offset, datum, message))
            if len(batch.rows) + len(batch.rejects) >= limits.rows:
                self._close()

    def _add_other(self, message: Message, offset: int, now: float) -> None:
        schema, datum, why, newer = _read(message)
        size = len(datum)
        if self._replay and offset > self._replay.hi:
            self.end_replay()
        if (batch := self._open) is None or self._ends_before(batch, schema, size, newer):
            self._close()
            batch = self._open = Batch(offset, now, doubtful=self._replay is not None, newer=newer)
        batch.hi = offset
        batch.bytes += size
        if why:
            batch.rejects.append(Reject(message, why))
        else:
            batch.schema = schema
            batch.rows.append(Row(offset, datum, message))
        if self._replay and offset == self._replay.hi:
            self.end_replay()
        elif not self._replay and len(batch) >= self._limits.rows:
            self._close()

    def take(self, now: float, oldest_seconds: float) -> Batch | None:
        """Return the next batch that is full, or whose first record was taken `oldest_seconds` ago."""
        if not self._full and self._replay is None and self._open and now - self._open.began >= oldest_seconds:
            self._close()
        return self._full.popleft() if self._full else None

    def end_replay(self) -> Intent | None:
        """End the replay with what was read, when there are no more records. Returns its intent, None if there is no replay."""
        ended, self._replay = self._replay, None
        if ended:
            self._close()
        return ended

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that no more should be read."""
        return len(self._full) >= _MOST_WAITING

    @property
    def is_short(self) -> bool:
        """Whether so little waits that reading should go on. Between the two it stays as it is.

        Kafka's client throws away what it has read ahead when a partition is paused, so that is not to happen for each batch.
        """
        return len(self._full) <= 1

    def _ends_before(self, batch: Batch, schema: RegisteredSchema | None, size: int, newer: int | None) -> bool:
        if newer != batch.newer:
            return True
        if schema and batch.schema and schema is not batch.schema:
            return True
        return self._replay is None and batch.bytes + size > self._limits.bytes

    def _close(self) -> None:
        if self._open:
            self._full.append(self._open)
            self._open = None


def deduplication_token(generation: int, topic: str, partition: int, schema: RegisteredSchema, rows: Sequence[Row]) -> str:
    """Return the token of an insert: the same for the same records, another for any other.

    ClickHouse drops a block whose token it knows without looking at its data. So the token ends in a digest of the record
    hashes: a topic that was deleted and made anew has the same offsets, and its first records would be dropped.
    """
    digest = sha256(b"".join(row.datum[:_HASH_BYTES] for row in rows)).hexdigest()[:32]
    return f"{generation}:{topic}:{partition}:{rows[0].offset}-{rows[-1].offset}:{schema.id}:{digest}"


def missing(rows: Iterable[Row], schema: RegisteredSchema, stored: set[bytes]) -> list[Row]:
    """Return the rows whose event is not among the stored event hashes."""
    at = event_hash_at(schema)
    return [row for row in rows if row.datum[at : at + _HASH_BYTES] not in stored]


@cache
def event_hash_at(schema: RegisteredSchema) -> int:
    """Return where the event hash begins in every datum of an AuditEvent schema: only fixed fields come before it."""
    at = 0
    for declared in schema.avro["fields"]:
        if declared["name"] == "event_hash":
            return at
        kind = declared["type"]
        at += _HASH_BYTES if kind == "langtrail.Hash" else kind["size"]
    raise ValueError(f"schema id {schema.id} has no event_hash")


def _read_sound(value: bytes | None) -> tuple[RegisteredSchema | None, bytes]:
    """Return schema and datum of a value as nearly all are; no schema for one that has to be looked at more closely."""
    schema = _audit_frames().get(value[:_FRAME_BYTES]) if value else None
    if schema is None or value is None:
        return None, b""
    datum = value[_FRAME_BYTES:]
    if record_hash(memoryview(datum)[_HASH_BYTES:]) != datum[:_HASH_BYTES]:
        return None, b""
    return schema, datum


class _Read(NamedTuple):
    schema: RegisteredSchema | None
    datum: bytes
    why: Rejected | None
    newer: int | None = None


def _read(message: Message) -> _Read:
    """Take a value apart. ClickHouse reads a datum with bytes left over and drops them: the record's own hash tells."""
    schema_id = 0
    try:
        schema_id, datum = unframe(message.value())
        schema = _audit_schema(schema_id)
    except MalformedRecord as error:
        return _Read(None, b"", Rejected("sink", "malformed_record", str(error)))
    except UnknownSchemaId as error:
        newer = schema_id if 0 < schema_id - newest_schema_id() <= _PLAUSIBLE_IDS else None
        return _Read(None, b"", Rejected("sink", "unknown_schema", str(error)), newer)
    if record_hash(datum[_HASH_BYTES:]) != datum[:_HASH_BYTES]:
        return _Read(None, b"", Rejected("sink", "malformed_record", "its bytes are not those that its record hash is of"))
    return _Read(schema, datum, None)


def newest_schema_id() -> int:
    """Return the highest schema id that this langtrail knows."""
    return max(schema.id for subject in registry().subjects() for schema in registry().versions(subject))


@cache
def _audit_frames() -> dict[bytes, RegisteredSchema]:
    """Return the schemas of audit events by the bytes that a value begins with."""
    return {frame(schema.id, b""): schema for schema in registry().versions(AUDIT_EVENT)}


@cache
def _audit_schema(schema_id: int) -> RegisteredSchema:
    schema = registry().by_id(schema_id)
    if schema.subject != AUDIT_EVENT:
        raise UnknownSchemaId(f"schema id {schema_id} is {schema.subject}, not an audit event")
    return schema
