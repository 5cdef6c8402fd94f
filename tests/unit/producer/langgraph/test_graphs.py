"""What LangGraph adds to LangChain: interrupts, siblings that it cancels, retries of nodes, calls that silently stream."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, TypedDict

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolCall
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, Send, interrupt

from langtrail.producer import pipeline as pipeline_module
from tests.unit.producer.fakes import Waiting, until, wait_for_ever, waiting
from tests.unit.producer.trail import Trail, config

RunBy = Callable[[str, Any, Any, RunnableConfig], None]


class State(TypedDict):
    value: int


def answering(message: AIMessage | str) -> GenericFakeChatModel:
    """Return a model that answers once."""
    return GenericFakeChatModel(messages=iter([message]))


@pytest.mark.skipif(find_spec("langgraph.callbacks") is None, reason="LangGraph tells of interrupts from 1.1.7 on")
def test_langgraph_sees_a_graph_handler_once_it_is_loaded(trail: Trail) -> None:
    """An interrupt and its resume are events, and the run that paused is interrupted, not failed."""

    class State(TypedDict):
        approved: bool

    def ask(state: State) -> State:
        return {"approved": interrupt({"question": "delete?"})}

    graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").add_edge("ask", END).compile(InMemorySaver())
    settings = config({"thread_id": "t1"}, user_id="ann")
    graph.invoke({"approved": False}, settings)
    graph.invoke(Command(resume=True), settings)
    paused, resumed = trail.one("interrupt"), trail.one("resume")
    assert paused["content"]["input"][0]["value"] == {"question": "delete?"}
    assert paused["interrupt_id"]
    assert paused["session_id"] == resumed["session_id"] == "t1"
    assert {event["outcome"] for event in trail.events("chain_error")} == {"interrupted"}
    assert {event["node"] for event in trail.events("chain_start")} == {None, "ask"}


def test_a_call_that_silently_streams_is_known_as_one(trail: Trail) -> None:
    """LangGraph's stream_mode="messages" turns invoke into a stream: tokens and model are found all the same."""

    class Counting(GenericFakeChatModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield ChatGenerationChunk(message=AIMessageChunk(content="one"))
            facts: Any = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
            last = AIMessageChunk(content=" two", usage_metadata=facts, response_metadata={"model_name": "gpt-4o-mini-2024"})
            yield ChatGenerationChunk(message=last)

    class Said(TypedDict):
        said: str

    def ask(state: Said) -> Said:
        return {"said": str(Counting(messages=iter([])).invoke("hi").content)}

    graph = StateGraph(Said).add_node("ask", ask).add_edge(START, "ask").add_edge("ask", END).compile()
    list(graph.stream({"said": ""}, config(), stream_mode="messages"))
    end = trail.one("llm_end")
    assert "streamed" in end["flags"]
    assert end["ttft_us"] is not None
    assert (end["input_tokens"], end["output_tokens"], end["total_tokens"]) == (3, 2, 5)
    assert end["response_model"] == "gpt-4o-mini-2024"


def test_retries_of_a_graphs_node_are_numbered_attempts(trail: Trail) -> None:
    """LangGraph's RetryPolicy tags nothing: the same node with the same input after a failure is the next attempt."""
    tries = iter([ConnectionError("1"), ConnectionError("2"), None])

    def work(state: State) -> State:
        if error := next(tries):
            raise error
        return state

    policy = RetryPolicy(initial_interval=0.001, max_attempts=3, jitter=False)
    builder = StateGraph(State).add_node("work", work, retry_policy=policy)
    builder.add_edge(START, "work").add_edge("work", END).compile().invoke({"value": 1}, config())
    ends = [event for event in trail.events("chain_error", "chain_end") if event["node"] == "work"]
    assert [(event["event_type"], event["attempt"]) for event in ends] == [
        *(("chain_error", 1), ("chain_error", 2), ("chain_end", 3))
    ]


@tool
async def slow(name: str) -> str:
    """Never return."""
    await wait_for_ever()
    return name


def cancel(graph: Any, given: Any) -> None:
    """Run a graph, and cancel it once something in it waits."""

    async def main() -> None:
        waiting.clear()
        task = asyncio.ensure_future(graph.ainvoke(given, config()))
        await until(waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def assert_every_start_ended_once(trail: Trail) -> None:
    """Every run that started has one end, and nothing is left open."""
    started = sorted(event["run_id"] for event in trail.events("chain_start", "llm_start", "tool_start"))
    ends = trail.events("chain_end", "chain_error", "tool_end", "tool_error", "abandoned")
    assert sorted(event["run_id"] for event in ends) == started
    assert len(pipeline_module.pipeline().runs) == 0


def test_a_graph_node_that_fails_closes_what_its_siblings_ran(trail: Trail) -> None:
    """Two parallel nodes: one raises, LangGraph cancels the other, whose model is never told."""
    waiting.clear()

    async def fails(state: State) -> State:
        await until(waiting)
        raise ValueError("no")

    async def asks(state: State) -> State:
        await Waiting().ainvoke("hi")
        return {"value": 1}

    builder = StateGraph(State).add_node("fails", fails).add_node("asks", asks)
    graph = builder.add_edge(START, "fails").add_edge(START, "asks").add_edge("fails", END).add_edge("asks", END).compile()
    with pytest.raises(ValueError, match="no"):
        asyncio.run(graph.ainvoke({"value": 0}, config()))
    (model,) = trail.events("abandoned")
    assert model["outcome"] == "cancelled"
    assert {"key": "kind", "value": "llm"} in model["ext"]
    assert_every_start_ended_once(trail)


def test_a_cancelled_graph_closes_the_model_of_its_node(trail: Trail) -> None:
    """A client that disconnects: graph and node are told, the model that the node waits for is not."""

    async def asks(state: State) -> State:
        await Waiting().ainvoke("hi")
        return state

    cancel(StateGraph(State).add_node("asks", asks).add_edge(START, "asks").compile(), {"value": 1})
    model = trail.one("abandoned")
    assert (model["outcome"], model["node"]) == ("cancelled", "asks")
    assert_every_start_ended_once(trail)


def test_a_graphs_stream_that_is_closed_early_ends_as_cancelled(trail: Trail) -> None:
    """Its reader stops after the first node: the second never begins, and nothing stays open."""
    builder = StateGraph(State).add_node("first", lambda state: state).add_node("second", lambda state: state)
    graph = builder.add_edge(START, "first").add_edge("first", "second").add_edge("second", END).compile()
    stream: Any = graph.stream({"value": 1}, config())
    next(stream)
    stream.close()
    gc.collect()
    root = trail.events("chain_error")[-1]
    assert (root["parent_run_id"], root["outcome"]) == (None, "cancelled")
    assert "second" not in {event["node"] for event in trail.events("chain_start")}
    assert_every_start_ended_once(trail)


def test_a_cancelled_tool_node_closes_its_tools(trail: Trail) -> None:
    """Both calls began, so neither is one that never ran."""
    graph = StateGraph(MessagesState).add_node("tools", ToolNode([slow])).add_edge(START, "tools").compile()
    calls: list[ToolCall] = [{"name": "slow", "args": {"name": name}, "id": name, "type": "tool_call"} for name in ("a", "b")]
    cancel(graph, {"messages": [AIMessage("", tool_calls=calls)]})
    ends = trail.events("tool_error", "abandoned")
    assert [
        (event["tool_call_id"], event["outcome"]) for event in sorted(ends, key=lambda event: str(event["tool_call_id"]))
    ] == [
        ("a", "cancelled"),
        ("b", "cancelled"),
    ]
    assert trail.events("tool_not_executed") == []
    assert_every_start_ended_once(trail)


@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke", "astream", "batch"])
def test_a_graphs_configurable_names_its_user_from_the_first_event_on(trail: Trail, run_by: RunBy, how: str) -> None:
    """user_id and tenant_id in `configurable` alone: graph, node and model have them, however the graph is started."""
    builder = StateGraph(MessagesState).add_node("ask", lambda _: {"messages": [answering("x").invoke("hi")]})
    graph = builder.add_edge(START, "ask").add_edge("ask", END).compile()
    run_by(how, graph, {"messages": []}, config({"user_id": "ann", "tenant_id": "acme", "session_id": "s1"}))
    events = [event for event in trail.events() if event["run_id"]]
    assert {(event["principal_id"], event["tenant_id"], event["session_id"]) for event in events} == {("ann", "acme", "s1")}


def test_a_step_that_sends_is_recorded_with_what_each_node_is_given(trail: Trail) -> None:
    """Which worker got what is in the output of the step that decided it, also where a number is none that JSON knows."""

    def decide(_: Any) -> Command[Any]:
        return Command(goto=[Send("worker", {"account": "A-1", "owner": None, "limit": float("inf")}), Send("other", 2)])

    RunnableLambda(decide).invoke(1, config())
    end = trail.one("chain_end")
    assert end["content"]["output"]["goto"] == [
        {"node": "worker", "arg": {"account": "A-1", "owner": None, "limit": "Infinity"}},
        {"node": "other", "arg": 2},
    ]
    assert end["flags"] == []
