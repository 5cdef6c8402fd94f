"""Stops the sink when it would reject most of what it reads: that is its own fault. Nothing is lost, Kafka keeps the records.

The idea is arroyo's DlqLimit, https://github.com/getsentry/arroyo: dead letters are for the odd record, not for a whole stream.
"""

from collections import defaultdict, deque
from typing import Final

from .sink_batch import Batch, Reject, newest_schema_id
from .sink_start import SinkStopped

WINDOW: Final = 1000
"""How many of the last records of a partition are looked at, or one batch, if it has more."""
FEWEST_REJECTED: Final = 100
"""Below this many rejected records in the window the breaker never opens."""


class SinkBreaker:
    """Remembers how many of each partition's last records were rejected. A partition has one batch at a time."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._done: defaultdict[int, deque[tuple[int, int]]] = defaultdict(deque)

    def check(self, partition: int, batch: Batch, rejects: list[Reject]) -> None:
        """Raise SinkStopped when these rejects, none of them a dead letter yet, and those before are most of the window."""
        counts = [*self._done[partition], (len(batch), len(rejects))]
        records, rejected = (sum(part) for part in zip(*counts, strict=True))
        if rejects and rejected >= FEWEST_REJECTED and rejected * 2 > records:
            why = rejects[-1].why
            raise SinkStopped(
                f"{rejected} of the last {records} records of {self._topic}[{partition}] would become dead letters, the last "
                f"because of {why.reason}: {why}; mend what is wrong with the workers or with this sink, then start it again: "
                f"it goes on at offset {batch.lo}"
            )

    def note(self, partition: int, batch: Batch, rejects: list[Reject]) -> None:
        """Note a batch that is done."""
        done = self._done[partition]
        done.append((len(batch), len(rejects)))
        while sum(records for records, _ in done) - done[0][0] >= WINDOW:
            done.popleft()


def stop_if_newer(topic: str, partition: int, batch: Batch) -> None:
    """Raise SinkStopped when the batch is of a schema that is newer than this sink's registry: workers were upgraded first."""
    if batch.newer is not None:
        raise SinkStopped(
            f"the records of {topic}[{partition}] from offset {batch.lo} on have schema id {batch.newer}, newer than "
            f"{newest_schema_id()}, the newest of this langtrail; upgrade the sink and start it again: nothing was skipped"
        )
