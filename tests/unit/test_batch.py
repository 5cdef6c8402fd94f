"""A batch of records: taken through the steps part by part, in order, and it is known which one is in hand."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import pytest

from langtrail.processors.batch import BatchHandler
from langtrail.processors.dead_letter import Breaker
from langtrail.processors.deaths import MOST_DEATHS, Deaths
from langtrail.processors.delivery import Delivery
from langtrail.processors.event import Event, Rejected
from langtrail.processors.metrics import Metric, Metrics
from langtrail.processors.part import ProcessingFailed
from langtrail.processors.records import Incoming, Outgoing
from langtrail.processors.tenants import Tenants
from langtrail.schemas import topic

EVENTS, LETTERS = topic("events").name, topic("dead_letters").name


class Kept:
    """Keeps what is delivered; knows no tenants and never loses them."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    def check(self) -> None:
        """Say that all is well."""

    async def begin(self, records: Iterable[Outgoing]) -> None:
        """Keep some of the records."""
        self.records += records

    async def deliver(self, records: Iterable[Outgoing]) -> None:
        """Keep the last."""
        self.records += records


def handler(kept: Kept, directory: Path, *steps: Callable[[Event], None]) -> BatchHandler:
    """Return a handler with these steps."""
    delivery, tenants = cast("Delivery", kept), cast("Tenants", kept)
    return BatchHandler(steps, delivery, Breaker(), Deaths(directory), tenants, Metrics())


def records(partition: int, offsets: Iterable[int]) -> list[Incoming]:
    """Return records of a partition."""
    return [Incoming(partition, offset, b"k", b"%d" % offset, [], 7) for offset in offsets]


def give_out(event: Event) -> None:
    """Let the value be what comes out."""
    event.output = event.value


def test_what_comes_out_is_in_order_and_whole(tmp_path: Path) -> None:
    """However many steps and partitions there are: each record becomes an event or a dead letter, in its partition's order."""
    seen: list[tuple[int, int]] = []

    def odd(event: Event) -> None:
        if event.offset % 10 == 3:
            raise Rejected("open", "odd", "it is odd")

    def note(event: Event) -> None:
        seen.append((event.partition, event.offset))

    batch = [*records(0, range(200)), *records(1, range(90)), *records(0, range(200, 210))]
    kept = Kept()
    whole = handler(kept, tmp_path, odd, note, give_out)
    asyncio.run(whole(batch))
    out = [(record.topic, record.partition, record.value) for record in kept.records]
    assert out == [(LETTERS if r.offset % 10 == 3 else EVENTS, r.partition, r.value) for r in batch]
    assert seen == [(r.partition, r.offset) for r in batch if r.offset % 10 != 3]
    for partition, count, rejected in ((0, 210, 21), (1, 90, 9)):
        assert whole.metrics.value(Metric.RECORDS_IN, partition) == count
        assert whole.metrics.value(Metric.EVENTS_OUT, partition) == count - rejected
        assert whole.metrics.value(Metric.REJECTED, partition, "odd") == rejected


def test_the_record_at_fault_is_named_and_given_up(tmp_path: Path) -> None:
    """Whichever step it is that a record is too much for: after three deaths it is a dead letter, and the others are events."""

    def fails(event: Event) -> None:
        if event.offset == 70:
            raise ZeroDivisionError

    batch = records(1, range(100))
    for _ in range(MOST_DEATHS):
        with pytest.raises(ProcessingFailed, match=r"ZeroDivisionError .* with langtrail\.raw\[1\]@70 in hand"):
            asyncio.run(handler(Kept(), tmp_path, give_out, fails)(batch))
    kept = Kept()
    asyncio.run(handler(kept, tmp_path, give_out, fails)(batch))
    assert [record.value for record in kept.records if record.topic == LETTERS] == [b"70"]
    assert len(kept.records) == len(batch)


def test_no_record_is_in_hand_while_others_have_their_turn(tmp_path: Path) -> None:
    """A worker that is stopped between two records did not die of one."""

    def slow(_: Event) -> None:
        time.sleep(0.06)

    async def stopped() -> None:
        task = asyncio.create_task(handler(Kept(), tmp_path, slow)(records(0, range(3))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for _ in range(MOST_DEATHS):
        asyncio.run(stopped())
    for record in records(0, range(3)):
        Deaths(tmp_path).of(0).judge(record.offset, record.timestamp_ms)
