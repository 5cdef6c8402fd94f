"""What the watch knows of the streams that may still change: a fold over the rows of the store, so it can always be made again.

Times are microseconds since 1970. `heard` and `horizon` are by the store's clock, since a producer's own may be wrong;
`last_at`, `closed_at` and `gone_at` are by the clocks of producers, and stand in what is derived.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

HEARTBEAT_SECONDS: Final = 60
DEADLINE_SECONDS: Final = 3600
_MISSED_HEARTBEATS: Final = 3
_SECOND: Final = 1_000_000


class End(NamedTuple):
    """That a stream's process is gone: how that is known, and since when by a producer's clock."""

    closed_by: str
    at: int


@dataclass
class Stream:
    """One stream: `heard` is when its last row was stored; `verified` says up to which number nothing is missing."""

    stream_id: UUID
    heard: int = 0
    last_at: int = 0
    closed_at: int = 0
    gone_at: int = 0
    heartbeat_us: int = HEARTBEAT_SECONDS * _SECOND
    deadline_us: int = DEADLINE_SECONDS * _SECOND
    verified: int = -1
    verified_at: int = 0
    doubtful_since: int = 0
    """When a row came that does not follow on `verified`; 0: there is none."""
    settled: bool = False
    """Whether its runs were looked at after its end, and nothing came since."""

    def add(self, rows: Mapping[str, Any], horizon: int) -> None:
        """Take note of rows that arrived. Numbers that follow one another need no further look."""
        self.settled = False
        self.heard = max(self.heard, rows["heard"])
        self.last_at = max(self.last_at, rows["last_at"])
        self.closed_at = max(self.closed_at, rows["closed_at"])
        self.heartbeat_us = rows["heartbeat_seconds"] * _SECOND or self.heartbeat_us
        self.deadline_us = rows["deadline_seconds"] * _SECOND or self.deadline_us
        follows = rows["first"] == self.verified + 1 and rows["last"] - rows["first"] + 1 == rows["numbers"]
        if follows and not self.doubtful_since:
            self.verified, self.verified_at = rows["last"], rows["last_at"]
        elif rows["last"] > self.verified or rows["first"] <= self.verified:
            self.doubtful_since = self.doubtful_since or horizon

    def silence_us(self, silent_us: int) -> int:
        """Return how long it may say nothing before its process counts as gone."""
        return max(silent_us, _MISSED_HEARTBEATS * self.heartbeat_us)

    def end(self, horizon: int, silent_us: int) -> End | None:
        """Say that its process is gone, when everything it had sent by then is in the store; None while it may live."""
        if self.closed_at:
            return End("stream_close", self.closed_at) if self.heard <= horizon else None
        if self.gone_at and self.heard <= horizon:
            return End("later_boot", max(self.gone_at, self.last_at))
        limit = self.silence_us(silent_us)
        return End("silence", self.last_at + limit) if self.heard + limit <= horizon else None


class Streams:
    """The streams that may still change, by id."""

    def __init__(self, silent_us: int, settle_us: int) -> None:
        self._silent_us, self._settle_us = silent_us, settle_us
        self._known: dict[UUID, Stream] = {}

    def __len__(self) -> int:
        return len(self._known)

    def known(self, stream_id: UUID) -> Stream | None:
        """Return a stream that may still change."""
        return self._known.get(stream_id)

    def add(self, rows: Iterable[Mapping[str, Any]], horizon: int) -> None:
        """Take note of rows that arrived, one mapping for each stream."""
        for row in rows:
            self._known.setdefault(row["stream_id"], Stream(row["stream_id"])).add(row, horizon)

    def gone(self, named: Iterable[tuple[UUID, int]]) -> None:
        """Take note of streams whose process was found gone when a later one opened its own, and when that was."""
        for stream_id, at in named:
            if (stream := self._known.get(stream_id)) is not None:
                stream.gone_at = min(stream.gone_at or at, at)

    def ended(self, horizon: int) -> dict[UUID, End]:
        """Return those whose process is gone and whose runs were not looked at since."""
        found = ((stream, stream.end(horizon, self._silent_us)) for stream in self._known.values() if not stream.settled)
        return {stream.stream_id: end for stream, end in found if end is not None}

    def settle(self, ended: Iterable[UUID]) -> None:
        """Take note that the runs of ended streams were looked at; what is in no doubt either is forgotten."""
        for stream_id in ended:
            stream = self._known[stream_id]
            stream.settled = True
            if not stream.doubtful_since:
                del self._known[stream_id]

    def doubtful(self, horizon: int) -> list[Stream]:
        """Return those with numbers that did not follow on one another, long enough ago for them to have come since."""
        return [s for s in self._known.values() if s.doubtful_since and s.doubtful_since + self._settle_us <= horizon]

    def verify(self, stream: Stream, number: int, at: int, *, more: bool, horizon: int) -> None:
        """Take note that nothing is missing, or all of it was told, up to a number; `more`: what follows is looked at later."""
        stream.verified, stream.verified_at = number, at
        stream.doubtful_since = horizon if more else 0
        if stream.settled and not more:
            del self._known[stream.stream_id]

    def by_deadline(self) -> dict[int, list[Stream]]:
        """Return the streams by what they say is the longest that a run may take, in microseconds."""
        found: dict[int, list[Stream]] = {}
        for stream in self._known.values():
            found.setdefault(stream.deadline_us, []).append(stream)
        return found
