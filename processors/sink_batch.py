"""Records of one partition gathered into batches: as large as the backlog allows, as young as a reader can wait for."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import accumulate
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
FRAME_BYTES: Final = 5
_HEAD_BYTES: Final = FRAME_BYTES + _HASH_BYTES
"""The frame and the record hash, which is of all that comes after."""
_MOST_WAITING: Final = 3
_PLAUSIBLE_IDS: Final = 1000
"""So many ids above the newest known one are taken for a newer version's; what is beyond is no schema id at all."""


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
    rows: list[Message] = field(default_factory=list)
    """Records that were found whole; `offset_of` and `datum_of` say what is in them."""
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

    def add(self, messages: Sequence[Message], now: float) -> None:
        """Take the next records. A batch ends where it is full, where the schema changes, and where a replay ends."""
        values = [message.value() or b"" for message in messages]
        schema = None if self._replay else _schema_of_all(values)
        if schema is None:
            for message in messages:
                self._add_one(message, offset_of(message), now)
        else:  # nearly always: more of the same
            self._add_all(schema, messages, list(map(len, values)), now)

    def _add_all(self, schema: RegisteredSchema, messages: Sequence[Message], sizes: list[int], now: float) -> None:
        done = 0
        while done < len(messages):
            batch = self._batch_for(schema, sizes[done], None, offset_of(messages[done]), now)
            more = self._room(batch, sizes[done:])
            batch.schema = schema
            batch.rows += messages[done : done + more]
            batch.bytes += sum(sizes[done : done + more])
            batch.hi = offset_of(batch.rows[-1])
            done += more
            self._close_if_full(batch)

    def _room(self, batch: Batch, sizes: list[int]) -> int:
        """Return how many records of these sizes a batch takes: at least one, for it was chosen for the first of them."""
        fits = bisect_right(list(accumulate(sizes)), self._limits.bytes - batch.bytes)
        return min(max(fits, 1), self._limits.rows - len(batch))

    def _add_one(self, message: Message, offset: int, now: float) -> None:
        schema, size, why, newer = _read(message)
        if self._replay and offset > self._replay.hi:
            self.end_replay()
        batch = self._batch_for(schema, size, newer, offset, now)
        batch.hi = offset
        batch.bytes += size
        if why:
            batch.rejects.append(Reject(message, why))
        else:
            batch.schema = schema
            batch.rows.append(message)
        if self._replay and offset == self._replay.hi:
            self.end_replay()
        self._close_if_full(batch)

    def _batch_for(self, schema: RegisteredSchema | None, size: int, newer: int | None, offset: int, now: float) -> Batch:
        """Return the open batch, a new one where the record does not belong into it."""
        if (batch := self._open) is None or self._ends_before(batch, schema, size, newer):
            self._close()
            batch = self._open = Batch(offset, now, doubtful=self._replay is not None, newer=newer)
        return batch

    def _close_if_full(self, batch: Batch) -> None:
        if batch is self._open and not self._replay and len(batch) >= self._limits.rows:
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


def offset_of(message: Message) -> int:
    """Return the offset of a record."""
    offset = message.offset()
    assert offset is not None  # noqa: S101 - a message without error has an offset
    return offset


def datum_of(row: Message) -> bytes:
    """Return the Avro datum of a record that was found whole."""
    return (row.value() or b"")[FRAME_BYTES:]


def deduplication_token(generation: int, topic: str, partition: int, schema: RegisteredSchema, rows: Sequence[Message]) -> str:
    """Return the token of an insert: the same for the same records, another for any other.

    ClickHouse drops a block whose token it knows without looking at its data. So the token ends in a digest of the record
    hashes: a topic that was deleted and made anew has the same offsets, and its first records would be dropped.
    """
    digest = sha256(b"".join([(row.value() or b"")[FRAME_BYTES:_HEAD_BYTES] for row in rows])).hexdigest()[:32]
    return f"{generation}:{topic}:{partition}:{offset_of(rows[0])}-{offset_of(rows[-1])}:{schema.id}:{digest}"


def missing(rows: Iterable[Message], schema: RegisteredSchema, stored: set[bytes]) -> list[Message]:
    """Return the rows whose event is not among the stored event hashes."""
    at = event_hash_at(schema)
    return [row for row in rows if datum_of(row)[at : at + _HASH_BYTES] not in stored]


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


def _schema_of_all(values: Sequence[bytes]) -> RegisteredSchema | None:
    """Return the schema of values that are all whole records of one; None when they have to be looked at one by one.

    ClickHouse reads a datum with bytes left over and drops them: the record's own hash tells.
    """
    frame = values[0][:FRAME_BYTES]
    heads = [value[:_HEAD_BYTES] for value in values]
    sound = [frame + record_hash(value[_HEAD_BYTES:]) for value in values]
    return _audit_frames().get(frame) if heads == sound else None


class _Read(NamedTuple):
    schema: RegisteredSchema | None
    size: int
    why: Rejected | None
    newer: int | None = None


def _read(message: Message) -> _Read:
    """Look at one value closely: which schema it has, or what is wrong with it."""
    schema_id = 0
    size = len(message.value() or b"")
    try:
        schema_id, datum = unframe(message.value())
        schema = _audit_schema(schema_id)
    except MalformedRecord as error:
        return _Read(None, size, Rejected("sink", "malformed_record", str(error)))
    except UnknownSchemaId as error:
        newer = schema_id if 0 < schema_id - newest_schema_id() <= _PLAUSIBLE_IDS else None
        return _Read(None, size, Rejected("sink", "unknown_schema", str(error)), newer)
    if record_hash(datum[_HASH_BYTES:]) != datum[:_HASH_BYTES]:
        why = Rejected("sink", "malformed_record", "its bytes are not those that its record hash is of")
        return _Read(None, size, why)
    return _Read(schema, size, None)


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
