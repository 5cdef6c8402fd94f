"""Numbers, times and holes of one process's stream."""

import gc
import os
from pathlib import Path
from typing import Any, Protocol

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler, SpoolFull
from langtrail.producer.pipeline import pipeline
from langtrail.producer.spool import SpoolWriter, streams
from langtrail.producer.stream import uuid7


class Trail(Protocol):
    """The fixture of conftest.py."""

    spool: Path

    def events(self, *types: str) -> list[dict[str, Any]]: ...
    def one(self, event_type: str) -> dict[str, Any]: ...


def run(value: Any = 1) -> None:
    """Run a chain of one step: two events."""
    RunnableLambda(lambda _: value).invoke(value, {"callbacks": [AuditCallbackHandler()]})


def test_times_rise_strictly_within_a_stream(trail: Trail) -> None:
    """No two events of a stream have the same time, however fast they come."""
    for _ in range(50):
        run()
    times = [event["occurred_at"] for event in trail.events()]
    assert times == sorted(set(times))


def test_event_ids_are_version_7_and_rise_with_time() -> None:
    """An id is a UUIDv7 of its millisecond."""
    ids = [uuid7(millisecond) for millisecond in range(1_000, 2_000)]
    assert ids == sorted(ids)
    assert {(name[14], name[19] in "89ab") for name in ids} == {("7", True)}


def test_what_the_disk_refuses_is_a_hole_with_a_name(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that cannot be kept leave their numbers empty, and the first event after them says which and why."""
    run()
    real = SpoolWriter.append

    def full(*_: Any) -> None:
        raise SpoolFull("the spool's disk is full")

    monkeypatch.setattr(SpoolWriter, "append", full)
    run()
    run()
    monkeypatch.setattr(SpoolWriter, "append", real)
    run()
    dropped = trail.one("dropped")
    assert (dropped["first_seq"], dropped["last_seq"], dropped["count"]) == (3, 6, 4)
    assert dropped["ext"] == [{"key": "reason", "value": "the spool's disk is full"}]
    assert [event["seq"] for event in trail.events()] == [0, 1, 2, 7, 8, 9]


def test_a_hook_within_a_hook_neither_waits_nor_breaks_the_order(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finaliser that ends a run while another event is written is recorded after it."""
    real = SpoolWriter.append
    nested: list[bool] = []

    def append(self: SpoolWriter, *args: Any) -> None:
        if not nested:
            nested.append(True)
            run("nested")
        real(self, *args)

    run()
    monkeypatch.setattr(SpoolWriter, "append", append)
    run()
    assert [event["seq"] for event in trail.events()] == list(range(7))


def test_a_forked_child_has_a_stream_of_its_own(trail: Trail) -> None:
    """After a fork the child numbers from 0 in a new stream, and the parent's goes on."""
    run()
    child = os.fork()
    if child == 0:
        run("child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run()
    by_stream: dict[str, list[int]] = {}
    for event in trail.events():
        by_stream.setdefault(event["stream_id"], []).append(event["seq"])
    assert sorted(by_stream.values()) == [[0, 1, 2], [0, 1, 2, 3, 4]]


def test_a_closed_stream_says_how_many_events_it_has(trail: Trail) -> None:
    """The last event of a process counts all of them, itself included."""
    run()
    pipeline().close(0)
    assert trail.one("stream_close")["count"] == len(trail.events()) == 4


def test_without_a_broker_the_spool_is_the_log(trail: Trail) -> None:
    """Flush tells how many events no Kafka has, and returns at once."""
    run()
    assert AuditCallbackHandler().flush(10) == 3


def test_a_spool_that_cannot_be_written_does_not_reach_the_application(trail: Trail) -> None:
    """Where not even a stream can be opened the application goes on."""
    trail.spool.write_text("a file where the spool should be")
    run()
    assert streams(trail.spool) == []
    gc.collect()
