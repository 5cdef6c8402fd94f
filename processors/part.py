"""Some records of one partition on their way through the steps, and what becomes of each."""

import traceback
from collections.abc import Sequence
from functools import cache
from time import monotonic
from typing import Final

from langtrail.schemas import UnknownKey, topic
from langtrail.schemas.headers import REVISION_HEADER

from .dead_letter import dead_letter, withheld
from .deaths import Notes
from .event import Event, Rejected
from .metrics import Counts, Metric
from .pipeline import Step
from .records import Incoming, Outgoing

_EVENTS: Final = topic("events").name
_RAW: Final = topic("raw").name


class ProcessingFailed(Exception):
    """A step raised what it must not: a fault of this worker. The text names place and record, never its content."""


class Part:
    """Records of one partition that go through one step before any goes through the next: one of them is in hand at a time."""

    def __init__(self, records: Sequence[Incoming], steps: Sequence[Step], notes: Notes) -> None:
        """Take the records, at least one, in their order."""
        self.partition = records[0].partition
        self.events = [_event(record) for record in records]
        self._records = records
        self._steps = steps
        self._notes = notes
        self._left = self.events if notes.convicted is None else [event for event in self.events if _may_live(event, notes)]
        self._step = self._at = 0

    def go_on(self, until: float) -> bool:
        """Take the events through the steps; those that cannot become events say why. Return whether all are through.

        False: `until`, in seconds of the monotonic clock, came first. Then no record is in hand, and there is more to do.
        Raises UnknownKey and ProcessingFailed.
        """
        while self._step < len(self._steps):
            if not self._take(self._steps[self._step], until):
                return False
            self._left = [event for event in self._left if event.rejected is None]
            self._step, self._at = self._step + 1, 0
        self._notes.done()
        return True

    def _take(self, step: Step, until: float) -> bool:
        """Take the events through a step, from the one that is next; return whether all are through."""
        in_hand = self._notes.in_hand
        for event in self._left[self._at :]:
            self._at += 1
            in_hand(event.offset, event.timestamp_ms)
            try:
                step(event)
            except Rejected as rejected:
                event.rejected = rejected
            except UnknownKey:
                self._notes.done()  # the record is not at fault
                raise
            except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may quote content, a log must not
                raise ProcessingFailed(_where(error, event)) from None
            if monotonic() > until:
                self._notes.done()
                return False
        return True

    @property
    def whys(self) -> list[Rejected | None]:
        """Why each cannot become an event, None for those that do.

        What an operator put back was rejected before, no sign of a new fault: it is left out.
        """
        return [event.rejected for event in self.events if REVISION_HEADER not in event.headers]

    def outgoing(self) -> list[Outgoing]:
        """Return what became of the records: events, dead letters, and the originals of events without some content."""
        made: list[Outgoing] = []
        for record, event in zip(self._records, self.events, strict=True):
            why = event.rejected
            if why is None:
                made.append(Outgoing(_EVENTS, self.partition, record.key, event.output))
            if why is not None or event.withheld:
                made.append(dead_letter(record, why or withheld(event.withheld), _RAW))
        return made

    def count(self, counts: Counts) -> None:
        """Add what became of the records to a batch's counts."""
        label = _label(self.partition)
        rejected = [event.rejected for event in self.events if event.rejected is not None]
        for why in rejected:
            counts[Metric.REJECTED, (*label, why.reason)] += 1
        if withheld_events := sum([event.rejected is None and bool(event.withheld) for event in self.events]):
            counts[Metric.WITHHELD, label] += withheld_events
        counts[Metric.RECORDS_IN, label] += len(self.events)
        counts[Metric.EVENTS_OUT, label] += len(self.events) - len(rejected)


def _may_live(event: Event, notes: Notes) -> bool:
    """Tell whether a record did not end too many workers; say why it is rejected when it did."""
    try:
        notes.judge(event.offset, event.timestamp_ms)
    except Rejected as rejected:
        event.rejected = rejected
    return event.rejected is None


@cache
def _label(partition: int) -> tuple[str]:
    return (str(partition),)


def _event(record: Incoming) -> Event:
    headers = {name: value for name, value in record.headers if value is not None}
    return Event(record.key, record.value or b"", headers, record.partition, record.offset, record.timestamp_ms)


def _where(error: Exception, event: Event) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} at {frame.filename}:{frame.lineno} "
        f"with {_RAW}[{event.partition}]@{event.offset} in hand; "
        "the record stays where it is, and is rejected when workers died of it three times"
    )
