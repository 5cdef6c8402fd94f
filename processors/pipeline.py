"""The steps that turn a raw event into an audit event, in their order. Nothing here knows Faust or Kafka."""

from collections.abc import Callable, Mapping

from langtrail.schemas import PrivateKeys

from .enrich import Enricher
from .event import Event
from .metrics import Counts, Metric
from .open import Open
from .prices import Prices
from .pseudonym import Pseudonyms
from .redact import Redactor
from .seal import SEAL
from .tenant import Tenant

Step = Callable[[Event], None]
"""Reads what the steps before it filled in, adds its own; raises Rejected when the record cannot become an event."""


def pipeline(keys: PrivateKeys, tenants: Mapping[str, Tenant], pseudonyms: Pseudonyms | None = None) -> tuple[Step, ...]:
    """Return open, redact, enrich, seal. Without pseudonyms no event has subject tokens, and no policy may ask for them.

    Open and seal are in pieces: whoever takes many events through one piece before any goes through the next has all of it in
    the processor's caches, and its branches foreseen. That takes a third less.
    """
    return (*Open(keys).steps, Redactor(tenants.get, pseudonyms), Enricher(tenants.get, Prices()), *SEAL)


def step_counts(steps: tuple[Step, ...]) -> Counts:
    """Return what the steps counted themselves: fields that could not be judged, look-ups that missed."""
    counts: Counts = {}
    for step in steps:
        if isinstance(step, Redactor):
            counts |= {(Metric.REDACT_FAILURES, (error,)): count for error, count in step.failures.items()}
        elif isinstance(step, Enricher):
            counts |= {(Metric.ENRICH_MISSES, (why,)): count for why, count in step.misses.items()}
    return counts
