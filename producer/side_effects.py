"""What tools do to the world besides returning: database queries, network calls, programs, files. Off unless asked for.

Each becomes a `side_effect` event under the run that LangChain's context variable names, as it begins. What runs in a thread
is the business of the run that started the thread. What cannot be tied to a run is recorded while any run is open, flagged
`unattributed`. A run that does the same over and over is recorded a hundred times; its end says how often more.
"""

import atexit
import sys
import threading
import time
from collections import Counter

from . import capture, effect_audit, effect_http, effect_spans, effect_sql, threads
from .core import drafted
from .draft import Draft
from .effect import Effect
from .failures import record_failure
from .identity import from_environment
from .labels import technical
from .langchain_context import enclosing_run_id, origin, running_config
from .pipeline import existing_pipeline, pipeline
from .recording import watch_tools
from .runs import MAX_EFFECTS_ALIKE, Run, Runs
from .serialise import snapshot

_MAX_UNATTRIBUTED = 50
_WINDOW_SECONDS = 10.0
_OUR_THREADS = "langtrail-"


class _Local(threading.local):
    inside = False


class _State:
    """Whether effects are recorded, and how many without a run were in this window."""

    enabled = False
    window_ends = 0.0
    unattributed = 0
    left_out = 0


_local, _state = _Local(), _State()


def enable() -> None:
    """Record side effects from now on. Once is enough; an audit hook of Python cannot be taken out, only be silent."""
    if _state.enabled:
        return
    _state.enabled = True
    threads.watch()
    effect_sql.watch_sqlite(record)
    effect_audit.watch(record, str(pipeline().settings.spool()))
    watch_tools(attach)
    attach()
    atexit.register(disable)


def disable() -> None:
    """Record no more side effects."""
    _state.enabled = False
    threads.unwatch()
    effect_sql.unwatch_sqlite()
    effect_audit.silence()
    watch_tools(None)


def attach() -> None:
    """Attach to the libraries that the application has loaded since: cheap, for every tool's start."""
    modules = sys.modules
    if "sqlalchemy.engine" in modules:
        effect_sql.attach(record)
    for name in ("httpx", "httpx2"):
        if name in modules:
            effect_http.attach(modules[name], record)
    if "opentelemetry.sdk.trace" in modules:
        effect_spans.attach(record)


def record(effect: Effect) -> None:
    """Record one effect under the run that brings it about. Never raises, and never sees what it does itself."""
    if _local.inside or not _state.enabled or threading.current_thread().name.startswith(_OUR_THREADS):
        return
    _local.inside = True
    try:
        _record(effect)
    except Exception as error:  # noqa: BLE001 - the application's own operation goes on
        record_failure("side_effect", error, None)
    finally:
        _local.inside = False


def _record(effect: Effect) -> None:
    shared = existing_pipeline()
    if shared is None:
        return
    run = running(shared.runs)
    if run is not None:
        if _is_one_of_few(run, effect):
            shared.record(_attributed(run, effect))
    elif len(shared.runs) and effect.kind != "file" and _fits_window():
        shared.record(_unattributed(effect))


def running(runs: Runs) -> Run | None:
    """Return the innermost run that is running here: what LangChain's variable names, or a model or retriever within it."""
    run = runs.find(enclosing_run_id(running_config()) or threads.started_by())
    here = origin()
    while run is not None and (inner := runs.running_below(run, here)):
        run = inner
    return run


def _attributed(run: Run, effect: Effect) -> Draft:
    draft = capture.within(run, "side_effect", {"input": snapshot(effect.told)})
    draft.shared = capture.shared_by(run, tool=_group(effect))
    draft.ext = _ext(effect)
    if run.ended and "late" not in draft.flags:
        draft.flags = (*draft.flags, "late")
    return draft


def _unattributed(effect: Effect) -> Draft:
    shared = existing_pipeline()
    assert shared is not None  # noqa: S101 - the caller has it
    left_out, _state.left_out = _state.left_out, 0
    return drafted(
        "side_effect",
        technical(effect.kind),
        from_environment(shared.settings),
        groups={"tool": _group(effect)},
        content={"input": snapshot(effect.told)},
        flags=("unattributed",),
        ext={**_ext(effect), **({"left_out": str(left_out)} if left_out else {})},
    )


def _group(effect: Effect) -> dict[str, str]:
    return {"tool_effect": effect.effect, "resource": technical(effect.resource)}


def _ext(effect: Effect) -> dict[str, str]:
    return {"kind": effect.kind, "operation": technical(effect.operation), **effect.ext}


def _is_one_of_few(run: Run, effect: Effect) -> bool:
    if run.effects is None:
        run.effects = Counter()
    alike = (effect.kind, effect.operation, effect.resource)
    run.effects[alike] += 1
    return run.effects[alike] <= MAX_EFFECTS_ALIKE


def _fits_window() -> bool:
    now = time.monotonic()
    if now >= _state.window_ends:
        _state.window_ends, _state.unattributed = now + _WINDOW_SECONDS, 0
    _state.unattributed += 1
    if _state.unattributed <= _MAX_UNATTRIBUTED:
        return True
    _state.left_out += 1
    return False
