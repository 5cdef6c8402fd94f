"""How fast a worker is: `python tests/benchmarks/worker.py [EVENTS]`.

Broker and worker are processes of their own on this machine; with two processors or more the worker has one to itself. A
backlog of EVENTS sealed, made-up events, a third of them with personal data in their texts, no two of which are the same, is
opened, redacted, with pseudonyms of whom it is about, enriched and sealed; measured from the first that comes out to the last.
Memory is printed at every tenth: it must not grow with EVENTS. `worker_stages.py` says where the CPU time goes.
"""

import base64
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no type hints
from confluent_kafka import Consumer, Producer, TopicPartition

from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, free_port, wait_for
from langtrail.deploy.sample_raw_events import sample_raw_records
from langtrail.deploy.service import running
from langtrail.deploy.topics import create_topics
from langtrail.schemas import DataKey, generate_private_key, public_key_of, topic

DISTINCT_EVENTS = 5_000


def main(events: int) -> None:
    """Print events a second, and the worker's CPU time for an event."""
    own = keep_apart()
    with tempfile.TemporaryDirectory() as directory:
        kafka = kafka_service(Path(directory, "kafka"), free_port(), free_port())
        with running(kafka, Path(directory)):
            servers = f"{LOOPBACK}:{kafka.port}"
            create_topics(servers)
            private_key = generate_private_key()
            average = fill(servers, events, public_key_of(private_key))
            key_file = Path(directory, "private.key")
            key_file.write_text(private_key)
            pseudonym_file = Path(directory, "pseudonym.key")
            pseudonym_file.write_text(base64.b64encode(os.urandom(32)).decode())
            told = {
                "LANGTRAIL_PRIVATE_KEY_FILE": str(key_file),
                "LANGTRAIL_PSEUDONYM_KEY_FILE": str(pseudonym_file),
                "LANGTRAIL_WORKER_STATE_DIR": directory,
            }
            measure(servers, events, average, told, own)


def fill(servers: str, events: int, public_key: str) -> float:
    """Write the backlog, half of it to each partition; return the average size of a record in bytes."""
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000, "log_level": 0}
    )
    records = list(sample_raw_records(DISTINCT_EVENTS, data_key=DataKey.generate([public_key])))
    for number, record in enumerate(itertools.islice(itertools.cycle(records), events)):
        producer.produce(topic("raw").name, record.value, record.key, number % 2, headers=record.headers)
        producer.poll(0)
    producer.flush()
    return sum(len(record.value) for record in records) / len(records)


def measure(servers: str, events: int, average: float, told: dict[str, str], own: set[int]) -> None:
    """Start the worker and print what it does."""
    told = {**told, "LANGTRAIL_BOOTSTRAP_SERVERS": servers, "LANGTRAIL_WORKER_PORT": str(free_port())}
    worker = subprocess.Popen([sys.executable, "-m", "langtrail.deploy.cli", "worker"], env={**os.environ, **told})
    watcher = Consumer({"bootstrap.servers": servers, "group.id": "benchmark", "log_level": 0})
    try:
        process = psutil.Process(worker.pid)
        if own:
            os.sched_setaffinity(worker.pid, own)  # its threads are still to come
        assert wait_for(lambda: written(watcher) > 0, 120), "no event came out"
        first, began = written(watcher), time.perf_counter()
        cpu = sum(process.cpu_times()[:2])
        memory = [resident(process)]
        for tenth in range(1, 11):
            wanted = max(first + 1, events * tenth // 10)
            assert wait_for(lambda: written(watcher) >= wanted, 600), f"only {written(watcher)} of {events} came out"  # noqa: B023
            memory.append(resident(process))
        seconds, done = time.perf_counter() - began, written(watcher) - first
        each = (sum(process.cpu_times()[:2]) - cpu) / done * 1e6
        where = "worker on one processor" if own else "worker"
        print(f"{where}: {done / seconds:,.0f} events/s of {average:,.0f} bytes, {each:.0f} µs of its CPU each")
        print(f"worker: memory at every tenth {' '.join(map(str, memory))} MB")
    finally:
        worker.terminate()
        worker.wait(10)
        watcher.close()


def keep_apart() -> set[int]:
    """Leave the last processor to the worker where there are two or more: this process and the broker stay off it."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(processors) < 2:
        return set()
    os.sched_setaffinity(0, processors[:-1])
    return {processors[-1]}


def resident(process: psutil.Process) -> int:
    """Return its memory in MB."""
    return int(process.memory_info().rss // 1_000_000)


def written(watcher: Consumer) -> int:
    """Return how many events came out."""
    name = topic("events").name
    return sum(watcher.get_watermark_offsets(TopicPartition(name, number), timeout=10)[1] for number in (0, 1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
