"""Where the sink begins in a partition that it was given: at what the group committed, never at a guess."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from .intent import Intent, NewerIntent, decode

_REQUEST_SECONDS = 10

_log = logging.getLogger(__name__)


class SinkStopped(Exception):
    """The sink cannot go on until someone decides something; the text is one sentence that says what."""


@dataclass(frozen=True)
class Start:
    """The offset of the first record to read, and the intent of an earlier sink that begins there, if it left one in doubt."""

    offset: int
    replay: Intent | None


def starts(consumer: Consumer, partitions: Sequence[TopicPartition]) -> dict[int, Start]:
    """Return where to begin, by partition number.

    Without a committed offset that is the oldest record. Raises SinkStopped when a committed offset is not on Kafka.
    """
    try:
        return {
            found.partition: _start(consumer, found) for found in consumer.committed(list(partitions), timeout=_REQUEST_SECONDS)
        }
    except KafkaException as error:
        raise SinkStopped(f"Kafka does not say where the sink has to begin ({error.args[0].str()}); start it again") from None


def _start(consumer: Consumer, found: TopicPartition) -> Start:
    if found.error:
        raise KafkaException(found.error)
    oldest, end = consumer.get_watermark_offsets(found, timeout=_REQUEST_SECONDS)
    if found.offset == OFFSET_INVALID:
        _log.info(
            "%s[%d]: nothing is stored yet; the sink begins at the oldest record, offset %d",
            found.topic,
            found.partition,
            oldest,
        )
        return Start(oldest, None)
    if not oldest <= found.offset <= end:
        raise SinkStopped(out_of_range(found.topic, found.partition, found.offset, f"which has {oldest} to {end}"))
    try:
        replay = decode(found.metadata, found.offset)
    except NewerIntent as error:
        raise SinkStopped(f"{found.topic}[{found.partition}]: {error}") from None
    if replay:
        _log.warning(
            "%s[%d]: offsets %d to %d were being stored when the sink stopped; what is missing of them is stored first",
            found.topic, found.partition, replay.lo, replay.hi,
        )  # fmt: skip
    return Start(found.offset, replay)


def out_of_range(topic: str, partition: int, offset: int, has: str) -> str:
    """Return the sentence for an offset that the topic does not have: what it means and what to do."""
    return (
        f"the sink would go on at offset {offset} of {topic}[{partition}], {has}: records were removed before they were stored "
        f"or the topic was made anew; note the loss, then set the offset with `kafka-consumer-groups --group langtrail-sink "
        f"--topic {topic}:{partition} --reset-offsets --to-earliest --execute`"
    )
