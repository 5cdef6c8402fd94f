"""What tools do besides returning: each query, request, program and file is an event under the tool that brought it about."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool
from langchain_core.tracers import context as tracers_context

from langtrail.producer import effect_sql, side_effects
from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.install import _installed, install
from langtrail.producer.runs import MAX_EFFECTS_ALIKE
from tests.unit.producer.trail import Trail, config, ext

Use = Callable[[Any], None]
Told = Callable[..., list[tuple[str, str, str, str]]]


def test_a_query_of_a_tool_is_an_event_of_its_run(trail: Trail, database: Path, use: Use, told: Told) -> None:
    """Verb, table and effect are in the core, the statement with its values is content; the tool's own facts are kept."""

    def work() -> str:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            found = connection.execute("SELECT name FROM customers WHERE country = ?", ("NO",)).fetchall()
            connection.execute("DELETE FROM customers WHERE name = 'bob'")
            connection.commit()
        return str(found)

    use(work)
    assert told("database") == [
        ("database", "SELECT", "read", "customers"),
        ("database", "DELETE", "delete", "customers"),
    ]
    event = trail.events("side_effect")[0]
    start = trail.one("tool_start")
    assert event["run_id"] == start["run_id"]
    assert (event["tool_name"], event["tool_call_id"], event["tenant_id"]) == ("work", "c1", "acme")
    assert event["content"]["input"]["statement"] == "SELECT name FROM customers WHERE country = 'NO'"
    assert start["seq"] < event["seq"] < trail.one("tool_end")["seq"]


def query(path: Path) -> None:
    """Ask the database something."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT 1 FROM customers").fetchall()


def in_thread(path: Path) -> Any:
    """Return a tool's function that asks in a thread of its own, without its context."""

    def work() -> str:
        thread = threading.Thread(target=query, args=(path,))
        thread.start()
        thread.join()
        return ""

    return work


def in_pool(path: Path) -> Any:
    """Return a tool's function that asks in a pool, with its context."""

    def work() -> str:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(copy_context().run, query, path).result()
        return ""

    return work


def in_coroutine(path: Path) -> Any:
    """Return a tool's coroutine function that asks."""

    async def work() -> str:
        query(path)
        return ""

    return work


def in_worker(path: Path) -> Any:
    """Return a tool's coroutine function that asks in one of asyncio's threads."""

    async def work() -> str:
        await asyncio.to_thread(query, path)
        return ""

    return work


def in_task(path: Path) -> Any:
    """Return a tool's coroutine function that asks in another task."""

    async def inner() -> None:
        query(path)

    async def work() -> str:
        await asyncio.create_task(inner())
        return ""

    return work


@pytest.mark.parametrize("make", [in_thread, in_pool, in_coroutine, in_worker, in_task])
def test_an_effect_is_tied_to_its_tool_wherever_it_runs(trail: Trail, database: Path, make: Any, use: Use) -> None:
    """In coroutines and tasks, in threads with its context and in a thread of its own without."""
    use(make(database))
    (event,) = [event for event in trail.events("side_effect") if ext(event)["kind"] == "database"]
    assert event["run_id"] == trail.one("tool_start")["run_id"]
    assert event["flags"] == []


def test_an_effect_after_its_tool_returned_is_late(trail: Trail, database: Path, use: Use, told: Told) -> None:
    """A thread that the tool left behind is still its thread."""
    go_on = threading.Event()

    def query_later() -> None:
        assert go_on.wait(10)
        query(database)

    late = threading.Thread(target=query_later)

    def work() -> str:
        late.start()
        return ""

    use(work)
    assert told("database") == []
    go_on.set()
    late.join()
    event = trail.one("side_effect")
    assert (event["run_id"], event["flags"]) == (trail.one("tool_end")["run_id"], ["late"])


def test_a_tools_function_called_past_langchain_still_leaves_its_effects(trail: Trail, database: Path) -> None:
    """No callback tells of `tool.func()`; what it does is tied to the run around it."""

    def read() -> str:
        """Read."""
        query(database)
        return ""

    made = StructuredTool.from_function(read)
    function: Any = made.func
    step: RunnableLambda[int, str] = RunnableLambda(lambda _: str(function()))
    step.invoke(1, config(tenant_id="acme"))
    assert trail.events("tool_start") == []
    event = trail.one("side_effect")
    assert (event["run_id"], event["resource"]) == (trail.one("chain_start")["run_id"], "customers")


def test_what_a_pool_does_for_whoever_is_recorded_without_a_run(trail: Trail, database: Path, use: Use) -> None:
    """A pool's thread has no context, and works for anybody: the event says that nobody is known for it."""

    def work() -> str:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(query, database).result()
        return ""

    use(work)
    (event,) = [event for event in trail.events("side_effect") if ext(event)["kind"] == "database"]
    assert (event["run_id"], event["flags"], event["resource"]) == (None, ["unattributed"], "customers")
    query(database)
    assert len(trail.events("side_effect")) == 1, "no run is open: it is none of our business"


def test_what_cannot_be_tied_to_a_run_is_bounded_and_counted(trail: Trail, database: Path, use: Use) -> None:
    """A busy application does not flood its trail; what was left out is told."""

    def flood() -> None:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            for number in range(200):
                connection.execute(f"SELECT {number} FROM customers").fetchall()

    def work() -> str:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(flood).result()
            side_effects._state.window_ends = 0.0
            executor.submit(flood).result()
        return ""

    use(work)
    events = trail.events("side_effect")
    assert len(events) == 100
    assert [ext(event)["left_out"] for event in events if "left_out" in ext(event)] == ["150"]


def test_a_thread_of_ones_own_ties_runs_to_the_run_that_started_it(trail: Trail, use: Use) -> None:
    """A model called in a bare thread is joined to the tool that started the thread, and flagged."""
    before = list(tracers_context._configure_hooks)
    _installed.cache_clear()
    install(side_effects=True)

    def work() -> str:
        thread = threading.Thread(target=GenericFakeChatModel(messages=iter([AIMessage("x")])).invoke, args=("hi",))
        thread.start()
        thread.join()
        return ""

    use(work)
    _installed.cache_clear()
    tracers_context._configure_hooks[:] = before
    model = trail.one("llm_start")
    assert model["parent_run_id"] == trail.one("tool_start")["run_id"]
    assert model["tenant_id"] == "acme"
    assert "orphan" in model["flags"]


def test_a_tool_that_does_the_same_without_end_is_bounded_and_counted(
    trail: Trail, database: Path, use: Use, told: Told
) -> None:
    """A hundred alike are recorded; the tool's end says how many more there were."""

    def work() -> str:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executemany("INSERT INTO customers VALUES (?, 'DK')", [(str(number),) for number in range(250)])
            connection.commit()
        return ""

    use(work)
    assert len(told("database")) == MAX_EFFECTS_ALIKE
    assert ext(trail.one("tool_end")) == {"side_effects_left_out": "150"}


def test_a_connection_whose_statements_nobody_tells_is_an_event(trail: Trail, database: Path, use: Use, told: Told) -> None:
    """An application may have its own hold of sqlite3's connect: that it connects is still seen."""
    own_hold = effect_sql._connect

    def work() -> str:
        with contextlib.closing(own_hold(database)) as connection:
            connection.execute("SELECT 1 FROM customers")
        return ""

    use(work)
    assert told("database") == [("database", "connect", "external", str(database))]


def test_an_application_that_traces_statements_itself_is_told_of_them_too(
    trail: Trail, database: Path, use: Use, told: Told
) -> None:
    """Its callback does not take the place of ours."""
    traced: list[str] = []

    def work() -> str:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.set_trace_callback(traced.append)
            connection.execute("SELECT 1 FROM customers")
            connection.set_trace_callback(None)
            connection.execute("SELECT 2 FROM customers")
        return ""

    use(work)
    assert traced == ["SELECT 1 FROM customers"]
    assert told("database") == [("database", "SELECT", "read", "customers")] * 2


def test_a_connection_of_an_applications_own_class_is_an_event_beside_its_statements(
    trail: Trail, database: Path, use: Use, told: Told
) -> None:
    """Whom it tells of them is its own affair: that it connects is told in any case."""

    class Own(sqlite3.Connection):
        pass

    def work() -> str:
        with contextlib.closing(sqlite3.connect(database, factory=Own)) as connection:
            assert type(connection) is Own
            connection.execute("SELECT 1 FROM customers")
        return ""

    use(work)
    assert told("database") == [
        ("database", "connect", "external", str(database)),
        ("database", "SELECT", "read", "customers"),
    ]


def test_a_factory_may_make_whatever_it_likes(trail: Trail, use: Use, told: Told) -> None:
    """The application gets that, and nothing is told of it."""

    def work() -> str:
        return str(sqlite3.connect("x", factory=lambda *_, **__: 7))  # type: ignore[call-overload] # Python takes it

    use(work)
    assert trail.one("tool_end")["content"]["output"]["content"] == "7"
    assert told() == []


def test_our_own_files_and_threads_are_no_effects(trail: Trail, database: Path, use: Use, told: Told) -> None:
    """Recording an effect has effects of its own: none of them is recorded, and nothing recurses."""

    def work() -> str:
        for number in range(5):
            (trail.spool / f"x{number}").write_text("ours")
        return ""

    use(work)
    assert told() == []

    def in_our_thread() -> str:
        thread = threading.Thread(target=query, args=(database,), name="langtrail-test")
        thread.start()
        thread.join()
        return ""

    use(in_our_thread)
    assert told() == []


def test_a_fault_while_recording_an_effect_leaves_the_operation_alone(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, use: Use
) -> None:
    """The query returns; an event says that something could not be recorded."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(side_effects, "running", fail)

    def work() -> str:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            return str(connection.execute("SELECT 1").fetchone())

    use(work)
    assert trail.one("tool_end")["content"]["output"]["content"] == "(1,)"
    assert {"key": "hook", "value": "side_effect"} in trail.events("custom")[0]["ext"]


def test_switched_off_nothing_is_recorded_and_threads_are_pythons_own(trail: Trail, database: Path, told: Told) -> None:
    """The audit hook stays, and is silent."""
    side_effects.disable()
    original = threading.Thread.start

    def work() -> str:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            return str(connection.execute("SELECT 1 FROM customers").fetchone())

    step: RunnableLambda[int, str] = RunnableLambda(lambda _: work())
    step.invoke(1, {"callbacks": []})
    assert told() == []
    assert original.__module__ == "threading"
    assert pipeline_module.existing_pipeline() is not None
