"""The callback handler: one thin method for each hook of langchain-core and LangGraph. None of them raises, none waits."""

import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, ParamSpec
from uuid import UUID

from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult

from . import capture, prompts
from .draft import Content
from .errors import AuditUnavailable
from .failures import record_failure
from .labels import technical, whole
from .langchain_context import callers_tool_call_id, graph_is_paused, reader_stopped
from .pipeline import existing_pipeline, pipeline
from .plain import type_name
from .recorder import Recorder
from .recording import (
    close_run,
    end_model,
    fail_model,
    first_token,
    mend,
    name_call,
    open_run,
    record_end,
    record_error,
    record_graph_event,
    record_start,
    record_within,
    refuse,
    start_model,
)
from .runs import Run
from .serialise import snapshot, snapshot_text, text_of

P = ParamSpec("P")
_FIRST_TOKEN_EVENTS = ("content-block-delta", "content-block-start", "message-start")


def _guarded(hook: Callable[P, None]) -> Callable[P, None]:
    """Keep every failure of ours out of the application, and in the trail: an event says which hook could not record.

    Only what an owner asked for goes through: a run that cannot be recorded (LANGTRAIL_DELIVERY=block), or that names nobody
    (LANGTRAIL_REQUIRE_IDENTITY=1), does not begin. With the former a start hook that fails fails closed, whatever failed.
    """
    starts = hook.__name__.endswith("_start")

    @wraps(hook)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except AuditUnavailable as error:
            refuse(kwargs, error)
            raise
        except Exception as error:  # noqa: BLE001 - the application goes on whatever it is
            run_id = kwargs.get("run_id")
            record_failure(hook.__name__, error, run_id if isinstance(run_id, UUID) else None)
            mend(kwargs, goes_on=True)
            if starts:
                _must_be_recorded(kwargs, error)
        except BaseException:  # the application's own: Ctrl-C, or what a signal handler raised
            mend(kwargs, goes_on=False)
            raise

    return guarded


def _must_be_recorded(told: dict[str, Any], error: Exception) -> None:
    """Refuse, in mode block, the run of a start hook that failed."""
    shared = existing_pipeline()
    if shared is not None and shared.fails_closed:
        refusal = AuditUnavailable(f"the start of this run cannot be recorded, so it must not begin: {type_name(error)}")
        try:
            refuse(told, refusal)
        except Exception as second:  # noqa: BLE001 - it is refused all the same
            record_failure("refuse", second, None)
        raise refusal


class AuditCallbackHandler(Recorder, BaseCallbackHandler):
    """Records every run it is told of. Free to make, copy, pickle, fork and list twice: all of them share one pipeline.

    Raises SettingsError when a LANGTRAIL_* variable is wrong; after that no hook raises, but for start hooks with
    LANGTRAIL_DELIVERY=block or LANGTRAIL_REQUIRE_IDENTITY=1: AuditUnavailable, before the run has any effect.
    """

    run_inline = True

    def __init__(self) -> None:
        shared = pipeline()
        self.raise_error = shared.fails_closed or shared.settings.require_identity
        if shared.settings.side_effects:
            enable_side_effects()

    def flush(self, timeout_seconds: float) -> int:
        """Wait until Kafka has acknowledged every event of this process, at most `timeout_seconds`.

        Returns how many it has not acknowledged, spooled ones included: 0 is all.
        """
        return pipeline().flush(timeout_seconds)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(AuditCallbackHandler)

    def __copy__(self) -> "AuditCallbackHandler":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "AuditCallbackHandler":
        return self

    def __reduce__(self) -> tuple[type["AuditCallbackHandler"], tuple[()]]:
        return AuditCallbackHandler, ()

    @property
    def __class__(self) -> type:
        """To LangGraph, once the application has loaded it, this is a GraphCallbackHandler: only those see interrupts.

        Importing langgraph.callbacks to inherit from it would cost every other application half a second.
        """
        graph = sys.modules.get("langgraph.callbacks")
        return _graph_handler_class(graph.GraphCallbackHandler) if graph else AuditCallbackHandler

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise TypeError("the class of an AuditCallbackHandler cannot be set")

    # chains

    @_guarded
    def on_chain_start(  # noqa: D102 - LangChain's hook, as all below
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        run = open_run("chain", serialized, run_id, parent_run_id, metadata, kwargs.get("name"))
        if run:
            run.defers_inputs = bool(kwargs.get("defers_inputs")) or _are_not_known_yet(inputs)
            if kwargs.get("run_type") == "prompt":
                prompts.formatted(run, metadata or {})
            record_start(run, {"input": snapshot(inputs), **capture.run_content(metadata, tags)}, tags)

    @_guarded
    def on_chain_end(  # noqa: D102
        self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("chain", "chain_end", run_id, parent_run_id):
            run.interrupted = run.interrupted or graph_is_paused()
            if run.defers_inputs and reader_stopped():
                run.flags = (*run.flags, "partial")
            record_end(run, {**_deferred(run, kwargs), "output": snapshot(outputs)}, output=outputs)

    @_guarded
    def on_chain_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("chain", "chain_error", run_id, parent_run_id):
            record_error(run, error, _deferred(run, kwargs))

    # models

    @_guarded
    def on_chat_model_start(  # noqa: D102
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        prompt = [message for batch in messages for message in batch]
        start_model(serialized, prompt, run_id, parent_run_id, tags, metadata, kwargs)

    @_guarded
    def on_llm_start(  # noqa: D102
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        start_model(serialized, prompts, run_id, parent_run_id, tags, metadata, kwargs)

    @_guarded
    def on_llm_new_token(  # noqa: D102
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        first_token(run_id)

    @_guarded
    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        if isinstance(event, dict) and event.get("event") in _FIRST_TOKEN_EVENTS:
            first_token(run_id)

    @_guarded
    def on_llm_end(  # noqa: D102
        self, response: LLMResult, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("llm", "llm_end", run_id, parent_run_id):
            end_model(run, response)

    @_guarded
    def on_llm_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("llm", "llm_error", run_id, parent_run_id):
            fail_model(run, error, kwargs.get("response"))

    # tools

    @_guarded
    def on_tool_start(  # noqa: D102
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        run = open_run("tool", serialized, run_id, parent_run_id, metadata, kwargs.get("name"))
        if run:
            name_call(run, kwargs["tool_call_id"] if "tool_call_id" in kwargs else callers_tool_call_id())
            given = snapshot(inputs if inputs is not None else input_str)
            record_start(run, {"input": given, **capture.run_content(metadata, tags)}, tags)

    @_guarded
    def on_tool_end(  # noqa: D102
        self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("tool", "tool_end", run_id, parent_run_id, kwargs.get("name")):
            name_call(run, _text_attribute(output, "tool_call_id"))
            failed = _text_attribute(output, "status") == "error"
            record_end(run, {"output": snapshot(output)}, "failure" if failed else "success", output=output)

    @_guarded
    def on_tool_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("tool", "tool_error", run_id, parent_run_id):
            name_call(run, kwargs.get("tool_call_id"))
            record_error(run, error, {})

    # retrievers

    @_guarded
    def on_retriever_start(  # noqa: D102
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        run = open_run("retriever", serialized, run_id, parent_run_id, metadata, kwargs.get("name"))
        if run:
            record_start(run, {"input": snapshot(query), **capture.run_content(metadata, tags)}, tags)

    @_guarded
    def on_retriever_end(  # noqa: D102
        self, documents: Sequence[Document], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("retriever", "retriever_end", run_id, parent_run_id):
            record_end(run, {"output": snapshot(documents)})

    @_guarded
    def on_retriever_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := close_run("retriever", "retriever_error", run_id, parent_run_id):
            record_error(run, error, {})

    # what happens within a run

    @_guarded
    def on_agent_action(self, action: AgentAction, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        record_within("agent_action", run_id, {"output": snapshot(action)})

    @_guarded
    def on_agent_finish(self, finish: AgentFinish, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        record_within("agent_finish", run_id, {"output": snapshot(finish)})

    @_guarded
    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        record_within("text", run_id, {"output": snapshot(text)})

    @_guarded
    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        outcome = getattr(retry_state, "outcome", None)
        error = outcome.exception() if outcome is not None and outcome.failed else None
        content = {"error_message": snapshot_text(text_of(error))} if error else {}
        facts = {"error_type": technical(type_name(error))} if error else {}
        attempt = whole(getattr(retry_state, "attempt_number", None))
        record_within("retry", run_id, content, attempt=attempt, **facts)

    @_guarded
    def on_custom_event(  # noqa: D102
        self,
        name: str,
        data: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        content = {"output": snapshot({"name": name, "data": data}), **capture.run_content(metadata, tags)}
        record_within("custom", run_id, content)

    @_guarded
    def on_interrupt(self, event: Any) -> None:
        """Record that a LangGraph graph paused for a human."""
        record_graph_event("interrupt", event, {"input": snapshot([_told(item) for item in event.interrupts])})

    @_guarded
    def on_resume(self, event: Any) -> None:
        """Record that a LangGraph graph went on from a checkpoint."""
        record_graph_event("resume", event, {})


def enable_side_effects() -> None:
    """Record what tools do to the world. It is loaded only where it is asked for."""
    from .side_effects import enable  # noqa: PLC0415 - as said

    enable()


@cache
def _graph_handler_class(graph_handler: type) -> type:
    return type("AuditCallbackHandler", (AuditCallbackHandler, graph_handler), {})


def _text_attribute(value: Any, name: str) -> str | None:
    """Return what text an application's object has by a name. A proxy of what is gone raises, a table has columns."""
    try:
        found = getattr(value, name, None)
    except Exception:  # noqa: BLE001 - the run ends whatever its output is
        return None
    return found if isinstance(found, str) else None


def _told(interrupt: Any) -> dict[str, Any]:
    """Return an interrupt's value and id."""
    return {"id": getattr(interrupt, "id", None), "value": getattr(interrupt, "value", None)}


def _are_not_known_yet(inputs: Any) -> bool:
    """Tell whether this is what LangChain hands over when a stream starts: {"input": ""}."""
    return type(inputs) is dict and len(inputs) == 1 and type(text := inputs.get("input")) is str and not text


def _deferred(run: Run, kwargs: dict[str, Any]) -> Content:
    """Return the inputs of a stream, which are only known at its end."""
    return {"input": snapshot(kwargs["inputs"])} if run.defers_inputs and kwargs.get("inputs") is not None else {}
