"""The demo's chat models: LangChain's fake one under the name of a real one, or the real one where a key is at hand."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

_CHARACTERS_PER_TOKEN = 4
_REAL_MODEL = "gpt-4o-mini"


class ScriptedChatModel(GenericFakeChatModel):
    """LangChain's fake chat model, which also counts tokens, streams them one by one, and takes its time over each."""

    provider: str
    model: str
    seconds_per_token: float = 0.004

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Send the tools' schemas with each call, as a real model's class does."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = _as_message(next(self.messages))
        time.sleep(self.seconds_per_token * _tokens(said))  # what a model does: it thinks for a while
        answer = said.model_copy(
            update={
                "usage_metadata": _usage(messages, said),
                "response_metadata": {"model_name": self.model, "finish_reason": "tool_calls" if said.tool_calls else "stop"},
            }
        )
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said = _as_message(next(self.messages))
        for word in said.text.split(" "):
            time.sleep(self.seconds_per_token)  # as above
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            if run_manager:
                run_manager.on_llm_new_token(f"{word} ", chunk=chunk)
            yield chunk
        last = AIMessageChunk(
            content="",
            usage_metadata=_usage(messages, said),
            response_metadata={"model_name": self.model, "finish_reason": "stop"},
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(ls_provider=self.provider, ls_model_name=self.model, ls_model_type="chat", ls_temperature=0.0)


def scripted(provider: str, model: str, *script: AIMessage | str, seconds_per_token: float = 0.004) -> ScriptedChatModel:
    """Return a model that says the messages of `script`, one a call."""
    return ScriptedChatModel(messages=iter(script), provider=provider, model=model, seconds_per_token=seconds_per_token)


def real_or_scripted(model: ScriptedChatModel) -> Runnable[LanguageModelInput, Any]:
    """Return OpenAI's model, with `model` to fall back on, where its key and package are at hand; else `model`."""
    if not uses_real_model():
        return model
    openai = import_module("langchain_openai")
    real: BaseChatModel = openai.ChatOpenAI(model=_REAL_MODEL, timeout=10, max_retries=0, stream_usage=True)
    return real.with_fallbacks([model])


def uses_real_model() -> bool:
    """Say whether a real model is at hand."""
    return bool(os.environ.get("OPENAI_API_KEY")) and find_spec("langchain_openai") is not None


def _as_message(said: AIMessage | str) -> AIMessage:
    return AIMessage(content=said) if isinstance(said, str) else said


def _usage(messages: list[BaseMessage], said: AIMessage) -> UsageMetadata:
    prompt, answer = sum(len(message.text) for message in messages) // _CHARACTERS_PER_TOKEN + 1, _tokens(said)
    return UsageMetadata(input_tokens=prompt, output_tokens=answer, total_tokens=prompt + answer)


def _tokens(said: AIMessage) -> int:
    return (len(said.text) + len(str(said.tool_calls or ""))) // _CHARACTERS_PER_TOKEN + 1
