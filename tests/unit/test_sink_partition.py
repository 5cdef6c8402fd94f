import json
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.clickhouse import StoreRefused, StoreUnavailable
from langtrail.processors.intent import Intent
from langtrail.processors.sink_batch import Batch, Reject
from langtrail.processors.sink_metrics import SinkMetrics
from langtrail.processors.sink_partition import Partition, State
from langtrail.processors.sink_settings import SinkSettings
from langtrail.processors.sink_start import Start
from langtrail.schemas import AUDIT_EVENT, frame, registry

VALUE = frame(registry().latest(AUDIT_EVENT).id, encode_audit_event(next(sample_events(1))))
MUCH_LATER = 1e6


class Recorder:
    """The two callables that a partition is given; it writes down what they were asked, and fails as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failures: list[Exception] = []
        self.commit_failures: list[Exception] = []
        self.go_on = Event()
        self.go_on.set()

    def load(self, partition: int, batch: Batch) -> list[Reject]:
        """Take a batch."""
        self.calls.append(("load", partition, batch.lo, batch.hi, batch.doubtful))
        self.go_on.wait(10)
        if self.failures:
            raise self.failures.pop(0)
        return []

    def commit(self, partition: int, offset: int, metadata: str) -> None:
        """Take an offset."""
        if self.commit_failures:
            raise self.commit_failures.pop(0)
        intent = json.loads(metadata) if metadata else {}
        self.calls.append(("commit", partition, offset, intent.get("hi")))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Return a recorder; nothing that waits for it outlives the test."""
    recorder = Recorder()
    yield recorder
    recorder.go_on.set()


@pytest.fixture
def settle() -> Callable[[Partition, float], None]:
    """Return a function that takes a step, waits for a load that it began, and takes note of its end."""

    def step(partition: Partition, now: float) -> None:
        partition.step(now)
        if partition._loading:
            partition._loading.exception(10)
            partition.step(now)

    return step


def make(recorder: Recorder, start: Start | None = None) -> Partition:
    """Return partition 1 with batches of at most three rows."""
    settings = SinkSettings(bootstrap_servers="x", clickhouse_dsn="http://x", batch_rows=3)
    return Partition(1, start or Start(0, None), recorder.load, recorder.commit, settings, SinkMetrics())


def state(partition: Partition) -> State:
    """Return how the partition fares now."""
    return partition.state


def messages(*offsets: int) -> list[Message]:
    """Return good records."""
    return [Message(topic="langtrail.events", partition=1, offset=offset, value=VALUE) for offset in offsets]


def kafka_failure() -> KafkaException:
    """Return what a commit raises that Kafka refuses."""
    return KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))


Settle = Callable[[Partition, float], None]


def test_the_intent_is_written_before_the_insert_and_the_next_one_is_the_mark(recorder: Recorder, settle: Settle) -> None:
    """One commit for a batch under load, one more when there is no next batch for a while."""
    partition = make(recorder)
    partition.add(messages(0, 1, 2, 3, 4, 5, 6), 0)
    settle(partition, 0)
    settle(partition, 0)
    settle(partition, 0.01)
    assert recorder.calls == [("commit", 1, 0, 2), ("load", 1, 0, 2, False), ("commit", 1, 3, 5), ("load", 1, 3, 5, False)]
    settle(partition, MUCH_LATER)
    settle(partition, MUCH_LATER)
    settle(partition, 2 * MUCH_LATER)
    settle(partition, 3 * MUCH_LATER)
    assert recorder.calls[4:] == [("commit", 1, 6, 6), ("load", 1, 6, 6, False), ("commit", 1, 7, None)]
    assert partition.stored_to == 7


def test_nothing_is_inserted_that_kafka_has_no_intent_of(recorder: Recorder, settle: Settle) -> None:
    """A sink that has lost its partition cannot commit, and so does not insert."""
    recorder.commit_failures = [kafka_failure()]
    partition = make(recorder)
    partition.add(messages(0, 1, 2), 0)
    settle(partition, 0)
    settle(partition, 0.1)
    assert recorder.calls == []
    settle(partition, MUCH_LATER)
    assert recorder.calls == [("commit", 1, 0, 2), ("load", 1, 0, 2, False)]


def test_a_batch_that_failed_is_tried_again_in_doubt(recorder: Recorder, settle: Settle) -> None:
    """It keeps its range and its intent; nothing later overtakes it."""
    recorder.failures = [StoreUnavailable("away"), StoreUnavailable("away")]
    partition = make(recorder)
    partition.add(messages(0, 1, 2, 3, 4, 5), 0)
    settle(partition, 0)
    assert state(partition) == State.RETRYING
    settle(partition, 0.01)
    assert len(recorder.calls) == 2, "it waits before it tries again"
    settle(partition, MUCH_LATER)
    settle(partition, 2 * MUCH_LATER)
    settle(partition, 3 * MUCH_LATER)
    loads = [call for call in recorder.calls if call[0] == "load"]
    assert loads == [("load", 1, 0, 2, False), ("load", 1, 0, 2, True), ("load", 1, 0, 2, True), ("load", 1, 3, 5, False)]
    assert [call for call in recorder.calls if call[0] == "commit"] == [("commit", 1, 0, 2), ("commit", 1, 3, 5)]
    assert state(partition) == State.OK


def test_ten_minutes_without_a_store_give_nothing_up(recorder: Recorder, settle: Settle) -> None:
    """The same batch is tried again, at ever longer intervals up to half a minute, as often as it takes."""
    recorder.failures = [StoreUnavailable("away")] * 1000
    partition = make(recorder)
    partition.add(messages(0, 1, 2, 3, 4, 5), 0)
    for tenth in range(6000):
        settle(partition, tenth / 10)
    loads = [call for call in recorder.calls if call[0] == "load"]
    assert set(loads) == {("load", 1, 0, 2, False), ("load", 1, 0, 2, True)}
    assert 600 / 30 <= len(loads) < 60
    recorder.failures.clear()
    settle(partition, 640)
    settle(partition, 641)
    assert recorder.calls[-3:] == [("load", 1, 0, 2, True), ("commit", 1, 3, 5), ("load", 1, 3, 5, False)]
    assert state(partition) == State.OK


def test_a_refused_batch_stalls_its_partition(recorder: Recorder, settle: Settle) -> None:
    """It is tried again at long intervals, until someone has mended it."""
    recorder.failures = [StoreRefused("no table", 60)]
    partition = make(recorder)
    partition.add(messages(0, 1, 2), 0)
    settle(partition, 0)
    assert state(partition) == State.STALLED
    settle(partition, 4)
    assert state(partition) == State.STALLED
    settle(partition, 6)
    assert state(partition) == State.OK


def test_a_replay_is_loaded_in_doubt_under_the_intent_that_is_there(recorder: Recorder, settle: Settle) -> None:
    """The range that an earlier sink left is not announced again, and asks the store first."""
    partition = make(recorder, Start(5, Intent(5, 9, 5, 2, 0)))
    partition.add(messages(5, 6, 7, 8, 9, 10), 0)
    settle(partition, 0)
    assert recorder.calls == [("load", 1, 5, 9, True)]
    settle(partition, MUCH_LATER)
    assert recorder.calls[1:] == [("commit", 1, 10, 10), ("load", 1, 10, 10, False)]


def test_a_replay_of_which_records_are_gone_does_not_wait_for_ever(recorder: Recorder, settle: Settle) -> None:
    """At the end of the partition what was read of the range is stored under its own, smaller intent."""
    partition = make(recorder, Start(5, Intent(5, 9, 5, 2, 0)))
    partition.add(messages(5, 6), 0)
    settle(partition, MUCH_LATER)
    assert recorder.calls == []
    partition.at_end(6)
    settle(partition, MUCH_LATER)
    assert recorder.calls == [], "the end that it was told of is not where it has read to"
    partition.at_end(7)
    settle(partition, MUCH_LATER)
    assert recorder.calls == [("commit", 1, 5, 6), ("load", 1, 5, 6, True)]


def test_stopping_waits_for_the_insert_and_marks_it(recorder: Recorder) -> None:
    """An insert that ends in time is marked as done."""
    partition = make(recorder)
    partition.add(messages(0, 1, 2), 0)
    partition.step(0)
    partition.finish(10)
    assert recorder.calls == [("commit", 1, 0, 2), ("load", 1, 0, 2, False), ("commit", 1, 3, None)]


def test_stopping_leaves_the_intent_of_an_insert_that_does_not_end(recorder: Recorder) -> None:
    """Nothing is marked that is not known to be stored."""
    recorder.go_on.clear()
    partition = make(recorder)
    partition.add(messages(0, 1, 2), 0)
    partition.step(0)
    partition.finish(0.05)
    assert recorder.calls == [("commit", 1, 0, 2), ("load", 1, 0, 2, False)]


def test_records_that_come_again_are_passed_over(recorder: Recorder, settle: Settle) -> None:
    """After a rebalance a record may be handed over a second time."""
    partition = make(recorder)
    assert partition.add(messages(0, 1), 0)
    assert partition.add(messages(0, 1, 2), 0)
    settle(partition, 0)
    assert recorder.calls == [("commit", 1, 0, 2), ("load", 1, 0, 2, False)]


def test_a_hole_is_read_again_once(recorder: Recorder, settle: Settle) -> None:
    """Records that come too early are read again from the hole; if the hole is still there, Kafka has no such records."""
    partition = make(recorder)
    assert not partition.add(messages(0, 2, 3), 0)
    assert partition.next_read == 1
    assert partition.add(messages(2, 3), 0)
    settle(partition, 0)
    assert recorder.calls == [("commit", 1, 0, 3), ("load", 1, 0, 3, False)]
