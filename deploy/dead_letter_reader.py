"""Reads langtrail.dead-letters from its oldest record to where it ends now. Nothing is committed, nothing is changed."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from langtrail.schemas import topic
from langtrail.schemas.settings import kafka_config, load_settings, servers, setting, whole

from .errors import CannotRun
from .servers import environ

TOPIC: Final = topic("dead_letters").name
_SILENCE_SECONDS: Final = 30.0

Ranges = dict[int, tuple[int, int]]
"""By partition: the first offset, and the first one that is not wanted any more."""


class DeadLetterError(CannotRun):
    """The dead letters cannot be read or put back, or one that was named is not there; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """How an operator's commands reach Kafka."""

    bootstrap_servers: str = setting(
        "LANGTRAIL_BOOTSTRAP_SERVERS", servers, doc="host:port of Kafka, several separated by commas; or start `langtrail up`"
    )
    kafka_config: tuple[tuple[str, str], ...] = setting(
        "LANGTRAIL_KAFKA_CONFIG_FILE", kafka_config, default=(), doc="properties file with more librdkafka settings (TLS, SASL)"
    )
    kafka_seconds: int = setting(
        "LANGTRAIL_KAFKA_SECONDS", whole(1, 600), default=10, doc="longest wait of an operator's command for Kafka's answer"
    )

    def librdkafka(self) -> dict[str, str]:
        """Return the connection as librdkafka properties."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": "langtrail-operator",
            "log_level": "0",
            **dict(self.kafka_config),
        }


def operator_settings(variables: Mapping[str, str] | None = None) -> OperatorSettings:
    """Return how to reach Kafka: what the environment says, or else the local stack. Raises SettingsError."""
    return load_settings(OperatorSettings, environ() if variables is None else variables)


def read(connection: OperatorSettings, since_ms: int = 0, wanted: Ranges | None = None) -> Iterator[Message]:
    """Yield the dead letters that Kafka has now, those of each partition in order. Raises DeadLetterError.

    `since_ms`: only those written at this time or later, milliseconds since 1970. `wanted`: only these offsets.
    """
    consumer = _consumer(connection)
    try:
        there = _ranges(consumer, since_ms, connection.kafka_seconds)
        if wanted is not None:
            there = {number: _common(there[number], wanted[number]) for number in there.keys() & wanted.keys()}
        yield from _read(consumer, there)
    except KafkaException as error:
        raise DeadLetterError(
            f"the dead letters cannot be read from Kafka at {connection.bootstrap_servers} ({error.args[0].str()}); "
            "check LANGTRAIL_BOOTSTRAP_SERVERS, and run `langtrail migrate` where the topic is missing"
        ) from None
    finally:
        consumer.close()


def read_one(connection: OperatorSettings, partition: int, offset: int) -> Message:
    """Return one dead letter. Raises DeadLetterError when it is not there."""
    for message in read(connection, wanted={partition: (offset, offset + 1)}):
        return message
    raise DeadLetterError(f"there is no dead letter {partition}:{offset}; `langtrail dead-letters list` names what is there")


def _consumer(connection: OperatorSettings) -> Consumer:
    return Consumer(
        {
            **connection.librdkafka(),
            "group.id": "langtrail-operator",  # required, but without effect: partitions are assigned and nothing is committed
            "enable.auto.commit": "false",
            "auto.offset.reset": "error",
            "allow.auto.create.topics": "false",
        }
    )


def _ranges(consumer: Consumer, since_ms: int, seconds: int) -> Ranges:
    found = consumer.list_topics(TOPIC, timeout=seconds).topics[TOPIC]
    if found.error is not None:
        raise KafkaException(found.error)
    ranges = {
        number: consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=seconds)
        for number in sorted(found.partitions)
    }
    if since_ms > 0:
        asked = [TopicPartition(TOPIC, number, since_ms) for number in ranges]
        for first in consumer.offsets_for_times(asked, timeout=seconds):
            high = ranges[first.partition][1]
            ranges[first.partition] = (first.offset if first.offset >= 0 else high, high)  # below 0: none is that new
    return ranges


def _common(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def _read(consumer: Consumer, ranges: Ranges) -> Iterator[Message]:
    ends = {number: high for number, (low, high) in ranges.items() if low < high}
    consumer.assign([TopicPartition(TOPIC, number, ranges[number][0]) for number in ends])
    deadline = time.monotonic() + _SILENCE_SECONDS
    while ends:
        for message in consumer.consume(500, timeout=0.2):
            if (error := message.error()) is not None:
                raise KafkaException(error)
            deadline = time.monotonic() + _SILENCE_SECONDS
            if (message.offset() or 0) < ends.get(message.partition() or 0, 0):
                yield message
        # The position, not the last offset that was seen: offsets may belong to no record.
        for position in consumer.position([TopicPartition(TOPIC, number) for number in ends]):
            if position.offset >= ends[position.partition]:
                del ends[position.partition]
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - so the library names the client's errors
