"""The runs that are open: bounded, given up by a deadline, and never silently."""

import time
from uuid import UUID, uuid4

import pytest

from langtrail.producer import AuditCallbackHandler, capture
from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.runs import MAX_OPEN
from tests.unit.producer.trail import Trail, ext


def sweep(seconds_from_now: float = 0) -> None:
    """Do what the heartbeat does, as if later."""
    shared = pipeline_module.pipeline()
    deadline = shared.settings.run_deadline_seconds
    for given_up in shared.runs.overdue(time.monotonic_ns() + int(seconds_from_now * 1e9), deadline):
        shared.record(capture.given_up_event(given_up))


def test_a_run_past_its_deadline_is_abandoned_and_its_real_end_is_late(trail: Trail) -> None:
    """Nothing stays open for ever; an end that comes all the same is recorded, and says so."""
    handler, run_id = AuditCallbackHandler(), uuid4()
    handler.on_chain_start(None, {"a": 1}, run_id=run_id, name="long")
    sweep(3599)
    assert trail.events("abandoned") == []
    sweep(3601)
    assert ext(trail.one("abandoned")) == {"closed_by": "deadline", "kind": "chain"}
    handler.on_chain_end({"b": 2}, run_id=run_id)
    end = trail.one("chain_end")
    assert "late" in end["flags"]
    assert end["started_at"] == trail.one("abandoned")["started_at"]


def test_the_deadline_is_a_setting(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANGTRAIL_RUN_DEADLINE_SECONDS says when a run is given up."""
    monkeypatch.setenv("LANGTRAIL_RUN_DEADLINE_SECONDS", "5")
    AuditCallbackHandler().on_chain_start(None, {}, run_id=uuid4())
    sweep(6)
    assert trail.one("abandoned")["outcome"] == "abandoned"


def test_runs_that_never_end_are_bounded_and_each_eviction_is_an_event(trail: Trail) -> None:
    """Beyond the limit the oldest run is given up."""
    handler = AuditCallbackHandler()
    for number in range(MAX_OPEN + 25):
        handler.on_chain_start(None, "x", run_id=UUID(int=number + 1), name=str(number))
    assert len(pipeline_module.pipeline().runs) == MAX_OPEN
    given_up = trail.events("abandoned")
    assert [event["component"] for event in given_up] == [str(number) for number in range(25)]
    assert {ext(event)["closed_by"] for event in given_up} == {"limit"}


def test_state_is_flat_over_many_runs(trail: Trail) -> None:
    """What was closed is forgotten, up to a bound."""
    handler = AuditCallbackHandler()
    for number in range(6000):
        handler.on_chain_start(None, "x", run_id=UUID(int=number + 1))
        handler.on_chain_end("y", run_id=UUID(int=number + 1))
    runs = pipeline_module.pipeline().runs
    assert len(runs) == 0
    assert len(runs._closed) <= 4096
    assert not runs._bereft
    assert not runs._tasks


def test_what_is_open_when_the_process_ends_is_abandoned(trail: Trail) -> None:
    """The last events of a stream say what never ended, children before parents."""
    handler, root, child = AuditCallbackHandler(), uuid4(), uuid4()
    handler.on_chain_start(None, {}, run_id=root, name="root")
    handler.on_chain_start(None, {}, run_id=child, parent_run_id=root, name="child")
    pipeline_module.pipeline().close(0)
    given_up = trail.events("abandoned")
    assert [(event["component"], ext(event)["closed_by"]) for event in given_up] == [("child", "exit"), ("root", "exit")]
    assert trail.events()[-1]["event_type"] == "stream_close"


def test_the_heartbeat_gives_up_what_is_overdue(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to call anything: the events stand before the heartbeat that counts the open runs."""
    monkeypatch.setenv("LANGTRAIL_RUN_DEADLINE_SECONDS", "1")
    monkeypatch.setenv("LANGTRAIL_HEARTBEAT_SECONDS", "1")
    AuditCallbackHandler().on_chain_start(None, {}, run_id=uuid4(), name="stuck")
    deadline = time.monotonic() + 20
    while not trail.events("abandoned"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ext(trail.one("abandoned"))["closed_by"] == "deadline"


def test_a_start_looks_for_what_is_overdue_where_nothing_beats(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice a minute at most, so that it costs nothing."""
    monkeypatch.setenv("LANGTRAIL_RUN_DEADLINE_SECONDS", "1")
    handler = AuditCallbackHandler()
    handler.on_chain_start(None, {}, run_id=uuid4(), name="stuck")
    runs = pipeline_module.pipeline().runs
    for run in runs.all_open():
        run.started_ns -= 2_000_000_000
    runs._sweep_at_ns = 0
    handler.on_chain_start(None, {}, run_id=uuid4(), name="next")
    assert trail.one("abandoned")["component"] == "stuck"


def test_a_fork_leaves_the_parents_runs_to_the_parent(trail: Trail) -> None:
    """In the child they are not open, but what goes on there still knows its tree."""
    handler, root, child = AuditCallbackHandler(), uuid4(), uuid4()
    handler.on_chain_start(None, {}, run_id=root, name="root")
    runs = pipeline_module.pipeline().runs
    runs.forked()
    assert len(runs) == 0
    handler.on_chain_start(None, {}, run_id=child, parent_run_id=root, name="child")
    assert trail.events("chain_start")[-1]["root_run_id"] == str(root)
    assert runs.all_open()[0].component == "child"
