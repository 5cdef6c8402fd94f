"""A batch of records: each becomes an event or a dead letter, Kafka acknowledges all of them, then they are counted."""

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Final

from langtrail.schemas import UnknownKey, topic
from langtrail.schemas.headers import REVISION_HEADER

from .dead_letter import Breaker, dead_letter, withheld
from .deaths import Deaths, Notes
from .delivery import Delivery, Incoming, Outgoing
from .event import Event, Rejected
from .metrics import Counts, Metric, Metrics
from .pipeline import Step
from .tenants import Tenants
from .watchdog import Watchdog

_PART_RECORDS: Final = 64
"""So many go through one step before any goes through the next: what a step looks up is then still in the processor's caches.

One record at a time through all steps takes a quarter more.
"""
_ON_THEIR_WAY: Final = 250
"""So many are given to Kafka while the next are made: at the end of a batch only the last are waited for."""
_EVENTS: Final = topic("events").name
_RAW: Final = topic("raw").name
_LONGEST_TURN_SECONDS = 0.05
"""After this long the event loop gets a turn: health pages and Faust's own tasks must not wait for a whole batch."""


class ProcessingFailed(Exception):
    """A step raised what it must not: a fault of this worker. The text names place and record, never its content."""


@dataclass(frozen=True)
class BatchHandler:
    """Callable on the records of a batch. Returns when Kafka has everything that became of them.

    When it raises, nothing of the batch may be acknowledged. It raises UnknownKey, BreakerOpen, TenantsLost, ProcessingFailed
    and DeliveryFailed.
    """

    steps: tuple[Step, ...]
    delivery: Delivery
    breaker: Breaker
    deaths: Deaths
    tenants: Tenants
    metrics: Metrics
    watchdog: Watchdog = field(default_factory=Watchdog)

    async def __call__(self, records: Sequence[Incoming]) -> None:
        """Deal with one batch."""
        try:
            await self._deal_with(records)
        finally:
            self.watchdog.rest()

    async def _deal_with(self, records: Sequence[Incoming]) -> None:
        began = monotonic()
        self.watchdog.step()
        self.tenants.check()
        outgoing: list[Outgoing] = []
        counts: Counts = defaultdict(float)
        for part in _parts(records):
            outgoing += self._made_of(part, await self._through_steps(part), counts)
            if len(outgoing) >= _ON_THEIR_WAY:
                await self.delivery.begin(outgoing)
                outgoing = []
        self.watchdog.step()
        await self.delivery.deliver(outgoing)
        counts[Metric.BATCHES, ()] = 1
        counts[Metric.BATCH_SECONDS, ()] = monotonic() - began
        self.metrics.add_all(counts)

    async def _through_steps(self, part: Sequence[Incoming]) -> list[Event]:
        """Take records of one partition through the steps; those that cannot become events say why."""
        notes = self.deaths.of(part[0].partition)
        events = [_event(record) for record in part]
        left = events if notes.convicted is None else [event for event in events if _may_live(event, notes)]
        in_hand, turn_ends = notes.in_hand, self.watchdog.progressed_at + _LONGEST_TURN_SECONDS
        for step in self.steps:
            for event in left:
                in_hand(event.offset, event.timestamp_ms)
                try:
                    step(event)
                except Rejected as rejected:
                    event.rejected = rejected
                except UnknownKey:
                    notes.done()  # the record is not at fault
                    raise
                except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may quote content, a log must not
                    raise ProcessingFailed(_where(error, event)) from None
                if monotonic() > turn_ends:
                    notes.done()
                    self.watchdog.step()
                    await asyncio.sleep(0)
                    turn_ends = self.watchdog.progressed_at + _LONGEST_TURN_SECONDS
            left = [event for event in left if event.rejected is None]
        notes.done()
        return events

    def _made_of(self, part: Sequence[Incoming], events: Sequence[Event], counts: Counts) -> Iterator[Outgoing]:
        """Yield what became of records of one partition, and count it."""
        partition, label = part[0].partition, _label(part[0].partition)
        # What an operator put back was rejected before: no sign of a new fault.
        self.breaker.record(partition, [event.rejected for event in events if REVISION_HEADER not in event.headers])
        for record, event in zip(part, events, strict=True):
            why = event.rejected
            if why is None:
                yield Outgoing(_EVENTS, partition, record.key, event.output)
            if why is not None or event.withheld:
                counts[_set_aside(partition, why)] += 1
                yield dead_letter(record, why or withheld(event.withheld), _RAW)
        counts[Metric.RECORDS_IN, label] += len(part)
        counts[Metric.EVENTS_OUT, label] += sum(event.rejected is None for event in events)


def _may_live(event: Event, notes: Notes) -> bool:
    """Tell whether a record did not end too many workers; say why it is rejected when it did."""
    try:
        notes.judge(event.offset, event.timestamp_ms)
    except Rejected as rejected:
        event.rejected = rejected
    return event.rejected is None


def _parts(records: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    """Yield records in order, in parts that are of one partition each: of a partition, one record is in hand at a time."""
    for _, run in groupby(records, attrgetter("partition")):
        of_one_partition = [*run]
        for first in range(0, len(of_one_partition), _PART_RECORDS):
            yield of_one_partition[first : first + _PART_RECORDS]


def _event(record: Incoming) -> Event:
    headers = {name: value for name, value in record.headers if value is not None}
    return Event(record.key, record.value or b"", headers, record.partition, record.offset, record.timestamp_ms)


@cache
def _label(partition: int) -> tuple[str]:
    return (str(partition),)


def _set_aside(partition: int, why: Rejected | None) -> tuple[Metric, tuple[str, ...]]:
    """Return what counts a dead letter: a rejected record, or the original of an event without some of its content."""
    return (Metric.WITHHELD, _label(partition)) if why is None else (Metric.REJECTED, (str(partition), why.reason))


def _where(error: Exception, event: Event) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} at {frame.filename}:{frame.lineno} "
        f"with {_RAW}[{event.partition}]@{event.offset} in hand; "
        "the record stays where it is, and is rejected when workers died of it three times"
    )
