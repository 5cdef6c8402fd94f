"""The callback handler: one thin method for each hook of langchain-core and LangGraph. None of them raises, none waits."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, ParamSpec
from uuid import UUID

from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult

from . import capture
from .draft import Draft, label
from .errors import AuditUnavailable
from .pipeline import Pipeline, pipeline
from .runs import Run
from .serialise import Snapshot, snapshot, snapshot_text, type_name

log = logging.getLogger("langtrail.producer")

P = ParamSpec("P")
_FIRST_TOKEN_EVENTS = ("content-block-delta", "content-block-start", "message-start")


def _guarded(hook: Callable[P, None]) -> Callable[P, None]:
    """Keep every failure of ours out of the application, and in the trail: an event says which hook could not record.

    Only what an owner asked for with LANGTRAIL_DELIVERY=block goes through: a run that cannot be recorded does not begin.
    """

    @wraps(hook)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except AuditUnavailable:
            _forget_refused(kwargs)
            raise
        except Exception as error:  # noqa: BLE001 - the application goes on whatever it is
            _record_failure(hook.__name__, error, kwargs)

    return guarded


class AuditCallbackHandler(BaseCallbackHandler):
    """Records every run it is told of. Free to make, copy, pickle, fork and list twice: all of them share one pipeline.

    Raises SettingsError when a LANGTRAIL_* variable is wrong; after that no hook raises, but for start hooks with
    LANGTRAIL_DELIVERY=block: AuditUnavailable, before the run has any effect.
    """

    run_inline = True

    def __init__(self) -> None:
        self.raise_error = pipeline().fails_closed

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
        run = _open("chain", serialized, kwargs.get("name"), run_id, parent_run_id, metadata)
        if run:
            run.defers_inputs = bool(kwargs.get("defers_inputs"))
            _record(capture.start_event(run, {"input": snapshot(inputs), **capture.run_content(metadata, tags)}))

    @_guarded
    def on_chain_end(  # noqa: D102
        self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("chain", "chain_end", run_id, parent_run_id):
            _record(capture.end_event(run, {**_deferred(run, kwargs), "output": snapshot(outputs)}))

    @_guarded
    def on_chain_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("chain", "chain_error", run_id, parent_run_id):
            _record(capture.error_event(run, error, _deferred(run, kwargs)))

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
        _start_model(serialized, prompt, run_id, parent_run_id, tags, metadata, kwargs)

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
        _start_model(serialized, prompts, run_id, parent_run_id, tags, metadata, kwargs)

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
        _first_token(run_id)

    @_guarded
    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        if isinstance(event, dict) and event.get("event") in _FIRST_TOKEN_EVENTS:
            _first_token(run_id)

    @_guarded
    def on_llm_end(  # noqa: D102
        self, response: LLMResult, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("llm", "llm_end", run_id, parent_run_id):
            facts, content = capture.answer(response)
            _record(capture.end_event(run, content, model=facts))

    @_guarded
    def on_llm_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("llm", "llm_error", run_id, parent_run_id):
            partial = kwargs.get("response")
            facts, content = capture.answer(partial) if isinstance(partial, LLMResult) and partial.generations else ({}, {})
            if content:
                run.flags = (*run.flags, "partial")
            _record(capture.error_event(run, error, content, facts))

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
        run = _open("tool", serialized, kwargs.get("name"), run_id, parent_run_id, metadata)
        if run:
            run.tool = {"tool_name": label(run.component), "tool_call_id": _text(kwargs.get("tool_call_id"))}
            given = snapshot(inputs if inputs is not None else input_str)
            _record(capture.start_event(run, {"input": given, **capture.run_content(metadata, tags)}))

    @_guarded
    def on_tool_end(  # noqa: D102
        self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("tool", "tool_end", run_id, parent_run_id, kwargs.get("name")):
            run.tool.setdefault("tool_name", label(run.component))
            run.tool["tool_call_id"] = run.tool.get("tool_call_id") or _text(getattr(output, "tool_call_id", None))
            outcome = "failure" if getattr(output, "status", None) == "error" else "success"
            _record(capture.end_event(run, {"output": snapshot(output)}, outcome=outcome))

    @_guarded
    def on_tool_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("tool", "tool_error", run_id, parent_run_id):
            run.tool["tool_call_id"] = run.tool.get("tool_call_id") or _text(kwargs.get("tool_call_id"))
            _record(capture.error_event(run, error, {}))

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
        run = _open("retriever", serialized, kwargs.get("name"), run_id, parent_run_id, metadata)
        if run:
            _record(capture.start_event(run, {"input": snapshot(query), **capture.run_content(metadata, tags)}))

    @_guarded
    def on_retriever_end(  # noqa: D102
        self, documents: Sequence[Document], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("retriever", "retriever_end", run_id, parent_run_id):
            _record(capture.end_event(run, {"output": snapshot(documents)}))

    @_guarded
    def on_retriever_error(  # noqa: D102
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        if run := _close("retriever", "retriever_error", run_id, parent_run_id):
            _record(capture.error_event(run, error, {}))

    # what happens within a run

    @_guarded
    def on_agent_action(self, action: AgentAction, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        _within("agent_action", run_id, {"output": snapshot(action)})

    @_guarded
    def on_agent_finish(self, finish: AgentFinish, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        _within("agent_finish", run_id, {"output": snapshot(finish)})

    @_guarded
    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        _within("text", run_id, {"output": snapshot(text)})

    @_guarded
    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: D102
        outcome = getattr(retry_state, "outcome", None)
        error = outcome.exception() if outcome is not None and outcome.failed else None
        content = {"error_message": snapshot_text(str(error))} if error else {}
        facts = {"error_type": label(type_name(error))} if error else {}
        _within("retry", run_id, content, attempt=getattr(retry_state, "attempt_number", None), **facts)

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
        _within("custom", run_id, content)

    @_guarded
    def on_interrupt(self, event: Any) -> None:
        """Record that a LangGraph graph paused for a human."""
        _graph_event("interrupt", event, {"input": snapshot([vars_of(item) for item in event.interrupts])})

    @_guarded
    def on_resume(self, event: Any) -> None:
        """Record that a LangGraph graph went on from a checkpoint."""
        _graph_event("resume", event, {})


@cache
def _graph_handler_class(graph_handler: type) -> type:
    return type("AuditCallbackHandler", (AuditCallbackHandler, graph_handler), {})


def vars_of(interrupt: Any) -> dict[str, Any]:
    """Return an interrupt's value and id."""
    return {"id": getattr(interrupt, "id", None), "value": getattr(interrupt, "value", None)}


def _open(
    kind: str,
    serialized: dict[str, Any] | None,
    name: str | None,
    run_id: UUID,
    parent_run_id: UUID | None,
    metadata: dict[str, Any] | None,
) -> Run | None:
    """Open a run; None when it is open already, because the same handler is listed twice."""
    shared = pipeline()
    if shared.runs.is_open(run_id):
        return None
    component = capture.component_of(serialized, name, kind)
    run = capture.started(
        shared.runs, shared.settings, kind, component, run_id=run_id, parent_run_id=parent_run_id, metadata=metadata
    )
    for given_up in shared.runs.open(run_id, run):
        shared.record(capture.abandoned_event(given_up))
    return run


def _close(kind: str, event_type: str, run_id: UUID, parent_run_id: UUID | None, name: str | None = None) -> Run | None:
    """End a run; None when this very end was recorded before. An end without a start is recorded as such."""
    shared = pipeline()
    run, seen = shared.runs.close(run_id, event_type)
    if seen:
        return None
    return run or capture.unknown_run(kind, name or kind, run_id, parent_run_id, shared.runs, shared.settings)


def _start_model(
    serialized: dict[str, Any] | None,
    prompt: list[Any],
    run_id: UUID,
    parent_run_id: UUID | None,
    tags: list[str] | None,
    metadata: dict[str, Any] | None,
    kwargs: dict[str, Any],
) -> None:
    run = _open("llm", serialized, kwargs.get("name"), run_id, parent_run_id, metadata)
    if run is None:
        return
    params = kwargs.get("invocation_params")
    run.model = capture.model_request(metadata, params)
    content: dict[str, Snapshot] = {"input": snapshot(prompt), **capture.run_content(metadata, tags)}
    if params:
        content["params"] = snapshot(params)
    _record(capture.start_event(run, content))


def _first_token(run_id: UUID) -> None:
    run = pipeline().runs.find(run_id)
    if run is not None and run.first_token_ns is None:
        run.first_token_ns = time.monotonic_ns()
        run.flags = (*run.flags, "streamed")


def _within(event_type: str, run_id: UUID, content: dict[str, Snapshot], **outcome: Any) -> None:
    shared = pipeline()
    run = shared.runs.find(run_id) or capture.unknown_run("chain", "unknown", run_id, None, shared.runs, shared.settings)
    shared.record(capture.within(run, event_type, content, **outcome))


def _graph_event(event_type: str, event: Any, content: dict[str, Snapshot]) -> None:
    shared = pipeline()
    run_id: UUID | None = event.run_id
    run = shared.runs.find(run_id)
    if run is None:
        run = capture.unknown_run("chain", "LangGraph", run_id or UUID(int=0), None, shared.runs, shared.settings)
    draft = capture.within(run, event_type, content)
    interrupts = getattr(event, "interrupts", ())
    namespace = "|".join(event.checkpoint_ns)
    draft.groups["place"] = {**run.place, "interrupt_id": _text(interrupts[0].id) if interrupts else None}
    if namespace:
        draft.groups["place"]["checkpoint_ns"] = label(namespace)
    draft.ext = {"checkpoint_id": event.checkpoint_id, "status": event.status}
    shared.record(draft)


def _deferred(run: Run, kwargs: dict[str, Any]) -> dict[str, Snapshot]:
    """Return the inputs of a stream, which are only known at its end."""
    return {"input": snapshot(kwargs["inputs"])} if run.defers_inputs and "inputs" in kwargs else {}


def _forget_refused(kwargs: Any) -> None:
    """Take a run that may not begin off the open ones."""
    pipeline().runs.close(kwargs["run_id"], "refused")


def _record(draft: Draft) -> None:
    pipeline().record(draft)


def _record_failure(hook: str, error: Exception, kwargs: Any) -> None:
    """Leave an event that says which hook failed, without what it was given; log it once a kind."""
    _log_once(hook, type_name(error))
    try:
        shared: Pipeline = pipeline()
        run_id = kwargs.get("run_id") or UUID(int=0)
        run = shared.runs.find(run_id) or capture.unknown_run("chain", hook, run_id, None, shared.runs, shared.settings)
        draft = capture.within(run, "custom", {})
        draft.flags = (*draft.flags, "payload_error")
        draft.ext = {"hook": hook, "error_type": type_name(error)}
        shared.record(draft)
    except Exception as second:  # noqa: BLE001 - no trail can be written: the log is what is left
        _log_once(hook, type_name(second))


@cache
def _log_once(hook: str, error_type: str) -> None:
    log.warning("%s could not be recorded (%s); the application is not affected", hook, error_type)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
