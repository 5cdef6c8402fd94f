"""One partition of the events on its way into the store: intent, insert, mark; one batch at a time, tried until done."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from enum import StrEnum
from random import uniform
from threading import Thread
from typing import Final

from confluent_kafka import KafkaException, Message

from .clickhouse import StoreError, StoreRefused
from .delivery import DeliveryFailed
from .intent import Intent
from .sink_batch import Batch, Gathering, Reject, offset_of
from .sink_metrics import SinkMetric, SinkMetrics
from .sink_settings import SinkSettings
from .sink_start import Start

_FIRST_DELAY_SECONDS: Final = 0.25
_LONGEST_DELAY_SECONDS: Final = 30.0
_STALLED_DELAY_SECONDS: Final = 5.0
_COMMIT_DELAY_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 1.0
"""After this long without a next batch, whose intent would be its mark, a batch is marked as done by a commit of its own."""
_LONGEST_WAIT_SECONDS: Final = 1.0
_INSERT_SHARE: Final = 4
"""A batch waits at most this many times as long as the last insert took: small inserts then never take more than a fifth of the
store's time, and its parts stay few."""

Load = Callable[[int, Batch], list[Reject]]
Commit = Callable[[int, int, str], None]
"""Commits (partition, offset, metadata) and waits for Kafka's answer. Raises KafkaException."""

_log = logging.getLogger(__name__)


class State(StrEnum):
    """How a partition fares."""

    OK = "ok"
    RETRYING = "retrying"
    STALLED = "stalled"


class Partition:
    """Everything the sink knows of one assigned partition. Used by one thread; only the loading of a batch runs in another."""

    def __init__(
        self, number: int, start: Start, load: Load, commit: Commit, settings: SinkSettings, metrics: SinkMetrics
    ) -> None:
        self.number = number
        self.state = State.OK
        self.next_read = self.stored_to = start.offset
        self._load, self._commit_offset, self._metrics = load, commit, metrics
        self._generation = settings.generation
        self._topic = settings.topic
        self._gathering = Gathering(settings.limits(), start.replay)
        self._shortest_wait = self._wait = settings.batch_ms / 1000
        self._intent = start.replay
        """The intent that Kafka has for this partition, done or not."""
        self._mark: int | None = None
        """The offset to commit to mark the last intent as done; None while it is not done, or is marked."""
        self._batch: Batch | None = None
        self._loading: Future[list[Reject]] | None = None
        self._began = self._not_before = self._ended = 0.0
        self._failures = 0
        self._read_again_from = -1
        self._said = ""

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._gathering.is_behind

    @property
    def is_short(self) -> bool:
        """Whether so little waits that reading should go on."""
        return self._gathering.is_short

    def add(self, messages: Sequence[Message], now: float) -> bool:
        """Take records in the order of the partition. Returns False when records before them are missing: read again.

        Records that were read before a rebalance may come again, or come too early. Offsets that Kafka leaves out for good
        are told apart by the second time: reading again brings the same record first.
        """
        if [message.offset() for message in messages] == list(range(self.next_read, self.next_read + len(messages))):
            self._gathering.add(messages, now)
            self.next_read += len(messages)
            return True
        return self._add_with_gaps(messages, now)

    def _add_with_gaps(self, messages: Sequence[Message], now: float) -> bool:
        for message in messages:
            offset = offset_of(message)
            if offset < self.next_read:
                continue
            if offset > self.next_read:
                if self._read_again_from != self.next_read:
                    self._read_again_from = self.next_read
                    return False
                _log.warning(
                    "%s[%d]: Kafka has no record from offset %d to %d", self._topic, self.number, self.next_read, offset - 1
                )
            self._gathering.add([message], now)
            self.next_read = offset + 1
        return True

    def at_end(self, offset: int | None) -> None:
        """Note that the partition ends at an offset. If all before it was read, a replay that waits for more waits in vain."""
        if offset == self.next_read and (intent := self._gathering.end_replay()):
            self._metrics.add(SinkMetric.REPLAYS_INCOMPLETE, self.number)
            _log.error(
                "%s[%d]: offsets %d to %d were being stored when the sink stopped, but Kafka has no record after %d any more",
                self._topic, self.number, intent.lo, intent.hi, self.next_read - 1,
            )  # fmt: skip

    def step(self, now: float) -> None:
        """Do what can be done without waiting: note what has ended, begin what can begin."""
        if self._loading:
            if not self._loading.done():
                return
            self._collect(now)
        if self._batch is None:
            self._batch = self._gathering.take(now, self._wait)
        if self._batch:
            if now >= self._not_before:
                self._begin(self._batch, now)
        elif self._mark is not None and now >= max(self._ended + _IDLE_SECONDS, self._not_before):
            self._commit(self._mark, None, now)

    def finish(self, seconds: float) -> None:
        """Wait so long for what is being stored; mark it when it is done, else leave its intent for whoever comes next."""
        if self._loading:
            wait([self._loading], seconds)
            if self._loading.done():
                self._collect(time.monotonic())
            else:
                _log.warning(
                    "%s[%d]: an insert is left behind; it will be checked before the next one", self._topic, self.number
                )
        if self._mark is not None:
            self._commit(self._mark, None, time.monotonic())

    def _begin(self, batch: Batch, now: float) -> None:
        intent = batch.intent(self._generation)
        if intent == self._intent or self._commit(batch.lo, intent, now):
            if batch.doubtful and not self._failures:
                self._metrics.add(SinkMetric.REPLAYS, self.number)
            self._began = now
            self._loading = _in_background(lambda: self._load(self.number, batch))

    def _commit(self, offset: int, intent: Intent | None, now: float) -> bool:
        try:
            self._commit_offset(self.number, offset, intent.encode() if intent else "")
        except KafkaException as error:
            # Kafka is away, or gives the partition to another sink: the rebalance that follows drops all this.
            self._not_before = now + _COMMIT_DELAY_SECONDS
            self._say(f"Kafka does not take the offset {offset}: {error.args[0].str()}")
            return False
        self._intent, self._mark = intent, None
        return True

    def _collect(self, now: float) -> None:
        loading, batch = self._loading, self._batch
        assert loading is not None  # noqa: S101 - the caller looked
        assert batch is not None  # noqa: S101 - a batch is kept until it is stored
        self._loading = None
        try:
            rejects = loading.result()
        except (StoreError, DeliveryFailed) as error:
            self._failed(batch, error, now)
        else:
            self._done(batch, rejects, now)

    def _failed(self, batch: Batch, error: StoreError | DeliveryFailed, now: float) -> None:
        batch.doubtful = True
        self._failures += 1
        if isinstance(error, StoreRefused):
            self.state, delay = State.STALLED, _STALLED_DELAY_SECONDS
        else:
            self.state = State.RETRYING
            delay = uniform(0.5, 1) * min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2**self._failures)  # noqa: S311 - jitter
        self._not_before = now + delay
        self._metrics.failed(self.number, error)
        self._say(f"{error}; offsets {batch.lo} to {batch.hi} wait and will be tried again")

    def _done(self, batch: Batch, rejects: list[Reject], now: float) -> None:
        if self._failures:
            _log.info("%s[%d]: stored again, after %d failures", self._topic, self.number, self._failures)
        if rejects:
            reasons = sorted({reject.why.reason for reject in rejects})
            _log.warning(
                "%s[%d]: %d of the offsets %d to %d became dead letters: %s",
                self._topic, self.number, len(rejects), batch.lo, batch.hi, ", ".join(reasons),
            )  # fmt: skip
        self.state, self._failures, self._said, self._not_before = State.OK, 0, "", 0.0
        self._batch, self._ended = None, now
        self._mark = self.stored_to = batch.hi + 1
        self._wait = min(
            max(self._shortest_wait, _INSERT_SHARE * (now - self._began)), max(self._shortest_wait, _LONGEST_WAIT_SECONDS)
        )
        self._metrics.stored(self.number, batch, rejects, now - self._began)

    def _say(self, text: str) -> None:
        """Log it, unless it was the last thing that was said of this partition."""
        if text != self._said:
            self._said = text
            _log.warning("%s[%d]: %s", self._topic, self.number, text)


def _in_background(call: Callable[[], list[Reject]]) -> Future[list[Reject]]:
    """Run in a thread that does not keep the process alive: an insert that hangs must not keep the sink from stopping."""
    future: Future[list[Reject]] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is taken
            future.set_exception(error)

    Thread(target=run, name="langtrail-sink-load", daemon=True).start()
    return future
