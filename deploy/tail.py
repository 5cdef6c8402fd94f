"""Follows the store: each event as it becomes queryable, once, in the order of its partition."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .ask import Trail

POLL_SECONDS: Final = 0.5
_LOOK_AGAIN_SECONDS: Final = 10.0
_REMEMBERED: Final = 100_000
_AT_ONCE: Final = 1000

Place = tuple[str, int]
"""A partition: topic and number."""


class Follower:
    """Where the reader of a tenant's events is. A worker may emit an event twice: the last 100,000 are remembered."""

    def __init__(self, trail: Trail, tenant: str | None, types: Sequence[str]) -> None:
        """Begin behind everything that is stored. Raises AskError when the store does not answer."""
        self._trail, self._tenant, self._types = trail, tenant, list(types)
        self._seen: OrderedDict[tuple[str, str, int], None] = OrderedDict()
        ((now,),) = trail.sql("SELECT now64(6, 'UTC') AS now").rows
        self._began = now.replace("T", " ").rstrip("Z")
        self._places = self._positions(after=-1)
        self._looked_at = time.monotonic()

    def new(self) -> list[dict[str, Any]]:
        """Return the events that were stored since the last call, copies left out. Raises AskError."""
        self._look_again()
        found: list[dict[str, Any]] = []
        for place in self._places:
            while rows := self._after(place):
                self._places[place] = rows[-1]["offset"]
                found += [row for row in rows if self._is_first(row)]
                if len(rows) < _AT_ONCE:
                    break
        return found

    def _after(self, place: Place) -> list[dict[str, Any]]:
        topic, partition = place
        given = {"topic": topic, "partition": partition, "after": self._places[place], "began": self._began}
        return self._trail.ask("tail", **given, types=self._types, tenant=self._tenant).objects()

    def _look_again(self) -> None:
        """Find partitions that are new, and topics that were made anew: they begin again at 0."""
        if self._places and time.monotonic() - self._looked_at < _LOOK_AGAIN_SECONDS:
            return
        self._looked_at = time.monotonic()
        for place, offset in self._positions(after=-1).items():
            if offset < self._places.setdefault(place, -1):
                self._places[place] = -1

    def _positions(self, after: int) -> dict[Place, int]:
        rows = self._trail.ask("tail-positions", after=after, tenant=self._tenant).objects()
        return {(row["topic"], row["partition"]): row["offset"] for row in rows}

    def _is_first(self, row: dict[str, Any]) -> bool:
        key = row["event_id"], row["event_hash"], row["revision"]
        is_first = key not in self._seen
        self._seen[key] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return is_first


def follow(
    trail: Trail, tenant: str | None, types: Sequence[str], is_over: Callable[[], bool] = lambda: False
) -> Iterator[list[dict[str, Any]]]:
    """Yield the new events every half second, until `is_over`. A first, empty list says that it has begun. Raises AskError."""
    follower = Follower(trail, tenant, types)
    yield []
    while not is_over():
        if found := follower.new():
            yield found
        time.sleep(POLL_SECONDS)
