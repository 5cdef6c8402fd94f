"""The sink as a process of its own, on the real broker and the real engine, through everything that can end it."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.deploy.process import free_port
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.intent import Intent
from langtrail.processors.sink_batch import newest_schema_id
from langtrail.schemas import AUDIT_EVENT, DeadLetterHeader, frame, registry

SCHEMA_ID = registry().latest(AUDIT_EVENT).id
DEAD_LETTERS = "langtrail.dead-letters"
RUN_SINK = (
    "import json, sys\n"
    "from langtrail.processors.sink import run_sink\n"
    "from langtrail.processors.sink_settings import SinkSettings\n"
    "sys.exit(run_sink(SinkSettings(**json.loads(sys.argv[1]))))\n"
)
Wait = Callable[[Callable[[], object], float, str], None]


@dataclass
class Place:
    """A topic, a consumer group and a database of one test, and what a test does with them."""

    broker: str
    dsn: str
    topic: str
    directory: Path
    client: Client
    wait: Wait
    sinks: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        """Start a sink process."""
        known = {"bootstrap_servers": self.broker, "clickhouse_dsn": self.dsn, "topic": self.topic, "group": self.topic}
        port = free_port()
        settings = known | {"port": port} | settings
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-c", RUN_SINK, json.dumps(settings)], stderr=log)
        self.ports[process.pid] = port
        self.sinks.append(process)
        return process

    @property
    def log(self) -> Path:
        """Everything that the sinks of this test said."""
        return self.directory / "sink.log"

    def said(self) -> str:
        """Return what the sinks said."""
        return self.log.read_text()

    def page(self, process: subprocess.Popen[bytes], path: str) -> tuple[int, str]:
        """Return status and text of a page of a sink; status 0 while it does not listen."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[process.pid]}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            return 0, ""

    def produce(self, values: Sequence[bytes | None], partition: int = 0) -> None:
        """Write values to a partition and wait until Kafka has them."""
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": "20", "log_level": "0"})
        for value in values:
            producer.produce(self.topic, value, b"session-1", partition, headers=[("from", b"a test")])
        assert producer.flush(60) == 0

    def count(self, table: str = "events") -> int:
        """Return how many rows a table or view has."""
        return int(str(self.client.command(f"SELECT count() FROM {table}")))

    def hashes(self) -> list[bytes]:
        """Return the event hash of every row of events, repeated if it is there twice."""
        return [row[0] for row in self.client.query("SELECT event_hash FROM events").result_rows]

    def committed(self) -> dict[int, tuple[int, str]]:
        """Return offset and metadata of the group's commits, by partition."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": self.topic, "log_level": "0"})
        try:
            found = consumer.committed([TopicPartition(self.topic, number) for number in (0, 1)], timeout=20)
        finally:
            consumer.close()
        return {each.partition: (each.offset, each.metadata or "") for each in found}

    def commit(self, partition: int, offset: int, metadata: str) -> None:
        """Leave a commit as a sink would that was killed right after it."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": self.topic, "log_level": "0"})
        consumer.commit(offsets=[TopicPartition(self.topic, partition, offset, metadata=metadata)], asynchronous=False)
        consumer.close()

    def dead_letters(self) -> list[Message]:
        """Return the dead letters that came from this test's topic."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker,
                "group.id": f"{self.topic}-letters",
                "enable.partition.eof": "true",
                "log_level": "0",
            }
        )
        partitions = [TopicPartition(DEAD_LETTERS, number, 0) for number in (0, 1)]
        consumer.assign(partitions)
        letters, ends = [], 0
        while ends < len(partitions):
            for message in consumer.consume(500, 0.1):
                ends += message.error() is not None
                if not message.error() and headers(message)[DeadLetterHeader.TOPIC] == self.topic.encode():
                    letters.append(message)
        consumer.close()
        return letters


def headers(message: Message) -> dict[str, bytes]:
    """Return a message's headers by name."""
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return {name: value for name, value in pairs if isinstance(value, bytes)}


def values(count: int, **fields: Any) -> list[bytes]:
    """Return so many made-up events as Kafka has them."""
    return [frame(SCHEMA_ID, encode_audit_event(event)) for event in sample_events(count, **fields)]


def has(place: Place, count: int) -> bool:
    """Say whether so many events are stored."""
    return place.count() >= count


def event_hashes(kafka_values: Sequence[bytes]) -> set[bytes]:
    """Return the event hashes of Kafka values: after the five bytes of the frame and the record hash."""
    return {value[5 + 32 : 5 + 64] for value in kafka_values}


@pytest.fixture
def place(kafka_broker: str, empty_store: str, unique_name: str, tmp_path: Path, wait_until: Wait) -> Iterator[Place]:
    """Return a topic of two partitions and an empty database, with no sink yet."""
    admin = AdminClient({"bootstrap.servers": kafka_broker, "log_level": "0"})
    there = admin.list_topics(timeout=20).topics
    wanted = [NewTopic(name, 2, 1) for name in (unique_name, DEAD_LETTERS) if name not in there]
    for created in admin.create_topics(wanted).values():
        created.result()
    client = clickhouse_connect.get_client(dsn=empty_store, autogenerate_session_id=False)
    found = Place(kafka_broker, empty_store, unique_name, tmp_path, client, wait_until)
    yield found
    for process in found.sinks:
        if process.poll() is None:
            process.kill()
        process.wait()
    client.close()


def test_events_of_two_partitions_are_stored_and_marked(place: Place) -> None:
    """Every event of both partitions is stored with its origin, and the offsets are marked as done within a moment."""
    sent = [values(700, seed=seed) for seed in (1, 2)]
    for partition, batch in enumerate(sent):
        place.produce(batch, partition)
    sink = place.start()
    place.wait(lambda: place.count() == 1400, 60, "all events are stored")
    assert set(place.hashes()) == event_hashes(sent[0] + sent[1])
    origins = place.client.query(
        "SELECT _partition, _topic, _schema_id, min(_offset), max(_offset) FROM events GROUP BY ALL ORDER BY 1"
    )
    assert [tuple(row) for row in origins.result_rows] == [(n, place.topic, SCHEMA_ID, 0, 699) for n in (0, 1)]
    place.wait(lambda: place.committed() == {0: (700, ""), 1: (700, "")}, 20, "the offsets are marked as done")
    assert place.page(sink, "/ready") == (200, "ok")
    status, metrics = place.page(sink, "/metrics")
    assert status == 200
    assert 'langtrail_sink_rows_stored_total{partition="1"} 700\n' in metrics


def test_a_sink_stops_within_five_seconds(place: Place) -> None:
    """SIGTERM under load ends the sink with status 0; the next one goes on and every event is stored once."""
    sent = values(6_000)
    place.produce(sent)
    sink = place.start(batch_rows=300)
    place.wait(lambda: place.count() > 1000, 60, "some events are stored")
    sink.send_signal(signal.SIGTERM)
    assert sink.wait(6) == 0
    offset, metadata = place.committed()[0]
    assert (offset, metadata) == (place.count(), "")
    place.start()
    place.wait(lambda: place.count() >= len(sent), 60, "all events are stored")
    assert sorted(place.hashes()) == sorted(event_hashes(sent))


def usage(place: Place) -> tuple[int, ...]:
    """Return the requests and errors that are counted."""
    return tuple(place.client.query("SELECT sum(requests), sum(errors) FROM usage_daily").result_rows[0])


def test_a_killed_sink_loses_nothing_and_doubles_nothing(place: Place) -> None:
    """After kill -9 at any moment, several times, every event is stored exactly once and usage is exact."""
    sent = [values(5_000, seed=seed) for seed in (1, 2)]
    for partition, batch in enumerate(sent):
        place.produce(batch, partition)
    for goal in (1, 2_000, 5_000):
        sink = place.start(batch_rows=300, instance="sink")
        place.wait(partial(has, place, goal), 60, f"{goal} events are stored")
        sink.kill()
        sink.wait()
    place.start(batch_rows=300, instance="sink")
    place.wait(lambda: place.count() >= 10_000, 90, "all events are stored")
    assert sorted(place.hashes()) == sorted(event_hashes(sent[0] + sent[1]))
    assert "were being stored when the sink stopped" in place.said()
    # An insert's rows are seen a moment before those that the views make of them.
    place.wait(lambda: usage(place) == (2_500, 1_250), 30, "all calls are in usage")


def test_a_store_that_does_not_answer_does_not_keep_the_sink(place: Place) -> None:
    """A sink whose insert hangs stops in time all the same; its range stays in doubt, and the next sink stores it."""
    sent = values(20)
    place.produce(sent)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sink = place.start(clickhouse_dsn=f"http://user:word@127.0.0.1:{deaf.getsockname()[1]}/x")
        place.wait(lambda: place.committed()[0][1].startswith('{"v":1,"lo":0,"hi":19,'), 60, "the intent is written")
        sink.send_signal(signal.SIGTERM)
        assert sink.wait(6) == 0
    assert place.committed()[0][1].startswith('{"v":1,"lo":0,"hi":19,')
    place.start()
    place.wait(lambda: place.committed()[0] == (20, ""), 60, "the events are stored")
    assert sorted(place.hashes()) == sorted(event_hashes(sent))


def test_two_sinks_share_the_partitions(place: Place) -> None:
    """A second sink takes a partition over under load, and both when the first one ends; every event is stored once."""
    sent = [values(6_000, seed=seed) for seed in (1, 2)]
    for partition, batch in enumerate(sent):
        place.produce(batch[:4_000], partition)
    first = place.start(batch_rows=200)
    place.wait(partial(has, place, 1_000), 60, "the first sink stores")
    second = place.start(batch_rows=200)
    place.wait(lambda: place.page(second, "/ready") == (200, "ok"), 60, "the second sink has joined")
    place.wait(partial(has, place, 8_000), 60, "what was sent is stored")
    for partition, batch in enumerate(sent):
        place.produce(batch[4_000:], partition)
    first.send_signal(signal.SIGTERM)
    assert first.wait(6) == 0
    place.wait(partial(has, place, 12_000), 60, "the second sink stores the rest")
    assert sorted(place.hashes()) == sorted(event_hashes(sent[0] + sent[1]))


def test_a_range_left_in_doubt_is_completed(place: Place) -> None:
    """What an intent names and the store lacks is stored, what it has is not stored again; other records may follow or not."""
    sent = [values(250, seed=1), values(100, seed=2)]
    place.produce(sent[0][:200], 0)
    place.produce(sent[1], 1)
    sink = place.start(batch_rows=100)
    place.wait(lambda: place.count() == 300, 60, "all events are stored")
    sink.terminate()
    sink.wait(10)
    place.produce(sent[0][200:], 0)
    place.client.command("DELETE FROM events WHERE _offset BETWEEN 40 AND 149", settings={"mutations_sync": 2})
    place.client.command("DELETE FROM events WHERE _offset < 40 AND _partition = 0", settings={"mutations_sync": 2})
    kept = set(place.hashes())
    place.commit(0, 100, Intent(100, 199, 100, SCHEMA_ID, 0).encode())
    place.commit(1, 0, Intent(0, 99, 100, SCHEMA_ID, 0).encode())
    place.start()
    place.wait(lambda: place.committed() == {0: (250, ""), 1: (100, "")}, 60, "the ranges are replayed and the rest is stored")
    assert sorted(place.hashes()) == sorted(kept | event_hashes(sent[0][100:]) | event_hashes(sent[1]))
    assert "Kafka has no record" not in place.said()


def test_an_event_emitted_twice_is_in_the_trail_once(place: Place) -> None:
    """A worker that crashed may emit an event again, and a revision replaces it: readers see one, usage counts one."""
    first, again = ({"seed": 3, "processed_at": at} for at in (1_790_000_000_000_000, 1_790_000_009_000_000))
    place.produce(values(80, **first))
    place.start()
    place.wait(lambda: place.count() == 80, 60, "the events are stored")
    place.produce(values(80, **again) + values(80, revision=1, cost_nanousd=2_000_000_000, **again))
    place.wait(lambda: place.committed()[0] == (240, ""), 60, "everything is stored")
    assert place.count("trail") == 80
    assert place.client.query("SELECT DISTINCT revision FROM trail").result_rows == [(1,)]
    requests, cost = place.client.query("SELECT sum(requests), sum(cost_usd) FROM usage_daily").result_rows[0]
    assert (requests, cost) == (20, 40.0)


def test_poison_becomes_dead_letters_and_the_rest_is_stored(place: Place) -> None:
    """Records that are no audit event go to the dead letters as they came, with reason and origin; nothing waits for them."""
    good = values(40)
    cut = good[3][:-20]
    no_uuid = frame(SCHEMA_ID, encode_audit_event(next(sample_events(1, event_id="no uuid"))))
    unknown = frame(4711, b"whatever")
    sent = [*good[:10], cut, b"plain text", *good[10:20], no_uuid, unknown, *good[20:]]
    place.produce(sent)
    sink = place.start()
    place.wait(lambda: place.count() == 40, 60, "the good events are stored")
    place.wait(lambda: place.committed()[0] == (44, ""), 20, "the offsets are marked as done")
    letters = {int(headers(letter)[DeadLetterHeader.OFFSET]): letter for letter in place.dead_letters()}
    assert {offset: letter.value() for offset, letter in letters.items()} == {
        10: cut,
        11: b"plain text",
        22: no_uuid,
        23: unknown,
    }
    assert {headers(letter)[DeadLetterHeader.STAGE] for letter in letters.values()} == {b"sink"}
    assert headers(letters[23])[DeadLetterHeader.REASON] == b"unknown_schema"
    assert {headers(letters[n])[DeadLetterHeader.REASON] for n in (10, 11, 22)} == {b"malformed_record"}
    assert letters[10].key() == b"session-1"
    assert headers(letters[10])["from"] == b"a test"
    assert set(place.hashes()) == event_hashes(good)
    assert 'langtrail_sink_dead_letters_total{partition="0",reason="malformed_record"} 3\n' in place.page(sink, "/metrics")[1]


def test_records_of_a_newer_worker_stop_the_sink_until_it_is_upgraded(place: Place) -> None:
    """What is before them is stored; they are neither skipped nor given up, and the offset stays at the first of them."""
    newer = frame(newest_schema_id() + 1, b"what this sink cannot read")
    place.produce([*values(30), newer, newer])
    sink = place.start()
    assert sink.wait(60) == 1
    assert f"{place.topic}[0] from offset 30 on have schema id" in place.said()
    assert "upgrade the sink" in place.said()
    assert (place.count(), place.committed()[0][0], place.dead_letters()) == (30, 30, [])


def test_a_stream_of_rubbish_stops_the_sink(place: Place) -> None:
    """When most of what it reads would become dead letters, none does, and the sink says why it stopped."""
    place.produce([*values(20), *[b"rubbish"] * 150])
    sink = place.start()
    assert sink.wait(60) == 1
    assert f"of the last 170 records of {place.topic}[0] would become dead letters" in place.said()
    assert place.dead_letters() == []


def test_a_missing_table_stalls_and_skips_nothing(place: Place) -> None:
    """Without its table the partition stalls with a clear sentence; once there is one, everything is stored."""
    place.client.command("RENAME TABLE events TO hidden")
    sent = values(50)
    place.produce(sent)
    sink = place.start()
    place.wait(lambda: place.page(sink, "/ready") == (503, "stalled"), 60, "the sink says that it is stalled")
    assert "a table is missing (code 60); run `langtrail migrate`" in place.said()
    assert place.committed()[0][1].startswith('{"v":1,"lo":0,')
    place.client.command("RENAME TABLE hidden TO events")
    place.wait(lambda: place.count() == 50, 40, "the events are stored")
    place.wait(lambda: place.page(sink, "/ready") == (200, "ok"), 20, "the sink says that it is well")


def test_an_offset_that_is_gone_stops_the_sink(place: Place) -> None:
    """A committed offset that Kafka does not have ends the sink with a sentence; nothing is skipped silently."""
    place.produce(values(5))
    place.commit(0, 900, "")
    sink = place.start()
    assert sink.wait(60) == 1
    assert f"go on at offset 900 of {place.topic}[0], which has 0 to 5" in place.said()


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(place: Place) -> None:
    """A new topic has the old offsets; the tokens of the old records must not drop the new ones."""
    admin = AdminClient({"bootstrap.servers": place.broker, "log_level": "0"})
    old, new = values(30, seed=1), values(30, seed=2)
    place.produce(old)
    sink = place.start()
    place.wait(lambda: place.committed()[0] == (30, ""), 60, "the old events are stored")
    sink.terminate()
    sink.wait(10)
    admin.delete_topics([place.topic])[place.topic].result()
    place.wait(lambda: place.topic not in admin.list_topics(timeout=10).topics, 20, "the topic is gone")
    admin.create_topics([NewTopic(place.topic, 2, 1)])[place.topic].result()
    place.wait(lambda: place.committed()[0][0] < 0, 20, "Kafka has forgotten the offsets")
    place.produce(new)
    place.start()
    place.wait(lambda: len(place.hashes()) >= 60, 60, "the new events are stored too")
    assert set(place.hashes()) == event_hashes(old + new)
    assert place.count() == 60


def test_no_content_in_what_the_sink_says(place: Place) -> None:
    """Whatever goes wrong, logs and metrics quote nothing of a record."""
    secret = "jane.doe@example.com"  # noqa: S105 - it is no password
    place.produce(values(4, input=secret, event_id=secret) + values(2, input=secret))
    sink = place.start()
    place.wait(lambda: len(place.dead_letters()) == 4, 60, "the poison is in the dead letters")
    place.wait(lambda: place.count() == 2, 20, "the good events are stored")
    said = place.said() + place.page(sink, "/metrics")[1] + str([headers(letter) for letter in place.dead_letters()])
    assert secret not in said
