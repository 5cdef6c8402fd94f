"""What the tests of the sink under faults share: a topic, a database behind a proxy, and sinks as processes."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.deploy.migrate import migrate
from langtrail.deploy.process import answers_ok, free_port
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.schemas import AUDIT_EVENT, frame, registry

Wait = Callable[[Callable[[], object], float, str], None]

SCHEMA_ID = registry().latest(AUDIT_EVENT).id
PARTITIONS = 3
RUN_SINK = (
    "import json, sys\n"
    "from langtrail.processors.sink import run_sink\n"
    "from langtrail.processors.sink_settings import SinkSettings\n"
    "sys.exit(run_sink(SinkSettings(**json.loads(sys.argv[1]))))\n"
)


@dataclass
class Place:
    """A topic of three partitions, an empty database behind a proxy, and what a test does with them."""

    broker: str
    dsn: str
    topic: str
    log: Path
    client: Client
    wait: Wait
    proxy: Any
    sinks: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    """The sinks by the port of their health page."""
    sent: set[bytes] = field(default_factory=set)

    def start(self, **settings: Any) -> int:
        """Start a sink behind the proxy; return its port."""
        port = free_port()
        given: dict[str, Any] = {
            "bootstrap_servers": self.broker,
            "clickhouse_dsn": self.proxy.dsn(self.dsn),
            "topic": self.topic,
            "group": self.topic,
            "port": port,
            "session_seconds": 6,
            "batch_rows": 100,
            **settings,
        }
        with self.log.open("ab") as log:
            self.sinks[port] = subprocess.Popen([sys.executable, "-c", RUN_SINK, json.dumps(given)], stderr=log)
        return port

    def kill(self, port: int) -> None:
        """End a sink at once."""
        self.sinks[port].kill()
        self.sinks[port].wait()

    def is_ready(self, port: int) -> bool:
        """Say whether a sink answers that all is well."""
        return answers_ok(port, "/ready")

    def produce(self, count: int, seed: int, partition: int = 0) -> None:
        """Write made-up events and wait until Kafka has them."""
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": "20", "log_level": "0"})
        for event in sample_events(count, seed):
            value = frame(SCHEMA_ID, encode_audit_event(event))
            self.sent.add(event["event_hash"])
            producer.produce(self.topic, value, b"session-1", partition)
        assert producer.flush(60) == 0

    def ask(self, query: str) -> Any:
        """Return the only value of the only row of an answer; the proxy is not asked."""
        return self.client.query(query).result_rows[0][0]

    def count(self) -> int:
        """Return how many rows events has, copies included."""
        return int(self.ask("SELECT count() FROM events"))

    def committed(self) -> dict[int, tuple[int, str]]:
        """Return offset and metadata of the group's commits, by partition."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": self.topic, "log_level": "0"})
        try:
            found = consumer.committed([TopicPartition(self.topic, number) for number in range(PARTITIONS)], timeout=20)
        finally:
            consumer.close()
        return {each.partition: (each.offset, each.metadata or "") for each in found}

    def assert_exact(self) -> None:
        """Assert that readers have every event that was sent, each once, and that usage and sessions follow from them."""
        hashes = [row[0] for row in self.client.query("SELECT event_hash FROM trail").result_rows]
        assert len(hashes) == len(self.sent)
        assert set(hashes) == self.sent
        calls = self.ask("SELECT count() FROM trail WHERE event_type IN ('llm_end', 'llm_error')")
        assert self.ask("SELECT sum(requests) FROM usage_daily") == calls
        sessions = "SELECT arraySort(groupUniqArray(session_id)) FROM "
        assert self.ask(f"{sessions} session_index") == self.ask(f"{sessions} trail")

    def assert_no_copies(self) -> None:
        """Assert that nothing was written twice at all, not even to be collapsed by readers."""
        assert self.count() == len(self.sent)

    def said(self) -> str:
        """Return what the sinks said."""
        return self.log.read_text()


@pytest.fixture
def place(
    kafka_broker: str, clickhouse_server: str, store_proxy: Any, unique_name: str, tmp_path: Path, wait_until: Wait
) -> Iterator[Place]:
    """Return a topic and an empty database, with no sink yet."""
    admin = AdminClient({"bootstrap.servers": kafka_broker, "log_level": "0"})
    there = admin.list_topics(timeout=20).topics
    wanted = {unique_name: PARTITIONS, "langtrail.dead-letters": 2}
    for created in admin.create_topics([NewTopic(n, p, 1) for n, p in wanted.items() if n not in there]).values():
        created.result()
    dsn = clickhouse_server.rsplit("/", 1)[0] + "/" + unique_name.replace("-", "_")
    migrate(dsn)
    client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
    found = Place(kafka_broker, dsn, unique_name, tmp_path / "sink.log", client, wait_until, store_proxy)
    yield found
    for process in found.sinks.values():
        if process.poll() is None:
            process.kill()
        process.wait()
    client.close()
