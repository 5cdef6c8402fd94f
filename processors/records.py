"""Records as they come from Kafka, and as they go to it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from confluent_kafka import Producer

Headers = Sequence[tuple[str, bytes | None]]


class Incoming:
    """One record of langtrail.raw as Kafka has it; `timestamp_ms` is when it arrived there, since 1970."""

    def __init__(
        self,
        partition: int,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        timestamp_ms: int,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp_ms = timestamp_ms


class Outgoing:
    """One record to be written."""

    def __init__(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers


def incoming(records: Sequence[Any]) -> list[Incoming]:
    """Return records as aiokafka has them."""
    return [
        Incoming(record.partition, record.offset, record.key, record.value, record.headers, record.timestamp)
        for record in records
    ]


def hand_over(records: Iterator[Outgoing], producer: Producer, on_delivery: Callable[..., None]) -> Outgoing | None:
    """Give records to a producer, whose queue they leave by themselves; return the one for which there was no room, if any.

    Raises KafkaException.
    """
    for record in records:
        try:
            producer.produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                headers=[*record.headers] or None,  # a list takes longer, an empty one too
                on_delivery=on_delivery,
            )
        except BufferError:
            return record
    return None
