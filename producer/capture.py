"""From what a hook is told to a draft of an event: pure builders, one for each kind of thing that happens."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.outputs import LLMResult

from .draft import WITHHELD, Draft, label
from .identity import Identity, inherit, resolve
from .model_facts import answer_facts, generations
from .runs import Run, Runs
from .serialise import Snapshot, snapshot, snapshot_text, type_name
from .settings import ProducerSettings

_PLACE = {
    "thread_id": ("thread_id",),
    "checkpoint_ns": ("langgraph_checkpoint_ns", "checkpoint_ns"),
    "node": ("langgraph_node",),
}


def started(
    runs: Runs,
    settings: ProducerSettings,
    kind: str,
    component: str,
    *,
    run_id: UUID,
    parent_run_id: UUID | None,
    metadata: Mapping[str, Any] | None,
) -> Run:
    """Return the run that begins: its place in the tree, who is behind it, where in a graph it is."""
    metadata = metadata or {}
    parent = runs.find(parent_run_id)
    identity, conflict = _identity(metadata, parent, settings)
    flags = ("orphan",) if parent_run_id and not parent else ("late",) if parent and parent.ended else ()
    started_at, started_ns = Run.now()
    own_id = str(run_id)
    return Run(
        kind=kind,
        run_id=own_id,
        parent_run_id=str(parent_run_id) if parent_run_id else None,
        root_run_id=parent.root_run_id if parent else own_id,
        component=component,
        identity=identity,
        started_at=started_at,
        started_ns=started_ns,
        place=_place(metadata),
        flags=(*flags, "tenant_conflict") if conflict else flags,
    )


def start_event(run: Run, content: dict[str, Snapshot]) -> Draft:
    """Return the event of a run that begins."""
    return _event(run, f"{run.kind}_start", {"model": run.model, "tool": _tool(run)}, content)


def end_event(
    run: Run, content: dict[str, Snapshot], *, outcome: str = "success", model: Mapping[str, Any] | None = None
) -> Draft:
    """Return the event of a run that ended; it tells its name, type and start again."""
    groups = {
        "model": _with_first_token(run, {**run.model, **(model or {})}),
        "tool": _tool(run),
        "outcome": _ended(run, outcome),
    }
    return _event(run, f"{run.kind}_end", groups, content)


def error_event(run: Run, error: BaseException, content: dict[str, Snapshot], model: Mapping[str, Any] | None = None) -> Draft:
    """Return the event of a run that was ended by an exception."""
    groups = {
        "model": _with_first_token(run, {**run.model, **(model or {})}),
        "tool": _tool(run),
        "outcome": {**_ended(run, outcome_of(error)), "error_type": label(type_name(error))},
    }
    content = {**content, "error_message": snapshot_text(_message(error))}
    return _event(run, f"{run.kind}_error", groups, content)


def within(run: Run, event_type: str, content: dict[str, Snapshot], **outcome: Any) -> Draft:
    """Return an event that happens while a run is open: custom, text, retry, agent_action, interrupt and the like."""
    return _event(run, event_type, {"model": run.model, "tool": _tool(run), "outcome": outcome}, content)


def abandoned_event(run: Run) -> Draft:
    """Return the event of a run that this process gave up waiting for."""
    return _event(run, "abandoned", {"model": run.model, "tool": _tool(run), "outcome": _ended(run, "abandoned")}, {})


def unknown_run(
    kind: str, component: str, run_id: UUID, parent_run_id: UUID | None, runs: Runs, settings: ProducerSettings
) -> Run:
    """Return a run whose start was not seen here: its end is recorded all the same, and flagged."""
    run = started(runs, settings, kind, component, run_id=run_id, parent_run_id=parent_run_id, metadata=None)
    run.flags = (*run.flags, "start_not_seen")
    return run


def outcome_of(error: BaseException) -> str:
    """Return how a run ended that ended by this exception: LangGraph's signals and cancellations are no failures."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)):
        return "cancelled"
    graph_errors = sys.modules.get("langgraph.errors")
    if graph_errors is None:
        return "failure"
    if isinstance(error, graph_errors.GraphInterrupt):
        return "interrupted"
    return "success" if isinstance(error, graph_errors.GraphBubbleUp) else "failure"


def component_of(serialized: Mapping[str, Any] | None, name: str | None, fallback: str) -> str:
    """Return the name of what runs, from wherever LangChain put it."""
    described = serialized or {}
    path = described.get("id")
    found = name or described.get("name") or (path[-1] if isinstance(path, Sequence) and path else None)
    return str(found or fallback)


def run_content(metadata: Mapping[str, Any] | None, tags: Sequence[str] | None) -> dict[str, Snapshot]:
    """Return what the application attached to a run."""
    content = {}
    if metadata:
        content["metadata"] = snapshot(metadata)
    if tags:
        content["tags"] = snapshot([str(tag) for tag in tags])
    return content


def model_request(metadata: Mapping[str, Any] | None, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return provider and model of a call, as LangChain's standard metadata has them."""
    known, given = metadata or {}, params or {}
    model = known.get("ls_model_name") or given.get("model") or given.get("model_name")
    return {
        "provider": _optional_label(known.get("ls_provider")),
        "request_model": _optional_label(model),
    }


def answer(response: LLMResult) -> tuple[dict[str, Any], dict[str, Snapshot]]:
    """Return the model facts and the content of an answer."""
    facts = answer_facts(response)
    return facts, {"output": snapshot(generations(response))}


def _identity(metadata: Mapping[str, Any], parent: Run | None, settings: ProducerSettings) -> tuple[Identity, bool]:
    configurable = _configurable()
    if parent is None:
        return resolve(metadata, configurable, settings), False
    return inherit(metadata, configurable, parent.identity)


def _configurable() -> Mapping[str, Any]:
    """LangChain sets the running config for children and tools only; a root has its metadata."""
    from langchain_core.runnables.config import var_child_runnable_config  # noqa: PLC0415 - loaded once a runnable is

    config = var_child_runnable_config.get()
    return (config or {}).get("configurable") or {}


def _place(metadata: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {
        name: label(str(value))
        for name, keys in _PLACE.items()
        if (value := next((metadata[key] for key in keys if metadata.get(key) is not None), None)) is not None
    }
    if "thread_id" in place:
        place["thread_id"] = str(metadata["thread_id"])
    step = metadata.get("langgraph_step")
    if isinstance(step, int):
        place["step"] = step
    return {**place, **_span()}


def _span() -> dict[str, str]:
    """Return the active OpenTelemetry span's ids, when the application uses OpenTelemetry."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"} if context.is_valid else {}


def _event(run: Run, event_type: str, groups: dict[str, dict[str, Any]], content: dict[str, Snapshot]) -> Draft:
    component, hidden = label(run.component), {}
    if component == WITHHELD != run.component:
        hidden["component"] = run.component
    flags = run.flags + (("payload_error",) if any(field.incomplete for field in content.values()) else ())
    if hidden:
        content = {**content, "metadata": content.get("metadata") or snapshot({"withheld": hidden})}
    return Draft(
        event_type=event_type,
        component=component,
        identity=run.identity,
        run_id=run.run_id,
        parent_run_id=run.parent_run_id,
        root_run_id=run.root_run_id,
        groups={**groups, "place": run.place},
        content=content,
        flags=flags,
    )


def _ended(run: Run, outcome: str) -> dict[str, Any]:
    return {"outcome": outcome, "started_at": run.started_at, "latency_us": run.latency_us()}


def _with_first_token(run: Run, model: dict[str, Any]) -> dict[str, Any]:
    if run.first_token_ns is not None:
        model["ttft_us"] = (run.first_token_ns - run.started_ns) // 1000
    return model


def _tool(run: Run) -> dict[str, Any]:
    return {
        **run.tool,
        "prompt_name": _optional_label(run.identity.prompt_name),
        "prompt_version": _optional_label(run.identity.prompt_version),
    }


def _optional_label(value: Any) -> str | None:
    return None if value is None else label(str(value))


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an exception whose text raises is still recorded, by its type
        return f"(the text of this {type_name(error)} cannot be had: {type_name(broken)})"
