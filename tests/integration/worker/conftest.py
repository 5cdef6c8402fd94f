"""What the worker's tests share: a broker with fresh topics, and the worker as a process of its own."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, says Confluent's documentation
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from langtrail.deploy.process import free_port, wait_for
from langtrail.deploy.sample_raw_events import RawRecord, sample_raw_records
from langtrail.deploy.topics import create_topics
from langtrail.processors.app import GROUP
from langtrail.schemas import DataKey, DeadLetterHeader, decode, generate_private_key, public_key_of, registry, topics, unframe

PRIVATE_KEY: Final = generate_private_key()
RAW: Final = topics()["raw"].name
PARTITIONS: Final = 2
WORKER = """
import os, signal, sys, time
from langtrail.processors import pipeline as worker_pipeline, worker
from langtrail.processors.worker_settings import WorkerSettings
from langtrail.schemas.settings import load_settings
{before}
ordinary = worker.pipeline
{step}
sys.exit(worker.run_worker(load_settings(WorkerSettings)))
"""
STEP = """
def step(event):
    {}
def pipeline(*given):
    steps = ordinary(*given)
    opened = next(number for number, each in enumerate(steps) if isinstance(each, worker_pipeline.Redactor))
    return (*steps[:opened], step, *steps[opened:])
worker.pipeline = pipeline
"""


@dataclass
class Cluster:
    """The broker with fresh topics."""

    bootstrap_servers: str

    def __post_init__(self) -> None:
        self._connection: dict[str, str | int | float | bool] = {"bootstrap.servers": self.bootstrap_servers, "log_level": 0}
        self.admin = AdminClient(self._connection)
        self.producer = Producer({**self._connection, "linger.ms": 5, "message.max.bytes": 20_000_000})

    def begin_anew(self) -> None:
        """Delete the topics and the worker's group, and create the topics again."""
        there = set(self.admin.list_topics(timeout=10).topics) & {topic.name for topic in topics().values()}
        for future in self.admin.delete_topics(list(there)).values() if there else ():
            future.result()
        groups = {group.group_id for group in self.admin.list_consumer_groups().result().valid}
        if GROUP in groups:
            self.admin.delete_consumer_groups([GROUP])[GROUP].result()
        assert wait_for(self._has_all_topics, 20)

    def _has_all_topics(self) -> bool:
        create_topics(self.bootstrap_servers)
        return self.admin.list_topics(timeout=10).topics.keys() >= {topic.name for topic in topics().values()}

    @staticmethod
    def records(count: int, private_key: str = PRIVATE_KEY, **fields: Any) -> list[RawRecord]:
        """Return sealed records that are no one else's; `fields` overrides values in each event."""
        data_key = DataKey.generate([public_key_of(private_key)])
        return list(sample_raw_records(count, seed=time.time_ns(), data_key=data_key, **fields))

    def produce(self, records: Sequence[RawRecord]) -> None:
        """Write records to langtrail.raw, each into the partition of its number in the stream."""
        for record in records:
            self.produce_bytes(record.value, record.event["seq"] % PARTITIONS, record.key, record.headers)
        self.flush()

    @staticmethod
    def ids_of(records: Sequence[RawRecord]) -> Counter[str]:
        """Return how often each event id is in some records."""
        return Counter(record.event["event_id"] for record in records)

    def produce_bytes(self, value: bytes | None, partition: int = 0, key: bytes = b"k", headers: Any = ()) -> None:
        """Write any bytes to langtrail.raw."""
        self.producer.produce(RAW, value, key, partition, headers=[*headers])

    def flush(self) -> None:
        """Return when all is written."""
        assert self.producer.flush(20) == 0

    def read(self, short: str) -> list[Message]:
        """Return all records of a topic, partition by partition; topics go by their short names."""
        topic = topics()[short].name
        config = {"group.id": "reader", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        consumer = Consumer({**self._connection, **config})
        partitions = [TopicPartition(topic, number, 0) for number in range(PARTITIONS)]
        count = sum(consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions)
        consumer.assign(partitions)
        messages: list[Message] = []
        while len(messages) < count:
            found = consumer.consume(count - len(messages), timeout=10)
            assert found, f"{topic} has {count} records, {len(messages)} could be read"
            messages += found
        consumer.close()
        return sorted(messages, key=lambda message: (message.partition() or 0, message.offset() or 0))

    def count(self, short: str) -> int:
        """Return how many records a topic has."""
        topic = topics()[short].name
        consumer = Consumer({**self._connection, "group.id": "reader"})
        try:
            offsets = [consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10) for n in range(PARTITIONS)]
        finally:
            consumer.close()
        return sum(end - begin for begin, end in offsets)

    def events(self) -> list[dict[str, Any]]:
        """Return all events of langtrail.events, partition by partition, with `_partition` and `_key` of their records."""
        found = []
        for message in self.read("events"):
            schema_id, datum = unframe(message.value())
            record = {"_partition": message.partition(), "_key": message.key()}
            found.append(decode(registry().by_id(schema_id), datum) | record)
        return found

    def ids(self) -> Counter[str]:
        """Return how often each event id is in langtrail.events."""
        return Counter(event["event_id"] for event in self.events())

    def letters(self) -> list[tuple[Message, dict[str, str]]]:
        """Return the dead letters, each with the headers that say why."""
        return [(letter, _reasons(letter)) for letter in self.read("dead_letters")]

    def committed(self) -> int:
        """Return how many records the worker's group has finished, all partitions together."""
        consumer = Consumer({**self._connection, "group.id": GROUP})
        try:
            found = consumer.committed([TopicPartition(RAW, number) for number in range(PARTITIONS)], timeout=10)
        finally:
            consumer.close()
        return sum(max(0, partition.offset) for partition in found)

    def configure(self, short: str, name: str, value: str) -> None:
        """Set one configuration value of a topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topics()[short].name, incremental_configs=[entry])
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result()


def _reasons(letter: Message) -> dict[str, str]:
    headers = {name: value for name, value in [*(letter.headers() or [])] if isinstance(value, bytes)}
    return {name: headers[name].decode() for name in DeadLetterHeader}


class Worker:
    """One worker process. `before` is Python to run first, `step` a statement on each opened `event`."""

    def __init__(self, cluster: Cluster, directory: Path, *, before: str = "", step: str = "", **environ: str) -> None:
        self.port = free_port()
        self.log = directory / f"worker-{self.port}.log"
        (directory / "keys").write_text(f"{PRIVATE_KEY}\n")
        self.directory = directory / "here"
        self.directory.mkdir(exist_ok=True)
        ours = {
            "LANGTRAIL_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "LANGTRAIL_PRIVATE_KEY_FILE": str(directory / "keys"),
            "LANGTRAIL_WORKER_PORT": str(self.port),
            "LANGTRAIL_WORKER_STATE_DIR": str(directory / "state"),
            "LANGTRAIL_WORKER_SESSION_SECONDS": "6",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER.format(before=before, step=STEP.format(step) if step else "")],
                env={**os.environ, **ours, **environ},
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )

    def get(self, page: str) -> tuple[int, str]:
        """Return status and text of a page, (0, '') while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{page}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def until_ready(self) -> "Worker":
        """Return when the worker consumes."""
        assert wait_for(lambda: self.get("/ready") == (200, "ok") or self.process.poll() is not None, 20), self.said()
        assert self.process.poll() is None, self.said()
        return self

    def metric(self, name: str, labels: str = "") -> float:
        """Return the sum of a metric over all its labels, or those that begin as given."""
        found = re.findall(rf"^langtrail_worker_{name}(?:{{{labels}.*}})? (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return sum(float(value) for value in found)

    def until_done_with(self, count: int) -> None:
        """Return when so many records were dealt with by this process."""
        assert wait_for(lambda: self.metric("records_in_total") >= count or self.process.poll() is not None, 30), self.said()
        assert self.metric("records_in_total") == count, self.said()

    def ended(self) -> int:
        """Return the exit status once the process has ended by itself."""
        return self.process.wait(15)

    def terminate(self) -> int:
        """Ask it to stop and return the exit status."""
        self.process.terminate()
        return self.process.wait(10)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Return what it wrote to standard output and error."""
        return self.log.read_text()


@pytest.fixture
def cluster(kafka_broker: str) -> Cluster:
    """Return the broker with fresh topics."""
    fresh = Cluster(kafka_broker)
    fresh.begin_anew()
    return fresh


@pytest.fixture
def start_worker(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Return a function that starts a worker; none outlives the test."""
    started: list[Worker] = []

    def start(**given: str) -> Worker:
        started.append(Worker(cluster, tmp_path, **given))
        return started[-1]

    yield start
    for worker in started:  # in order, so that each leaves its group: the next test would wait for it otherwise
        worker.process.terminate()
        worker.process.wait(10)
