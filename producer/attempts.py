"""Numbers the attempts of one piece of work: retries of LangChain, of LangGraph and of an application, and fallbacks.

LangChain tags the second attempt of `with_retry` and those after it. LangGraph's RetryPolicy, middleware and fallbacks tag
nothing: there, an attempt is a run that follows a failed one, of the same kind and with the same input, under one parent.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .runs import Run

_TAG: Final = "retry:attempt:"
_FALLBACKS = "RunnableWithFallbacks"
_RETRY = "RunnableRetry"
_COUNTING: Final = frozenset((_FALLBACKS, _RETRY))
_KEY_BYTES: Final = 16 * 1024


def begin(run: "Run", given: bytes, tags: Sequence[Any] | None) -> None:
    """Give a run that starts its number, where its attempt is known. `given` is its input as it is recorded."""
    if run.parent is not None and not run.defers_inputs:
        run.input_key = hash((len(given), given[:_KEY_BYTES])) or 1
    if tags and (tagged := _tagged(tags)):
        run.attempt = tagged
    elif (parent := run.parent) is not None and (parent.failures or parent.component in _COUNTING):
        run.attempt = _follows(run, parent)


def failed(run: "Run") -> None:
    """Note that a run failed: what its parent starts next with the same input is the next attempt."""
    run.attempt = run.attempt or 1
    if run.parent is not None and run.input_key:
        if run.parent.failures is None:
            run.parent.failures = {}
        run.parent.failures[run.kind, run.input_key] = run.attempt


def _tagged(tags: Sequence[Any]) -> int | None:
    for tag in tags:
        if type(tag) is str and tag.startswith(_TAG) and tag[len(_TAG) :].isdecimal():
            return int(tag[len(_TAG) :])
    return None


def _follows(run: "Run", parent: "Run") -> int | None:
    if parent.component == _FALLBACKS:
        parent.tries += 1
        return parent.tries
    before = parent.failures.get((run.kind, run.input_key)) if parent.failures and run.input_key else None
    if before is not None:
        return before + 1
    return 1 if parent.component == _RETRY else None
