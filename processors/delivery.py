"""Records from Kafka and to Kafka, each into the partition that it names, and the certainty that Kafka has them."""

import asyncio
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from .records import Outgoing, hand_over

_FULL_SECONDS = 0.1
_MORE_SECONDS = 5
"""librdkafka reports a record that it gave up on a little after its time is over."""


class DeliveryFailed(Exception):
    """Kafka did not acknowledge every record of a batch; the text says why. Some of the batch may have been written."""


class Delivery:
    """An idempotent producer that waits for all in-sync replicas. One batch at a time, from one task."""

    def __init__(self, connection: Mapping[str, str], timeout_seconds: int, max_record_bytes: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._error: KafkaError | None = None
        self._producer = Producer(
            {
                "linger.ms": "5",
                "compression.type": "lz4",
                "delivery.report.only.error": True,
                "queue.buffering.max.kbytes": "262144",
                **connection,
                "enable.idempotence": "true",
                "acks": "all",
                "message.max.bytes": str(max_record_bytes),
                "delivery.timeout.ms": str(timeout_seconds * 1000),
            }
        )

    async def begin(self, records: Iterable[Outgoing]) -> None:
        """Start to write some records of a batch: Kafka works while the rest of it is made. Raises DeliveryFailed."""
        left = iter(records)
        try:
            while (refused := hand_over(left, self._producer, self._on_delivery)) is not None:
                while refused is not None:
                    await asyncio.to_thread(self._producer.poll, _FULL_SECONDS)
                    refused = hand_over(iter((refused,)), self._producer, self._on_delivery)
        except KafkaException as error:
            raise DeliveryFailed(_sentence(error.args[0])) from None

    async def deliver(self, records: Iterable[Outgoing]) -> None:
        """Write the rest of a batch and return when Kafka has acknowledged all of it. Raises DeliveryFailed when not."""
        await self.begin(records)
        missing = await asyncio.to_thread(self._producer.flush, self._timeout_seconds + _MORE_SECONDS)
        if self._error is not None:
            raise DeliveryFailed(_sentence(self._error))
        if missing:
            raise DeliveryFailed(f"Kafka did not acknowledge {missing} records within {self._timeout_seconds} s")

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        if error is not None and self._error is None:
            self._error = error


def _sentence(error: KafkaError) -> str:
    return f"Kafka did not take a record: {error.str()} ({error.name()})"
