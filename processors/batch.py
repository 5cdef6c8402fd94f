"""A batch of records: each becomes an event or a dead letter, Kafka acknowledges all of them, then they are counted."""

import asyncio
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langtrail.schemas import UnknownKey, topic
from langtrail.schemas.headers import REVISION_HEADER

from .dead_letter import Breaker, dead_letter, withheld
from .deaths import Deaths
from .delivery import Delivery, Incoming, Outgoing
from .event import Event, Rejected
from .metrics import Counts, Metric, Metrics
from .pipeline import Step, process
from .tenants import Tenants

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

    async def __call__(self, records: Sequence[Incoming]) -> None:
        """Deal with one batch."""
        began = turn = time.monotonic()
        self.tenants.check()
        outgoing: list[Outgoing] = []
        counts: Counts = defaultdict(float)
        for record in records:
            event, why = self._handle(record)
            outgoing.extend(_outgoing(record, event, why))
            for counter in _counted(event, why):
                counts[counter] += 1
            if time.monotonic() - turn > _LONGEST_TURN_SECONDS:
                await asyncio.sleep(0)
                turn = time.monotonic()
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


def _outgoing(record: Incoming, event: Event, why: Rejected | None) -> Iterator[Outgoing]:
    if why is None:
        yield Outgoing(topic("events").name, record.partition, record.key, event.output)
        if event.withheld:
            yield dead_letter(record, withheld(event.withheld))
    else:
        yield dead_letter(record, why)


def _counted(event: Event, why: Rejected | None) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    partition = str(event.partition)
    yield Metric.RECORDS_IN, (partition,)
    if why is not None:
        yield Metric.REJECTED, (partition, why.reason)
        return
    yield Metric.EVENTS_OUT, (partition,)
    if event.withheld:
        yield Metric.WITHHELD, (partition,)


def _where(error: Exception, record: Incoming) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} at {frame.filename}:{frame.lineno} "
        f"with {topic('raw').name}[{record.partition}]@{record.offset} in hand; "
        "the record stays where it is, and is rejected when workers died of it three times"
    )
