"""Which run started a thread: a thread of an application's own has no context, but somebody started it."""

import threading
from uuid import UUID
from weakref import WeakKeyDictionary

from .langchain_context import enclosing_run_id, running_config

_started: "WeakKeyDictionary[threading.Thread, UUID]" = WeakKeyDictionary()
_start = threading.Thread.start
_watching = [False]


def watch() -> None:
    """Note from now on which run starts which thread."""
    _watching[0] = True
    threading.Thread.start = _noted_start  # type: ignore[assignment,method-assign] # Python tells of a thread's start from 3.12 on


def unwatch() -> None:
    """Note no more."""
    _watching[0] = False
    threading.Thread.start = _start  # type: ignore[method-assign] # as above


def started_by() -> UUID | None:
    """Return the run that started this thread, itself or through other threads; None where none is known.

    The threads of a pool work for whoever hands them something: who started them says nothing.
    """
    return _started.get(threading.current_thread()) if _watching[0] else None


def _noted_start(thread: threading.Thread) -> None:
    run_id = enclosing_run_id(running_config()) or started_by()
    if run_id is not None and not _is_pooled(thread):
        _started[thread] = run_id
    _start(thread)


def _is_pooled(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) == "concurrent.futures.thread"
