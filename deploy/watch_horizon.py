"""Up to when the store has everything that Kafka had: silence, holes and missing ends mean something only before that moment.

At each look the ends of langtrail.raw are noted with the store's time. Once the workers have committed past them, the ends of
langtrail.events are noted; once the sinks have committed past those, all that Kafka had at that time is in the store. The first
such moment after a start is also when everything that an earlier watch wrote is there, so nothing is written again.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from langtrail.schemas import topic

_REQUEST_SECONDS: Final = 10
_MOST_MARKS: Final = 1000
_GROUPS: Final = {"raw": "langtrail-worker", "events": "langtrail-sink"}

Offsets = Mapping[int, int]


class Horizon:
    """The moments that are waited for, and the last one that was reached. Times by the store's clock, microseconds."""

    def __init__(self) -> None:
        self.reached = 0
        """Everything that Kafka had by then is in the store; 0: not known yet."""
        self._raw: deque[tuple[int, Offsets]] = deque(maxlen=_MOST_MARKS)
        self._events: deque[tuple[int, Offsets]] = deque(maxlen=_MOST_MARKS)

    def note(self, now: int, raw_ends: Offsets) -> None:
        """Begin to wait for what langtrail.raw holds now. Beyond a thousand moments the middle ones are not waited for."""
        if len(self._raw) == _MOST_MARKS:
            self._raw.pop()
        self._raw.append((now, raw_ends))

    def workers(self, committed: Offsets, events_ends: Offsets) -> None:
        """Take note of what the workers have committed, and of the ends of langtrail.events, read after that."""
        passed = [self._raw.popleft()[0] for _ in range(_passed(self._raw, committed))]
        if passed:
            if len(self._events) == _MOST_MARKS:
                self._events.pop()
            self._events.append((passed[-1], events_ends))

    def sinks(self, committed: Offsets) -> None:
        """Take note of what the sinks have committed."""
        for _ in range(_passed(self._events, committed)):
            self.reached = self._events.popleft()[0]


def _passed(marks: "deque[tuple[int, Offsets]]", committed: Offsets) -> int:
    """Return how many of the first marks are behind what is committed; an end of 0 is behind everything."""
    count = 0
    for _, ends in marks:
        if any(committed.get(partition, 0) < end for partition, end in ends.items()):
            break
        count += 1
    return count


class KafkaOffsets:
    """Ends of our topics and the committed offsets of our groups. Raises KafkaException when Kafka does not answer."""

    def __init__(self, connection: Mapping[str, str]) -> None:
        self._connection = dict(connection)
        self._consumers: dict[str, Consumer] = {}

    def ends(self, short: str) -> dict[int, int]:
        """Return the end of each partition of a topic: the offset that its next record will have."""
        return {partition: high for partition, (_, high) in self._bounds(short).items()}

    def to_be_read(self, short: str) -> dict[int, int]:
        """Return up to where a group has to come to have read everything; 0 where nothing is kept, however much once was."""
        return {partition: high if high > low else 0 for partition, (low, high) in self._bounds(short).items()}

    def committed(self, short: str) -> dict[int, int]:
        """Return what the group that reads a topic has committed, by partition; 0 where it has committed nothing."""
        places = [TopicPartition(topic(short).name, partition) for partition in self._partitions(short)]
        found = self._consumer(short).committed(places, timeout=_REQUEST_SECONDS)
        for place in found:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: max(place.offset, 0) for place in found}

    def close(self) -> None:
        """Let go of the connections."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers = {}

    def _bounds(self, short: str) -> dict[int, tuple[int, int]]:
        name, consumer = topic(short).name, self._consumer(short)
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=_REQUEST_SECONDS)
            for partition in self._partitions(short)
        }

    def _partitions(self, short: str) -> list[int]:
        name = topic(short).name
        found = self._consumer(short).list_topics(name, timeout=_REQUEST_SECONDS).topics[name]
        if found.error is not None:
            raise KafkaException(found.error)
        return sorted(found.partitions)

    def _consumer(self, short: str) -> Consumer:
        """Return a consumer that asks in the name of the group, and never joins it."""
        if short not in self._consumers:
            config = {**self._connection, "group.id": _GROUPS[short], "enable.auto.commit": "false"}
            self._consumers[short] = Consumer({**config, "error_cb": lambda _: None})
        return self._consumers[short]


def advance(horizon: Horizon, offsets: KafkaOffsets, now: int) -> None:
    """Note the present moment, and what of the earlier ones has come true. Raises KafkaException."""
    horizon.note(now, offsets.to_be_read("raw"))
    committed = offsets.committed("raw")
    horizon.workers(committed, offsets.to_be_read("events"))
    horizon.sinks(offsets.committed("events"))
