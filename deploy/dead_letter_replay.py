"""Puts dead letters back where they came from: the same bytes, under a higher revision."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final
from uuid import UUID

from confluent_kafka import Message

from langtrail.processors.dead_letter_facts import DeadLetter, bytes_of, core_of, headers_of, letter_of
from langtrail.processors.delivery import Delivery, DeliveryFailed
from langtrail.processors.records import Outgoing
from langtrail.schemas import DeadLetterHeader, topic
from langtrail.schemas.headers import REPLAYED_FROM_HEADER, REVISION_HEADER

from .ask import connect
from .dead_letter_reader import DeadLetterError, OperatorSettings, Ranges, read

_REPLACED: Final = frozenset((*DeadLetterHeader, REPLAYED_FROM_HEADER, REVISION_HEADER))
_TOPICS: Final = {topic(name).name: topic(name) for name in ("raw", "events")}
_DELIVERY_SECONDS: Final = 60
_ASKED_AT_ONCE: Final = 1000
_STORED: Final = "SELECT toString(event_id), max(revision) FROM events WHERE event_id IN {ids:Array(UUID)} GROUP BY event_id"

Place = tuple[int, int]
"""Partition and offset in the topic of the dead letters."""
Wanted = Callable[[DeadLetter], bool]


@dataclass
class Chosen:
    """One record that is to be put back: its newest dead letter, and the last revision that its dead letters name."""

    letter: DeadLetter
    revision: int
    event_id: str | None


@dataclass
class Choice:
    """What is to be put back, and the names of the dead letters that cannot be."""

    records: list[Chosen] = field(default_factory=list)
    homeless: list[str] = field(default_factory=list)
    """They do not say which partition of which topic of langtrail's they came from."""
    found: set[str] = field(default_factory=set)
    """Names of all the wanted dead letters that are there."""

    @property
    def ranges(self) -> Ranges:
        """Where in the topic the chosen letters lie."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for record in self.records:
            places[record.letter.partition].append(record.letter.offset)
        return {partition: (min(offsets), max(offsets) + 1) for partition, offsets in places.items()}


def choose(messages: Iterable[Message], wanted: Wanted) -> Choice:
    """Return the records of the wanted dead letters, each once although it may have several."""
    records: dict[bytes, Chosen] = {}
    last: defaultdict[bytes, int] = defaultdict(int)
    choice = Choice()
    for message in messages:
        letter = letter_of(message)
        last[letter.digest] = max(last[letter.digest], letter.revision)
        if not wanted(letter):
            continue
        choice.found.add(letter.name)
        if letter.origin_topic not in _TOPICS or letter.origin_partition is None:
            choice.homeless.append(letter.name)
            continue
        records[letter.digest] = Chosen(letter, 0, _event_id(message))
    choice.records = [replace(record, revision=last[digest]) for digest, record in records.items()]
    return choice


def with_stored_revisions(choice: Choice, variables: Mapping[str, str]) -> Choice:
    """Return the choice with the revisions that the store has of these events, where they are higher. Raises AskError.

    Without a store the dead letters' own headers are all that is known.
    """
    ids = [record.event_id for record in choice.records if record.event_id is not None]
    if not ids or not variables.get("LANGTRAIL_CLICKHOUSE_DSN"):
        return choice
    trail = connect(variables)
    try:
        stored = {row[0]: row[1] for some in _chunks(ids) for row in trail.sql(_STORED, {"ids": some}).rows}
    finally:
        trail.close()
    known = [replace(record, revision=max(record.revision, stored.get(record.event_id or "", 0))) for record in choice.records]
    return replace(choice, records=known)


def put_back(connection: OperatorSettings, choice: Choice) -> list[Chosen]:
    """Write the chosen records to the topic and partition they came from, and return them once Kafka has all.

    Key, value and headers are as they were; added are which dead letter it was and a revision one above the last. What lapsed
    meanwhile is not returned. Raises DeadLetterError; some may have been written then, and may be written again.
    """
    at = {(record.letter.partition, record.letter.offset): record for record in choice.records}
    written: list[Chosen] = []
    longest = max(topic.max_message_bytes for topic in _TOPICS.values())
    delivery = Delivery(connection.librdkafka(), _DELIVERY_SECONDS, longest)
    try:
        asyncio.run(delivery.deliver(_records(read(connection, wanted=choice.ranges), at, written)))
    except DeliveryFailed as error:
        raise DeadLetterError(f"{error}; what was put back already may be put back again: run it once more") from None
    return written


def _records(messages: Iterable[Message], at: Mapping[Place, Chosen], written: list[Chosen]) -> Iterator[Outgoing]:
    for message in messages:
        if record := at.get((message.partition() or 0, message.offset() or 0)):
            written.append(record)
            yield replayed(message, record.letter, record.revision + 1)


def replayed(message: Message, letter: DeadLetter, revision: int) -> Outgoing:
    """Return the record as it was before it was rejected, with the header that says so and its new revision."""
    kept = [(name, value) for name, value in headers_of(message) if name not in _REPLACED]
    added = [(REPLAYED_FROM_HEADER, letter.name.encode()), (REVISION_HEADER, str(revision).encode())]
    partition = letter.origin_partition
    if partition is None:
        raise ValueError("only what says where it came from can be put back")
    return Outgoing(letter.origin_topic, partition, bytes_of(message.key()), bytes_of(message.value()), [*kept, *added])


def _event_id(message: Message) -> str | None:
    core = core_of(bytes_of(message.value()))[1]
    try:
        return str(UUID(core["event_id"])) if core else None
    except ValueError:
        return None


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    source = iter(ids)
    while some := list(islice(source, _ASKED_AT_ONCE)):
        yield some
