"""Records of Kafka read by offset, outside any consumer group: ranges of a partition, and the dead letters of one."""

import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from langtrail.schemas import DeadLetterHeader

_MOST: Final = 1000
_TURN_SECONDS: Final = 0.1
"""How long Kafka's client gathers records: it does not return earlier, not even at the end of the partition."""
_SILENCE_SECONDS: Final = 30


def read_ranges(consumer: Consumer, name: str, partition: int, lo: int, hi: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield offset and value of the records from lo to hi, both included; there may be fewer. Raises KafkaException."""
    for message in _read(consumer, name, partition, lo):
        offset = message.offset()
        assert offset is not None  # noqa: S101 - a message without error has an offset
        if offset > hi:
            return
        yield offset, message.value()
        if offset == hi:
            return


def dead_letters_of(consumer: Consumer, dead_letters: str, name: str, partition: int, stage: str) -> set[int]:
    """Return the offsets of a partition whose records a stage wrote to the dead letters. Raises KafkaException."""
    found = consumer.list_topics(dead_letters, _SILENCE_SECONDS).topics[dead_letters]
    origin = {
        DeadLetterHeader.STAGE: stage.encode(),
        DeadLetterHeader.TOPIC: name.encode(),
        DeadLetterHeader.PARTITION: str(partition).encode(),
    }
    offsets = set()
    for number in [] if found.error else sorted(found.partitions):
        oldest, _ = consumer.get_watermark_offsets(TopicPartition(dead_letters, number), timeout=_SILENCE_SECONDS)
        for message in _read(consumer, dead_letters, number, oldest):
            headers = _headers(message)
            offset = headers.get(DeadLetterHeader.OFFSET, b"")
            if offset.isdigit() and all(headers.get(key) == value for key, value in origin.items()):
                offsets.add(int(offset))
    return offsets


def _read(consumer: Consumer, name: str, partition: int, lo: int) -> Iterator[Message]:
    """Yield the records from lo to the end of the partition."""
    consumer.assign([TopicPartition(name, partition, lo)])
    deadline = time.monotonic() + _SILENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            for message in consumer.consume(_MOST, _TURN_SECONDS):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so the library names the errors of the client
                    return
                else:
                    raise KafkaException(error)
                deadline = time.monotonic() + _SILENCE_SECONDS
    finally:
        consumer.unassign()
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - as above


def _headers(message: Message) -> dict[str, bytes]:
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return {key: value for key, value in pairs if isinstance(value, bytes)}
