"""What the hooks have in common: runs are opened and closed, and what their ends take with them is recorded too."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from langchain_core.outputs import LLMResult

from . import attempts, capture
from .draft import Content, Draft
from .errors import AuditUnavailable, IdentityMissing
from .failures import NO_RUN
from .labels import identifier, namespace, optional_identifier
from .langchain_context import dispatching, origin, within_sync_generate
from .model_facts import request_facts
from .outcome import ends_all_below, outcome_of
from .pipeline import Pipeline, pipeline
from .recorder import Recorder, this_thread
from .runs import Overdue, Run
from .serialise import snapshot, text_of

_NOTHING: Final[Mapping[str, Any]] = {}
_tool_watchers: Final[list[Callable[[], None]]] = []


def watch_tools(watcher: Callable[[], None] | None) -> None:
    """Call `watcher` whenever a tool starts; None: call nobody."""
    _tool_watchers[:] = [watcher] if watcher else []


def open_run(
    kind: str,
    serialized: Mapping[str, Any] | None,
    run_id: UUID,
    parent_run_id: UUID | None,
    metadata: Mapping[str, Any] | None,
    name: Any,
) -> Run | None:
    """Open a run; None when it is open already, because our handler is listed twice for it."""
    shared = pipeline()
    known = shared.runs.find_open(run_id)
    if known is not None and known.origin == origin():
        known.copies += 1
        return None
    if kind == "tool":
        for watcher in _tool_watchers:
            watcher()
    component = capture.component_of(serialized, name, kind)
    run = capture.started(shared.runs, shared.settings, kind, component, run_id, parent_run_id, metadata)
    for evicted in shared.runs.open(run):
        shared.record(capture.given_up_event(Overdue(evicted, "abandoned", "limit")))
    if shared.runs.sweep_is_due(run.started_ns):
        for draft in capture.overdue_events(shared.runs, shared.settings.run_deadline_seconds):
            shared.record(draft)
    return run


def record_start(run: Run, content: Content, tags: Sequence[Any] | None) -> None:
    """Record that a run began, with what it was given as `input` in its content.

    Raises IdentityMissing for a root that names nobody, where the owner asked for that.
    """
    shared = pipeline()
    if shared.settings.require_identity and run.top is None and run.identity.identity_assurance == "unknown":
        shared.record(capture.denied_event(run, content))
        raise IdentityMissing("this run names nobody, and LANGTRAIL_REQUIRE_IDENTITY is set: give it a user_id or a token")
    attempts.begin(run, content["input"], tags)
    draft = capture.start_event(run, content)
    try:
        shared.record(draft)
    finally:
        run.begun = draft.taken


def refuse(told: Mapping[str, Any], error: AuditUnavailable) -> None:
    """End the run that a start hook was told of, and that may not begin.

    Its start may still reach the trail from memory, once there is room again: that it never ran follows it there.
    """
    shared = pipeline()
    run, _ = shared.runs.close(told["run_id"], "refused")
    if run is not None and not isinstance(error, IdentityMissing):
        shared.record(capture.error_event(run, error, {}, "denied"))


def mend(told: Mapping[str, Any], *, goes_on: bool) -> None:
    """Put right the run of a hook that was broken off. `goes_on`: nobody is told, so the run goes on."""
    run_id = told.get("run_id")
    if isinstance(run_id, UUID):
        pipeline().runs.mend(run_id, goes_on=goes_on)


def close_run(kind: str, event_type: str, run_id: UUID, parent_run_id: UUID | None, name: Any = None) -> Run | None:
    """End a run; None when this very end was recorded before. An end without a start is recorded as such."""
    shared = pipeline()
    run, seen = shared.runs.close(run_id, event_type)
    if seen:
        return None
    if run is None:
        return capture.unknown_run(kind, text_of(name or kind), run_id, parent_run_id, shared.runs, shared.settings)
    if "abandoned" in run.ended and "late" not in run.flags:
        run.flags = (*run.flags, "late")
    return run


def record_end(
    run: Run,
    content: Content,
    outcome: str = "success",
    *,
    output: Any = None,
    model: Mapping[str, Any] = _NOTHING,
    ext: dict[str, str] | None = None,
) -> None:
    """Record the end of a run. `output`: what it returned; `model`, `ext`: what the answer of a model tells."""
    outcome = _paused(run, outcome)
    draft = capture.end_event(run, content, outcome, model)
    if ext:
        draft.ext = ext
    _record_last(run, draft, outcome, output)


def record_error(
    run: Run,
    error: BaseException,
    content: Content,
    *,
    model: Mapping[str, Any] = _NOTHING,
    ext: dict[str, str] | None = None,
) -> None:
    """Record that an exception ended a run. A cancellation ends what is awaited below it: nobody will tell of that."""
    shared = pipeline()
    outcome = outcome_of(error)
    run.cancelled = outcome == "cancelled"
    if outcome == "interrupted" and run.parent is not None:
        run.parent.interrupted = True
    if ends_all_below(error):
        _give_up(shared, [each for each in shared.runs.below(run) if not each.streams()], "cancelled", "parent")
    elif run.batch and within_sync_generate():
        _give_up(shared, [each for each in run.batch if each is not run and not each.ended], "cancelled", "sibling")
    run.batch = None
    if outcome == "failure":
        attempts.failed(run)
    outcome = _paused(run, outcome)
    draft = capture.error_event(run, error, content, outcome, model)
    if ext:
        draft.ext = {**draft.ext, **ext}
    _record_last(run, draft, outcome, None)


def start_model(
    serialized: Mapping[str, Any] | None,
    prompt: Sequence[Any],
    run_id: UUID,
    parent_run_id: UUID | None,
    tags: Sequence[Any] | None,
    metadata: Mapping[str, Any] | None,
    kwargs: dict[str, Any],
) -> None:
    """Record that a model is called."""
    run = open_run("llm", serialized, run_id, parent_run_id, metadata, kwargs.get("name"))
    if run is None:
        return
    params, options = kwargs.get("invocation_params"), kwargs.get("options")
    run.model = request_facts(metadata, params)
    run.structured = isinstance(options, dict) and "ls_structured_output_format" in options
    size = kwargs.get("batch_size")
    if type(size) is int and size > 1:
        _join_batch(run, size, params)
    content: Content = {"input": snapshot(prompt), **capture.run_content(metadata, tags)}
    if params:
        content["params"] = snapshot(params)
    record_start(run, content, tags)


def name_call(run: Run, call_id: Any) -> None:
    """Tell a tool's run which call it answers, as soon as that is known: older versions of langchain-core tell it last."""
    given = optional_identifier(call_id)
    if run.tool and (given is None or run.tool["tool_call_id"] is not None):
        return
    run.tool = {"tool_name": run.label, "tool_call_id": given}
    run.shared = None
    pipeline().runs.tool_calls.executed(run, given, run.component)


def end_model(run: Run, response: LLMResult) -> None:
    """Record the answer of a model, and take down the tool calls that it asks for."""
    facts, content, ext, messages = capture.answer(run, response)
    pipeline().runs.tool_calls.asked(run, messages)
    run.batch = None
    record_end(run, content, model=facts, ext=ext)


def fail_model(run: Run, error: BaseException, partial: Any) -> None:
    """Record that a call of a model failed, with what it had answered so far."""
    facts: dict[str, Any] = {}
    content: Content = {}
    ext: dict[str, str] = {}
    if isinstance(partial, LLMResult):
        facts, content, ext, _ = capture.answer(run, partial)
    if content:
        run.flags = (*run.flags, "partial")
    record_error(run, error, content, model=facts, ext=ext)


def first_token(run_id: UUID) -> None:
    """Note when the first part of an answer came."""
    run = pipeline().runs.find(run_id)
    if run is not None and run.first_token_ns is None:
        run.first_token_ns = time.monotonic_ns()
        run.flags = (*run.flags, "streamed")


def record_within(event_type: str, run_id: UUID, content: Content, **outcome: Any) -> None:
    """Record something that happens while a run is open."""
    shared = pipeline()
    run = shared.runs.find(run_id) or capture.unknown_run("chain", "unknown", run_id, None, shared.runs, shared.settings)
    if not _is_repeat(run):
        shared.record(capture.within(run, event_type, content, **outcome))


def record_graph_event(event_type: str, event: Any, content: Content) -> None:
    """Record that a graph paused for a human, or went on."""
    shared = pipeline()
    run_id: UUID = event.run_id or NO_RUN
    run = shared.runs.find(run_id) or capture.unknown_run("chain", "LangGraph", run_id, None, shared.runs, shared.settings)
    if _is_repeat(run):
        return
    run.interrupted = event_type == "interrupt"
    draft = capture.within(run, event_type, content)
    interrupts = getattr(event, "interrupts", ())
    place = {"interrupt_id": optional_identifier(interrupts[0].id) if interrupts else None}
    if path := "|".join(event.checkpoint_ns):
        place["checkpoint_ns"] = namespace(path)
    draft.shared = capture.shared_by(run, place=place)
    draft.ext = {"checkpoint_id": identifier(event.checkpoint_id), "status": identifier(event.status)}
    shared.record(draft)


def _paused(run: Run, outcome: str) -> str:
    """Return how a run ended: one that waits for a human ends without an exception, too."""
    return "interrupted" if run.interrupted and outcome == "success" else outcome


def _record_last(run: Run, draft: Draft, outcome: str, output: Any) -> None:
    """Record the last event of a run; before that of a root, the tool calls that nobody executed."""
    shared = pipeline()
    if run.effects and (left_out := run.effects_left_out()):
        draft.ext = {**draft.ext, "side_effects_left_out": str(left_out)}
    if run.top is None:
        for call, reason in shared.runs.tool_calls.never_executed(run, outcome, output):
            shared.record(capture.not_executed_event(call, reason))
    try:
        shared.record(draft)
    finally:
        run.told = draft.taken


def _give_up(shared: Pipeline, runs: list[Run], outcome: str, closed_by: str) -> None:
    for run in runs:
        draft = capture.given_up_event(Overdue(run, outcome, closed_by))
        shared.runs.give_up(run)
        try:
            shared.record(draft)
        finally:
            run.told = draft.taken
            if not run.told:
                shared.runs.reopen(run)


def _join_batch(run: Run, size: int, params: Any) -> None:
    """Put the runs together that LangChain starts one after another for one call with several prompts."""
    if not this_thread.batch_left or this_thread.batch_params is not params or this_thread.batch is None:
        this_thread.batch, this_thread.batch_params, this_thread.batch_left = [], params, size
    run.batch = this_thread.batch
    run.batch.append(run)
    this_thread.batch_left -= 1
    if not this_thread.batch_left:
        this_thread.batch = this_thread.batch_params = None


def _is_repeat(run: Run) -> bool:
    """Tell whether another copy of our handler was just told the same, in the loop of LangChain's that is telling."""
    if run.copies == 1:
        return False
    told = dispatching()
    if told is None:
        return False
    frame_id, handlers = told
    if this_thread.repeats_left and this_thread.dispatch == frame_id:
        this_thread.repeats_left -= 1
        return True
    this_thread.dispatch, this_thread.repeats_left = frame_id, sum(isinstance(handler, Recorder) for handler in handlers) - 1
    return False
