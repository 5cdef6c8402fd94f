"""When the sink stops rather than reject, and when it does not."""

import pytest
from confluent_kafka import Message

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.clickhouse import Store
from langtrail.processors.event import Rejected
from langtrail.processors.sink_batch import Batch, Gathering, Limits, Reject, newest_schema_id
from langtrail.processors.sink_breaker import SinkBreaker
from langtrail.processors.sink_load import Loader
from langtrail.processors.sink_start import SinkStopped
from langtrail.schemas import AUDIT_EVENT, frame, registry

SCHEMA_ID = registry().latest(AUDIT_EVENT).id
DATUM = encode_audit_event(next(sample_events(1)))
NEWER = frame(newest_schema_id() + 1, b"what a newer worker writes")


def message(offset: int, value: bytes) -> Message:
    """Return a record as the consumer hands it over."""
    return Message(topic="langtrail.events", partition=0, offset=offset, value=value)


def batches(*values: bytes) -> list[Batch]:
    """Return the batches that values become."""
    gathering = Gathering(Limits(1000, 10**9))
    for offset, value in enumerate(values):
        gathering.add([message(offset, value)], 0)
    return list(iter(lambda: gathering.take(10, 1), None))


def rejects(count: int) -> list[Reject]:
    """Return so many rejected records."""
    return [Reject(message(0, b""), Rejected("sink", "malformed_record", "it is none"))] * count


def batch(good: int, bad: int) -> Batch:
    """Return a batch by its size."""
    return Batch(7, 0, rejects=rejects(good + bad))


def feed(breaker: SinkBreaker, good: int, bad: int, partition: int = 0) -> None:
    """Let a batch pass, as the loader does."""
    breaker.check(partition, batch(good, bad), rejects(bad))
    breaker.note(partition, batch(good, bad), rejects(bad))


def stops(breaker: SinkBreaker, good: int, bad: int, partition: int = 0) -> bool:
    """Let a batch pass if the breaker does; tell whether it stops the sink instead."""
    try:
        feed(breaker, good, bad, partition)
    except SinkStopped:
        return True
    return False


def test_most_of_a_window_stops_the_sink() -> None:
    """The sentence says how many, why, and where it goes on."""
    breaker = SinkBreaker("langtrail.events")
    feed(breaker, 60, 60)
    with pytest.raises(SinkStopped, match=r"^101 of the last 161 records of langtrail\.events\[0\] would .* at offset 7$"):
        feed(breaker, 0, 41)


def test_the_odd_record_never_stops_the_sink() -> None:
    """Fewer than a hundred rejects, or at most half of the window, become dead letters."""
    breaker = SinkBreaker("langtrail.events")
    assert not stops(breaker, 0, 99)
    assert stops(breaker, 0, 1)
    assert not stops(breaker, 900, 800)
    assert not stops(breaker, 50_000, 10_000)
    assert not stops(breaker, 0, 10_000)
    assert stops(breaker, 0, 40_001)


def test_what_is_long_past_does_not_count() -> None:
    """Rejects leave the window as records come after them, and each partition has a window of its own."""
    breaker = SinkBreaker("langtrail.events")
    for _ in range(9):
        assert not stops(breaker, 0, 11)
    assert not stops(breaker, 1000, 0)
    assert not stops(breaker, 0, 999)
    assert not stops(breaker, 0, 99, partition=1)
    assert stops(breaker, 0, 1, partition=1)
    assert stops(breaker, 0, 2)


def test_a_retried_batch_counts_once() -> None:
    """Checking alone notes nothing: a batch whose dead letters were not delivered comes again."""
    breaker = SinkBreaker("langtrail.events")
    for _ in range(5):
        breaker.check(0, batch(0, 60), rejects(60))
    assert not stops(breaker, 0, 60)
    assert stops(breaker, 0, 60)


def test_records_of_a_newer_schema_stop_the_sink_and_reject_nothing() -> None:
    """They are a batch of their own, also behind good records, and the loader gives none of them up."""
    good, newer = batches(frame(SCHEMA_ID, DATUM), NEWER, NEWER)
    assert (good.newer, newer.newer, newer.lo, newer.hi) == (None, newest_schema_id() + 1, 1, 2)
    letters: list[Reject] = []
    loader = Loader(Store("http://127.0.0.1:1", 1), letters.extend, "langtrail.events", 0)
    with pytest.raises(SinkStopped, match=r"from offset 1 on have schema id 4, newer than 3.*upgrade the sink"):
        loader(0, newer)
    assert letters == []


def test_an_id_that_no_version_will_have_soon_is_poison() -> None:
    """Four bytes that are no schema id must not stop the sink: the record becomes a dead letter."""
    (only,) = batches(frame(SCHEMA_ID, DATUM), frame(newest_schema_id() + 1001, DATUM), b"\x00\xff\xff\xff\xff")
    assert [reject.why.reason for reject in only.rejects] == ["unknown_schema", "unknown_schema"]
    assert only.newer is None


def test_bytes_that_are_left_over_are_found_by_the_record_hash() -> None:
    """ClickHouse would store such a record without them; here it is rejected, as is one with a byte changed."""
    changed = DATUM[:-1] + bytes([DATUM[-1] ^ 1])
    (only,) = batches(frame(SCHEMA_ID, DATUM + b"\x00"), frame(SCHEMA_ID, changed), frame(SCHEMA_ID, DATUM))
    assert [reject.message.offset() for reject in only.rejects] == [0, 1]
    assert {reject.why.reason for reject in only.rejects} == {"malformed_record"}
    assert [row.offset() for row in only.rows] == [2]
