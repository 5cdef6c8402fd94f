"""What the trail knows of a model's call: tokens, models, time to the first token, prompts, attempts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel, FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ChatMessage, HumanMessage, RemoveMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, Generation, LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda

from langtrail.producer import audit_context
from tests.unit.producer.trail import Trail, config


class Known(GenericFakeChatModel):
    """A fake model with a name and a temperature, as real ones have; both may be overridden for a call."""

    model_name: str = "gpt-4o-mini"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {
            "ls_provider": "openai",
            "ls_model_name": kwargs.get("model", self.model_name),
            "ls_model_type": "chat",
            "ls_temperature": kwargs.get("temperature", 0.5),
        }


def answering(message: AIMessage | str) -> Known:
    """Return a model that answers once."""
    return Known(messages=iter([message]))


def usage(given: int, answered: int, total: int, **details: Any) -> dict[str, Any]:
    """Return LangChain's usage_metadata."""
    return {"input_tokens": given, "output_tokens": answered, "total_tokens": total, **details}


def counts(event: dict[str, Any]) -> tuple[Any, ...]:
    """Return an event's tokens: in, out, in all, read from a cache, written to one, reasoning."""
    names = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    return tuple(event[name] for name in names)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"usage_metadata": usage(10, 5, 15)}, (10, 5, 15, None, None, None)),
        (
            {"usage_metadata": usage(10, 5, 15, input_token_details={"cache_read": 4}, output_token_details={"reasoning": 3})},
            (10, 5, 15, 4, None, 3),
        ),
        (
            {"usage_metadata": usage(18, 386, 7906, input_token_details={"cache_read": 0, "cache_creation": 7502})},
            (7520, 386, 7906, 0, 7502, None),
        ),
        (
            {"usage_metadata": usage(18, 20, 38, input_token_details={"cache_read": 100})},
            (118, 20, 38, 100, None, None),
        ),
        (
            {"response_metadata": {"usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 50}}},
            (53, 2, 55, 50, None, None),
        ),
        (
            {
                "response_metadata": {
                    "token_usage": {
                        "prompt_tokens": 9,
                        "completion_tokens": 4,
                        "total_tokens": 13,
                        "prompt_tokens_details": {"cached_tokens": 6},
                        "completion_tokens_details": {"reasoning_tokens": 2},
                    }
                }
            },
            (9, 4, 13, 6, None, 2),
        ),
        (
            {"response_metadata": {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 7, "outputTokenCount": 8}}},
            (7, 8, 15, None, None, None),
        ),
        (
            {
                "usage_metadata": usage(
                    *(100, 20, 120),
                    input_token_details={
                        "cache_read": 60,
                        "cache_creation": 0,
                        "ephemeral_5m_input_tokens": 30,
                        "ephemeral_1h_input_tokens": 2,
                    },
                )
            },
            (100, 20, 120, 60, 32, None),
        ),
        (
            {"usage_metadata": usage(9, 2, 11, input_token_details={"cache_creation": 5, "ephemeral_5m_input_tokens": 5})},
            (9, 2, 11, None, 5, None),
        ),
        (
            {
                "response_metadata": {
                    "usage": {
                        "input_tokens": 3,
                        "output_tokens": 2,
                        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1},
                    }
                }
            },
            (8, 2, 10, None, 5, None),
        ),
        (
            {
                "response_metadata": {
                    "usage_metadata": {
                        "prompt_token_count": 100,
                        "candidates_token_count": 20,
                        "thoughts_token_count": 30,
                        "total_token_count": 150,
                        "cached_content_token_count": 10,
                    }
                }
            },
            (100, 50, 150, 10, None, 30),
        ),
        ({"response_metadata": {"token_count": {"input_tokens": 10.0, "output_tokens": 5.0}}}, (10, 5, 15, None, None, None)),
        ({"response_metadata": {"prompt_eval_count": 26, "eval_count": 298}}, (26, 298, 324, None, None, None)),
        ({"response_metadata": {"eval_count": 298}}, (None, 298, None, None, None, None)),
        ({}, (None, None, None, None, None, None)),
        ({"response_metadata": {"usage": {"input_tokens": -1, "output_tokens": 2**80}}}, (None, None, None, None, None, None)),
    ],
    ids=[
        *("plain", "subsets", "beside", "beside by size", "anthropic", "openai", "bedrock"),
        *("written for a time", "written in all too", "anthropic's own for a time"),
        *("gemini", "cohere", "ollama", "ollama, prompt cached", "unknown", "absurd"),
    ],
)
def test_tokens_are_found_wherever_a_provider_puts_them(trail: Trail, facts: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Totals include what came from a cache; what nobody told is null, never 0."""
    answering(AIMessage("x", **facts)).invoke("hi", config())
    assert counts(trail.one("llm_end")) == expected


def test_the_tokens_of_a_model_of_texts_are_found_in_what_ollama_says_of_a_generation(trail: Trail) -> None:
    """OllamaLLM tells them nowhere else."""

    class Texts(FakeListLLM):
        def _generate(self, *args: Any, **kwargs: Any) -> LLMResult:
            facts = {"model": "llama3", "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 298}
            return LLMResult(generations=[[Generation(text="x", generation_info=facts)]])

    Texts(responses=[]).invoke("hi", config())
    assert counts(trail.one("llm_end"))[:3] == (26, 298, 324)


@pytest.mark.parametrize("with_usage", [True, False])
def test_a_stream_has_the_tokens_of_its_last_part_or_none(trail: Trail, with_usage: bool) -> None:
    """A provider that does not count while streaming leaves null."""

    class Streaming(Known):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield ChatGenerationChunk(message=AIMessageChunk(content="a"))
            last: Any = usage(3, 2, 5) if with_usage else None
            yield ChatGenerationChunk(message=AIMessageChunk(content="b", usage_metadata=last))

    list(Streaming(messages=iter([])).stream("hi", config()))
    assert counts(trail.one("llm_end"))[:3] == ((3, 2, 5) if with_usage else (None, None, None))


def test_an_answer_from_langchains_cache_costs_nothing_and_says_so(trail: Trail) -> None:
    """The second call is no call of the model: no tokens, and a flag."""
    cached = Known(messages=iter([AIMessage("x", usage_metadata=usage(10, 5, 15))]), cache=InMemoryCache())
    for _ in range(2):
        assert cached.invoke("hi", config()).content == "x"
    first, second = trail.events("llm_end")
    assert (counts(first)[:3], first["flags"]) == ((10, 5, 15), [])
    assert (counts(second)[:3], second["flags"]) == ((0, 0, 0), ["cache_hit"])


def test_the_time_to_the_first_token_counts_the_first_part_even_an_empty_one(trail: Trail) -> None:
    """Providers open with an empty part: that is when the answer began."""

    class Opening(Known):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            for part in ("", "a"):
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=part))
                if manager := kwargs.get("run_manager"):
                    manager.on_llm_new_token(part, chunk=chunk)
                yield chunk

    list(Opening(messages=iter([])).stream("hi", config()))
    end = trail.one("llm_end")
    assert 0 < end["ttft_us"] <= end["latency_us"]


@pytest.mark.skipif(not hasattr(BaseChatModel, "stream_events"), reason="this langchain-core has no such events")
def test_streamed_events_of_the_third_version_have_a_first_token_too(trail: Trail) -> None:
    """stream_events(version="v3") fires no on_llm_new_token; its own events tell."""
    stream = answering("one two").stream_events("hi", config(), version="v3")
    assert "one" in "".join(stream.text)
    end = trail.one("llm_end")
    assert end["ttft_us"] is not None
    assert "streamed" in end["flags"]


def test_a_call_that_is_not_streamed_has_no_first_token(trail: Trail) -> None:
    """Null, not the latency."""
    answering("x").invoke("hi", config())
    assert trail.one("llm_end")["ttft_us"] is None


def test_what_was_asked_for_and_what_answered_are_two_facts(trail: Trail) -> None:
    """A call may name another model and temperature than its model has, and be served by a third."""
    answered = AIMessage("x", response_metadata={"model_name": "gpt-4o-2024-11-20"})
    answering(answered).bind(model="gpt-4o", temperature=0.9).invoke("hi", config())
    start, end = trail.events("llm_start", "llm_end")
    assert (start["request_model"], end["request_model"], end["response_model"]) == ("gpt-4o", "gpt-4o", "gpt-4o-2024-11-20")
    assert start["content"]["params"]["temperature"] == 0.9
    assert start["content"]["metadata"]["ls_temperature"] == 0.9


def test_every_candidate_of_an_answer_is_recorded(trail: Trail) -> None:
    """With n > 1: all of them, and the tokens once."""

    class Many(Known):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            counted: Any = usage(3, 4, 7)
            messages = [AIMessage(text, usage_metadata=counted) for text in ("a", "b", "c")]
            return ChatResult(generations=[ChatGeneration(message=message) for message in messages])

    Many(messages=iter([])).invoke("hi", config())
    end = trail.one("llm_end")
    assert [message["content"] for message in end["content"]["output"]] == ["a", "b", "c"]
    assert counts(end)[:3] == (3, 4, 7)


def test_messages_of_every_class_are_recorded(trail: Trail) -> None:
    """Roles of one's own, removals, classes that nobody knows, calls whose arguments are no JSON."""

    class Mine(BaseMessage):
        type: str = "mine"
        mood: str = "good"

    broken: Any = {"name": "x", "args": "{", "id": "c1", "error": "no JSON", "type": "invalid_tool_call"}
    said: list[BaseMessage] = [
        ChatMessage(content="a", role="critic"),
        RemoveMessage(id="m1"),
        Mine(content="b"),
        AIMessage("", invalid_tool_calls=[broken]),
        HumanMessage("hi"),
    ]
    answering("x").invoke(said, config())
    recorded = trail.one("llm_start")["content"]["input"]
    assert [message["type"] for message in recorded] == ["chat", "remove", "mine", "ai", "human"]
    assert recorded[0]["role"] == "critic"
    assert recorded[2]["mood"] == "good"
    assert recorded[3]["invalid_tool_calls"][0]["error"] == "no JSON"


def test_retries_are_numbered_attempts(trail: Trail) -> None:
    """with_retry: two failures and a success are attempts 1, 2 and 3."""
    tries = iter([ValueError("1"), ValueError("2"), None])

    def work(value: int) -> int:
        if error := next(tries):
            raise error
        return value

    RunnableLambda(work).with_retry(stop_after_attempt=3, wait_exponential_jitter=False).invoke(1, config())
    assert [(event["event_type"], event["attempt"]) for event in trail.events("chain_error", "chain_end")][:3] == [
        *(("chain_error", 1), ("chain_error", 2), ("chain_end", 3))
    ]


def test_a_loop_of_an_application_is_numbered_by_its_input(trail: Trail) -> None:
    """Asking again with the same input after a failure is the next attempt; another input is not."""

    class Failing(Known):
        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            if messages[-1].content == "hi":
                raise ConnectionError("gone")
            return ChatResult(generations=[ChatGeneration(message=AIMessage("x"))])

    def loop(_: int) -> str:
        asked = Failing(messages=iter([]))
        for _ in range(2):
            with pytest.raises(ConnectionError):
                asked.invoke("hi")
        return str(asked.invoke("other").content)

    RunnableLambda(loop).invoke(1, config())
    assert [(event["event_type"], event["attempt"]) for event in trail.events("llm_error", "llm_end")] == [
        *(("llm_error", 1), ("llm_error", 2), ("llm_end", None))
    ]


def test_fallbacks_are_numbered_and_only_one_answers(trail: Trail) -> None:
    """Both models that were tried are in the trail, under the one run that tried them."""

    class Failing(Known):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise ConnectionError("gone")

    first, second = Failing(messages=iter([]), model_name="gpt-4o"), answering("x")
    first.with_fallbacks([second]).invoke("hi", config())
    failed, answered = trail.events("llm_error", "llm_end")
    assert (failed["request_model"], failed["attempt"], failed["outcome"]) == ("gpt-4o", 1, "failure")
    assert (answered["request_model"], answered["attempt"], answered["outcome"]) == ("gpt-4o-mini", 2, "success")
    assert failed["parent_run_id"] == answered["parent_run_id"]


def test_a_prompt_named_on_its_template_reaches_the_model_that_it_is_for(trail: Trail) -> None:
    """Metadata of a template reaches only the template's run; the model that follows under the same parent has it too."""
    prompt = ChatPromptTemplate.from_messages([("user", "{q}")]).with_config(
        metadata={"prompt_name": "greeting", "prompt_version": "v3"}
    )
    (prompt | answering("x").with_retry()).invoke({"q": "hi"}, config())
    for event in trail.events("llm_start", "llm_end"):
        assert (event["prompt_name"], event["prompt_version"]) == ("greeting", "v3")


def test_a_prompt_from_the_hub_names_itself(trail: Trail) -> None:
    """LangSmith's client puts owner, repository and commit into the prompt's metadata."""
    prompt = ChatPromptTemplate.from_messages([("user", "{q}")])
    prompt.metadata = {"lc_hub_owner": "acme", "lc_hub_repo": "support", "lc_hub_commit_hash": "abc123"}
    (prompt | answering("x")).invoke({"q": "hi"}, config())
    start = trail.one("llm_start")
    assert (start["prompt_name"], start["prompt_version"]) == ("acme/support", "abc123")


def test_a_prompt_named_by_the_application_counts_for_the_whole_run(trail: Trail) -> None:
    """audit_context names the prompt where templates are not LangChain's."""
    with audit_context(prompt_name="support", prompt_version="v7"):
        answer: RunnableLambda[int, AIMessage] = RunnableLambda(lambda _: answering("x").invoke("hi"))
        answer.invoke(1, config())
    assert {(event["prompt_name"], event["prompt_version"]) for event in trail.events("chain_start", "llm_end")} == {
        ("support", "v7")
    }


def test_a_text_model_from_an_old_provider_tells_its_tokens_in_llm_output(trail: Trail) -> None:
    """Text models have no messages; their answers are recorded as text."""
    FakeListLLM(responses=["x"]).invoke("hi", config())
    end = trail.one("llm_end")
    assert end["content"]["output"] == ["x"]
    assert counts(end) == (None,) * 6


def test_an_async_stream_counts_and_times_as_a_sync_one(trail: Trail) -> None:
    """astream: first token and tokens are there."""

    class Streaming(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "streaming"

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

        async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
            counted: Any = usage(3, 2, 5)
            yield ChatGenerationChunk(message=AIMessageChunk(content="a"))
            yield ChatGenerationChunk(message=AIMessageChunk(content="b", usage_metadata=counted))

    async def main() -> None:
        async for _ in Streaming().astream("hi", config()):
            pass

    asyncio.run(main())
    end = trail.one("llm_end")
    assert counts(end)[:3] == (3, 2, 5)
    assert end["ttft_us"] is not None
