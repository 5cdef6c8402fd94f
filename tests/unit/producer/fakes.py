"""Models that the producer's tests talk to: one that asks for tools, and one that never answers."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable


class Asking(GenericFakeChatModel):
    """A fake model that takes tools, and answers what it was told to."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(**{name: value for name, value in kwargs.items() if name.startswith("ls_")})


def call(name: str, call_id: str, /, **args: Any) -> ToolCall:
    """Return a tool call of a model."""
    return {"name": name, "args": args, "id": call_id, "type": "tool_call"}


def asking(*answers: Any) -> Asking:
    """Return a model whose answers are texts, or lists of tool calls."""
    messages = [AIMessage("", tool_calls=answer) if isinstance(answer, list) else AIMessage(answer) for answer in answers]
    return Asking(messages=iter(messages))


waiting = threading.Event()
"""Set once something waits that will never go on."""


async def wait_for_ever() -> None:
    """Say that we wait, and wait."""
    waiting.set()
    await asyncio.Event().wait()


async def until(event: threading.Event) -> None:
    """Wait, at most ten seconds, for something that another task or thread sets."""
    deadline = time.monotonic() + 10
    while not event.is_set():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


class Waiting(BaseChatModel):
    """A model that never answers, and streams two parts before it stops."""

    @property
    def _llm_type(self) -> str:
        return "waiting"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        text = str(messages[-1].content)
        if text == "bad":
            raise ValueError("bad prompt")
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        await wait_for_ever()
        raise AssertionError

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for part in "abcd":
            yield ChatGenerationChunk(message=AIMessageChunk(content=part))

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for part in "ab":
            yield ChatGenerationChunk(message=AIMessageChunk(content=part))
        await wait_for_ever()


class Hostile:
    """An object that raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")

    def model_dump(self) -> dict[str, Any]:
        raise RuntimeError("no")
