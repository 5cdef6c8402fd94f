"""Runs that LangChain never ends, ends late or ends half: each has an end in the trail, and the right one."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatResult
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler, capture
from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.runs import GRACE_SECONDS
from tests.unit.producer.fakes import Waiting, until, wait_for_ever, waiting
from tests.unit.producer.trail import Trail, config

STARTS = ("chain_start", "llm_start", "tool_start", "retriever_start")
ENDS = (*(f"{kind}_{end}" for kind in ("chain", "llm", "tool", "retriever") for end in ("end", "error")), "abandoned")


class Shelf(BaseRetriever):
    """A retriever that never finds anything when it is awaited."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return []

    async def _aget_relevant_documents(self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun) -> list[Document]:
        await wait_for_ever()
        return []


@tool
async def slow() -> str:
    """Never return."""
    await wait_for_ever()
    return ""


def step(function: Callable[[Any], Any]) -> Runnable[Any, Any]:
    """Return a function as a step of a chain."""
    return RunnableLambda(function)


def cancel(start: Callable[[], Any]) -> None:
    """Run a coroutine and cancel it once it waits."""

    async def main() -> None:
        waiting.clear()
        task = asyncio.ensure_future(start())
        await until(waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def sweep(seconds_from_now: float = 0) -> None:
    """Do what the heartbeat does, as if later."""
    shared = pipeline_module.pipeline()
    deadline = shared.settings.run_deadline_seconds
    for given_up in shared.runs.overdue(time.monotonic_ns() + int(seconds_from_now * 1e9), deadline):
        shared.record(capture.given_up_event(given_up))


def assert_every_start_ended_once(trail: Trail) -> None:
    """Every run that started has one end, and nothing is left open."""
    started = sorted(event["run_id"] for event in trail.events(*STARTS))
    assert sorted(event["run_id"] for event in trail.events(*ENDS)) == started
    assert len(pipeline_module.pipeline().runs) == 0


def test_a_cancelled_tool_that_is_the_root_is_closed_once_its_task_is_gone(trail: Trail) -> None:
    """LangChain tells of no end; the sweep sees that the task which started it was cancelled."""
    cancel(lambda: slow.ainvoke({}, config()))
    sweep()
    start, end = trail.one("tool_start"), trail.events(*ENDS)[0]
    assert end["run_id"] == start["run_id"]
    assert end["outcome"] == "cancelled"
    assert_every_start_ended_once(trail)


@pytest.mark.parametrize("root", [Waiting(), Shelf(), slow], ids=["model", "retriever", "tool"])
def test_what_was_cancelled_just_before_the_process_ends_is_closed_as_cancelled(trail: Trail, root: Runnable[Any, Any]) -> None:
    """No sweep came between: the end of the process looks at the tasks, too."""
    cancel(lambda: root.ainvoke({} if root is slow else "hi", config()))
    pipeline_module.pipeline().close(0)
    end = trail.one("abandoned")
    assert (end["outcome"], dict_of(end)["closed_by"]) == ("cancelled", "task")
    assert_every_start_ended_once(trail)


@pytest.mark.parametrize(
    "chain",
    [
        step(lambda _: "hi") | Waiting(),
        step(lambda _: "hi") | Shelf(),
        step(lambda _: {}) | slow,
        step(lambda _: {}) | (step(lambda _: {}) | slow),
    ],
    ids=["model", "retriever", "tool", "chain"],
)
def test_what_a_cancelled_chain_was_waiting_for_is_closed_with_it(trail: Trail, chain: Runnable[Any, Any]) -> None:
    """LangChain tells the chain of the cancellation, not what ran within it: that is closed as cancelled, by its parent."""
    cancel(lambda: chain.ainvoke(1, config()))
    assert_every_start_ended_once(trail)
    last = [event for event in trail.events(*ENDS) if event["outcome"] != "success"]
    assert {event["outcome"] for event in last} == {"cancelled"}
    assert {dict_of(event)["closed_by"] for event in last if event["event_type"] == "abandoned"} <= {"parent"}
    assert len(last) > 1
    assert last[-1]["parent_run_id"] is None


def dict_of(event: dict[str, Any]) -> dict[str, str]:
    """Return an event's further fields."""
    return {item["key"]: item["value"] for item in event["ext"]}


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_tool_that_ends_the_program_is_closed(trail: Trail, error: type[BaseException]) -> None:
    """SystemExit in a tool is told to the chain around it, if to anyone."""

    @tool
    def leave() -> str:
        """Leave."""
        raise error

    with pytest.raises(error):
        (step(lambda _: {}) | leave).invoke(1, config())
    assert {event["outcome"] for event in trail.events("chain_error", "tool_error", "abandoned")} == {"cancelled"}
    assert_every_start_ended_once(trail)


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([KeyboardInterrupt(), asyncio.CancelledError()], "cancelled"),
        ([BaseExceptionGroup("inner", [asyncio.CancelledError()])], "cancelled"),
        ([ValueError(), asyncio.CancelledError()], "failure"),
    ],
)
def test_a_group_of_cancellations_is_one(trail: Trail, errors: list[BaseException], outcome: str) -> None:
    """A failure among them is a failure."""

    def leave(_: Any) -> None:
        raise BaseExceptionGroup("all at once", errors)

    with pytest.raises(BaseExceptionGroup):
        step(leave).invoke(1, config())
    assert trail.one("chain_error")["outcome"] == outcome


def test_a_stream_that_is_closed_early_keeps_what_comes_after_its_end(trail: Trail) -> None:
    """LangChain ends the chain first and then drains the model: its late end is recorded under its parent."""
    chain = GenericFakeChatModel(messages=iter([AIMessage("one two three")])) | StrOutputParser()
    stream = chain.stream("hi", config())
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined] # it is a generator
    gc.collect()
    model, root = trail.one("llm_end"), trail.events("chain_end")[0]
    assert (root["parent_run_id"], root["outcome"], root["flags"]) == (None, "success", ["partial"])
    assert (model["parent_run_id"], model["outcome"]) == (root["run_id"], "success")
    assert root["seq"] < model["seq"]
    assert_every_start_ended_once(trail)


def test_a_stream_that_is_read_to_its_end_is_not_partial(trail: Trail) -> None:
    """Also when it is read within the closing of another one."""
    chain = GenericFakeChatModel(messages=iter([AIMessage("one two"), AIMessage("three four")])) | StrOutputParser()

    def read() -> Iterator[str]:
        try:
            yield from chain.stream("hi", config())
        finally:
            list(chain.stream("again", config()))

    stream = read()
    next(stream)
    stream.close()  # type: ignore[attr-defined] # it is a generator
    gc.collect()
    roots = [event for event in trail.events("chain_end") if event["parent_run_id"] is None]
    assert [event["flags"] for event in roots] == [["partial"], []]


def test_an_async_stream_that_is_left_behind_is_closed(trail: Trail) -> None:
    """A consumer that breaks and never closes: the model's run is closed when its chain is collected."""

    async def main() -> None:
        chain = Waiting() | StrOutputParser()
        async for _ in chain.astream("hi", config()):
            break
        gc.collect()

    asyncio.run(main())
    gc.collect()
    sweep(GRACE_SECONDS + 1)
    assert_every_start_ended_once(trail)
    assert {event["outcome"] for event in trail.events("llm_error", "abandoned")} <= {"cancelled", "abandoned"}
    assert {event["outcome"] for event in trail.events("chain_error")} == {"cancelled"}


def test_a_stream_that_is_cancelled_half_way_ends_once(trail: Trail) -> None:
    """Its consumer is cancelled between two parts: the root is told at once, the generators below it a moment later."""

    async def main() -> None:
        async for _ in (step(lambda _: "hi") | Waiting() | StrOutputParser()).astream("hi", config()):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    gc.collect()
    assert trail.events("abandoned") == []
    assert_every_start_ended_once(trail)
    assert {event["outcome"] for event in trail.events("llm_error", "chain_error")} == {"cancelled"}
    assert trail.one("llm_error")["content"]["output"][0]["content"] == "a"


def test_a_model_stream_closed_early_is_cancelled_with_what_it_said(trail: Trail) -> None:
    """What came before the close is in the event."""
    stream = Waiting().stream("hi", config())
    next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined] # it is a generator
    error = trail.one("llm_error")
    assert error["outcome"] == "cancelled"
    assert error["content"]["output"][0]["content"] == "ab"
    assert "partial" in error["flags"]


def test_a_batch_of_prompts_ends_as_a_whole(trail: Trail) -> None:
    """Three prompts in one call, the second fails: LangChain tells of that one alone, the trail has three ends."""
    with pytest.raises(ValueError, match="bad"):
        Waiting().generate(
            [[HumanMessage("ok")], [HumanMessage("bad")], [HumanMessage("ok2")]], callbacks=[AuditCallbackHandler()]
        )
    assert len(trail.events("llm_start")) == 3
    assert len(trail.events("llm_error")) == 1
    assert [(event["outcome"], dict_of(event)["closed_by"]) for event in trail.events("abandoned")] == [
        ("cancelled", "sibling")
    ] * 2
    assert_every_start_ended_once(trail)


def test_an_async_batch_of_prompts_is_left_to_langchain(trail: Trail) -> None:
    """There, LangChain ends the others itself."""

    class Answering(Waiting):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
            return self._generate(*args, **kwargs)

    async def main() -> None:
        prompts: list[list[BaseMessage]] = [[HumanMessage("ok")], [HumanMessage("bad")], [HumanMessage("ok2")]]
        with pytest.raises(ValueError, match="bad"):
            await Answering().agenerate(prompts, callbacks=[AuditCallbackHandler()])

    asyncio.run(main())
    assert [event["event_type"] for event in trail.events(*ENDS)] == ["llm_error", "llm_end", "llm_end"]
    assert_every_start_ended_once(trail)


def test_a_rate_limiter_that_raises_after_the_start_leaves_no_run_open(trail: Trail) -> None:
    """The model is never told; it is given up a minute after its chain failed."""

    class Refusing(BaseRateLimiter):
        def acquire(self, *, blocking: bool = True) -> bool:
            raise RuntimeError("too many")

        async def aacquire(self, *, blocking: bool = True) -> bool:
            raise RuntimeError("too many")

    chain = Waiting(rate_limiter=Refusing()) | StrOutputParser()
    with pytest.raises(RuntimeError, match="too many"):
        list(chain.stream("hi", config()))
    sweep(GRACE_SECONDS - 1)
    assert trail.events("abandoned") == []
    sweep(GRACE_SECONDS + 1)
    given_up = trail.one("abandoned")
    assert (given_up["outcome"], dict_of(given_up)["closed_by"]) == ("abandoned", "parent")
    assert_every_start_ended_once(trail)


def test_a_call_that_outlives_its_parent_is_linked_to_it_and_late(trail: Trail) -> None:
    """A task that nobody waits for calls a model after its parent ended."""

    async def main() -> None:
        tasks, ended = [], threading.Event()

        async def later() -> None:
            await asyncio.to_thread(ended.wait, 10)
            await GenericFakeChatModel(messages=iter([AIMessage("done")])).ainvoke("hi")

        async def outer(_: int) -> int:
            tasks.append(asyncio.create_task(later()))
            return 1

        await RunnableLambda(outer).ainvoke(1, config())
        ended.set()
        await tasks[0]

    asyncio.run(main())
    model = trail.one("llm_start")
    assert model["parent_run_id"] == trail.one("chain_start")["run_id"]
    assert "late" in model["flags"]
    assert_every_start_ended_once(trail)


def test_a_thread_that_goes_on_after_its_chain_was_cancelled_ends_late(trail: Trail) -> None:
    """A synchronous tool cannot be cancelled: its run is closed with its parent, and its real end is recorded as late."""
    go_on = threading.Event()

    @tool
    def work() -> str:
        """Work on, whatever happens."""
        waiting.set()
        assert go_on.wait(10)
        return "done"

    async def main() -> None:
        waiting.clear()
        task = asyncio.ensure_future((step(lambda _: {}) | step(work.invoke)).ainvoke(1, config()))
        await until(waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert trail.events("tool_end") == []
        go_on.set()

    asyncio.run(main())
    (given_up, end) = trail.events("abandoned", "tool_end")
    assert given_up["run_id"] == end["run_id"]
    assert given_up["outcome"] == "cancelled"
    assert "late" in end["flags"]
    assert len(pipeline_module.pipeline().runs) == 0
