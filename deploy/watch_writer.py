"""Writes derived events to langtrail.raw, and returns when Kafka has them. What it did not take is derived again."""

import time
from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from langtrail.schemas import topic

from .watch_events import Derived

_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1
_MOST: Final = 1000


class NotWritten(Exception):
    """Kafka did not take derived events; the text is one sentence."""


class WatchWriter:
    """One connection to Kafka, idempotent and acknowledged by all."""

    def __init__(self, connection: dict[str, str]) -> None:
        config: dict[str, Any] = {
            **connection,
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "message.timeout.ms": int(_SECONDS * 1000),
            "error_cb": lambda _: None,
        }
        self._producer = Producer(config)

    def write(self, derived: Sequence[Derived]) -> None:
        """Write events, in order, and wait for Kafka. Raises NotWritten, then some of them may be there."""
        for at in range(0, len(derived), _MOST):
            self._write(derived[at : at + _MOST])

    def close(self) -> None:
        """Forget what is not acknowledged."""
        self._producer.purge()

    def _write(self, derived: Sequence[Derived]) -> None:
        refused: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, _: Any) -> None:
            if error is not None:
                refused.append(error)

        deadline = time.monotonic() + _SECONDS
        try:
            for each in derived:
                self._producer.produce(topic("raw").name, each.value, each.key, on_delivery=on_delivery)
        except (KafkaException, BufferError) as error:
            raise NotWritten(f"Kafka does not take what was found ({type(error).__name__})") from None
        while len(self._producer) and not refused and time.monotonic() < deadline:
            self._producer.poll(_POLL_SECONDS)
        if refused or len(self._producer):
            why = refused[0].name() if refused else "no answer"
            raise NotWritten(f"Kafka does not take what was found ({why})")
