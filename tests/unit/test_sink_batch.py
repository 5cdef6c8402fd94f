from collections.abc import Sequence
from random import Random

import pytest
from confluent_kafka import Message

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.intent import Intent
from langtrail.processors.sink_batch import Batch, Gathering, Limits, deduplication_token, event_hash_at, missing
from langtrail.schemas import AUDIT_EVENT, RAW_EVENT, RegisteredSchema, decode, frame, registry

SCHEMA = registry().latest(AUDIT_EVENT)
DATUM = encode_audit_event(next(sample_events(1)))
VALUE = frame(SCHEMA.id, DATUM)
ROOMY = Limits(1000, 10**9)


def message(offset: int, value: bytes | None = VALUE) -> Message:
    """Return a record as the consumer hands it over."""
    return Message(topic="langtrail.events", partition=0, offset=offset, value=value)


def gather(gathering: Gathering, offsets: Sequence[int], now: float = 0) -> None:
    """Add good records with these offsets."""
    for offset in offsets:
        gathering.add([message(offset)], now)


def take_all(gathering: Gathering, now: float = 0) -> list[tuple[int, int]]:
    """Return the ranges of the batches that can be taken."""
    return [(batch.lo, batch.hi) for batch in iter(lambda: gathering.take(now, 1.0), None)]


def test_a_batch_ends_when_it_has_its_rows() -> None:
    """No batch has more rows than the limit."""
    gathering = Gathering(Limits(3, 10**9))
    gather(gathering, range(7))
    assert take_all(gathering) == [(0, 2), (3, 5)]


def test_a_batch_ends_before_it_has_too_many_bytes() -> None:
    """No batch has more bytes than the limit, but for a single record that is larger."""
    gathering = Gathering(Limits(100, 2 * len(VALUE)))
    gather(gathering, range(5))
    assert take_all(gathering) == [(0, 1), (2, 3)]
    lone = Gathering(Limits(100, 10))
    gather(lone, range(3))
    assert take_all(lone) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("seed", range(8))
def test_records_make_the_same_batches_however_many_come_at_once(seed: int) -> None:
    """A batch depends on the records and the limits, not on how they were handed over; a bad one among them changes nothing."""
    random = Random(seed)  # noqa: S311 - which records come is no secret
    other = frame(SCHEMA.id, encode_audit_event(next(sample_events(1, seed=5, input="x" * 3000))))
    values = [random.choices((VALUE, other, b"poison"), (20, 5, seed % 2))[0] for _ in range(400)]
    limits = Limits(random.randint(5, 90), random.randint(2, 60) * len(VALUE))

    def batches(most: int) -> list[tuple[int, int, int, list[int | None], int]]:
        gathering, at = Gathering(limits), 0
        while at < len(values):
            more = random.randint(1, most)
            gathering.add([message(offset, value) for offset, value in enumerate(values[at : at + more], at)], 0)
            at += more
        found = iter(lambda: gathering.take(2, 1), None)
        return [(b.lo, b.hi, b.bytes, [row.offset() for row in b.rows], len(b.rejects)) for b in found]

    one_by_one = batches(1)
    assert one_by_one == batches(20) == batches(400)
    assert [batch[0] for batch in one_by_one[1:]] == [batch[1] + 1 for batch in one_by_one[:-1]]


def test_a_young_batch_waits() -> None:
    """A batch that is not full is taken once its first record is old enough."""
    gathering = Gathering(ROOMY)
    gather(gathering, [4], now=10.0)
    gather(gathering, [5], now=10.9)
    assert gathering.take(10.9, 1.0) is None
    assert take_all(gathering, now=11.0) == [(4, 5)]


def test_a_batch_ends_where_the_schema_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has one schema; unreadable records between do not end it."""
    later = RegisteredSchema(9, AUDIT_EVENT, 2, SCHEMA.head, SCHEMA.core, SCHEMA.fingerprint)
    monkeypatch.setitem(registry()._by_id, 9, later)
    gathering = Gathering(ROOMY)
    for offset, schema_id in enumerate((2, 4711, 2, 9, 9, 2)):
        gathering.add([message(offset, frame(schema_id, DATUM))], 0)
    batches = [gathering.take(2, 1) for _ in range(3)]
    assert [(b.lo, b.hi, b.schema, len(b.rows)) for b in batches if b] == [
        (0, 2, SCHEMA, 2),
        (3, 4, later, 2),
        (5, 5, SCHEMA, 1),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "malformed_record"),
        (b"", "malformed_record"),
        (b"plain text", "malformed_record"),
        (frame(4711, DATUM), "unknown_schema"),
        (frame(registry().latest(RAW_EVENT).id, DATUM), "unknown_schema"),
    ],
)
def test_what_is_no_audit_event_is_rejected_with_a_reason(value: bytes | None, reason: str) -> None:
    """A record that names no schema of an audit event is in the batch's range, but not among its rows."""
    gathering = Gathering(ROOMY)
    gathering.add([message(0, value)], 0)
    batch = gathering.take(2, 1)
    assert batch is not None
    assert (batch.lo, batch.hi, len(batch), batch.rows, batch.schema) == (0, 0, 1, [], None)
    assert batch.rejects[0].why.reason == reason


def test_a_replay_is_exactly_the_range_that_was_left() -> None:
    """A replay ignores limits and age, ends at its last offset, and what follows is an ordinary batch."""
    gathering = Gathering(Limits(2, 10), Intent(5, 9, 5, 2, 0))
    gather(gathering, range(5, 9))
    assert gathering.take(1e9, 1.0) is None
    gather(gathering, range(9, 11))
    replayed, after = gathering.take(0, 1), gathering.take(2, 1)
    assert replayed is not None
    assert after is not None
    assert (replayed.lo, replayed.hi, replayed.doubtful) == (5, 9, True)
    assert (after.lo, after.hi, after.doubtful) == (10, 10, False)


def test_a_replay_whose_last_record_is_gone_ends_with_the_next_one() -> None:
    """A record after the range ends the replay, and is not part of it."""
    gathering = Gathering(ROOMY, Intent(5, 9, 5, 2, 0))
    gather(gathering, [5, 6, 12])
    assert take_all(gathering, now=2) == [(5, 6), (12, 12)]


def test_a_replay_ends_where_the_partition_ends() -> None:
    """When Kafka has no more records, what was read of the range is stored all the same."""
    intent = Intent(5, 9, 5, 2, 0)
    gathering = Gathering(ROOMY, intent)
    gather(gathering, [5, 6])
    assert gathering.end_replay() == intent
    assert gathering.end_replay() is None
    assert take_all(gathering) == [(5, 6)]


def test_too_much_that_waits_is_noticed() -> None:
    """With three full batches waiting, no more should be read, until only one waits."""
    gathering = Gathering(Limits(2, 10**9))
    gather(gathering, range(5))
    assert not gathering.is_behind
    gather(gathering, [5])
    assert gathering.is_behind
    for expected in (False, True):
        gathering.take(0, 1.0)
        assert (gathering.is_behind, gathering.is_short) == (False, expected)


def test_the_intent_says_what_the_batch_is() -> None:
    """The intent has the range, the number of all its records, and the schema."""
    gathering = Gathering(ROOMY)
    gathering.add([message(3)], 0)
    gathering.add([message(4, b"poison")], 0)
    batch = gathering.take(2, 1)
    assert isinstance(batch, Batch)
    assert batch.intent(6) == Intent(3, 4, 2, SCHEMA.id, 6)


def test_a_token_stands_for_its_records() -> None:
    """The same records have the same token; other records at the same offsets, as of a topic made anew, have another."""
    datums = [encode_audit_event(event) for event in sample_events(4)]
    rows = [message(offset, frame(SCHEMA.id, datum)) for offset, datum in enumerate(datums)]
    other = [rows[0], message(1, frame(SCHEMA.id, datums[3])), rows[2]]

    def token(chosen: list[Message], generation: int = 0) -> str:
        return deduplication_token(generation, "langtrail.events", 1, SCHEMA, chosen)

    assert token(rows[:3]).startswith(f"0:langtrail.events:1:0-2:{SCHEMA.id}:")
    assert token(rows[:3]) == token(list(rows[:3]))
    assert len({token(rows[:3]), token(other), token(rows[:2]), token([rows[0], rows[2]]), token(rows[:3], 1)}) == 5


def test_missing_rows_are_found_by_their_event_hash() -> None:
    """What is stored is told by the hash of the event, whatever its offset."""
    datums = [encode_audit_event(event) for event in sample_events(3)]
    rows = [message(offset, frame(SCHEMA.id, datum)) for offset, datum in enumerate(datums)]
    assert event_hash_at(SCHEMA) == 32
    assert missing(rows, SCHEMA, {decode(SCHEMA, datums[1])["event_hash"]}) == [rows[0], rows[2]]
