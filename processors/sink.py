"""The sink: langtrail.events into the table events, each event once, whatever crashes. `run_sink` is all of it.

A batch of one partition goes through four moments: its range is committed to Kafka as an intent, at the offset of its first
record; it is inserted under a token that stands for exactly these records; the next intent, or a commit without metadata when
there is none, marks it as done. Whoever is given the partition after a crash finds the intent, reads that range again, asks the
store which of its events it has, and stores the others. Nothing else is kept anywhere.
"""

import logging
import os
import signal
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from threading import Event, Thread, current_thread, main_thread

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from .clickhouse import Store
from .dead_letter_loader import dead_letters_loaded
from .garbage import garbage_seldom_collected
from .sink_health import PortTaken, serve_health
from .sink_load import Loader, deliver_to
from .sink_metrics import SinkMetric, SinkMetrics
from .sink_partition import Partition, State
from .sink_settings import SinkSettings
from .sink_start import SinkStopped, out_of_range, starts

_MOST_RECORDS = 5000
_TURN_SECONDS = 0.05
_GAUGE_SECONDS = 1.0
_FINISH_SECONDS = 3.0
"""How long a revoked or stopping partition waits for its insert."""
_STOP_SECONDS = 5.0

_log = logging.getLogger(__name__)


def run_sink(settings: SinkSettings, stop: Event | None = None) -> int:
    """Load ClickHouse until SIGTERM, SIGINT or `stop`; return the exit status.

    0: stopped as asked, within 5 seconds; an insert that took longer is checked at the next start. 1: it cannot go on, and the
    last line on stderr says why. While Kafka or ClickHouse is away it waits; nothing is ever skipped.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = stop or Event()
    metrics = SinkMetrics()
    try:
        with _stopped_by_signals(stop), garbage_seldom_collected():
            sink = Sink(settings, metrics)
            with serve_health(settings.port, sink.ready, metrics.text), dead_letters_loaded(settings):
                sink.run(stop)
    except (SinkStopped, PortTaken) as error:
        _log.error("%s", error)
        return 1
    except KafkaException as error:
        _log.error("Kafka: %s; check LANGTRAIL_BOOTSTRAP_SERVERS and LANGTRAIL_KAFKA_CONFIG_FILE", error.args[0])
        return 1
    except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may quote content, and a log must not
        frame = traceback.extract_tb(error.__traceback__)[-1]
        _log.error("a fault of the sink: %s at %s:%s; nothing was skipped", type(error).__name__, frame.filename, frame.lineno)
        return 1
    return 0


class Sink:
    """The consumer and the partitions it was given. One thread; only inserts run in others."""

    def __init__(self, settings: SinkSettings, metrics: SinkMetrics) -> None:
        """Make the consumer; no server has to be there yet. Raises KafkaException for wrong properties."""
        self._settings = settings
        self._topic = settings.topic
        self._metrics = metrics
        self._partitions: dict[int, Partition] = {}
        self._paused: set[int] = set()
        self._joined = False
        self._said = ""
        self._gauges_at = 0.0
        store = Store(settings.clickhouse_dsn, settings.insert_seconds)
        dead_letters = deliver_to(settings.librdkafka(), settings.topic, settings.delivery_seconds)
        self._load = Loader(store, dead_letters, settings.topic, settings.generation)
        self._consumer = Consumer({**settings.consumer(), "error_cb": self._on_client_error})

    def ready(self) -> str:
        """Return `ok` when every assigned partition is being stored (none, for a spare sink), else one word."""
        if not self._joined:
            return "joining"
        states = {partition.state for partition in list(self._partitions.values())}
        return next((state for state in (State.STALLED, State.RETRYING) if state in states), State.OK)

    def run(self, stop: Event) -> None:
        """Consume until `stop`, then finish what is being stored and leave the group. Raises SinkStopped, KafkaException."""
        self._consumer.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)
        try:
            while not stop.is_set():
                self._turn()
        finally:
            try:
                self._finish(list(self._partitions))
            finally:
                self._consumer.close()

    def _turn(self) -> None:
        messages = self._consumer.consume(_MOST_RECORDS, _TURN_SECONDS)
        ends: list[Message] = []
        if any(map(Message.error, messages)):
            messages, ends = self._sorted_out(messages)
        by_partition: defaultdict[int, list[Message]] = defaultdict(list)
        for place, run in groupby(messages, Message.partition):
            by_partition[place or 0] += run
        now = time.monotonic()
        for number, read in by_partition.items():
            partition = self._partitions.get(number)
            if partition and not partition.add(read, now):
                self._consumer.seek(TopicPartition(self._topic, number, partition.next_read))
        for end in ends:
            if partition := self._partitions.get(end.partition() or 0):
                partition.at_end(end.offset())
        for partition in self._partitions.values():
            partition.step(now)
            self._pause_or_resume(partition)
        self._set_gauges(now)

    def _sorted_out(self, messages: list[Message]) -> tuple[list[Message], list[Message]]:
        """Return the records, and the messages that a partition is read to its end. Raises SinkStopped for some errors."""
        ends = []
        for message in messages:
            error = message.error()
            if error and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so the library names the errors of the client
                ends.append(message)
            elif error:
                self._on_error(message, error)
        return [message for message in messages if message.error() is None], ends

    def _pause_or_resume(self, partition: Partition) -> None:
        number = partition.number
        if partition.is_behind and number not in self._paused:
            self._consumer.pause([TopicPartition(self._topic, number)])
            self._paused.add(number)
        elif number in self._paused and partition.is_short:
            self._consumer.resume([TopicPartition(self._topic, number)])
            self._paused.discard(number)

    def _on_assign(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        found = starts(consumer, assigned)
        for number, start in found.items():
            self._partitions[number] = Partition(number, start, self._load, self._commit, self._settings, self._metrics)
        given = [TopicPartition(self._topic, number, start.offset) for number, start in found.items()]
        consumer.assign(given)
        consumer.resume(given)  # a partition that was paused when it was taken away comes back paused
        self._joined = True
        _log.info(
            "stores %s",
            ", ".join(f"{self._topic}[{n}]@{start.offset}" for n, start in sorted(found.items())) or "no partition, as a spare",
        )

    def _on_revoke(self, _: Consumer, revoked: list[TopicPartition]) -> None:
        self._finish([partition.partition for partition in revoked])

    def _on_lost(self, _: Consumer, lost: list[TopicPartition]) -> None:
        _log.warning("Kafka gave this sink's partitions to another one because it was silent for too long")
        self._forget([partition.partition for partition in lost])

    def _finish(self, numbers: list[int]) -> None:
        deadline = time.monotonic() + _FINISH_SECONDS
        for number in numbers:
            if partition := self._partitions.get(number):
                partition.finish(max(0.0, deadline - time.monotonic()))
        self._forget(numbers)

    def _forget(self, numbers: list[int]) -> None:
        for number in numbers:
            self._partitions.pop(number, None)
            self._paused.discard(number)
            self._metrics.forget(number)

    def _commit(self, partition: int, offset: int, metadata: str) -> None:
        self._consumer.commit(offsets=[TopicPartition(self._topic, partition, offset, metadata=metadata)], asynchronous=False)

    def _on_error(self, message: Message, error: KafkaError) -> None:
        number, code = message.partition(), error.code()
        if code == KafkaError._AUTO_OFFSET_RESET and number is not None:  # noqa: SLF001 - as above
            partition = self._partitions.get(number)
            raise SinkStopped(
                out_of_range(self._topic, number, partition.next_read if partition else -1, "which it does not have any more")
            )
        if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):  # noqa: SLF001 - as above
            self._say(f"Kafka has no topic {self._topic}; run `langtrail migrate`")
        elif error.fatal():
            raise SinkStopped(f"Kafka: {error.str()}; start the sink again")
        else:
            self._say(f"Kafka: {error.str()}")

    def _on_client_error(self, error: KafkaError) -> None:
        self._say(f"Kafka at {self._settings.bootstrap_servers}: {error.str()}")

    def _say(self, text: str) -> None:
        """Log it, unless it was the last thing that was said."""
        if text != self._said:
            self._said = text
            _log.warning("%s", text)

    def _set_gauges(self, now: float) -> None:
        if now < self._gauges_at + _GAUGE_SECONDS:
            return
        self._gauges_at = now
        for number, partition in self._partitions.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), cached=True)
            self._metrics.set(SinkMetric.LAG, number, value=max(0, end - partition.stored_to))
            self._metrics.set(SinkMetric.STALLED, number, value=partition.state == State.STALLED)


@contextmanager
def _stopped_by_signals(stop: Event) -> Iterator[None]:
    """Set `stop` on SIGTERM or SIGINT; when the block is not left within 5 seconds of it, end the process with status 0.

    That is safe at any moment: what is in doubt is written in Kafka. A thread waits for the signals, because a handler would
    wait until a call into Kafka's client returns.
    """
    if current_thread() is not main_thread():
        yield
        return
    signals = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    left = Event()

    def watch() -> None:
        while not left.is_set():
            if signal.sigtimedwait(signals, 0.2):
                stop.set()
                if not left.wait(_STOP_SECONDS):
                    _log.warning("stopped in the middle of something; it will be checked at the next start")
                    os._exit(0)

    Thread(target=watch, name="langtrail-sink-signals", daemon=True).start()
    try:
        yield
    finally:
        left.set()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
