"""Kafka's producer as the sender sees it: one batch at a time, and one question, whether Kafka has answered for all of it.

One batch at a time costs no throughput worth having (a MiB and more each round trip) and makes success countable without a
Python call for each event: librdkafka's queue is empty, and nothing was reported as failed.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from langtrail.schemas import topic
from langtrail.schemas.settings import SettingsError

from .settings import ProducerSettings

RAW_TOPIC: Final = topic("raw").name

REFUSED_FOR_GOOD: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD})
"""Kafka's answers that sending again does not change."""

_ALL_DOWN: Final = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001 - how confluent-kafka names what librdkafka itself finds
"""What follows each error of a connection, and is no reason by itself."""

_FULL_QUEUE_SECONDS = 0.01
_SLICE_NS: Final = 200_000
_YIELD_SECONDS = 0.0002

Headers = list[tuple[str, str | bytes | None]]


class Outlet:
    """A connection to Kafka. Made and used by one thread."""

    def __init__(self, config: dict[str, Any], stopping: Callable[[], bool]) -> None:
        """Connect in the background. `stopping` ends every wait. Raises KafkaException when the configuration is wrong."""
        self.last_error = ""
        self.broken = False
        self._stopping = stopping
        self._producer: Producer | None = Producer({**config, "delivery.report.only.error": True, "error_cb": self._on_error})

    @property
    def waiting(self) -> int:
        """How many messages Kafka still has to answer for."""
        return len(self._producer) if self._producer else 0

    def send(
        self, messages: Iterable[tuple[bytes, bytes]], headers: Headers, failed: Callable[[Any, Any], None], *, gently: bool
    ) -> None:
        """Hand (key, value) pairs over, in order; `failed` is called with a KafkaError for each that is refused.

        `gently`: let the application's threads run after 0.2 ms, for which they wait for the interpreter's lock; without, they
        wait for as long as its switch interval, 5 ms.
        """
        assert self._producer is not None  # noqa: S101 - nothing is sent after close
        produce = self._producer.produce
        rest_at = time.monotonic_ns() + _SLICE_NS
        for key, value in messages:
            try:
                produce(RAW_TOPIC, value, key, headers=headers, on_delivery=failed)
            except (BufferError, KafkaException):
                if not self._produce(key, value, headers, failed):
                    return
            if gently and time.monotonic_ns() >= rest_at:
                time.sleep(_YIELD_SECONDS)
                rest_at = time.monotonic_ns() + _SLICE_NS

    def poll(self, seconds: float) -> None:
        """Take Kafka's answers, waiting at most `seconds` for one."""
        if self._producer is not None:
            self._producer.poll(seconds)

    def close(self) -> None:
        """Disconnect, and forget what Kafka has not answered for."""
        if self._producer is not None:
            self._producer.purge(blocking=False)
            self._producer = None

    def _produce(self, key: bytes, value: bytes, headers: Headers, failed: Callable[[Any, Any], None]) -> bool:
        """Try again what was refused: until the queue has room, unless it is refused for good. False: the sender stops."""
        assert self._producer is not None  # noqa: S101 - nothing is sent after close
        while not self._stopping():
            try:
                self._producer.produce(RAW_TOPIC, value, key, headers=headers, on_delivery=failed)
            except BufferError:
                self._producer.poll(_FULL_QUEUE_SECONDS)
            except KafkaException as error:
                failed(error.args[0], None)
                return True
            else:
                return True
        return False

    def _on_error(self, error: KafkaError) -> None:
        if not self.last_error or error.code() != _ALL_DOWN:
            self.last_error = error.name()
        self.broken = self.broken or error.fatal()


def check_kafka_config(settings: ProducerSettings) -> None:
    """Raise SettingsError when librdkafka does not know what LANGTRAIL_KAFKA_CONFIG_FILE says."""
    if settings.kafka_config and settings.bootstrap_servers:
        try:
            Producer(settings.librdkafka())
        except (KafkaException, TypeError, ValueError) as error:
            raise SettingsError(f"LANGTRAIL_KAFKA_CONFIG_FILE: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return str(error.args[0].str()) if isinstance(error, KafkaException) else str(error)
