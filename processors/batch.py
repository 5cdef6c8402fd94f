"""A batch of records: each becomes an event or a dead letter, Kafka acknowledges all of them, then they are counted."""

import asyncio
import time
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from langtrail.schemas import UnknownKey, topic
from langtrail.schemas.headers import REVISION_HEADER

from .dead_letter import Breaker, dead_letter, withheld
from .deaths import Deaths
from .delivery import Delivery, Incoming, Outgoing
from .event import Event, Rejected
from .metrics import Counts, Metric, Metrics
from .pipeline import Step, process
from .tenants import Tenants
from .watchdog import Watchdog

_PART_RECORDS: Final = 250
"""So many are on their way to Kafka while the next are made: at the end of a batch only the last are waited for."""
_EVENTS: Final = topic("events").name
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
        began = turn = time.monotonic()
        self.watchdog.step()
        self.tenants.check()
        outgoing: list[Outgoing] = []
        counts: Counts = defaultdict(float)
        for record in records:
            event, why = self._handle(record)
            if why is None:
                outgoing.append(Outgoing(_EVENTS, record.partition, record.key, event.output))
                counts[Metric.EVENTS_OUT, _label(record.partition)] += 1
            if why is not None or event.withheld:
                outgoing.append(dead_letter(record, why or withheld(event.withheld), topic("raw").name))
                counts[_set_aside(record.partition, why)] += 1
            counts[Metric.RECORDS_IN, _label(record.partition)] += 1
            if len(outgoing) >= _PART_RECORDS:
                await self.delivery.begin(outgoing)
                outgoing = []
            if time.monotonic() - turn > _LONGEST_TURN_SECONDS:
                self.watchdog.step()
                await asyncio.sleep(0)
                turn = time.monotonic()
        self.watchdog.step()
        await self.delivery.deliver(outgoing)
        counts[Metric.BATCHES, ()] = 1
        counts[Metric.BATCH_SECONDS, ()] = time.monotonic() - began
        self.metrics.add_all(counts)

    def _handle(self, record: Incoming) -> tuple[Event, Rejected | None]:
        event = _event(record)
        why = None
        try:
            self.deaths.take(record.partition, record.offset, record.timestamp_ms)
            process(event, self.steps)
        except Rejected as rejected:
            why = rejected
        except UnknownKey:
            self.deaths.done(record.partition)  # the record is not at fault
            raise
        except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may quote content, a log must not
            raise ProcessingFailed(_where(error, record)) from None
        self.deaths.done(record.partition)
        if REVISION_HEADER not in event.headers:  # what an operator put back was rejected before: no sign of a new fault
            self.breaker.record(record.partition, why)
        return event, why


def _event(record: Incoming) -> Event:
    headers = {name: value for name, value in record.headers if value is not None}
    return Event(record.key, record.value or b"", headers, record.partition, record.offset, record.timestamp_ms)


@cache
def _label(partition: int) -> tuple[str]:
    return (str(partition),)


def _set_aside(partition: int, why: Rejected | None) -> tuple[Metric, tuple[str, ...]]:
    """Return what counts a dead letter: a rejected record, or the original of an event without some of its content."""
    return (Metric.WITHHELD, _label(partition)) if why is None else (Metric.REJECTED, (str(partition), why.reason))


def _where(error: Exception, record: Incoming) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} at {frame.filename}:{frame.lineno} "
        f"with {topic('raw').name}[{record.partition}]@{record.offset} in hand; "
        "the record stays where it is, and is rejected when workers died of it three times"
    )
