"""Tools, agents and graphs: what a model asked for, what ran, what a human was asked, where in a graph it was."""

import asyncio
import threading
from importlib.util import find_spec
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, ToolRetryMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel

from langtrail.producer import AuditCallbackHandler
from tests.unit.producer.fakes import Asking, asking, call
from tests.unit.producer.trail import Trail, ext

TELLS_OF_PAUSES = find_spec("langgraph.callbacks") is not None
"""LangGraph tells of interrupts and resumes from 1.1.7 on; before, outcomes alone show them."""


def config(**configurable: str) -> RunnableConfig:
    """Return a run's config with our handler."""
    return {"callbacks": [AuditCallbackHandler()], "configurable": configurable}


def ask(text: str = "hi") -> Any:
    """Return the input of an agent."""
    return {"messages": [HumanMessage(text)]}


@tool
def customers(country: str) -> str:
    """Read customers."""
    return f"3 in {country}"


def test_an_agents_tools_are_tied_to_the_calls_of_its_model(trail: Trail) -> None:
    """Two calls at once, in LangGraph's threads: each tool run has its call's id, and none is left over."""
    agent = create_agent(
        asking([call("customers", "c1", country="NO"), call("customers", "c2", country="SE")], "done"), [customers]
    )
    agent.invoke(ask(), config())
    tools = {event["tool_call_id"]: event for event in trail.events("tool_start")}
    assert {call_id: event["content"]["input"] for call_id, event in tools.items()} == {
        "c1": {"country": "NO"},
        "c2": {"country": "SE"},
    }
    assert trail.events("tool_not_executed") == []
    assert {event["node"] for event in trail.events("tool_end")} == {"tools"}
    assert {event["root_run_id"] for event in trail.events("llm_end")} == {tools["c1"]["root_run_id"]}


def test_a_tool_that_the_model_invented_is_an_event_of_its_own(trail: Trail) -> None:
    """LangGraph answers for a tool that does not exist; no callback tells of it."""
    create_agent(asking([call("nope", "c1", x=1)], "done"), [customers]).invoke(ask(), config())
    event = trail.one("tool_not_executed")
    assert (event["tool_name"], event["tool_call_id"]) == ("nope", "c1")
    assert event["content"]["input"] == {"x": 1}
    assert ext(event) == {"reason": "answered_without_a_run"}
    assert event["run_id"] == trail.events("llm_start")[0]["run_id"]


def test_a_call_that_a_failing_graph_never_came_to_is_an_event(trail: Trail) -> None:
    """The graph ends by its recursion limit before the tool."""
    agent = create_agent(asking([call("customers", "c1", country="NO")], "done"), [customers])
    with pytest.raises(GraphRecursionError):
        agent.invoke(ask(), {**config(), "recursion_limit": 1})
    assert ext(trail.one("tool_not_executed")) == {"reason": "root_failure"}
    root = trail.events("chain_error")[-1]
    assert root["error_type"] == "langgraph.errors.GraphRecursionError"
    assert root["outcome"] == "failure"


def test_a_call_with_arguments_that_are_no_json_is_never_executed(trail: Trail) -> None:
    """The agent just stops; the trail says what was asked for."""
    broken: Any = {"name": "customers", "args": "{", "id": "c1", "error": "no JSON", "type": "invalid_tool_call"}
    model = Asking(messages=iter([AIMessage("", invalid_tool_calls=[broken])]))
    create_agent(model, [customers]).invoke(ask(), config())
    event = trail.one("tool_not_executed")
    assert ext(event) == {"reason": "invalid_arguments"}
    assert event["content"]["input"] == "{"


def test_a_tool_that_is_retried_by_middleware_has_numbered_attempts(trail: Trail) -> None:
    """The same call again, after it failed."""
    tries = iter([ConnectionError("gone"), None])

    @tool
    def flaky() -> str:
        """Fail once."""
        if error := next(tries):
            raise error
        return "ok"

    middleware: list[AgentMiddleware[Any, Any]] = [ToolRetryMiddleware(max_retries=2, initial_delay=0.001, jitter=False)]
    create_agent(asking([call("flaky", "c1")], "done"), [flaky], middleware=middleware).invoke(ask(), config())
    assert [(event["event_type"], event["attempt"]) for event in trail.events("tool_error", "tool_end")] == [
        *(("tool_error", 1), ("tool_end", 2))
    ]
    assert trail.events("tool_not_executed") == []


class Form(BaseModel):
    number: int


def test_a_structured_response_that_is_asked_for_again_is_no_tool_call(trail: Trail) -> None:
    """Its first form did not fit: no tool was meant to run for either."""
    answers = asking([call("Form", "r1", number="many")], [call("Form", "r2", number=3)])
    agent = create_agent(answers, [customers], response_format=ToolStrategy(Form))
    assert agent.invoke(ask(), config())["structured_response"] == Form(number=3)
    assert trail.events("tool_not_executed") == []


class State(TypedDict):
    value: str


def test_an_interrupt_in_a_tool_pauses_and_resumes_without_a_failure(trail: Trail) -> None:
    """The tool's run, its node and the root are interrupted; the same call runs again after the resume, and is no duplicate."""

    @tool
    def erase(name: str) -> str:
        """Erase a customer."""
        return f"erased {name}: {interrupt({'erase': name})}"

    agent = create_agent(asking([call("erase", "c1", name="bob")], "done"), [erase], checkpointer=InMemorySaver())
    agent.invoke(ask(), config(thread_id="t1"))
    assert trail.one("tool_error")["outcome"] == "interrupted"
    root = trail.events("chain_end")[-1]
    assert (root["parent_run_id"], root["outcome"]) == (None, "interrupted")
    assert trail.events("tool_not_executed") == []
    agent.invoke(Command(resume="yes"), config(thread_id="t1"))
    assert [event["tool_call_id"] for event in trail.events("tool_start")] == ["c1", "c1"]
    assert trail.one("tool_end")["content"]["output"]["content"] == "erased bob: yes"
    assert trail.events("chain_end")[-1]["outcome"] == "success"
    assert {event["outcome"] for event in trail.events("chain_error")} <= {"interrupted"}
    assert trail.events("tool_not_executed") == []
    assert {event["session_id"] for event in trail.events("tool_start")} == {"t1"}


def test_a_call_that_a_human_rejects_is_never_executed(trail: Trail) -> None:
    """While the graph waits nothing is said; once it went on without the tool, the call is an event."""
    middleware: list[AgentMiddleware[Any, Any]] = [HumanInTheLoopMiddleware(interrupt_on={"customers": True})]
    agent = create_agent(
        asking([call("customers", "c1", country="NO")], "done"),
        [customers],
        middleware=middleware,
        checkpointer=InMemorySaver(),
    )
    agent.invoke(ask(), config(thread_id="t2"))
    assert trail.events("tool_not_executed") == []
    assert [event["thread_id"] for event in trail.events("interrupt")] == ["t2"] * TELLS_OF_PAUSES
    decision = {"decisions": [{"type": "reject", "message": "no"}]}
    agent.invoke(Command(resume=decision), config(thread_id="t2"))
    assert [event["thread_id"] for event in trail.events("resume")] == ["t2"] * TELLS_OF_PAUSES
    event = trail.one("tool_not_executed")
    assert (event["tool_call_id"], ext(event)) == ("c1", {"reason": "answered_without_a_run"})
    assert trail.events("tool_start") == []


def test_a_pause_before_a_node_is_interrupted_too(trail: Trail) -> None:
    """interrupt_before needs no interrupt() in the node."""
    builder = StateGraph(State).add_node("act", lambda state: state).add_edge(START, "act").add_edge("act", END)
    graph = builder.compile(InMemorySaver(), interrupt_before=["act"])
    graph.invoke({"value": "x"}, config(thread_id="t3"))
    assert [ext(event)["status"] for event in trail.events("interrupt")] == ["interrupt_before"] * TELLS_OF_PAUSES
    assert trail.events("chain_end")[-1]["outcome"] == "interrupted"
    graph.invoke(None, config(thread_id="t3"))
    assert trail.events("chain_end")[-1]["outcome"] == "success"


def test_a_command_to_the_parent_graph_is_no_error(trail: Trail) -> None:
    """A subgraph hands over by raising; its node has done its work."""

    def hand_over(state: State) -> Command[str]:
        return Command(graph=Command.PARENT, goto="after", update={"value": "handed over"})

    inner = StateGraph(State).add_node("hand_over", hand_over).add_edge(START, "hand_over").compile()
    builder = StateGraph(State).add_node("inner", inner, destinations=("after",)).add_node("after", lambda state: state)
    graph = builder.add_edge(START, "inner").add_edge("after", END).compile()
    assert graph.invoke({"value": "x"}, config()) == {"value": "handed over"}
    assert trail.events("chain_error") == []
    ended = [event for event in trail.events("chain_end") if ext(event)]
    assert {ext(event)["ended_by"] for event in ended} == {"langgraph.errors.ParentCommand"}
    assert {event["outcome"] for event in ended} == {"success"}


def test_a_fan_out_keeps_each_task_apart(trail: Trail) -> None:
    """Send starts one node several times: each has its own run, namespace and input."""

    class Fan(TypedDict):
        values: list[int]
        sums: Annotated[list[int], lambda left, right: [*left, *right]]

    def spread(state: Fan) -> list[Send]:
        return [Send("work", {"value": value}) for value in state["values"]]

    builder = StateGraph(Fan).add_node("start", lambda _: {}).add_node("work", lambda state: {"sums": [state["value"]]})
    graph = builder.add_edge(START, "start").add_conditional_edges("start", spread, ["work"]).add_edge("work", END).compile()
    graph.invoke({"values": [1, 2, 3], "sums": []}, config())
    tasks = [event for event in trail.events("chain_start") if event["node"] == "work" and event["component"] == "work"]
    assert sorted(event["content"]["input"]["value"] for event in tasks) == [1, 2, 3]
    assert len({event["checkpoint_ns"] for event in tasks}) == 3
    assert {event["step"] for event in tasks} == {2}


def test_a_subgraph_has_the_path_of_its_namespace(trail: Trail) -> None:
    """The inner node's namespace begins with the outer's, parted by a bar."""
    inner = StateGraph(State).add_node("deep", lambda state: state).add_edge(START, "deep").add_edge("deep", END).compile()
    graph = StateGraph(State).add_node("outer", inner).add_edge(START, "outer").add_edge("outer", END).compile()
    graph.invoke({"value": "x"}, config())
    deep = next(event for event in trail.events("chain_start") if event["component"] == "deep")
    outer, within = deep["checkpoint_ns"].split("|")
    assert (outer.partition(":")[0], within.partition(":")[0]) == ("outer", "deep")


def test_goto_is_recorded_as_what_the_node_returned(trail: Trail) -> None:
    """A Command is plain data in the trail."""

    def choose(state: State) -> Command[str]:
        return Command(goto="chosen", update={"value": "y"})

    builder = StateGraph(State).add_node("choose", choose, destinations=("chosen",)).add_node("chosen", lambda state: state)
    builder.add_edge(START, "choose").add_edge("chosen", END).compile().invoke({"value": "x"}, config())
    end = next(event for event in trail.events("chain_end") if event["component"] == "choose")
    assert end["content"]["output"]["goto"] == "chosen"


def test_calls_in_parallel_threads_have_the_right_parents(trail: Trail) -> None:
    """ToolNode runs three calls in three threads."""
    together = threading.Barrier(3)

    @tool
    def meet(name: str) -> str:
        """Meet the others."""
        together.wait(10)
        return name

    calls = [call("meet", f"c{number}", name=str(number)) for number in range(3)]
    graph = (
        StateGraph(MessagesState).add_node("tools", ToolNode([meet])).add_edge(START, "tools").add_edge("tools", END).compile()
    )
    graph.invoke({"messages": [AIMessage("", tool_calls=calls)]}, config())
    node = next(event for event in trail.events("chain_start") if event["component"] == "tools")
    ends = trail.events("tool_end")
    assert {event["parent_run_id"] for event in ends} == {node["run_id"]}
    assert {(event["tool_call_id"], event["content"]["output"]["content"]) for event in ends} == {
        *(("c0", "0"), ("c1", "1"), ("c2", "2"))
    }


def test_an_agent_that_is_awaited_leaves_the_same_tree(trail: Trail) -> None:
    """An agent with a tool."""
    agent = create_agent(asking([call("customers", "c1", country="NO")], "done"), [customers])
    asyncio.run(agent.ainvoke(ask(), config()))
    starts = [event["component"] for event in trail.events("chain_start", "llm_start", "tool_start")]
    assert starts[:3] == ["LangGraph", "model", "Asking"]
    assert "customers" in starts
    ids = {event["run_id"] for event in trail.events("chain_start", "llm_start", "tool_start")}
    assert all(event["parent_run_id"] in ids for event in trail.events("llm_start", "tool_start"))
