"""The audit of offsets on the real broker and engine: complete when it is, and every kind of hole is found and named."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.deploy.audit_offsets import Range, audit_offsets
from langtrail.deploy.errors import CannotRun
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.intent import Intent
from langtrail.processors.sink import Sink
from langtrail.processors.sink_metrics import SinkMetrics
from langtrail.processors.sink_settings import SinkSettings
from langtrail.schemas import AUDIT_EVENT, frame, registry

SCHEMA_ID = registry().latest(AUDIT_EVENT).id
Wait = Callable[[Callable[[], object], float, str], None]


@dataclass
class Place:
    """A topic of two partitions, a group and a database of one test."""

    settings: SinkSettings
    client: Client
    wait: Wait

    def produce(self, values: Sequence[bytes], partition: int = 0) -> None:
        """Write values to a partition and wait until Kafka has them."""
        producer = Producer({"bootstrap.servers": self.settings.bootstrap_servers, "log_level": "0"})
        for value in values:
            producer.produce(self.settings.topic, value, b"key", partition)
        assert producer.flush(60) == 0

    @contextmanager
    def sink(self) -> Iterator[None]:
        """Run a sink within the block; what it has done is committed when the block is left."""
        stop = Event()
        thread = Thread(target=Sink(self.settings, SinkMetrics()).run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)

    def store(self, rows: int) -> None:
        """Run a sink until so many rows are stored."""
        with self.sink():
            self.wait(lambda: self.count() == rows, 60, f"{rows} rows are stored")

    def count(self) -> int:
        """Return how many rows there are."""
        return int(str(self.client.command("SELECT count() FROM events")))

    def commit(self, offset: int, metadata: str) -> None:
        """Commit an offset of partition 0 as a sink would."""
        consumer = Consumer(
            {"bootstrap.servers": self.settings.bootstrap_servers, "group.id": self.settings.group, "log_level": "0"}
        )
        consumer.commit(offsets=[TopicPartition(self.settings.topic, 0, offset, metadata=metadata)], asynchronous=False)
        consumer.close()


@pytest.fixture
def place(kafka_broker: str, empty_store: str, unique_name: str, wait_until: Wait) -> Iterator[Place]:
    """Return a topic of two partitions and an empty database."""
    admin = AdminClient({"bootstrap.servers": kafka_broker, "log_level": "0"})
    there = admin.list_topics(timeout=20).topics
    wanted = [NewTopic(name, 2, 1) for name in (unique_name, "langtrail.dead-letters") if name not in there]
    for created in admin.create_topics(wanted).values():
        created.result()
    client = clickhouse_connect.get_client(dsn=empty_store, autogenerate_session_id=False)
    settings = SinkSettings(bootstrap_servers=kafka_broker, clickhouse_dsn=empty_store, topic=unique_name, group=unique_name)
    yield Place(settings, client, wait_until)
    client.close()


def values(count: int, seed: int = 1) -> list[bytes]:
    """Return so many made-up events as Kafka has them."""
    return [frame(SCHEMA_ID, encode_audit_event(event)) for event in sample_events(count, seed=seed)]


def test_a_store_that_has_everything_is_complete(place: Place) -> None:
    """Rows, an event that was emitted twice, and a dead letter: each offset is stored or explained."""
    events = values(40)
    place.produce([*events, events[7], b"no event", *values(9, seed=2)])
    place.produce(values(5, seed=3), partition=1)
    place.store(55)
    place.client.command("OPTIMIZE TABLE events FINAL")
    first, second = audit_offsets(place.settings)
    assert (first.committed, first.checked, first.duplicates, first.dead_letters) == (51, Range(0, 50), 1, 1)
    assert first.is_complete
    assert (second.committed, second.checked, second.is_complete) == (5, Range(0, 4), True)


def test_rows_that_are_gone_are_found(place: Place) -> None:
    """Each hole is named by its first and last offset, at the edges and in the middle."""
    place.produce(values(60))
    place.store(60)
    place.client.command("DELETE FROM events WHERE _offset IN (0, 20, 21, 22, 59)")
    first, second = audit_offsets(place.settings)
    assert first.missing == [Range(0, 0), Range(20, 22), Range(59, 59)]
    assert not first.is_complete
    assert first.as_json()["missing"] == [[0, 0], [20, 22], [59, 59]]
    assert (second.committed, second.checked, second.is_complete) == (None, None, True)


def test_what_was_removed_is_explained(place: Place) -> None:
    """What retain removed was stored: it is counted apart, on Kafka or not, and only what it did not remove is missing."""
    place.produce(values(60))
    place.store(60)
    place.client.command(
        "INSERT INTO removed_events SELECT generateUUIDv4(), stream_id, seq, event_id, event_hash, record_hash, "
        "_topic, _partition, _offset FROM events WHERE _offset BETWEEN 20 AND 29"
    )
    place.client.command("DELETE FROM events WHERE _offset BETWEEN 20 AND 30")
    first = audit_offsets(place.settings)[0]
    assert (first.removed, first.missing) == (10, [Range(30, 30)])


def test_what_is_in_flight_is_not_missing(place: Place) -> None:
    """Offsets from a written intent on are named as in flight; only those before it are checked."""
    place.produce(values(30))
    place.store(30)
    place.client.command("DELETE FROM events WHERE _offset >= 20")
    place.commit(20, Intent(20, 29, 10, SCHEMA_ID, 0).encode())
    first = audit_offsets(place.settings)[0]
    assert (first.in_flight, first.checked, first.is_complete) == (Range(20, 29), Range(0, 19), True)


def test_what_kafka_has_no_more_is_unproven(place: Place) -> None:
    """A hole before the oldest record of Kafka can be explained by nothing; it is not taken for complete."""
    place.produce(values(30))
    place.store(30)
    admin = AdminClient({"bootstrap.servers": place.settings.bootstrap_servers, "log_level": "0"})
    for deleted in admin.delete_records([TopicPartition(place.settings.topic, 0, 10)]).values():
        deleted.result()
    assert audit_offsets(place.settings)[0].is_complete
    place.client.command("DELETE FROM events WHERE _offset BETWEEN 8 AND 11")
    first = audit_offsets(place.settings)[0]
    assert (first.oldest, first.unproven, first.missing) == (10, [Range(8, 9)], [Range(10, 11)])
    assert not first.is_complete


def test_an_offset_beyond_the_end_is_wrong(place: Place) -> None:
    """A topic that was made anew has fewer records than were committed."""
    place.produce(values(3))
    place.commit(500, "")
    first = audit_offsets(place.settings)[0]
    assert not first.is_complete
    assert first.wrong == "the committed offset 500 is not on Kafka, which has 0 to 3"


def test_servers_that_do_not_answer_are_named(place: Place) -> None:
    """An unknown topic and a store that is away are one sentence each."""
    absent = SinkSettings(
        bootstrap_servers=place.settings.bootstrap_servers, clickhouse_dsn=place.settings.clickhouse_dsn, topic="no.such.topic"
    )
    with pytest.raises(CannotRun, match=r"no topic no\.such\.topic"):
        audit_offsets(absent)
    away = SinkSettings(bootstrap_servers=place.settings.bootstrap_servers, clickhouse_dsn="http://u:p@127.0.0.1:9/langtrail")
    with pytest.raises(CannotRun, match="does not answer"):
        audit_offsets(away)
