"""Faust's Kafka consumer made safe and fast: commits only what is finished, bounds memory, carries records in runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, Final, cast

from aiokafka.errors import (  # type: ignore[import-untyped] # aiokafka has no types
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust.sensors.monitor import Monitor
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka
from faust.types import TP, EventT, Message, StreamT
from faust.types.tuples import ConsumerMessage
from mode.services import WaitArgT, WaitResults

from .start_offsets import CannotConsume, out_of_range

MOST_HELD_BYTES: Final = 64 * 1024 * 1024
"""Fetched and unfinished records together: beyond this the consumer waits. Faust itself counts records, whatever their size."""
MOST_HELD_RECORDS: Final = 16_384
FETCH_BYTES: Final = 4 * 1024 * 1024
POLL_RECORDS: Final = 8000
RUN_RECORDS: Final = 500
RUN_BYTES: Final = 4 * 1024 * 1024


class Run(ConsumerMessage):
    """Consecutive records of one partition, as one message to Faust.

    One message for each record costs 60 µs of CPU a record, fetching and delivery included; in runs it is 19. The offset is
    the last record's. It is acknowledged as a whole, or not at all.
    """

    __slots__ = ("records", "size")

    def __init__(self, tp: TP, records: Sequence[Any], generation_id: int) -> None:
        """Take records of a partition, as aiokafka has them, at least one."""
        last = records[-1]
        super().__init__(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            headers=None,
            key=b"",
            value=b"",
            checksum=None,
            tp=tp,
            generation_id=generation_id,
        )
        self.records = records
        self.size = sum(len(record.value or b"") for record in records)


def runs(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield records in runs of at most RUN_RECORDS, and of RUN_BYTES unless one record alone is larger."""
    first = size = 0
    for number, record in enumerate(records):
        length = len(record.value or b"")
        if number > first and (number - first >= RUN_RECORDS or size + length > RUN_BYTES):
            yield records[first:number]
            first, size = number, 0
        size += length
    if records:
        yield records[first:]


class Consumer(aiokafka.Consumer):
    """Faust's consumer of langtrail.raw."""

    def __init__(self, *args: Any, callback: Callable[[Message], Awaitable[None]], **kwargs: Any) -> None:
        self.held_bytes = 0
        self._held_records = 0
        self._finished: dict[TP, int] = {}
        self._room = asyncio.Event()
        self._to_stream = callback
        super().__init__(*args, callback=self._hand_over, **kwargs)

    def _hand_over(self, message: Message) -> "_HandOver":
        return _HandOver(self, message)

    def has_room(self, size: int) -> bool:
        """Say whether a record of so many bytes can be handed to the stream without waiting."""
        fits = not self.held_bytes or self.held_bytes + size <= MOST_HELD_BYTES
        return fits and self._held_records < MOST_HELD_RECORDS and self.app.flow_control.is_active()

    async def to_stream(self, message: Message) -> None:
        """Hand a record to the stream when there is room."""
        size = _run(message).size
        while not self.has_room(size) and self.app.flow_control.is_active():
            self._room.clear()
            await self._room.wait()
        await self._to_stream(message)
        self._held_records += len(_run(message).records)
        self.held_bytes += size

    def finish(self, message: Message) -> None:
        """Note that all records of the partition are finished up to the last of this run: it is what will be committed."""
        self._finished[message.tp] = message.offset + 1
        self._held_records -= len(_run(message).records)
        self.held_bytes -= _run(message).size
        self._room.set()

    def _new_offset(self, tp: TP) -> int | None:
        # Faust's own rule follows acks. Its streams ack records that nobody took when they are torn down or partitions move,
        # and the rule commits over an unfinished record that is the very next one: a batch that failed would be lost.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._finished.get(tp)

    async def perform_seek(self) -> None:
        """Go on at the committed offsets."""
        await super().perform_seek()
        self._finished = {partition: offset or 0 for partition, offset in self._committed_offset.items()}

    def lag(self) -> dict[int, int]:
        """Return, by partition, how many records there are that are not finished, as far as the last fetch knew."""
        ends = {assigned: self.highwater(assigned) or 0 for assigned in self.assignment()}
        return {assigned.partition: max(0, end - self._finished.get(assigned, end)) for assigned, end in ends.items()}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what is in hand; what was only fetched is dropped, and read again by whoever gets the partition."""
        await super().on_partitions_revoked(revoked)
        for moved in revoked:
            self._finished.pop(moved, None)
        self._held_records = self.held_bytes = 0
        self._room.set()

    async def wait_first(self, *coros: WaitArgT, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - Faust's signature
        """Wait for the first to end. Faust makes four tasks for each record here; a record that finds room needs none."""
        if isinstance(hand_over := coros[0], _HandOver) and hand_over.need_not_wait():
            coros[1].close()  # type: ignore[union-attr] # the coroutine of Event.wait: not waited for
            await hand_over
            return WaitResults([], [], False)
        return await super().wait_first(*coros, timeout=timeout)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - Faust's signature
        try:
            fetched = await super()._getmany(active_partitions, timeout)
        except OffsetOutOfRangeError as error:
            ((partition, offset),) = error.args[0].items()
            raise CannotConsume(out_of_range(partition.partition, offset, self.app.conf.id)) from None
        except NoOffsetForPartitionError:
            raise CannotConsume(f"the group {self.app.conf.id} lost its offsets; start the worker again") from None
        return {partition: [*runs(records)] for partition, records in fetched.items()}

    def _to_message(self, tp: TP, record: Any) -> Run:
        return Run(tp, record, self.app.consumer_generation_id)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Note nothing: offsets between two runs are no gap, and what is committed does not follow Faust's notes."""


class _HandOver(Awaitable[None]):
    """A record on its way to the stream."""

    __slots__ = ("_consumer", "_message")

    def __init__(self, consumer: Consumer, message: Message) -> None:
        self._consumer = consumer
        self._message = message

    def need_not_wait(self) -> bool:
        return self._consumer.has_room(_run(self._message).size)

    def __await__(self) -> Generator[Any, None, None]:
        return self._consumer.to_stream(self._message).__await__()


def _run(message: Message) -> Run:
    return cast(Run, message)


class QuietMonitor(Monitor):
    """Faust's monitor without its statistics of each record: only what its search for stalled streams needs."""

    def on_message_in(self, tp: TP, offset: int, message: Message) -> None:
        """Keep nothing."""

    def on_stream_event_in(self, tp: TP, offset: int, stream: StreamT[Any], event: EventT[Any]) -> None:
        """Keep when the stream last took a record."""
        self.stream_inbound_time[tp] = time.monotonic()

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: StreamT[Any], event: EventT[Any], state: dict[str, Any] | None = None
    ) -> None:
        """Keep nothing."""

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:
        """Keep nothing."""


class Transport(aiokafka.Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer = Consumer
