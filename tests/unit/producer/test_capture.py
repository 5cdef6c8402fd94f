"""What each hook of LangChain and LangGraph leaves in the trail, with LangChain's own fakes."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun, dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import ToolException, tool

from langtrail.producer import AuditCallbackHandler, SettingsError, audit_context, capture
from langtrail.producer.draft import Shared
from langtrail.producer.pipeline import pipeline
from tests.unit.producer.trail import Trail, config


class KnownModel(GenericFakeChatModel):
    """A fake model with a name, as real ones have."""

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}


class Shelf(BaseRetriever):
    """A retriever that finds one document."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [Document(page_content=f"about {query}", metadata={"page": 7})]


def answer(text: str, **facts: Any) -> KnownModel:
    """Return a model that answers once."""
    return KnownModel(messages=iter([AIMessage(content=text, **facts)]))


def test_a_chain_is_recorded_from_start_to_finish_under_its_parent(trail: Trail) -> None:
    """A chain of prompt, model and parser leaves a start and an end each, in one tree, numbered without a hole."""
    chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | answer("hello") | StrOutputParser()
    chain.invoke({"q": "hi"}, config(session_id="s1", tenant_id="acme", user_id="ann"))
    events = trail.events()
    assert [event["seq"] for event in events] == list(range(9))
    assert [event["event_type"] for event in events] == [
        *("stream_open", "chain_start", "chain_start", "chain_end", "llm_start", "llm_end"),
        *("chain_start", "chain_end", "chain_end"),
    ]
    root = events[1]["run_id"]
    assert {event["root_run_id"] for event in events[1:]} == {root}
    assert [event["parent_run_id"] for event in events[1:]] == [None, *[root] * 6, None]
    assert {(event["session_id"], event["tenant_id"], event["principal_id"]) for event in events[1:]} == {("s1", "acme", "ann")}
    assert events[-1]["content"]["output"] == "hello"
    assert events[1]["content"]["input"] == {"q": "hi"}


def parts(shared: Shared) -> tuple[bytes, ...]:
    """Return all that is encoded of a run."""
    return shared.key, shared.tenant, shared.session, shared.run, shared.middle


def test_what_a_run_takes_from_its_parent_is_its_own_encoding(trail: Trail) -> None:
    """With and without a session, a prompt's name, a tool, a place in a graph, and where a child names something itself."""
    lookup = tool(StrOutputParser().invoke, description="Look up.")
    said: tuple[dict[str, Any], ...] = ({}, {"session_id": "s1", "tenant_id": "acme"}, {"prompt_name": "greet"})
    for given in said:
        for own in ({}, {"user_id": "bob"}, {"thread_id": "t7"}, {"prompt_name": "other"}, {"lc_hub_repo": "hub"}):
            prompt = ChatPromptTemplate.from_messages([("user", "{q}")]).with_config(metadata=own)
            chain = prompt | answer("hello") | StrOutputParser() | (RunnableLambda(str) | lookup)
            chain.invoke({"q": "hi"}, config(**given))
    runs = list(pipeline().runs._closed.values())
    assert len(runs) == len(trail.events("chain_start", "llm_start", "tool_start"))
    encoded = [(run, run.shared) for run in runs if run.shared]
    assert [run.component for run, shared in encoded if parts(shared) != parts(capture.shared_by(run))] == []
    children = [(shared, run.parent.shared) for run, shared in encoded if run.parent and run.parent.shared]
    assert {shared.middle is of_parent.middle for shared, of_parent in children} == {True, False}


def test_model_facts_come_from_wherever_the_provider_puts_them(trail: Trail) -> None:
    """Provider, models, tokens and finish reason of an answer are core fields; what is unknown is null."""
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "input_token_details": {"cache_read": 5}}
    described = {"model_name": "gpt-4o-mini-2024", "finish_reason": "stop", "id": "chatcmpl-1"}
    answer("hello", usage_metadata=usage, response_metadata=described).invoke("hi", config())
    end = trail.one("llm_end")
    assert (end["provider"], end["request_model"], end["response_model"]) == ("openai", "gpt-4o-mini", "gpt-4o-mini-2024")
    assert (end["input_tokens"], end["output_tokens"], end["total_tokens"], end["cache_read_tokens"]) == (7, 3, 10, 5)
    assert (end["reasoning_tokens"], end["finish_reason"], end["response_id"]) == (None, "stop", "chatcmpl-1")
    assert end["outcome"] == "success"
    assert end["latency_us"] > 0


def test_a_streamed_answer_has_a_time_to_the_first_token(trail: Trail) -> None:
    """Streaming is flagged and timed; a call that was not streamed has no such time."""
    list(answer("one two three").stream("hi", config()))
    end = trail.one("llm_end")
    assert end["ttft_us"] is not None
    assert end["flags"] == ["streamed"]
    answer("hello").invoke("hi", config())
    assert trail.events("llm_end")[1]["ttft_us"] is None


def test_a_plain_language_model_is_an_llm_run_too(trail: Trail) -> None:
    """Text models are recorded with their prompt as text."""
    FakeListLLM(responses=["text"]).invoke("hi", config())
    assert trail.one("llm_start")["content"]["input"] == ["hi"]
    assert trail.one("llm_end")["content"]["output"] == ["text"]


def test_a_tool_call_keeps_the_id_that_the_model_gave_it(trail: Trail) -> None:
    """Start and end of a tool have name and call id, its arguments and what it returned."""

    @tool
    def customers(country: str) -> str:
        """Read customers."""
        return f"3 in {country}"

    customers.invoke({"name": "customers", "args": {"country": "NO"}, "id": "call_1", "type": "tool_call"}, config())
    start, end = trail.events("tool_start", "tool_end")
    assert (start["tool_name"], start["tool_call_id"], end["tool_call_id"]) == ("customers", "call_1", "call_1")
    assert start["content"]["input"] == {"country": "NO"}
    assert end["content"]["output"]["content"] == "3 in NO"


def test_a_handled_tool_error_is_a_failure(trail: Trail) -> None:
    """A tool whose exception became a message for the model ends as a failure all the same."""

    @tool
    def broken() -> str:
        """Fail."""
        raise ToolException("no such table")

    broken.handle_tool_error = True
    broken.invoke({"name": "broken", "args": {}, "id": "call_1", "type": "tool_call"}, config())
    assert trail.one("tool_end")["outcome"] == "failure"


def test_an_exception_is_recorded_at_every_level_with_its_class_and_text(trail: Trail) -> None:
    """A failing step ends itself and its parents with error type and message, and the application gets its exception."""

    def fail(_: Any) -> None:
        raise ValueError("kaboom sk-abcdefghijklmnop1234")

    with pytest.raises(ValueError, match="kaboom"):
        (RunnableLambda(lambda value: value) | RunnableLambda(fail)).invoke(1, config())
    inner, outer = trail.events("chain_error")
    assert inner["error_type"] == outer["error_type"] == "ValueError"
    assert inner["outcome"] == "failure"
    assert inner["content"]["error_message"] == "kaboom [SECRET]"


def test_a_retriever_is_recorded_with_its_documents(trail: Trail) -> None:
    """Query and documents are content of the retriever's events."""
    Shelf().invoke("contracts", config())
    assert trail.one("retriever_start")["content"]["input"] == "contracts"
    (document,) = trail.one("retriever_end")["content"]["output"]
    assert (document["page_content"], document["metadata"]) == ("about contracts", {"page": 7})


def test_async_runs_are_recorded_as_sync_ones(trail: Trail) -> None:
    """ainvoke, astream and abatch leave the same events, from many tasks at once."""

    async def main() -> None:
        models = [answer(str(number)) for number in range(20)]
        await asyncio.gather(*(model.ainvoke("hi", config(session_id=f"s{n}")) for n, model in enumerate(models)))

    asyncio.run(main())
    assert len(trail.events("llm_start")) == len(trail.events("llm_end")) == 20
    assert {event["session_id"] for event in trail.events("llm_end")} == {f"s{number}" for number in range(20)}


def test_a_cancelled_run_ends_as_cancelled(trail: Trail) -> None:
    """A chain whose task is cancelled is no failure."""

    async def main() -> None:
        chain = RunnableLambda(lambda value: value) | RunnableLambda(wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(chain.ainvoke(1, config()), 0.05)

    async def wait(_: Any) -> None:
        await asyncio.Event().wait()

    asyncio.run(main())
    assert {event["outcome"] for event in trail.events("chain_error")} == {"cancelled"}


def test_custom_events_belong_to_the_run_that_sent_them(trail: Trail) -> None:
    """dispatch_custom_event leaves its name and data under the enclosing run."""

    def work(value: int, config: Any) -> int:
        dispatch_custom_event("progress", {"done": value}, config=config)
        return value

    RunnableLambda(work).invoke(3, config())
    custom = trail.one("custom")
    assert custom["run_id"] == trail.one("chain_start")["run_id"]
    assert custom["content"]["output"] == {"name": "progress", "data": {"done": 3}}


def test_the_same_handler_listed_twice_records_once(trail: Trail) -> None:
    """Two handlers in one list, or one in the constructor and one in the call, leave each event once."""
    handler = AuditCallbackHandler()
    chain = RunnableLambda(lambda value: value).with_config(callbacks=[handler])
    chain.invoke(1, {"callbacks": [handler, AuditCallbackHandler()]})
    assert [event["event_type"] for event in trail.events()] == ["stream_open", "chain_start", "chain_end"]


def test_a_handler_can_be_copied_and_pickled(trail: Trail) -> None:
    """Applications deep-copy configs and send them to other processes."""
    handler = AuditCallbackHandler()
    assert copy.deepcopy([handler]) == [handler]
    assert pickle.loads(pickle.dumps(handler)) == handler  # noqa: S301 - our own bytes


def test_tenants_do_not_mix_between_threads(trail: Trail) -> None:
    """One handler, many threads, each with a tenant of its own: every event has its own tenant."""
    handler = AuditCallbackHandler()

    def work(tenant: str) -> None:
        step: RunnableLambda[str, str] = RunnableLambda(lambda _: tenant)
        with audit_context(tenant_id=tenant, user_id=f"user of {tenant}"):
            for _ in range(5):
                step.invoke(tenant, {"callbacks": [handler]})

    threads = [threading.Thread(target=work, args=(f"tenant-{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = trail.events("chain_end")
    assert len(ends) == 80
    assert all(event["content"]["output"] == event["tenant_id"] for event in ends)
    assert all(event["principal_id"] == f"user of {event['tenant_id']}" for event in ends)
    assert [event["seq"] for event in trail.events()] == list(range(161))


def test_a_child_cannot_change_its_tenant(trail: Trail) -> None:
    """A child that names another tenant keeps its root's, and is flagged."""
    inner: RunnableLambda[int, int] = RunnableLambda(lambda value: value)

    def outer(value: int) -> int:
        return inner.invoke(value, {"metadata": {"tenant_id": "globex"}})

    RunnableLambda(outer).invoke(1, config(tenant_id="acme"))
    assert {event["tenant_id"] for event in trail.events("chain_start", "chain_end")} == {"acme"}
    assert sum("tenant_conflict" in event["flags"] for event in trail.events("chain_start")) == 1


class Hostile:
    """An object that raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")


def _cycle() -> dict[str, Any]:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    return cycle


def _numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "value",
    [Hostile(), _cycle(), threading.Lock(), "\ud800", float("nan"), 2**80, {(1, 2): 3}, b"\x00" * 1000, {1, 2}, _numbers()],
    ids=["hostile", "cycle", "lock", "surrogate", "nan", "huge", "tuple key", "bytes", "set", "generator"],
)
def test_whatever_an_object_does_the_run_is_recorded(trail: Trail, value: Any) -> None:
    """The application goes on, and start and end are in the trail."""
    step: RunnableLambda[Any, Any] = RunnableLambda(lambda _: {"value": value})
    step.invoke({"value": value}, config())
    assert [event["event_type"] for event in trail.events("chain_start", "chain_end")] == ["chain_start", "chain_end"]


def test_a_wrong_setting_is_refused_at_construction(monkeypatch: pytest.MonkeyPatch, trail: Trail) -> None:
    """All wrong variables are named at once, none of their values."""
    monkeypatch.setenv("LANGTRAIL_PUBLIC_KEY", "not-a-key")
    monkeypatch.setenv("LANGTRAIL_SPOOL_MAX_BYTES", "many")
    with pytest.raises(SettingsError) as raised:
        AuditCallbackHandler()
    assert "LANGTRAIL_PUBLIC_KEY" in str(raised.value)
    assert "LANGTRAIL_SPOOL_MAX_BYTES" in str(raised.value)
    assert "not-a-key" not in str(raised.value)


def test_names_that_look_like_a_person_are_withheld_from_the_core(trail: Trail) -> None:
    """A run named after an e-mail address has component `withheld`; the name itself is content."""
    RunnableLambda(lambda value: value).with_config(run_name="mail to bob@example.com").invoke(1, config())
    start = trail.one("chain_start")
    assert start["component"] == "withheld"
    assert "bob@example.com" in str(start["content"]["metadata"])


def test_a_withheld_name_stands_beside_metadata_that_could_not_be_recorded(trail: Trail) -> None:
    """A lock among the metadata is named, and so is the run."""
    runnable = RunnableLambda(lambda value: value).with_config(
        run_name="mail to bob@example.com", metadata={"lock": threading.Lock()}
    )
    runnable.invoke(1, config())
    start = trail.one("chain_start")
    assert start["content"]["metadata"]["withheld"] == {"component": "mail to bob@example.com"}
    assert start["content"]["metadata"]["lock"]["not_recorded"] is True
    assert "payload_error" in start["flags"]


def test_a_partial_answer_is_kept_when_the_stream_breaks(trail: Trail) -> None:
    """What a model said before it failed is in the event of its error."""

    class Breaking(KnownModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield ChatGenerationChunk(message=AIMessageChunk(content="so far"))
            raise ConnectionError("gone")

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

    with pytest.raises(ConnectionError):
        list(Breaking(messages=iter([])).stream("hi", config()))
    error = trail.one("llm_error")
    assert error["content"]["output"][0]["content"] == "so far"
    assert "partial" in error["flags"]
    assert error["error_type"] == "ConnectionError"
