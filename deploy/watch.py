"""The watch: what follows from many events is asked of the store every few seconds, and written as events. `run_watch` is it.

It keeps nothing: what it knows it reads from the store when it starts, and after every error. What it finds is the same event
however often it is found (watch_events), is not written when the store has it, and takes the way of every event: langtrail.raw,
worker, sink. It looks only as far as the store is complete (watch_horizon), so what an earlier watch wrote is there before.

A process that is cut off from Kafka looks like one that is gone. When its events come after all, the trail has both, and the
run counts as ended.
"""

import logging
import signal
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event, current_thread, main_thread
from typing import Final
from uuid import UUID

from confluent_kafka import KafkaException

from langtrail.processors.clickhouse import StoreError
from langtrail.processors.sink_health import PortTaken, serve_health
from langtrail.schemas import topic

from .errors import CannotRun
from .watch_events import Derived
from .watch_horizon import Horizon, KafkaOffsets, advance
from .watch_look import Watch
from .watch_metrics import WatchMetrics
from .watch_settings import WatchSettings
from .watch_store import WatchStore
from .watch_writer import NotWritten, WatchWriter

_SOON_SECONDS: Final = 0.3
"""From one question to the next while it is not known yet up to when the store is complete."""
_MOST_REMEMBERED: Final = 100_000
_AWAY: Final = (StoreError, KafkaException, NotWritten)

_log = logging.getLogger(__name__)


class Watcher:
    """One watch and its connections. Belongs to one thread, but for `ready`."""

    def __init__(self, settings: WatchSettings, metrics: WatchMetrics) -> None:
        """Connect to nothing yet. Raises KafkaException for wrong properties."""
        self._settings, self._metrics = settings, metrics
        self._store = WatchStore(settings.clickhouse_dsn, topic("events").name)
        self._offsets = KafkaOffsets(settings.librdkafka())
        self._writer = WatchWriter(settings.librdkafka())
        self._horizon = Horizon()
        self._watch = Watch(self._store, settings)
        self._written: OrderedDict[UUID, None] = OrderedDict()
        self._said = ""
        self._word = "starting"

    def ready(self) -> str:
        """Return `ok` once Kafka and ClickHouse answer, else one word."""
        return self._word

    def look(self, since: int = 1) -> bool:
        """Look once; False when the store is not known to be complete up to `since` yet. Raises one of _AWAY."""
        began = time.monotonic()
        advance(self._horizon, self._offsets, self._store.now())
        self._word = "ok"
        if self._horizon.reached < since:
            return False
        for found in self._watch.look(self._horizon.reached, self._offsets.ends("events")):
            self._write(found)
        self._metrics.looked(time.monotonic() - began, self._horizon.reached, self._watch.streams)
        return True

    def now(self) -> int:
        """Return the store's clock, microseconds since 1970. Raises StoreError."""
        return self._store.now()

    def run(self, stop: Event) -> None:
        """Look every few seconds until `stop`; while Kafka or ClickHouse is away it waits, and says so once."""
        while not stop.is_set():
            began = time.monotonic()
            try:
                looked = self.look()
            except _AWAY as error:
                self._trouble(error)
                looked = True
            else:
                self._well()
            pause = self._settings.every_seconds - (time.monotonic() - began) if looked else _SOON_SECONDS
            stop.wait(max(pause, _SOON_SECONDS))

    def close(self) -> None:
        """Let go of the connections."""
        self._writer.close()
        self._offsets.close()
        self._store.close()

    def _write(self, found: Sequence[Derived]) -> None:
        new = [each for each in found if each.event_id not in self._written]
        new = self._store.without_known(new) if new else []
        if not new:
            return
        self._writer.write(new)
        self._metrics.wrote(new)
        for each in new:
            _log.info("%s: %s", each.event_type, each.says)
            self._written[each.event_id] = None
        while len(self._written) > _MOST_REMEMBERED:
            self._written.popitem(last=False)

    def _trouble(self, error: Exception) -> None:
        """Say what is away, once, and begin anew: what was found and not written is found again."""
        self._word = "waiting"
        self._metrics.failures += 1
        self._watch = Watch(self._store, self._settings)
        sentence = sentence_of(error)
        if sentence != self._said:
            _log.warning("waits: %s", sentence)
            self._said = sentence

    def _well(self) -> None:
        if self._said:
            _log.info("watches again")
            self._said = ""


def run_watch(settings: WatchSettings, stop: Event | None = None) -> int:
    """Watch until SIGTERM, SIGINT or `stop`; return the exit status: 0 stopped as asked, 1 it cannot begin."""
    _set_up_logging()
    stop, metrics = stop or Event(), WatchMetrics()
    try:
        with ExitStack() as ends:
            ends.enter_context(stopped_by_signals(stop))
            watcher = Watcher(settings, metrics)
            ends.callback(watcher.close)
            ends.enter_context(serve_health(settings.port, watcher.ready, metrics.text, "LANGTRAIL_WATCH_PORT"))
            watcher.run(stop)
    except (PortTaken, KafkaException) as error:
        _log.error("%s", sentence_of(error))
        return 1
    return 0


def watch_once(settings: WatchSettings, wait_seconds: float) -> dict[str, int]:
    """Look until nothing new follows from what was found, and return how many events of each type were written.

    Raises CannotRun when Kafka or ClickHouse is away, or the store is not complete within `wait_seconds`.
    """
    _set_up_logging()
    metrics = WatchMetrics()
    try:
        watcher = Watcher(settings, metrics)
        try:
            since, wrote = 1, -1
            while wrote != metrics.written.total():
                wrote = metrics.written.total()
                _look_within(watcher, since, wait_seconds)
                since = watcher.now()
        finally:
            watcher.close()
    except _AWAY as error:
        raise CannotRun(sentence_of(error)) from None
    return dict(sorted(metrics.written.items()))


def sentence_of(error: Exception) -> str:
    """Return what is wrong, for people; what ClickHouse or Kafka said of data is not in it."""
    if isinstance(error, KafkaException):
        why = error.args[0].str() if error.args else "it does not answer"
        return f"Kafka: {why}; check LANGTRAIL_BOOTSTRAP_SERVERS and LANGTRAIL_KAFKA_CONFIG_FILE"
    return str(error)


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT while the block runs, where that is possible."""
    if current_thread() is not main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _look_within(watcher: Watcher, since: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not watcher.look(since):
        if time.monotonic() > deadline:
            raise CannotRun(f"the store does not have what Kafka holds after {seconds:g} s: see that a worker and a sink run")
        time.sleep(_SOON_SECONDS)


def _set_up_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("clickhouse_connect", "urllib3"):  # they repeat, with the address, what is said here
        logging.getLogger(name).setLevel(logging.ERROR)
