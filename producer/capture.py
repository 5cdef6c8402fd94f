"""From what a hook is told to a draft of an event: pure builders, one for each kind of thing that happens."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from langchain_core.outputs import LLMResult

from . import langchain_context, threads
from .core import NO_OUTCOME, encoded_model, encoded_outcome, own_run, share
from .draft import Content, Draft, Shared
from .identity import inherit, named, resolve, says_the_same
from .labels import WITHHELD, identifier, label, namespace, technical, whole
from .model_facts import answer_facts, generations, is_cache_hit
from .outcome import hands_over
from .plain import type_name
from .prompts import prompt_of
from .runs import KINDS, Overdue, Run, Runs
from .scope import current_scope
from .serialise import snapshot, snapshot_repeated, snapshot_text, text_of
from .settings import ProducerSettings
from .tool_calls import Call

_NOTHING: Final[Mapping[str, Any]] = {}
_NO_EXT: Final[dict[str, str]] = {}
_TEXTS: Final = frozenset((str,))
_NOWHERE: Final[dict[str, Any]] = {}
_NO_DEADLINE: Final = 10 * 365 * 24 * 3600.0
_OF_PLACE: Final = frozenset(("thread_id", "langgraph_checkpoint_ns", "checkpoint_ns", "langgraph_node"))
_START: Final = {kind: f"{kind}_start" for kind in KINDS}
_END: Final = {kind: f"{kind}_end" for kind in KINDS}


def started(
    runs: Runs,
    settings: ProducerSettings,
    kind: str,
    component: str,
    run_id: UUID,
    parent_run_id: UUID | None,
    metadata: Mapping[str, Any] | None,
) -> Run:
    """Return the run that begins: its place in the tree, who is behind it, where in a graph it is.

    A run that was given other callbacks than the run around it has no parent by LangChain's account. It is joined to the run
    that LangChain's context variable names, or that started its thread, and flagged `orphan`.
    """
    metadata = metadata or _NOTHING
    config, scope = langchain_context.running_config(), current_scope()
    joined = parent_run_id is None
    if joined:
        parent_run_id = langchain_context.enclosing_run_id(config) or threads.started_by()
        configurable = langchain_context.callers_configurable()
    else:
        configurable = langchain_context.configurable_of(config)
    parent, names = runs.find(parent_run_id), named(metadata, configurable)
    flags: tuple[str, ...]
    if parent is not None and scope is parent.context and says_the_same(names, parent.named):
        identity, flags, withheld = parent.identity, (), None
    elif parent is not None:
        identity, flags, withheld = inherit(metadata, configurable, parent.identity, parent.context)
    else:
        identity, flags, withheld = resolve(metadata, configurable, settings)
    if parent_run_id is not None and (joined or parent is None):
        flags = ("orphan", *flags)
    if parent is not None and parent.ended:
        flags = ("late", *flags)
    run = Run(kind, component, run_id, parent, parent_run_id, identity, _place(metadata), scope, names, flags)
    if parent is None:
        run.task = langchain_context.current_task()
    elif parent.withheld:
        run.withheld = parent.withheld
    if withheld:
        run.withheld = {**(run.withheld or {}), **withheld}
    return run


def start_event(run: Run, content: Content) -> Draft:
    """Return the event of a run that begins."""
    outcome = NO_OUTCOME if run.attempt is None else encoded_outcome(attempt=run.attempt)
    return _event(run, _START[run.kind], content, outcome)


def denied_event(run: Run, content: Content) -> Draft:
    """Return the event of a run that may not begin, because it names nobody."""
    draft = _event(run, "policy_denied", content, encoded_outcome("denied"))
    draft.shared = shared_by(run, policy={"policy_id": "langtrail.require_identity", "decision": "deny"})
    draft.ext = {"kind": run.kind}
    return draft


def end_event(run: Run, content: Content, outcome: str = "success", model: Mapping[str, Any] = _NOTHING) -> Draft:
    """Return the event of a run that ended; it tells its name, type and start again."""
    return _event(run, _END[run.kind], content, _ended(run, outcome), _answered(run, model))


def error_event(run: Run, error: BaseException, content: Content, outcome: str, model: Mapping[str, Any] = _NOTHING) -> Draft:
    """Return the event of a run that was ended by an exception; a node that hands over to its parent graph just ends."""
    if hands_over(error):
        draft = end_event(run, {**content, "output": snapshot(error.args[0] if error.args else None)}, outcome)
        draft.ext = {"ended_by": technical(type_name(error))}
        return draft
    content = {**content, "error_message": snapshot_text(_message(error))}
    return _event(run, f"{run.kind}_error", content, _ended(run, outcome, technical(type_name(error))), _answered(run, model))


def within(run: Run, event_type: str, content: Content, **outcome: Any) -> Draft:
    """Return an event that happens while a run is open: custom, text, retry, agent_action, interrupt and the like."""
    return _event(run, event_type, content, encoded_outcome(**outcome))


def given_up_event(given_up: Overdue) -> Draft:
    """Return the event of a run whose end will not come: by how it is taken to have ended, and what closed it."""
    run, outcome, closed_by = given_up
    draft = _event(run, "abandoned", {}, _ended(run, outcome), _answered(run))
    draft.ext = {"closed_by": closed_by, "kind": run.kind}
    return draft


def overdue_events(runs: Runs, deadline_seconds: float) -> list[Draft]:
    """Give up the runs whose end will not come any more, and return their events."""
    return [given_up_event(item) for item in runs.overdue(time.monotonic_ns(), deadline_seconds)]


def closing_events(runs: Runs) -> list[Draft]:
    """Give up all open runs, because the process ends, and return their events: children first; what was cancelled, as that."""
    events = overdue_events(runs, _NO_DEADLINE)
    for run in runs.all_open():
        if not run.begun:
            continue  # its start is being recorded, in the next stream
        runs.give_up(run)
        events.append(given_up_event(Overdue(run, "abandoned", "exit")))
    return events


def not_executed_event(call: Call, reason: str) -> Draft:
    """Return the event of a tool call that a model asked for and that no tool ran for."""
    draft = _event(call.run, "tool_not_executed", {"input": call.arguments}, NO_OUTCOME)
    draft.shared = shared_by(call.run, tool={"tool_name": label(call.name), "tool_call_id": identifier(call.call_id)})
    draft.ext = {"reason": reason}
    return draft


def unknown_run(
    kind: str, component: str, run_id: UUID, parent_run_id: UUID | None, runs: Runs, settings: ProducerSettings
) -> Run:
    """Return a run whose start was not seen here: its end is recorded all the same, and flagged."""
    run = started(runs, settings, kind, component, run_id, parent_run_id, None)
    run.flags = (*run.flags, "start_not_seen")
    return run


def component_of(serialized: Mapping[str, Any] | None, name: Any, fallback: str) -> str:
    """Return the name of what runs, from wherever LangChain put it."""
    if name:
        return text_of(name)
    described = serialized if isinstance(serialized, Mapping) else _NOTHING
    path = described.get("id")
    found = described.get("name") or (path[-1] if isinstance(path, Sequence) and path else None)
    return text_of(found or fallback)


def run_content(metadata: Mapping[str, Any] | None, tags: Sequence[Any] | None) -> Content:
    """Return what the application attached to a run."""
    content: Content = {}
    if metadata:
        content["metadata"] = snapshot_repeated(metadata)
    if tags:
        content["tags"] = snapshot_repeated(tags if _TEXTS.issuperset(map(type, tags)) else [text_of(tag) for tag in tags])
    return content


def answer(run: Run, response: LLMResult) -> tuple[dict[str, Any], Content, dict[str, str], list[Any]]:
    """Return the model facts, the content and the further facts of an answer, and its messages."""
    facts, ext = answer_facts(response)
    if is_cache_hit(response):
        run.flags = (*run.flags, "cache_hit")
    messages = generations(response)
    return facts, {"output": snapshot(messages)} if messages else {}, ext, messages


def _place(metadata: Mapping[str, Any]) -> dict[str, Any]:
    if _OF_PLACE.isdisjoint(metadata):
        return _span()
    place: dict[str, Any] = {}
    if (thread_id := metadata.get("thread_id")) is not None:
        place["thread_id"] = text_of(thread_id)
    path = metadata.get("langgraph_checkpoint_ns")
    if path is None:
        path = metadata.get("checkpoint_ns")
    if path is not None:
        place["checkpoint_ns"] = namespace(text_of(path))
    if (node := metadata.get("langgraph_node")) is not None:
        place["node"] = label(text_of(node))
        if (step := whole(metadata.get("langgraph_step"))) is not None:
            place["step"] = step
    return {**place, **_span()}


def _span() -> dict[str, Any]:
    """Return the active OpenTelemetry span's ids, when the application uses OpenTelemetry."""
    trace, around = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.context")
    if trace is None or around is None or not around.get_current():  # to ask for the span first takes twice as long
        return _NOWHERE
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"} if context.is_valid else _NOWHERE


def shared_by(
    run: Run,
    *,
    place: Mapping[str, Any] = _NOTHING,
    tool: Mapping[str, Any] = _NOTHING,
    policy: Mapping[str, Any] = _NOTHING,
) -> Shared:
    """Encode what the events of a run have in common, and what one of them has besides."""
    named = {**_tool(run), **tool} if tool else _tool(run)
    session_id = run.identity.session_id or run.root_run_id
    ids = run.run_id, run.parent_run_id, run.root_run_id
    where = {**run.place, **place} if place else run.place
    return share(run.label, run.identity, session_id, ids, place=where, tool=named, policy=policy)


def _shared_with_parent(run: Run) -> Shared | None:
    """Return the same as `shared_by` for a run that has but ids and a name of its own, and the rest from its parent."""
    parent = run.parent
    if parent is None or (theirs := parent.shared) is None or parent.identity is not run.identity or parent.place != run.place:
        return None
    if run.tool or parent.tool or run.prompt is not None or parent.prompt is not None:
        return None
    own = own_run((run.run_id, run.parent_run_id, run.root_run_id), run.label)
    return Shared(theirs.key, theirs.tenant, theirs.session, own, theirs.middle)


def _event(run: Run, event_type: str, content: Content, outcome: bytes, model: bytes | None = None) -> Draft:
    shared = run.shared
    if shared is None:
        shared = run.shared = _shared_with_parent(run) or shared_by(run)
    if run.withheld or run.label == WITHHELD:
        content = _with_withheld(run, content)
    return Draft(event_type, shared, model or encoded_model(run.model), outcome, content, run.flags, _NO_EXT)


def _with_withheld(run: Run, content: Content) -> Content:
    """Add to the content the names that were kept out of the core."""
    withheld = dict(run.withheld or {})
    if run.label == WITHHELD:
        withheld["component"] = run.component
    given = orjson.loads(bytes(content["metadata"])) if "metadata" in content else {}
    return {**content, "metadata": snapshot({**(given if isinstance(given, dict) else {"given": given}), "withheld": withheld})}


def _ended(run: Run, outcome: str, error_type: str | None = None) -> bytes:
    if "start_not_seen" in run.flags:
        return encoded_outcome(outcome, error_type)
    return encoded_outcome(outcome, error_type, run.started_at, run.latency_us(), run.attempt)


def _answered(run: Run, facts: Mapping[str, Any] = _NOTHING) -> bytes:
    """Encode what is known of the model of a run that ended; `facts` is what its answer adds."""
    if run.first_token_ns is not None:
        facts = {**facts, "ttft_us": (run.first_token_ns - run.started_ns) // 1000}
    return encoded_model({**run.model, **facts} if facts else run.model)


def _tool(run: Run) -> dict[str, Any]:
    if run.prompt is None and run.identity.prompt_name is None and run.identity.prompt_version is None:
        return run.tool
    name, version = prompt_of(run)
    return {**run.tool, "prompt_name": name, "prompt_version": version}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an exception whose text raises is still recorded, by its type
        return f"(the text of this {type_name(error)} cannot be had: {type_name(broken)})"
