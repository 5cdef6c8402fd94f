"""One event on its way through steps of the worker, which takes many through each."""

from collections.abc import Iterable

from langtrail.processors.event import Event
from langtrail.processors.pipeline import Step


def through(steps: Iterable[Step], event: Event) -> None:
    """Take one event through the steps, in order."""
    for step in steps:
        step(event)
