"""A batch of records: each becomes an event or a dead letter, Kafka acknowledges all of them, then they are counted."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Final

from .dead_letter import Breaker
from .deaths import Deaths
from .delivery import Delivery
from .metrics import Counts, Metric, Metrics
from .part import Part
from .pipeline import Step
from .records import Incoming, Outgoing
from .tenants import Tenants
from .watchdog import Watchdog

_PART_RECORDS: Final = 64
"""So many go through one step before any goes through the next: what a step looks up is then still in the processor's caches.

One record at a time through all steps takes a quarter more.
"""
_ON_THEIR_WAY: Final = 250
"""So many are given to Kafka while the next are made: at the end of a batch only the last are waited for."""
_LONGEST_TURN_SECONDS = 0.05
"""After this long the event loop gets a turn: health pages and Faust's own tasks must not wait for a whole batch."""


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
        for of_one_partition in _parts(records):
            part = Part(of_one_partition, self.steps, self.deaths.of(of_one_partition[0].partition))
            await self._through_steps(part)
            self.breaker.record(part.partition, part.whys)
            part.count(counts)
            outgoing += part.outgoing()
            if len(outgoing) >= _ON_THEIR_WAY:
                await self.delivery.begin(outgoing)
                outgoing = []
        self.watchdog.step()
        await self.delivery.deliver(outgoing)
        counts[Metric.BATCHES, ()] = 1
        counts[Metric.BATCH_SECONDS, ()] = monotonic() - began
        self.metrics.add_all(counts)

    async def _through_steps(self, part: Part) -> None:
        """Take records through the steps; the event loop gets its turns."""
        while not part.go_on(self.watchdog.progressed_at + _LONGEST_TURN_SECONDS):
            self.watchdog.step()
            await asyncio.sleep(0)


def _parts(records: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    """Yield records in order, in parts that are of one partition each: of a partition, one record is in hand at a time."""
    for _, run in groupby(records, attrgetter("partition")):
        of_one_partition = [*run]
        for first in range(0, len(of_one_partition), _PART_RECORDS):
            yield of_one_partition[first : first + _PART_RECORDS]
