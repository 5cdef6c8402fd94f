"""How a worker ends on a real broker, and that nothing is lost by it: stopped, killed, refused, moved, at fault."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition

from langtrail.deploy.process import wait_for
from langtrail.schemas import DeadLetterHeader, generate_private_key, topics

if TYPE_CHECKING:
    from tests.integration.worker.conftest import Cluster, Worker


def test_a_stopped_worker_finishes_its_batch(cluster: "Cluster", start_worker: "Callable[..., Worker]", tmp_path: Path) -> None:
    """SIGTERM in the middle of a batch: what was begun is finished and committed, the next worker begins right after it."""
    some = cluster.records(400)
    cluster.produce(some)
    in_the_middle = tmp_path / "mark"
    worker = start_worker(step=f"time.sleep(0.002); event.offset == 20 and open({str(in_the_middle)!r}, 'w').close()")
    assert wait_for(in_the_middle.exists, 20), worker.said()
    began = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - began < 5
    assert 0 < cluster.committed() == cluster.count("events")
    cluster.produce(more := cluster.records(10))
    start_worker().until_done_with(410 - cluster.committed())
    assert cluster.ids() == cluster.ids_of([*some, *more])


def test_a_killed_worker_loses_nothing(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Kill -9 under load, and another worker goes on: every event is there, and what is there twice has one identity."""
    some = cluster.records(3000)
    cluster.produce(some)
    worker = start_worker(step="time.sleep(0.0005)")
    assert wait_for(lambda: worker.metric("records_in_total") > 0, 20), worker.said()
    worker.kill()
    assert cluster.count("events") < len(some)
    start_worker()
    assert wait_for(lambda: cluster.committed() == len(some), 30), cluster.committed()
    assert cluster.ids().keys() == cluster.ids_of(some).keys()
    identity = ("event_id", "event_hash", "chain_hash", "stream_id", "seq", "_partition")
    assert len({tuple(event[name] for name in identity) for event in cluster.events()}) == len(some)


@pytest.mark.parametrize("topic", ["events", "dead_letters"])
def test_what_kafka_refuses_is_not_acknowledged(topic: str, cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """A failed delivery ends the worker at once, and the records are read again when Kafka takes them."""
    some = cluster.records(10)
    cluster.produce(some)
    cluster.produce_bytes(b"junk")
    cluster.flush()
    cluster.configure(topic, "max.message.bytes", "100")
    worker = start_worker()
    assert worker.ended() == 1
    assert "MSG_SIZE_TOO_LARGE" in worker.said().splitlines()[-1]
    assert cluster.committed() <= cluster.count("events") <= 10
    cluster.configure(topic, "max.message.bytes", str(topics()[topic].max_message_bytes))
    start_worker()
    assert wait_for(lambda: cluster.committed() == 11, 30)
    assert cluster.ids().keys() == cluster.ids_of(some).keys()
    assert {why[DeadLetterHeader.OFFSET] for _, why in cluster.letters()} == {"5"}


def test_nothing_is_committed_over_an_unfinished_record(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Records that wait behind the one that a worker fails at are not taken for finished while Faust is torn down."""
    some = cluster.records(300)
    for record in some:
        cluster.produce_bytes(record.value, 0, record.key, record.headers)
    cluster.flush()
    one_by_one = "from langtrail.processors import app, faust_tuning; app.BATCH_RUNS = faust_tuning.RUN_RECORDS = 1"
    worker = start_worker(before=one_by_one, step="time.sleep(0.1); 1 / 0")
    assert worker.ended() == 1
    assert "ZeroDivisionError" in worker.said().splitlines()[-1]
    assert (cluster.count("events"), cluster.committed()) == (0, 0)


def test_an_unknown_key_stops_the_worker(cluster: "Cluster", start_worker: "Callable[..., Worker]", tmp_path: Path) -> None:
    """Content for a key that the worker lacks is no dead letter: the worker ends, and goes on once it has the key."""
    some = cluster.records(5, new_key := generate_private_key())
    cluster.produce(some)
    worker = start_worker()
    assert worker.ended() == 1
    assert "LANGTRAIL_PRIVATE_KEY_FILE" in worker.said().splitlines()[-1]
    assert (cluster.count("events"), cluster.count("dead_letters"), cluster.committed()) == (0, 0, 0)
    (tmp_path / "new-key").write_text(f"{new_key}\n")
    start_worker(LANGTRAIL_PRIVATE_KEY_FILE=str(tmp_path / "new-key")).until_done_with(5)
    assert cluster.ids() == cluster.ids_of(some)


def test_a_record_that_kills_workers_is_set_aside(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """A record that was in hand at too many deaths goes to the dead letters; no log quotes what it holds."""
    some = cluster.records(20)
    cluster.produce(some)
    deadly = some[7].event
    one_death = "from langtrail.processors import deaths; deaths.MOST_DEATHS = 1"
    step = f"assert event.core['seq'] != {deadly['seq']}, str(event.content)"
    worker = start_worker(before=one_death, step=step)
    assert worker.ended() == 1
    assert "AssertionError" in worker.said().splitlines()[-1]
    assert not any(text in worker.said() for text in some[7].content.values())
    start_worker(before=one_death, step=step)
    assert wait_for(lambda: cluster.committed() == len(some), 30)
    assert cluster.ids().keys() == cluster.ids_of(some).keys() - {deadly["event_id"]}
    ((letter, why),) = cluster.letters()
    assert why[DeadLetterHeader.REASON] == "killed_worker"
    assert letter.value() == some[7].value


def test_a_stuck_worker_says_where_it_stands_and_ends(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """A record that nothing comes of ends the worker: the stacks of its threads are in the log, nothing is acknowledged."""
    some = cluster.records(6)
    cluster.produce(some)
    soon = "from langtrail.processors import watchdog; watchdog.STUCK_SECONDS = watchdog.AFTER_DELIVERY_SECONDS = 1"
    stuck = start_worker(before=soon, step="event.offset == 2 and time.sleep(600)", LANGTRAIL_WORKER_DELIVERY_SECONDS="1")
    assert stuck.ended() == 1
    assert re.search(r"most recent call first.*in step\b.*in _deal_with\b", stuck.said(), re.DOTALL)
    assert not any(text in stuck.said() for record in some for text in record.content.values())
    assert (cluster.count("events"), cluster.committed()) == (0, 0)
    start_worker().until_done_with(6)


def test_an_offset_that_is_gone_stops_the_worker(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Records that were removed before they were read are never skipped silently, neither while it runs nor when it starts."""
    worker = start_worker().until_ready()
    worker.process.send_signal(signal.SIGSTOP)
    for _ in range(12):  # more than what one fetch brings: what it asked for before it was stopped it still gets
        cluster.produce_bytes(bytes(1_000_000))
        cluster.flush()
    for removed in cluster.admin.delete_records([TopicPartition(topics()["raw"].name, 0, 11)]).values():
        removed.result()
    worker.process.send_signal(signal.SIGCONT)
    for attempt in (worker, start_worker()):
        assert attempt.ended() == 1
        assert re.search(r"offset \d of langtrail\.raw\[0\]", attempt.said().splitlines()[-1])


def test_workers_share_the_partitions(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Partitions move between workers under load, and nothing is lost and nothing changes its partition."""
    some = cluster.records(1600)
    cluster.produce(some[:800])
    first = start_worker(step="time.sleep(0.001)").until_ready()
    second = start_worker(step="time.sleep(0.001)").until_ready()
    cluster.produce(some[800:])
    assert wait_for(lambda: second.metric("records_in_total") > 0, 20), second.said()
    assert first.metric("records_in_total") > 0
    assert first.terminate() == 0
    assert wait_for(lambda: cluster.committed() == len(some), 30), second.said()
    assert cluster.ids().keys() == cluster.ids_of(some).keys()
    assert all(event["_partition"] == event["seq"] % 2 for event in cluster.events())


def test_a_worker_that_would_reject_most_stops(cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """Rather than empty the topic into the dead letters, the worker ends and says what is wrong."""
    for _ in range(500):
        cluster.produce_bytes(b"junk")
    cluster.flush()
    worker = start_worker()
    assert worker.ended() == 1
    assert "malformed_record" in worker.said().splitlines()[-1]
    assert cluster.count("dead_letters") < 100


def test_a_used_port_is_said(start_worker: "Callable[..., Worker]") -> None:
    """A second worker on the same port ends and says so."""
    first = start_worker().until_ready()
    second = start_worker(LANGTRAIL_WORKER_PORT=str(first.port))
    assert second.ended() == 1
    assert str(first.port) in second.said().splitlines()[-1]
