"""Content as it leaves the process: what was changed later, what is too big, and secrets wherever LangChain puts them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from tests.unit.producer.fakes import Hostile
from tests.unit.producer.trail import Trail, config

SECRET = "sk-abcdefghijklmnop1234"  # noqa: S105 - looks like one, is none


class Configured(GenericFakeChatModel):
    """A model that hands its key to LangChain, as providers' packages have done."""

    api_key: str = SECRET

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": "gpt", "openai_api_key": "plain", "headers": {"Authorization": "Basic eDp5"}, "note": SECRET}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return {**self._identifying_params, **kwargs}


def test_no_secret_leaves_by_any_door(trail: Trail) -> None:
    """Parameters, headers, metadata, tool arguments, exceptions, prompts, answers, tags and the model's own repr."""

    @tool
    def connect(password: str, note: str) -> str:
        """Connect."""
        raise ConnectionError(f"refused {note}")

    def work(_: int) -> None:
        model = Configured(messages=iter([AIMessage(f"take {SECRET}")]))
        model.invoke([HumanMessage(f"my key is {SECRET}")], {"tags": [SECRET], "metadata": {"api_key": "plain"}})
        connect.invoke({"password": "plain", "note": SECRET})

    with pytest.raises(ConnectionError):
        RunnableLambda(work).invoke(1, config(token=SECRET))
    events = trail.events()
    assert SECRET not in str(events)
    assert "plain" not in str(events)
    assert "eDp5" not in str(events)
    params = trail.one("llm_start")["content"]["params"]
    assert params["openai_api_key"] == params["headers"]["Authorization"] == "[SECRET]"
    assert trail.one("tool_start")["content"]["input"] == {"password": "[SECRET]", "note": "[SECRET]"}
    assert trail.one("tool_error")["content"]["error_message"] == "refused [SECRET]"
    assert "serialized" not in str(events)


def test_what_went_into_a_stream_is_known_at_its_end(trail: Trail) -> None:
    """A step of a stream starts before its input is there; its end has all of it."""
    model = GenericFakeChatModel(messages=iter([AIMessage("one two")]))
    parser: RunnableLambda[AIMessage, str] = RunnableLambda(lambda message: str(message.content).upper())
    assert "".join((model | parser).stream("hi", config())) == "ONE TWO"
    start, end = [event for event in trail.events("chain_start", "chain_end") if event["component"] == "RunnableLambda"]
    assert start["content"]["input"] == {"input": ""}
    assert (end["content"]["input"]["content"], end["content"]["output"]) == ("one two", "ONE TWO")


def test_an_input_that_is_changed_later_is_recorded_as_it_was(trail: Trail) -> None:
    """The start has what went in; the end has what it became."""

    def work(value: dict[str, list[int]]) -> dict[str, list[int]]:
        value["items"].append(2)
        return value

    RunnableLambda(work).invoke({"items": [1]}, config())
    assert trail.one("chain_start")["content"]["input"] == {"items": [1]}
    assert trail.one("chain_end")["content"]["output"] == {"items": [1, 2]}


def test_two_megabytes_of_image_become_their_digest_everywhere(trail: Trail) -> None:
    """In a prompt, and in what a tool returned beside its text."""
    image = "iVBORw0KGgo" * 190_000

    @tool(response_format="content_and_artifact")
    def draw() -> tuple[str, Any]:
        """Draw."""
        return "drawn", {"image": image, "raw": image.encode()}

    block: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    GenericFakeChatModel(messages=iter([AIMessage("x")])).invoke([HumanMessage([block])], config())
    draw.invoke({"name": "draw", "args": {}, "id": "c1", "type": "tool_call"}, config())
    assert "sha256" in str(trail.one("llm_start")["content"]["input"])
    artifact = trail.one("tool_end")["content"]["output"]["artifact"]
    assert artifact["image"]["characters"] == len(image)
    assert artifact["raw"]["bytes"] == len(image)
    assert all(event["content_bytes"] < 5_000 for event in trail.events())


def _numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("value", [Hostile(), threading.Lock(), _numbers()], ids=["hostile", "lock", "generator"])
def test_what_could_not_be_recorded_is_flagged_in_the_core(trail: Trail, value: Any) -> None:
    """A reader without the key sees that something is missing."""
    step: RunnableLambda[Any, Any] = RunnableLambda(lambda _: {"value": value})
    step.invoke({"value": value}, config(value=value))
    assert [event["flags"] for event in trail.events("chain_start", "chain_end")] == [["payload_error"], ["payload_error"]]


def test_tags_and_names_of_any_kind_cost_no_event(trail: Trail) -> None:
    """LangChain does not check them."""
    tags: Any = [1, Hostile(), "a\ud800"]
    RunnableLambda(lambda value: value).invoke(1, {**config(), "tags": tags, "run_name": "n\ud800"})
    start = trail.one("chain_start")
    assert start["component"] == "n\\ud800"
    assert start["content"]["tags"][0] == "1"


def test_an_exception_whose_text_raises_is_recorded_by_its_class(trail: Trail) -> None:
    """The application gets its own exception."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def fail(_: int) -> None:
        raise Unspeakable

    with pytest.raises(Unspeakable):
        RunnableLambda(fail).invoke(1, config())
    error = trail.one("chain_error")
    assert error["error_type"].endswith("Unspeakable")
    assert "cannot be had" in error["content"]["error_message"]
