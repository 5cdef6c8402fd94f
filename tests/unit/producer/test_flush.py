"""Flush and close without a Kafka that answers: both come back in time, and say what is left and what is lost."""

import logging
import time
import tracemalloc
from uuid import uuid4

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler, ProducerSettings
from langtrail.producer.adoption import Adoption
from langtrail.producer.pipeline import pipeline
from tests.unit.producer.trail import Trail

NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _without_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a broker that nobody runs."""
    monkeypatch.setenv("LANGTRAIL_BOOTSTRAP_SERVERS", NOWHERE)


def run() -> None:
    """Run a chain of one step: two events."""
    RunnableLambda(lambda value: value).invoke(1, {"callbacks": [AuditCallbackHandler()]})


def test_flush_returns_by_its_deadline_and_counts_what_kafka_does_not_have(trail: Trail) -> None:
    """Spooled or not: the stream's own first event counts, too."""
    run()
    begun = time.monotonic()
    assert AuditCallbackHandler().flush(0.2) == 3
    assert 0.2 <= time.monotonic() - begun < 5


def test_flush_without_an_event_returns_at_once(trail: Trail) -> None:
    """It opens no stream for it."""
    assert AuditCallbackHandler().flush(60) == 0
    assert trail.events() == []


def test_flush_counts_what_dead_processes_left(trail: Trail) -> None:
    """Their streams are this process's to ship."""
    run()
    pipeline().close(0)
    run()
    assert AuditCallbackHandler().flush(0.2) == 4 + 3


def test_close_leaves_to_the_next_process_what_kafka_does_not_have(trail: Trail) -> None:
    """The stream has its last event, its files are there, and nobody holds them."""
    run()
    begun = time.monotonic()
    pipeline().close(0.2)
    assert time.monotonic() - begun < 5
    assert [event["event_type"] for event in trail.events()] == ["stream_open", "chain_start", "chain_end", "stream_close"]
    adoption = Adoption(ProducerSettings(spool_dir=trail.spool), "")
    adoption.scan()
    assert adoption.left() == 4
    adoption.let_go()


def test_mode_drop_says_what_is_lost_with_its_process(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no disk to keep it on, and no Kafka to take it: the log is what is left."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "drop")
    run()
    with caplog.at_level(logging.WARNING, "langtrail.producer"):
        pipeline().close(0)
    (said,) = [message for message in caplog.messages if message.startswith("4 events of stream ")]
    assert said.endswith(" were dropped: Kafka did not take them")
    assert not trail.spool.exists()


def test_memory_in_mode_drop_is_bounded_and_the_hole_is_named(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is a hole in the numbers, which only grows until there is room again."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "drop")
    monkeypatch.setenv("LANGTRAIL_MEMORY_MAX_BYTES", str(1 << 16))
    for _ in range(200):
        run()
    stream = pipeline()._stream
    assert stream is not None
    assert stream.kept + stream.dropped == 401
    assert stream.log._waiting_bytes <= 1 << 16
    assert [entry.seq for entry in stream.log.waiting(1 << 20)] == list(range(stream.kept))


def test_what_waits_in_memory_takes_no_more_than_it_is_counted_for(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANGTRAIL_MEMORY_MAX_BYTES is about the process's memory, with and without a key to seal with."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "drop")
    monkeypatch.delenv("LANGTRAIL_PUBLIC_KEY")
    handler = AuditCallbackHandler()
    for _ in range(2500):  # more runs than are remembered once they ended
        handler.on_chain_end({}, run_id=uuid4())
    stream = pipeline()._stream
    assert stream is not None
    before = stream.log._waiting_bytes
    tracemalloc.start(1)
    for _ in range(1000):
        handler.on_chain_end({}, run_id=uuid4())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 1.5 * (stream.log._waiting_bytes - before)


def test_what_is_dropped_takes_no_memory(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event tries to name the hole before it: what that takes is let go."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "drop")
    monkeypatch.setenv("LANGTRAIL_MEMORY_MAX_BYTES", str(1 << 16))
    handler = AuditCallbackHandler()
    for _ in range(2500):  # more runs than are remembered once they ended
        handler.on_chain_end({}, run_id=uuid4())
    stream = pipeline()._stream
    assert stream is not None
    assert stream.dropped > 2000
    tracemalloc.start(1)
    for _ in range(1000):
        handler.on_chain_end({}, run_id=uuid4())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 5_000_000
