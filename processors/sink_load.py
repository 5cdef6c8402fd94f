"""What becomes of a batch: its records are stored, each once; what no table can hold becomes a dead letter."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID, uuid4

from confluent_kafka import Message

from langtrail.schemas import MalformedRecord, RegisteredSchema, decode, encode

from .avro_container import AvroContainer
from .clickhouse import Store, StoreRefused, StoreUnreadable
from .dead_letter import MAX_DEAD_LETTER_BYTES, dead_letter
from .delivery import Delivery
from .event import Rejected
from .records import Incoming
from .sink_batch import FRAME_BYTES, Batch, Reject, datum_of, deduplication_token, missing, offset_of
from .sink_breaker import SinkBreaker, stop_if_newer

DeadLetters = Callable[[Sequence[Reject]], None]
"""Writes rejected records to the dead letters; returns when Kafka has them. Raises DeliveryFailed."""


@dataclass(frozen=True)
class Loader:
    """Callable on a partition and a batch of it. Returns the records that became dead letters.

    When it raises (StoreError, DeliveryFailed), some of the batch may be stored: it has to be tried again as doubtful.
    When it raises SinkStopped, someone has to decide first; none of the records has become a dead letter.

    Records that are well formed and that ClickHouse cannot read all the same stall the partition when they are all of a
    batch: the table does not fit them, and is mended without a loss. A few of them among others become dead letters.
    """

    store: Store
    dead_letters: DeadLetters
    topic: str
    generation: int
    breaker: SinkBreaker = field(init=False)

    def __post_init__(self) -> None:
        """Give each loader a breaker of its own."""
        object.__setattr__(self, "breaker", SinkBreaker(self.topic))

    def __call__(self, partition: int, batch: Batch) -> list[Reject]:
        """Deal with one batch."""
        stop_if_newer(self.topic, partition, batch)
        rejects = list(batch.rejects)
        if batch.schema:
            table = _Table(self, partition, batch.schema)
            rejects += table.settle(batch.rows) if batch.doubtful else table.insert(batch.rows)
        self.breaker.check(partition, batch, rejects)
        if rejects:
            self.dead_letters(rejects)
        self.breaker.note(partition, batch, rejects)
        return rejects


@dataclass(frozen=True)
class _Table:
    """The table as one partition and one schema see it."""

    loader: Loader
    partition: int
    schema: RegisteredSchema

    def settle(self, rows: Sequence[Message]) -> list[Reject]:
        """Store what is not stored yet, and look whether it is there afterwards.

        The first insert has the records' own token: should another sink's insert of the same records still be on its way,
        only one of the two counts. If rows are missing all the same, the engine knew the token but lost the rows, and they
        go in under a token that it cannot know. What is there may lack its rows in the views' tables: these are completed.
        """
        absent = self._absent(rows)
        if len(absent) < len(rows):
            self.loader.store.complete_views(self.loader.topic, self.partition, offset_of(rows[0]), offset_of(rows[-1]))
        rejects = self.insert(absent)
        rejected = {reject.message.offset() for reject in rejects}
        lost = self._absent([row for row in absent if row.offset() not in rejected])
        if lost:
            self._insert_block(lost, f":{uuid4().hex}")
        return rejects

    def insert(self, rows: Sequence[Message]) -> list[Reject]:
        """Store rows and return those that the table cannot hold. Raises StoreError."""
        if not rows:
            return []
        try:
            self._insert_block(rows)
        except StoreUnreadable as error:
            return self._sort_out(rows, error)
        return []

    def _sort_out(self, rows: Sequence[Message], error: StoreUnreadable) -> list[Reject]:
        flaws = {offset_of(row): why for row in rows if (why := flaw(self.schema, datum_of(row)))}
        # A store may have done what it answers with an error: what it has is not inserted again under other tokens.
        sound = self._absent([row for row in rows if row.offset() not in flaws])
        refused = self._bisect(sound)
        if refused and len(refused) == len(sound):
            raise StoreRefused(
                f"{error}, though {len(sound)} of them are well formed; the table events does not fit schema id "
                f"{self.schema.id}: run `langtrail migrate`",
                error.code,
            ) from None
        flaws.update({offset_of(row): f"ClickHouse cannot read the record (code {error.code})" for row in refused})
        return [Reject(row, Rejected("sink", "malformed_record", why)) for row in rows if (why := flaws.get(offset_of(row)))]

    def _bisect(self, rows: Sequence[Message]) -> list[Message]:
        """Store what can be stored by halving what cannot; return the rest."""
        if not rows:
            return []
        try:
            self._insert_block(rows)
        except StoreUnreadable:
            if len(rows) == 1:
                return list(rows)
            middle = len(rows) // 2
            return self._bisect(rows[:middle]) + self._bisect(rows[middle:])
        return []

    def _insert_block(self, rows: Sequence[Message], token_suffix: str = "") -> None:
        topic = self.loader.topic
        container = _container(topic, self.partition, self.schema)
        token = deduplication_token(self.loader.generation, topic, self.partition, self.schema, rows) + token_suffix
        values = [row.value() or b"" for row in rows]
        pieces = container.pieces(list(map(offset_of, rows)), values, FRAME_BYTES)
        self.loader.store.insert(container.columns, pieces, token)

    def _absent(self, rows: Sequence[Message]) -> list[Message]:
        if not rows:
            return []
        stored = self.loader.store.stored(self.loader.topic, self.partition, offset_of(rows[0]), offset_of(rows[-1]))
        return missing(rows, self.schema, stored)


def flaw(schema: RegisteredSchema, datum: bytes) -> str | None:
    """Return what is wrong with a datum, without quoting it: None when it is the one encoding of a record of the schema."""
    try:
        record = decode(schema, datum)
        again = encode(schema, record)
        for name in _uuid_fields(schema):
            if (value := record[name]) is not None and str(UUID(value)) != value:
                return f"the field {name} is not a UUID in its usual form"
    except MalformedRecord as error:
        return str(error)
    except ValueError:
        return "a field that must be a UUID is none"
    return None if again == datum else f"the bytes are not the usual encoding of a record of schema id {schema.id}"


def deliver_to(connection: Mapping[str, str], topic: str, timeout_seconds: int) -> DeadLetters:
    """Return a function that writes rejected records of `topic` to the dead letters, by a producer of its own each time."""

    def deliver(rejects: Sequence[Reject]) -> None:
        letters = [dead_letter(_incoming(reject.message), reject.why, topic) for reject in rejects]
        asyncio.run(Delivery(connection, timeout_seconds, MAX_DEAD_LETTER_BYTES).deliver(letters))

    return deliver


def _incoming(message: Message) -> Incoming:
    headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in _headers(message)]
    partition, offset = message.partition(), message.offset()
    assert partition is not None  # noqa: S101 - a message without error has a place
    assert offset is not None  # noqa: S101 - as above
    return Incoming(partition, offset, message.key(), message.value(), headers, message.timestamp()[1])


def _headers(message: Message) -> list[tuple[str, str | bytes | None]]:
    headers = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)


@cache
def _container(topic: str, partition: int, schema: RegisteredSchema) -> AvroContainer:
    return AvroContainer(topic, partition, schema)


@cache
def _uuid_fields(schema: RegisteredSchema) -> tuple[str, ...]:
    def is_uuid(kind: object) -> bool:
        if isinstance(kind, list):
            return any(map(is_uuid, kind))
        return isinstance(kind, dict) and kind.get("logicalType") == "uuid"

    return tuple(declared["name"] for declared in schema.avro["fields"] if is_uuid(declared["type"]))
