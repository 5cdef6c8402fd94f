"""How fast the sink stores: `python tests/benchmarks/sink.py [EVENTS]`.

Broker, ClickHouse and sink are processes of their own on this machine. First a backlog of EVENTS made-up events of about
1.5 kB on two partitions, from when the sink has its partitions until the last row is stored; then one event at a time, from
Kafka's acknowledgement until a query finds it. How fast the machine is at that moment is told by a loop of a million turns.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from http import HTTPStatus
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from langtrail.deploy.clickhouse_server import clickhouse_service, dsn
from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.migrate import migrate
from langtrail.deploy.process import free_port, wait_for
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.deploy.service import running
from langtrail.schemas import AUDIT_EVENT, frame, record_hash, registry, topic

TOPIC = topic("events").name
SINGLE_EVENTS = 30
HASH_AT = 5 + 32
"""Where the event hash begins in a Kafka value: after the frame and the record hash."""
RUN_SINK = (
    "import json, sys\n"
    "from langtrail.processors.sink import run_sink\n"
    "from langtrail.processors.sink_settings import SinkSettings\n"
    "sys.exit(run_sink(SinkSettings(**json.loads(sys.argv[1]))))\n"
)


def main(events: int) -> None:
    """Print rows a second, the sink's CPU time for a row, and the time to queryable."""
    with tempfile.TemporaryDirectory() as directory:
        kafka = kafka_service(Path(directory, "kafka"), free_port(), free_port())
        password = secrets.token_urlsafe(12)
        clickhouse = clickhouse_service(Path(directory, "clickhouse"), free_port(), password)
        with running(kafka, Path(directory)), running(clickhouse, Path(directory)) as engine:
            store = dsn(clickhouse.port, password)
            migrate(store)
            measure(f"127.0.0.1:{kafka.port}", store, engine.pid, events)


def measure(broker: str, store: str, engine: int, events: int) -> None:
    """Fill the topic, start the sink, and print what it does."""
    admin = AdminClient({"bootstrap.servers": broker, "log_level": "0"})
    for made in admin.create_topics([NewTopic(topic(name).name, 2, 1) for name in ("events", "dead_letters")]).values():
        made.result()
    producer = Producer({"bootstrap.servers": broker, "compression.type": "lz4", "linger.ms": "20", "log_level": "0"})
    average = fill(producer, events)
    client = clickhouse_connect.get_client(dsn=store, autogenerate_session_id=False)
    port = free_port()
    settings = {"bootstrap_servers": broker, "clickhouse_dsn": store, "port": port}
    sink = subprocess.Popen([sys.executable, "-c", RUN_SINK, json.dumps(settings)])
    try:
        if not wait_for(lambda: is_ready(port), 60):
            sys.exit("the sink was given no partition within 60 s")
        backlog(client, sink.pid, engine, events, average)
        single(client, producer, events)
    finally:
        sink.terminate()
        sink.wait(10)


def fill(producer: Producer, events: int) -> float:
    """Write the backlog; return the average size of a record in bytes.

    Making an event up takes longer than storing it, so the same ones come again and again, each time under another event hash:
    to the store they are different events.
    """
    values = [
        frame(registry().latest(AUDIT_EVENT).id, encode_audit_event(event)) for event in sample_events(min(events, 20_000))
    ]
    for number in range(events):
        value = values[number % len(values)]
        rest = secrets.token_bytes(32) + value[HASH_AT + 32 :]
        producer.produce(TOPIC, value[:5] + record_hash(rest) + rest, b"key", number % 2)
        if number % 5_000 == 0:
            producer.flush()
    producer.flush()
    return statistics.fmean(map(len, values))


def backlog(client: Client, sink: int, engine: int, events: int, average: float) -> None:
    """Print how fast the backlog is stored, and what it costs; the engine's cost has its merges in it, as far as they are."""
    began = time.perf_counter()
    before = cpu_seconds(sink), client_seconds(sink), cpu_seconds(engine)
    if not wait_for(lambda: stored(client) >= events, 300):
        sys.exit(f"only {stored(client)} of {events} events were stored within 300 s")
    seconds = time.perf_counter() - began
    after = cpu_seconds(sink), client_seconds(sink), cpu_seconds(engine)
    whole, kafka, of_engine = ((now - then) / events * 1e6 for now, then in zip(after, before, strict=True))
    print(
        f"{events / seconds:,.0f} rows/s of {average:,.0f} bytes; CPU for each: {whole:.1f} µs of the sink's, of which "
        f"{whole - kafka:.1f} µs Python and {kafka:.1f} µs Kafka's client, and {of_engine:.1f} µs of ClickHouse's; "
        f"a million turns of a loop: {loop_milliseconds():.0f} ms"
    )


def single(client: Client, producer: Producer, before: int) -> None:
    """Print how long a single event takes from Kafka's acknowledgement until a query finds it."""
    times = []
    values = [
        frame(registry().latest(AUDIT_EVENT).id, encode_audit_event(event)) for event in sample_events(SINGLE_EVENTS, seed=9)
    ]
    for number, value in enumerate(values, 1):
        producer.produce(TOPIC, value, b"key", number % 2)
        producer.flush()
        began = time.perf_counter()
        wait_for(partial(has, client, before + number), 60)
        times.append(time.perf_counter() - began)
    middle, longest = statistics.median(times) * 1000, max(times) * 1000
    print(f"from Kafka to queryable, one event at a time: median {middle:.0f} ms, longest {longest:.0f} ms")


def loop_milliseconds() -> float:
    """Return the CPU time of a million turns of a loop, the shortest of three, to compare moments and machines by."""
    times = []
    for _ in range(3):
        began, total = time.process_time(), 0
        for number in range(1_000_000):
            total += number & 7
        times.append((time.process_time() - began) * 1000)
    return min(times)


def is_ready(port: int) -> bool:
    """Say whether the sink has its partitions."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def has(client: Client, rows: int) -> bool:
    """Say whether the table has so many rows."""
    return stored(client) >= rows


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client_seconds(pid: int) -> float:
    """Return the CPU time that the threads of Kafka's client have used, which it names rdk:*."""
    threads = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    ticks = [text.rsplit(")", 1)[1].split()[11:13] for text in threads if "(rdk:" in text]
    return sum(int(user) + int(system) for user, system in ticks) / os.sysconf("SC_CLK_TCK")


def stored(client: Client) -> int:
    """Return how many rows the table has."""
    return int(str(client.command("SELECT count() FROM events")))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
