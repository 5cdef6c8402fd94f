"""How a run ended that ended by an exception: cancellations and LangGraph's signals are no failures."""

import asyncio
import sys


def outcome_of(error: BaseException) -> str:
    """Return the outcome of a run that this exception ended: success, failure, cancelled or interrupted."""
    if is_cancellation(error):
        return "cancelled"
    if isinstance(error, _graph_errors("GraphInterrupt", "GraphDrained")):
        return "interrupted"
    return "success" if hands_over(error) else "failure"


def is_cancellation(error: BaseException) -> bool:
    """Tell whether the caller gave the run up: with a group of exceptions, whether all of it says so."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_cancellation(each) for each in error.exceptions)
    return isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit))


def ends_all_below(error: BaseException) -> bool:
    """Tell whether what ran below is over too, and will not be told. A generator's close reaches those below it later."""
    return is_cancellation(error) and not isinstance(error, GeneratorExit)


def hands_over(error: BaseException) -> bool:
    """Tell whether this is how LangGraph passes a command to the parent graph: the node has done its work."""
    return isinstance(error, _graph_errors("ParentCommand"))


def _graph_errors(*names: str) -> tuple[type[BaseException], ...]:
    """Return LangGraph's exception classes of these names, none when the application has not loaded LangGraph."""
    module = sys.modules.get("langgraph.errors")
    return tuple(cls for name in names if isinstance(cls := getattr(module, name, None), type))
