"""However LangChain comes to call a handler, each thing that happens is one event under the right parent."""

import asyncio
import copy
import dataclasses
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager, CallbackManagerForChainRun, dispatch_custom_event
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langchain_core.tracers import LangChainTracer
from langchain_core.tracers import context as tracers_context
from pydantic import BaseModel

from langtrail.producer import AuditCallbackHandler, install
from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.install import _installed
from tests.unit.producer.trail import Trail, config


@pytest.fixture
def installed(trail: Trail) -> Iterator[None]:
    """Install the handler for one test."""
    before = list(tracers_context._configure_hooks)
    _installed.cache_clear()
    install()
    yield
    _installed.cache_clear()
    tracers_context._configure_hooks[:] = before


def model(text: str = "hello") -> GenericFakeChatModel:
    """Return a model that answers once."""
    return GenericFakeChatModel(messages=iter([AIMessage(text)]))


def test_an_inline_tracer_beside_us_does_not_cost_us_a_start(trail: Trail) -> None:
    """LangChain drops on_llm_start of every handler that is not inline once one is: ours is inline."""
    callbacks: list[BaseCallbackHandler] = [LangChainTracer(client=_NoClient()), AuditCallbackHandler()]  # type: ignore[arg-type]
    asyncio.run(FakeListLLM(responses=["x"]).ainvoke("hi", {"callbacks": callbacks}))
    assert trail.one("llm_start")["run_id"] == trail.one("llm_end")["run_id"]


class _NoClient:
    """A LangSmith client that sends nothing."""

    tracing_queue = None

    def create_run(self, *args: Any, **kwargs: Any) -> None: ...
    def update_run(self, *args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize("how", ["twice in a list", "bound and passed", "two instances", "in the constructor"])
def test_however_often_the_handler_is_listed_each_event_is_one(trail: Trail, how: str) -> None:
    """Starts, ends, and what happens in between."""
    handler = AuditCallbackHandler()

    def work(value: int, config: RunnableConfig, run_manager: CallbackManagerForChainRun) -> int:
        data = {"done": value}
        for _ in range(3):
            dispatch_custom_event("progress", data, config=config)
        run_manager.on_text("so far")
        run_manager.on_text("so far")
        model().invoke("hi", config)
        return value

    function: Any = work
    step: Any = RunnableLambda(function)
    given: RunnableConfig = {"callbacks": [handler]}
    if how == "twice in a list":
        given = {"callbacks": [handler, handler]}
    elif how == "bound and passed":
        step = step.with_config(callbacks=[handler])
    elif how == "two instances":
        given = {"callbacks": [AuditCallbackHandler(), AuditCallbackHandler()]}
    else:
        given = {"callbacks": CallbackManager(handlers=[handler], inheritable_handlers=[handler])}
    step.invoke(3, given)
    assert [event["event_type"] for event in trail.events()] == [
        *("stream_open", "chain_start", "custom", "custom", "custom", "text", "text", "llm_start", "llm_end", "chain_end")
    ]


def test_installed_and_passed_is_one_handler(trail: Trail, installed: None) -> None:
    """An application may pass the handler although it is installed."""
    RunnableLambda(lambda value: value).invoke(1, config())
    assert [event["event_type"] for event in trail.events()] == ["stream_open", "chain_start", "chain_end"]


@pytest.mark.parametrize("callbacks", [[], [BaseCallbackHandler()]], ids=["none", "others"])
def test_a_nested_call_with_other_callbacks_is_joined_to_the_run_around_it(
    trail: Trail, installed: None, callbacks: list[BaseCallbackHandler]
) -> None:
    """LangChain gives it no parent; its context variable does, and the run is flagged as an orphan."""

    def outer(_: int) -> str:
        return str(model().invoke("hi", {"callbacks": callbacks}).content)

    RunnableLambda(outer).invoke(1)
    root, inner = trail.one("chain_start"), trail.one("llm_start")
    assert inner["parent_run_id"] == inner["root_run_id"] == root["run_id"]
    assert "orphan" in inner["flags"]
    assert "orphan" not in root["flags"]
    assert trail.one("llm_end")["root_run_id"] == root["run_id"]


def test_a_call_in_a_bare_thread_is_captured_and_joined_where_its_context_was_carried(trail: Trail, installed: None) -> None:
    """A thread of one's own has no context: its call is a root without a tenant. With its context, it has its parent."""

    def outer(_: int) -> None:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(model("bare").invoke, "hi").result()
            executor.submit(copy_context().run, model("carried").invoke, "hi").result()

    RunnableLambda(outer).invoke(1, {"metadata": {"tenant_id": "acme"}})
    bare, carried = trail.events("llm_start")
    assert (bare["parent_run_id"], bare["tenant_id"], bare["identity_assurance"]) == (None, "", "unknown")
    assert (carried["parent_run_id"], carried["tenant_id"]) == (trail.one("chain_start")["run_id"], "acme")


def test_a_run_id_used_twice_is_two_executions(trail: Trail) -> None:
    """The second says that its id was used before."""
    run_id = uuid.uuid4()
    for value in (1, 2):
        RunnableLambda(lambda value: value).invoke(value, {**config(), "run_id": run_id})
    assert [event["content"]["output"] for event in trail.events("chain_end")] == [1, 2]
    assert [event["flags"] for event in trail.events("chain_start")] == [[], ["run_id_reused"]]


def test_a_run_id_used_twice_at_once_is_two_executions(trail: Trail) -> None:
    """Two threads, one id: both starts and both ends are there, each end with what its own run returned."""
    run_id, both = uuid.uuid4(), threading.Barrier(2)

    def work(value: int) -> int:
        both.wait(10)
        return value

    def call(value: int) -> None:
        RunnableLambda(work).with_config(run_name=f"run {value}").invoke(value, {**config(), "run_id": run_id})

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(call, (1, 2)))
    assert len(trail.events("chain_start")) == 2
    ends = trail.events("chain_end")
    assert sorted((event["component"], event["content"]["output"]) for event in ends) == [("run 1", 1), ("run 2", 2)]
    assert len(pipeline_module.pipeline().runs) == 0


class Given(BaseModel):
    name: str


@dataclasses.dataclass
class Plain:
    name: str


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        ("text", "text"),
        ([1, 2], [1, 2]),
        (Given(name="a"), {"name": "a"}),
        (Plain("a"), {"name": "a"}),
        (np.array([1, 2]), [1, 2]),
        (iter([1]), {"type": "list_iterator", "not_recorded": True}),
        (None, None),
    ],
    ids=["text", "list", "model", "dataclass", "array", "generator", "none"],
)
def test_inputs_of_any_kind_are_recorded(trail: Trail, value: Any, recorded: Any) -> None:
    """LangChain hands over whatever the application passed; a generator is not consumed, and the event says so."""
    handler, run_id = AuditCallbackHandler(), uuid.uuid4()
    handler.on_chain_start(None, value, run_id=run_id, name=None)
    start = trail.one("chain_start")
    assert start["content"]["input"] == recorded
    assert start["component"] == "chain"
    assert ("payload_error" in start["flags"]) == (isinstance(recorded, dict) and "not_recorded" in recorded)
    if hasattr(value, "__next__"):
        assert next(value) == 1


class Faulty(dict[str, Any]):
    """Breaks what looks closer at it: its values, and whether it is anything at all."""

    def values(self) -> Any:
        raise RuntimeError("a secret of the application's")

    __bool__ = values


def test_content_that_breaks_us_is_named_and_not_in_the_application(trail: Trail) -> None:
    """What cannot be recorded, even by whoever expects the worst, costs its own content and nothing else."""
    step: RunnableLambda[Any, int] = RunnableLambda(len)
    assert step.invoke(Faulty(key=None), config()) == 1
    start, end = trail.events("chain_start", "chain_end")
    assert (start["flags"], end["flags"]) == (["payload_error"], [])
    assert start["content"]["input"] == {"type": f"{__name__}.Faulty", "not_recorded": True}
    assert end["content"]["output"] == 1


def test_a_fault_of_ours_is_in_the_trail_and_not_in_the_application(trail: Trail) -> None:
    """Whatever breaks within the handler, the chain goes on and an event names the hook."""
    prompt = ChatPromptTemplate.from_messages([("user", "{q}")])
    of_a_hub: dict[str, Any] = {"lc_hub_repo": "greeting", "lc_hub_owner": Faulty()}
    assert prompt.invoke({"q": "hi"}, config(**of_a_hub)).to_string() == "Human: hi"
    failure = trail.one("custom")
    assert failure["flags"] == ["payload_error"]
    assert {"key": "hook", "value": "on_chain_start"} in failure["ext"]
    assert "a secret of the application's" not in str(failure)
    assert trail.one("chain_end")["run_id"] == failure["run_id"]


def test_a_saturated_executor_does_not_delay_our_hooks(trail: Trail) -> None:
    """Hooks run inline: an async call takes no longer because all threads of the default executor are busy."""
    go_on = threading.Event()

    async def inner(value: int) -> int:
        return value

    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, go_on.wait, 10)
        result: int = await asyncio.wait_for(RunnableLambda(inner).ainvoke(1, config()), 5)
        assert not busy.done()
        go_on.set()
        await busy
        return result

    assert asyncio.run(main()) == 1
    assert len(trail.events("chain_start", "chain_end")) == 2


def test_many_tasks_at_once_keep_their_trees_apart(trail: Trail) -> None:
    """Thirty chains on one loop: every child has the parent it ran in."""

    async def main() -> None:
        async def outer(number: int) -> int:
            await asyncio.sleep(0)
            inner: RunnableLambda[int, int] = RunnableLambda(lambda value: value * 10)
            return await inner.ainvoke(number)

        await asyncio.gather(*(RunnableLambda(outer).ainvoke(number, config()) for number in range(30)))

    asyncio.run(main())
    starts = {event["run_id"]: event for event in trail.events("chain_start")}
    children = [event for event in starts.values() if event["parent_run_id"]]
    assert len(children) == 30
    assert all(event["content"]["input"] == starts[event["parent_run_id"]]["content"]["input"] for event in children)


def test_a_config_with_the_handler_can_be_copied_deeply(trail: Trail) -> None:
    """Frameworks copy configs; the copy records as the original does."""
    RunnableLambda(lambda value: value).invoke(1, copy.deepcopy(config()))
    assert len(trail.events("chain_start", "chain_end")) == 2


def test_batches_and_maps_keep_their_trees(trail: Trail) -> None:
    """The method batch runs in LangChain's own threads, which carry the context."""

    @tool
    def double(value: int) -> int:
        """Double."""
        return value * 2

    step: RunnableLambda[int, int] = RunnableLambda(lambda value: double.invoke({"value": value}))
    assert step.batch([1, 2, 3], {**config(), "max_concurrency": 3}) == [2, 4, 6]
    chains = {event["run_id"]: event["content"]["input"] for event in trail.events("chain_start")}
    tools = trail.events("tool_start")
    assert sorted(chains.values()) == [1, 2, 3]
    assert all(event["content"]["input"] == {"value": chains[event["parent_run_id"]]} for event in tools)


def test_events_sent_from_langchains_threads_belong_to_their_runs(trail: Trail) -> None:
    """A batch in threads: each event has the run of its own call."""

    def work(value: int) -> int:
        dispatch_custom_event("progress", {"value": value})
        return value

    RunnableLambda(work).batch([1, 2, 3], {**config(), "max_concurrency": 3})
    given = {event["run_id"]: event["content"]["input"] for event in trail.events("chain_start")}
    sent = {event["run_id"]: event["content"]["output"]["data"]["value"] for event in trail.events("custom")}
    assert sent == given
    assert sorted(sent.values()) == [1, 2, 3]
