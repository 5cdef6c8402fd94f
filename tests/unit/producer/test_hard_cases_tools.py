"""Tools and their calls without a graph: what a model asked for, what ran, what is left to the application."""

import asyncio
from typing import Any

import pytest
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.callbacks import CallbackManagerForChainRun, adispatch_custom_event, dispatch_custom_event
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import ToolException, tool
from pydantic import BaseModel
from tenacity import RetryCallState, Retrying

from tests.unit.producer.fakes import asking, call
from tests.unit.producer.trail import Trail, config, ext


class Form(BaseModel):
    name: str


@tool
def customers(country: str) -> str:
    """Read customers."""
    return f"3 in {country}"


def test_a_call_left_to_the_application_says_so(trail: Trail) -> None:
    """A chain whose answer is a tool call ended without a tool: the application may still run it."""
    first: RunnableLambda[int, str] = RunnableLambda(lambda _: "hi")
    (first | asking([call("customers", "c1")])).invoke(1, config())
    assert ext(trail.one("tool_not_executed")) == {"reason": "left_to_application"}


def test_a_model_called_by_itself_leaves_its_calls_to_the_application(trail: Trail) -> None:
    """There is no run around it that could have executed anything."""
    asking([call("customers", "c1")]).invoke("hi", config())
    assert trail.events("tool_not_executed") == []


def test_a_tool_called_by_hand_within_a_run_counts_as_executed(trail: Trail) -> None:
    """Without a call's id the first call of its name is taken as executed; the run itself has no id."""

    def act(_: int) -> str:
        asking([call("customers", "c1", country="NO")]).invoke("hi")
        return str(customers.invoke({"country": "NO"}))

    RunnableLambda(act).invoke(1, config())
    assert trail.events("tool_not_executed") == []
    assert trail.one("tool_start")["tool_call_id"] is None


def test_an_answer_in_the_form_of_a_tool_call_asks_for_no_tool(trail: Trail) -> None:
    """with_structured_output uses tool calls as a form: nothing is missing."""
    structured = asking([call("Form", "c1", name="a")]).with_structured_output(Form)
    assert structured.invoke("hi", config()) == Form(name="a")
    assert trail.events("tool_not_executed") == []


@pytest.mark.parametrize(("response", "missing"), [(Form(name="a"), ["c1"]), ({"name": "a"}, [])], ids=["class", "schema"])
def test_what_an_agent_answers_in_a_form_leaves_the_tools_that_it_asked_for(
    trail: Trail, response: Any, missing: list[str]
) -> None:
    """Only calls of the form's name are the form, each time that it was tried; a schema's name is nowhere in what it gives."""

    def work(_: int) -> dict[str, Any]:
        model = asking([call("Form", "r1", name=1)], [call("customers", "c1", country="NO"), call("Form", "r2", name="a")])
        for _ in range(2):
            model.invoke("hi")
        return {"structured_response": response}

    RunnableLambda(work).invoke(1, config())
    assert [event["tool_call_id"] for event in trail.events("tool_not_executed")] == missing


def test_tool_errors_are_failures_handled_or_not(trail: Trail) -> None:
    """An exception, one that became a message, and arguments that do not fit."""

    @tool
    def broken() -> str:
        """Fail."""
        raise ToolException("no such table")

    with pytest.raises(ToolException):
        broken.invoke(call("broken", "c1"), config())
    broken.handle_tool_error = True
    broken.invoke(call("broken", "c2"), config())
    with pytest.raises(ValueError, match="country"):
        customers.invoke(call("customers", "c3", land="NO"), config())
    ends = {event["tool_call_id"]: event for event in trail.events("tool_end", "tool_error")}
    assert {call_id: (event["event_type"], event["outcome"]) for call_id, event in ends.items()} == {
        "c1": ("tool_error", "failure"),
        "c2": ("tool_end", "failure"),
        "c3": ("tool_error", "failure"),
    }
    start = next(event for event in trail.events("tool_start") if event["tool_call_id"] == "c3")
    assert start["content"]["input"] == {"land": "NO"}


def test_events_of_ones_own_belong_to_the_run_that_sent_them(trail: Trail) -> None:
    """dispatch_custom_event, its async twin and on_text."""

    def work(value: int, config: RunnableConfig, run_manager: CallbackManagerForChainRun) -> int:
        dispatch_custom_event("progress", {"done": value}, config=config)
        run_manager.on_text("so far")
        return value

    async def awork(value: int, config: RunnableConfig) -> int:
        await adispatch_custom_event("progress", {"done": value}, config=config)
        return value

    function: Any = work
    RunnableLambda(function).invoke(1, config())
    asyncio.run(RunnableLambda(awork).ainvoke(2, config()))
    first, second = trail.events("chain_start")
    assert [event["run_id"] for event in trail.events("custom")] == [first["run_id"], second["run_id"]]
    assert trail.one("text")["run_id"] == first["run_id"]
    assert trail.one("text")["content"]["output"] == "so far"


def test_what_only_old_agents_and_retries_tell_is_recorded(trail: Trail) -> None:
    """Agent actions and finishes, and the retries of old text models."""
    state = RetryCallState(retry_object=Retrying(), fn=None, args=(), kwargs={})
    state.set_exception((ConnectionError, ConnectionError("gone"), None))

    def work(value: int, run_manager: CallbackManagerForChainRun) -> int:
        run_manager.on_agent_action(AgentAction("customers", "NO", "log"))
        run_manager.on_agent_finish(AgentFinish({"output": "done"}, "log"))
        run_manager.on_retry(state)
        return value

    function: Any = work
    RunnableLambda(function).invoke(1, config())
    action, finish, retry = trail.events("agent_action", "agent_finish", "retry")
    assert action["content"]["output"]["tool"] == "customers"
    assert finish["content"]["output"]["return_values"] == {"output": "done"}
    assert (retry["attempt"], retry["error_type"]) == (1, "ConnectionError")
    assert retry["content"]["error_message"] == "gone"
