"""What cannot become an event goes to the dead letters as it came, and says why. When most of it would, the worker stops."""

from collections import defaultdict, deque
from collections.abc import Sequence
from importlib.metadata import version
from itertools import repeat
from typing import Final

from langtrail.schemas import DeadLetterHeader, topic

from .event import Rejected
from .records import Incoming, Outgoing

MAX_DEAD_LETTER_BYTES: Final = topic("dead_letters").max_message_bytes
WINDOW: Final = 1000
"""How many of the last records of a partition the breaker looks at."""
FEWEST_REJECTED: Final = 100
"""Below this many rejected records in the window the breaker never opens."""

_VERSION = version("langtrail")
_OURS = frozenset(DeadLetterHeader)


def dead_letter(record: Incoming, why: Rejected, origin: str) -> Outgoing:
    """Return a record of the topic `origin` for the dead letters: key, value and headers as they came, then reason and origin.

    A header of an earlier rejection (the record was replayed) is replaced.
    """
    ours = {
        DeadLetterHeader.REASON: why.reason,
        DeadLetterHeader.ERROR: str(why),
        DeadLetterHeader.STAGE: why.stage,
        DeadLetterHeader.TOPIC: origin,
        DeadLetterHeader.PARTITION: str(record.partition),
        DeadLetterHeader.OFFSET: str(record.offset),
        DeadLetterHeader.TIMESTAMP: str(record.timestamp_ms),
        DeadLetterHeader.VERSION: _VERSION,
    }
    kept = [(name, value) for name, value in record.headers if name not in _OURS]
    added = [(str(name), value.encode()) for name, value in ours.items()]
    return Outgoing(topic("dead_letters").name, record.partition, record.key, record.value, [*kept, *added])


def withheld(fields: Sequence[str]) -> Rejected:
    """Return the reason under which the sealed original of a withheld event is kept; the event itself goes on."""
    return Rejected("redact", "withheld", f"withheld: {', '.join(fields)}")


class BreakerOpen(Exception):
    """Most of a partition would be rejected: rather the fault of this worker than of the records. The text says what to do."""


class Breaker:
    """Counts what is rejected of each partition's last records."""

    def __init__(self) -> None:
        self._last: defaultdict[int, deque[bool]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._rejected: defaultdict[int, int] = defaultdict(int)

    def record(self, partition: int, whys: Sequence[Rejected | None]) -> None:
        """Note what became of consecutive records. Raises BreakerOpen when more than half of the last were rejected."""
        if not any(whys) and not self._rejected[partition]:
            self._last[partition].extend(repeat(False, len(whys)))
            return
        for why in whys:
            self._record(partition, why)

    def _record(self, partition: int, why: Rejected | None) -> None:
        last = self._last[partition]
        if len(last) == WINDOW:
            self._rejected[partition] -= last[0]
        last.append(why is not None)
        self._rejected[partition] += why is not None
        rejected = self._rejected[partition]
        if why is not None and rejected >= FEWEST_REJECTED and rejected * 2 > len(last):
            raise BreakerOpen(
                f"{rejected} of the last {len(last)} records of {topic('raw').name}[{partition}] cannot become events, "
                f"the last one at the step {why.stage} because of {why.reason}: {why}; "
                "mend what is wrong with the producers or with this worker, then start it again"
            )
