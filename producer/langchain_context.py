"""What LangChain knows of the running call but does not hand to a callback: the config around it."""

import asyncio
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final
from uuid import UUID

from .labels import mapping_of

_MAX_FRAMES: Final = 40
_LIBRARIES: Final = ("langchain", "langgraph")
_OURS: Final = __name__.rpartition(".")[0]

_running_loop: Final = asyncio._get_running_loop  # noqa: SLF001 - documented for this: unlike get_running_loop it costs no exception
_get_ident: Final = threading.get_ident
_NOTHING: Final[Mapping[str, Any]] = {}
_UNSET: ContextVar[Any] = ContextVar("unset", default=None)
_variable: ContextVar[Any] | None = None

Origin = tuple[int, int]
"""A thread and, within an event loop, a task: what began and ended in one origin nests like calls do."""


def running_config() -> Mapping[str, Any] | None:
    """Return the config that LangChain keeps in a context variable for what runs within a runnable; None outside of one."""
    config: Mapping[str, Any] | None = (_variable or _found_variable()).get()
    return config


def _found_variable() -> ContextVar[Any]:
    """Return LangChain's variable; nobody has set it as long as its module is not loaded."""
    global _variable  # noqa: PLW0603 - looked up once: it costs 0.3 µs a run
    module = sys.modules.get("langchain_core.runnables.config")
    if module is None:
        return _UNSET
    _variable = module.var_child_runnable_config
    return _variable


def enclosing_run_id(config: Mapping[str, Any] | None) -> UUID | None:
    """Return the run within which this code runs, whatever callbacks it was given."""
    parent: UUID | None = getattr((config or {}).get("callbacks"), "parent_run_id", None)
    return parent


def configurable_of(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the `configurable` of a config, empty when it has none."""
    return mapping_of(config.get("configurable")) if config else _NOTHING


def callers_configurable() -> Mapping[str, Any]:
    """Return the `configurable` of the call that starts a root run, from the arguments of LangChain's own functions.

    A callback is not given it, and LangChain sets its context variable only for what runs within the root. Only frames of
    LangChain and LangGraph are looked at, and only up to the application's.
    """
    for frame in _library_frames():
        if _has(frame, "config"):
            config = mapping_of(_locals(frame).get("config"))
            if "configurable" in config:
                return configurable_of(config)
    return {}


def callers_tool_call_id() -> Any:
    """Return the id of the call for which a tool starts, from its `run`: langchain-core before 1.1 tells it nobody."""
    for frame in _library_frames():
        if _has(frame, "tool_call_id"):
            return _locals(frame).get("tool_call_id")
    return None


def graph_is_paused() -> bool:
    """Tell whether a graph that ends waits before or after a node, where LangGraph has no callback for it (before 1.1.7)."""
    modules = sys.modules
    if "langgraph.pregel" not in modules or "langgraph.callbacks" in modules:
        return False
    loop = next((_locals(frame).get("loop") for frame in _library_frames() if _has(frame, "loop")), None)
    return getattr(loop, "status", None) in ("interrupt_before", "interrupt_after")


def reader_stopped() -> bool:
    """Tell whether a stream ends because whoever read it closed it: LangChain tells of that as of any other end.

    What it was reading from is still suspended then.
    """
    for frame in _library_frames():
        if frame.f_code.co_name == "_transform_stream_with_config":
            return getattr(_locals(frame).get("iterator"), "gi_frame", None) is not None
    return False


def within_sync_generate() -> bool:
    """Tell whether a model's synchronous `generate` is calling: its error ends a whole batch, and only one of it is told."""
    for frame in _library_frames():
        if frame.f_code.co_name in ("generate", "agenerate") and "language_models" in frame.f_globals.get("__name__", ""):
            return frame.f_code.co_name == "generate"
    return False


def dispatching() -> tuple[int, Sequence[Any]] | None:
    """Return which loop of LangChain's is telling handlers of something, and the handlers that it tells."""
    for frame in _library_frames():
        if frame.f_code.co_name in ("handle_event", "ahandle_event"):
            return id(frame), _locals(frame).get("handlers", ())
    return None


def origin() -> Origin:
    """Return the thread and the asyncio task that call."""
    loop = _running_loop()
    if loop is None:
        return _get_ident(), 0
    task = asyncio.current_task(loop)
    return _get_ident(), id(task) if task is not None else 0


def current_task() -> "asyncio.Task[Any] | None":
    """Return the asyncio task that calls, None outside of an event loop."""
    loop = _running_loop()
    return asyncio.current_task(loop) if loop is not None else None


def _has(frame: FrameType, name: str) -> bool:
    """Tell whether a function has a variable: its locals are only made where it has."""
    return name in frame.f_code.co_varnames or name in frame.f_code.co_cellvars


def _locals(frame: Any) -> Any:
    """Return the variables of a function. From Python 3.13 on they are no dict: compiled code believes what a type says."""
    return frame.f_locals


def _library_frames() -> Iterator[FrameType]:
    """Yield the frames of LangChain and LangGraph that called this package, the nearest first, up to the application's."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - inspect.stack costs milliseconds
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    left = _MAX_FRAMES
    while frame is not None and left and frame.f_globals.get("__name__", "").startswith(_LIBRARIES):
        yield frame
        frame, left = frame.f_back, left - 1
