"""The one background thread of a process: it ships this process's stream, and the streams that dead processes left behind."""

import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import Producer

from .errors import SpoolDamaged
from .settings import ProducerSettings
from .shipper import Shipper
from .spool import StreamFiles, streams

log = logging.getLogger("langtrail.producer")

_IDLE_SECONDS = 0.5
_IN_FLIGHT_SECONDS = 0.01
_SAVE_SECONDS = 0.2
_ADOPT_SECONDS = 30.0


class Sender:
    """Ships until it is stopped. A hook only wakes it; nothing that Kafka does or does not do reaches the application."""

    def __init__(self, settings: ProducerSettings, own: StreamFiles, heartbeat: Callable[[str], None]) -> None:
        self._settings, self._own_files, self._heartbeat = settings, own, heartbeat
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._own: Shipper | None = None
        self._adopted: list[Shipper] = []
        self._waiting = ""
        self._thread = threading.Thread(target=self._run, name="langtrail-sender", daemon=True)

    def start(self) -> None:
        """Begin to ship."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new."""
        if not self._wake.is_set():
            self._wake.set()

    def acknowledged(self) -> int:
        """Return how many events of this process Kafka has acknowledged."""
        return self._own.acknowledged.events if self._own else 0

    def adopting(self) -> bool:
        """Tell whether streams of dead processes are still being shipped."""
        return bool(self._adopted)

    def stop(self, seconds: float) -> bool:
        """Stop after the step under way, waiting at most `seconds` for it; tell whether it has stopped.

        What is not acknowledged stays in the spool.
        """
        self._stopping.set()
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._ship()
        except Exception as error:
            log.exception("the sender stopped (%s); events are kept in %s", type(error).__name__, self._settings.spool())

    def _ship(self) -> None:
        producer = Producer(self._settings.librdkafka())
        self._own = Shipper(self._own_files, producer)
        adopt_at = save_at = 0.0
        beat_at = time.monotonic() + self._settings.heartbeat_seconds
        while not self._stopping.is_set():
            now = time.monotonic()
            if now >= adopt_at:
                self._adopt(producer)
                adopt_at = now + _ADOPT_SECONDS
            if now >= beat_at:
                self._heartbeat(self._own.head)
                beat_at = now + self._settings.heartbeat_seconds
            busy = self._step(producer)
            if now >= save_at:
                self._save()
                save_at = now + _SAVE_SECONDS
            if not busy:
                self._rest(producer)
        self._save()

    def _step(self, producer: Producer) -> bool:
        assert self._own is not None  # noqa: S101 - _ship made it
        busy = [shipper.step() for shipper in (self._own, *self._adopted)]
        producer.poll(0)
        self._report(self._own)
        return any(busy)

    def _rest(self, producer: Producer) -> None:
        """Wait for an answer of Kafka while there is one to come, else for a hook."""
        assert self._own is not None  # noqa: S101 - _ship made it
        if any(shipper.in_flight for shipper in (self._own, *self._adopted)):
            producer.poll(_IN_FLIGHT_SECONDS)
        else:
            self._wake.wait(_IDLE_SECONDS)
        self._wake.clear()

    def _save(self) -> None:
        assert self._own is not None  # noqa: S101 - _ship made it
        self._own.save()
        for shipper in list(self._adopted):
            shipper.save()
            if shipper.at_end():
                shipper.files.remove()
                self._adopted.remove(shipper)

    def _adopt(self, producer: Producer) -> None:
        """Take over the streams whose process is dead: their lock is free."""
        mine = {self._own_files.stream_id, *(shipper.files.stream_id for shipper in self._adopted)}
        for files in streams(self._settings.spool()):
            if files.stream_id in mine or not files.lock():
                continue
            try:
                self._adopted.append(Shipper(files, producer))
            except SpoolDamaged as error:
                log.warning("stream %s in the spool cannot be shipped: %s", files.stream_id, error)
                files.unlock()

    def _report(self, own: Shipper) -> None:
        """Say once that Kafka refuses, and once that it is well again."""
        if own.failure and not self._waiting:
            log.warning("Kafka does not take events (%s); they are kept in %s", own.failure, self._settings.spool())
        elif self._waiting and not own.failure:
            log.warning("Kafka takes events again")
        self._waiting = own.failure
