"""What is missing and can be seen to be: ends without starts, unknown parents, handlers that somebody took away."""

import os
import subprocess
import sys
import threading
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import CallbackManagerForChainRun
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler
from langtrail.producer import pipeline as pipeline_module
from tests.unit.producer.fakes import Hostile
from tests.unit.producer.trail import Trail, config, ext

pd: Any = import_module("pandas")  # has no types of its own


@pytest.mark.parametrize("kind", ["chain", "tool", "retriever", "llm"])
def test_an_end_without_a_start_tells_what_it_knows(trail: Trail, kind: str) -> None:
    """Its run and parent, what came out, how it ended; when it began is unknown, and nothing is made up."""
    run_id, parent_id = uuid4(), uuid4()
    error: Any = getattr(AuditCallbackHandler(), f"on_{kind}_error")
    error(ValueError("gone"), run_id=run_id, parent_run_id=parent_id)
    event = trail.one(f"{kind}_error")
    assert (event["run_id"], event["parent_run_id"]) == (str(run_id), str(parent_id))
    assert (event["outcome"], event["error_type"]) == ("failure", "ValueError")
    assert (event["started_at"], event["latency_us"]) == (None, None)
    assert "start_not_seen" in event["flags"]


def test_a_fault_at_the_start_of_a_run_does_not_cost_its_end(trail: Trail) -> None:
    """The end has name, type and output by itself."""

    class Undecided:
        def __bool__(self) -> bool:
            raise RuntimeError("neither")

    handler, run_id = AuditCallbackHandler(), uuid4()
    handler.on_tool_start({"name": "look"}, "x", run_id=run_id, name=Undecided())
    handler.on_tool_end("found", run_id=run_id, name="look")
    end = trail.one("tool_end")
    assert (end["component"], end["outcome"], end["content"]["output"]) == ("look", "success", "found")
    assert "start_not_seen" in end["flags"]
    assert ext(trail.one("custom"))["hook"] == "on_tool_start"


@pytest.mark.parametrize(
    "output",
    [Hostile(), pd.DataFrame({"status": ["error", "ok"], "tool_call_id": ["c1", "c2"]})],
    ids=["a proxy of what is gone", "a table with such columns"],
)
def test_a_tool_ends_whatever_it_returns(trail: Trail, output: Any) -> None:
    """Whether it failed is asked of its output, and not everything can be asked."""
    handler, run_id = AuditCallbackHandler(), uuid4()
    handler.on_tool_start({"name": "look"}, "x", run_id=run_id, name="look")
    handler.on_tool_end(output, run_id=run_id)
    end = trail.one("tool_end")
    assert (end["outcome"], end["tool_call_id"]) == ("success", None)
    assert end["content"]["output"]["type"] in ("table", "tests.unit.producer.fakes.Hostile")
    assert trail.events("custom") == []


def test_a_child_of_an_unknown_parent_keeps_it_and_says_so(trail: Trail) -> None:
    """The parent may be in another process, or was never recorded."""
    parent_id = uuid4()
    AuditCallbackHandler().on_chain_start(None, {}, run_id=uuid4(), parent_run_id=parent_id, name="child")
    start = trail.one("chain_start")
    assert (start["parent_run_id"], start["root_run_id"]) == (str(parent_id), start["run_id"])
    assert "orphan" in start["flags"]


def test_a_tool_called_by_itself_is_no_gap(trail: Trail) -> None:
    """No model asked for it: it has no call id, and nothing is missing."""

    @tool
    def look(what: str) -> str:
        """Look."""
        return what

    look.invoke({"what": "x"}, config())
    assert trail.one("tool_start")["tool_call_id"] is None
    assert trail.one("tool_end")["tool_call_id"] is None
    assert trail.events("tool_not_executed") == []


def test_a_handler_taken_away_in_the_middle_of_a_run_leaves_it_open(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats count the run as open, and at last it is abandoned: an end that somebody suppressed is missed."""
    monkeypatch.setenv("LANGTRAIL_RUN_DEADLINE_SECONDS", "1")

    def work(value: int, run_manager: CallbackManagerForChainRun) -> int:
        run_manager.handlers.clear()
        return value

    function: Any = work
    RunnableLambda(function).invoke(1, config())
    shared = pipeline_module.pipeline()
    stream = shared._stream
    assert stream is not None
    shared._beat(stream, "")
    assert ext(trail.one("heartbeat"))["open_runs"] == "1"
    for run in shared.runs.all_open():
        run.started_ns -= 2_000_000_000
    shared._beat(stream, "")
    assert trail.one("abandoned")["run_id"] == trail.one("chain_start")["run_id"]
    assert ext(trail.events("heartbeat")[-1])["open_runs"] == "0"


def test_handlers_are_free(trail: Trail) -> None:
    """An application may make one for each request: none has a thread, a connection or a stream of its own."""
    RunnableLambda(lambda value: value).invoke(1, config())
    before = threading.active_count()
    for _ in range(300):
        RunnableLambda(lambda value: value).invoke(1, config())
    assert threading.active_count() <= before
    assert len(trail.events("stream_open")) == 1


def test_switched_on_by_the_environment_and_passed_is_one_handler(trail: Trail) -> None:
    """LANGTRAIL_ENABLED=1 in an application that passes the handler all the same: each event is one."""
    code = (
        "from langchain_core.runnables import RunnableLambda; from langtrail.producer import AuditCallbackHandler as H\n"
        "RunnableLambda(lambda x: x).invoke(1, {'callbacks': [H(), H()]}); RunnableLambda(lambda x: x).invoke(1)"
    )
    environ = {"LANGTRAIL_SPOOL_DIR": str(trail.spool), "LANGTRAIL_PUBLIC_KEY": os.environ["LANGTRAIL_PUBLIC_KEY"]}
    environ["LANGTRAIL_ENABLED"] = "1"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kinds = [event["event_type"] for event in trail.events()]
    assert kinds == ["stream_open", *["chain_start", "chain_end"] * 2, "stream_close"]
