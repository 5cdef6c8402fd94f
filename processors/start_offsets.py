"""Where a worker begins: checked and, for a new group, written down before Faust starts. Nothing is ever reset silently."""

import logging
import time
from collections.abc import Mapping

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from langtrail.schemas import topic

_REQUEST_SECONDS = 10
_PAUSE_SECONDS = 0.2

_log = logging.getLogger(__name__)


class CannotConsume(Exception):
    """The topics, or the offsets of the group, do not allow to go on; the text is one sentence that says what to do."""


def check_start(connection: Mapping[str, str], group: str, patience_seconds: float = 15) -> int:
    """Make sure that the topics fit each other and that the group has a valid offset for each partition of langtrail.raw.

    A group without offsets begins at the oldest record. Returns the number of partitions. Asks again for `patience_seconds`
    what Kafka does not answer, as a broker may that has just started. Raises CannotConsume.
    """
    deadline = time.monotonic() + patience_seconds
    consumer = Consumer({**connection, "group.id": group, "enable.auto.commit": "false"})
    try:
        while True:
            try:
                return _check(consumer, group)
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise CannotConsume(_sentence(error.args[0], connection)) from None
            time.sleep(_PAUSE_SECONDS)
    finally:
        consumer.close()


def _check(consumer: Consumer, group: str) -> int:
    count = _partition_count(consumer)
    for committed in _committed(consumer, [TopicPartition(topic("raw").name, number) for number in range(count)]):
        _check_range(consumer, committed, group)
    return count


def _partition_count(consumer: Consumer) -> int:
    found = consumer.list_topics(timeout=_REQUEST_SECONDS).topics
    names = [topic(short).name for short in ("raw", "events", "dead_letters", "tenants")]
    if missing := [name for name in names if name not in found]:
        raise CannotConsume(f"Kafka has no topic {', '.join(missing)}; run `langtrail migrate`")
    raw, events, dead_letters, _ = (len(found[name].partitions) for name in names)
    if not raw == events == dead_letters:
        raise CannotConsume(
            f"{names[0]} has {raw} partitions, {names[1]} {events} and {names[2]} {dead_letters}; "
            "an event stays in its partition, so the three must have the same number"
        )
    return raw


def _committed(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """Return the group's offsets; write the oldest offset down where there is none."""
    committed = consumer.committed(partitions, timeout=_REQUEST_SECONDS)
    missing = [found for found in committed if found.offset == OFFSET_INVALID]
    for found in missing:
        found.offset, _ = consumer.get_watermark_offsets(found, timeout=_REQUEST_SECONDS)
    if missing:
        # When another new worker was faster this fails, since only members may commit then; it wrote the same offsets down.
        consumer.commit(offsets=missing, asynchronous=False)
        begins = ", ".join(f"{found.topic}[{found.partition}]@{found.offset}" for found in missing)
        _log.info("new consumer group: it begins at %s", begins)
    return committed


def _check_range(consumer: Consumer, committed: TopicPartition, group: str) -> None:
    oldest, end = consumer.get_watermark_offsets(committed, timeout=_REQUEST_SECONDS)
    if not oldest <= committed.offset <= end:
        raise CannotConsume(out_of_range(committed.partition, committed.offset, group, f", which has {oldest} to {end}"))


def out_of_range(partition: int, offset: int, group: str, has: str = "") -> str:
    """Return the sentence for an offset that the topic does not have: what it means and what to do."""
    name = topic("raw").name
    return (
        f"the worker would go on at offset {offset} of {name}[{partition}]{has}: records were removed before they were "
        "processed, or the topic was made anew; note the loss, then set the offset with "
        f"`kafka-consumer-groups --group {group} --topic {name}:{partition} --reset-offsets --to-earliest --execute`"
    )


def _sentence(error: KafkaError, connection: Mapping[str, str]) -> str:
    servers = connection["bootstrap.servers"]
    return f"Kafka at {servers} does not answer as it should: {error.str()}; check LANGTRAIL_BOOTSTRAP_SERVERS"
