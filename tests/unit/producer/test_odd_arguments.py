"""Whatever a hook is handed where LangChain promises something else: what is recorded is the same, compiled or not.

Compiled code checks types when it runs. Nothing that comes from an application may meet such a check.
"""

from collections import UserList
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from langtrail.producer import AuditCallbackHandler
from tests.unit.producer.trail import Trail


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Keys(dict[str, Any]):
    pass


class Colour(Enum):
    RED = "red"


class Proxy:
    """Claims to be a text, as the lazy objects of web frameworks do."""

    __class__ = str  # type: ignore[assignment]


VALUES: tuple[Any, ...] = (
    *(None, True, 7, 2**70, 2.0, float("nan"), Decimal(2), np.int64(2), np.float64(2), Number(2), Colour.RED),
    *("text", "\ud800", Text("text"), b"bytes", ["a", 1, None], ("a",), {1}, {"a": None}, Keys(a=1)),
    *(MappingProxyType({"a": 1}), UserList([1]), object(), dict, ValueError("odd"), Proxy()),
)
ODD = {f"{number} {type(value).__name__}": value for number, value in enumerate(VALUES)}
OF_A_MODEL = {"invocation_params": None, "options": None, "batch_size": 1}
STARTS: dict[str, dict[str, Any]] = {
    "chain": {"serialized": None, "inputs": {}, "run_type": "chain", "defers_inputs": False},
    "chat_model": {"serialized": None, "messages": [[]], **OF_A_MODEL},
    "llm": {"serialized": None, "prompts": [], **OF_A_MODEL},
    "tool": {"serialized": None, "input_str": "", "inputs": None, "tool_call_id": None},
    "retriever": {"serialized": None, "query": ""},
}
"""The arguments of each start hook, besides those that all have."""
OF_ALL = {"tags": None, "metadata": None, "name": "step"}


def is_refused(kind: str, name: str, value: Any) -> bool:
    """Tell whether a start says by a `custom` event that it could not be recorded: what must be looked through cannot be."""
    if name == "messages":
        return not is_iterable(value) or not all(is_iterable(item) for item in value)
    if value is None or name not in ("tags", "metadata"):
        return False
    of_a_model = kind in ("chat_model", "llm")
    return not isinstance(value, Mapping) if name == "metadata" and of_a_model else not is_iterable(value)


def is_iterable(value: Any) -> bool:
    """Tell whether a value can be looked through."""
    try:
        iter(value)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in STARTS for name in (*STARTS[kind], *OF_ALL)])
def test_a_start_is_recorded_whatever_it_is_given(trail: Trail, kind: str, name: str) -> None:
    """Each odd argument leaves the start event of its run, or one that says which hook could not record."""
    hook: Any = getattr(AuditCallbackHandler(), f"on_{kind}_start")
    runs = {odd: uuid4() for odd in ODD}
    for odd, run_id in runs.items():
        hook(**{**STARTS[kind], **OF_ALL, name: ODD[odd]}, run_id=run_id)
    recorded = {event["run_id"]: event["event_type"] for event in trail.events() if event["run_id"]}
    started = "llm_start" if kind == "chat_model" else f"{kind}_start"
    expected = {odd: "custom" if is_refused(kind, name, value) else started for odd, value in ODD.items()}
    assert {odd: recorded[str(run_id)] for odd, run_id in runs.items()} == expected


@pytest.mark.parametrize(
    "event_type", ["chain_end", "tool_end", "retriever_end", "llm_end", "chain_error", "tool_error", "llm_error"]
)
def test_an_end_is_recorded_whatever_came_out(trail: Trail, event_type: str) -> None:
    """The end of a run has its type, whatever a tool returned or somebody raised; only the answer of a model has to be one."""
    handler: Any = AuditCallbackHandler()
    kind = event_type.partition("_")[0]
    for value in ODD.values():
        run_id = uuid4()
        getattr(handler, f"on_{kind}_start")(None, {}, run_id=run_id)
        getattr(handler, f"on_{event_type}")(value, run_id=run_id, name=value, tool_call_id=value, response=value)
    ends = [event["event_type"] for event in trail.events() if event["event_type"] not in ("stream_open", f"{kind}_start")]
    assert ends == ["custom" if event_type == "llm_end" else event_type] * len(ODD)


def test_the_tokens_of_an_answer_are_whole_numbers(trail: Trail) -> None:
    """A provider's count that is no number, or none that a count can be, is unknown; the answer is recorded."""
    for value in ODD.values():
        usage: Any = {"input_tokens": value, "output_tokens": 1, "total_tokens": value, "total_cost": value}
        message = AIMessage("hello").model_copy(update={"usage_metadata": usage})
        answered(message)
    counted = {odd: event["input_tokens"] for odd, event in zip(ODD, trail.events("llm_end"), strict=True)}
    known = {odd: count for odd, count in counted.items() if count is not None}
    assert known == {"2 int": 7, "4 float": 2, "8 float64": 2, "9 Number": 2}


def test_what_a_provider_says_of_an_answer_is_recorded_as_text(trail: Trail) -> None:
    """Names and ids may be of any type, and so may what should hold them."""
    for value in ODD.values():
        answered(AIMessage("hello", response_metadata={"model_name": value, "id": value, "finish_reason": value}))
        answered(AIMessage("hello", response_metadata={"token_usage": value}), value)
        answered(AIMessage("hello").model_copy(update={"response_metadata": value}))
    ends = trail.events("llm_end")
    assert len(ends) == 3 * len(ODD)
    named = dict(zip(ODD, ends[::3], strict=True))
    assert named["9 Number"]["response_model"] == named["9 Number"]["response_id"] == named["9 Number"]["finish_reason"] == "2"
    assert named["12 str"]["response_model"] == "\\ud800"


def test_the_number_of_an_attempt_is_a_number(trail: Trail) -> None:
    """Of what the state of a retry says, only a whole number is taken for one."""
    for value in ODD.values():
        AuditCallbackHandler().on_retry(SimpleNamespace(attempt_number=value), run_id=uuid4())
    attempts = {odd: event["attempt"] for odd, event in zip(ODD, trail.events("retry"), strict=True)}
    assert {odd: number for odd, number in attempts.items() if number is not None} == {"2 int": 7}


@pytest.mark.parametrize("name", ["tenant_id", "user_id", "session_id", "roles", "trigger", "prompt_version", "langgraph_node"])
def test_who_and_where_is_recorded_whatever_names_it(trail: Trail, name: str) -> None:
    """Each value of a run's metadata is taken as text, or not at all."""
    for value in ODD.values():
        AuditCallbackHandler().on_chain_start(None, {}, run_id=uuid4(), metadata={name: value, "langgraph_step": value})
    assert len(trail.events("chain_start")) == len(ODD)
    assert trail.events("custom") == []


def answered(message: AIMessage, whole: Any = None) -> None:
    """Tell of a model that gave this answer."""
    handler, run_id = AuditCallbackHandler(), uuid4()
    result = LLMResult.model_construct(generations=[[ChatGeneration.model_construct(message=message)]], llm_output=whole)
    handler.on_chat_model_start(None, [[]], run_id=run_id)
    handler.on_llm_end(result, run_id=run_id)
