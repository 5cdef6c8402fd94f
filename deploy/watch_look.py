"""One look: what has arrived in the store since the last one, and what follows from it. The first look takes in everything."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from .watch_events import Derived, abandoned, burst, gap, not_executed
from .watch_holes import judge
from .watch_settings import WatchSettings
from .watch_store import Row, WatchStore, batches, between
from .watch_streams import End, Stream, Streams

KINDS: Final = ("errors", "denials", "spend")
"""What a burst may be of."""

_ROWS_A_SLICE: Final = 500_000
_IDS_A_QUERY: Final = 500
_SECOND: Final = 1_000_000
_HOUR_US: Final = 3600 * _SECOND
_LONGEST_SILENCE_US: Final = 3 * _HOUR_US
"""Three times the longest time between two heartbeats that a producer can be told."""
_GRACE_US: Final = 10 * _SECOND
_SWEEP_EVERY_US: Final = 10 * _SECOND


class Watch:
    """What is known between two looks. All of it follows from the store, and the first look finds it again."""

    def __init__(self, store: WatchStore, settings: WatchSettings) -> None:
        self._store, self._settings = store, settings
        self._positions: dict[int, int] = {}
        self._streams = Streams(settings.silent_us, settings.settle_us)
        self._given_up: dict[UUID, Row] = {}
        self._swept_to: dict[int, int] = {}
        self._waiting: set[UUID] = set()
        self._sweep_at = 0
        self._is_first = True

    @property
    def streams(self) -> int:
        """How many streams may still change."""
        return len(self._streams)

    def look(self, horizon: int, ends: Mapping[int, int]) -> Iterator[list[Derived]]:
        """Yield what is found, part by part. Raises StoreError.

        `horizon` says up to when the store is complete, `ends` are those of the partitions of langtrail.events now.

        Whoever stops in between, or does not write what is yielded, makes a new Watch: it finds the same.
        """
        # A partition that was made anew ends before what was read of it: it is read from its beginning.
        after = {number: last if (last := self._positions.get(number, -1)) < end else -1 for number, end in ends.items()}
        to = self._store.positions(after)
        rows = self._arrived(after, to, horizon) if to else []
        if self._is_first:
            yield from self._everything(to, horizon)
        else:
            yield from self._arrived_bursts(after, to, rows)
        yield from self._ended(horizon)
        yield from self._overdue(horizon, rows)
        yield from self._holes(horizon)
        yield from self._calls(horizon)
        self._positions.update(to)
        self._is_first = False

    def _arrived(self, after: dict[int, int], to: dict[int, int], horizon: int) -> list[Row]:
        heard_since = horizon - max(self._settings.silent_us, _LONGEST_SILENCE_US) if self._is_first else None
        rows = self._store.arrived(after, to, heard_since=heard_since)
        self._streams.add(rows, horizon)
        self._streams.gone(self._store.gone(after, to))
        self._given_up.update({row["root"]: row for row in self._store.given_up(after, to)})
        return rows

    def _everything(self, to: dict[int, int], horizon: int) -> Iterator[list[Derived]]:
        """Find runs without an end, and bursts, in all there is, stretch by stretch."""
        for since, until in self._store.slices({}, to, _ROWS_A_SLICE, gaps=True):
            yield self._bursts(since, until)
            for some in batches(self._store.open_runs(between(since, until)), _IDS_A_QUERY):
                yield self._judged(list(self._store.unended(some)), horizon)

    def _judged(self, runs: list[Row], horizon: int) -> list[Derived]:
        """Return the ends of those runs that will not end by what the store says of their streams."""
        states, found = self._states({run["stream_id"] for run in runs}), []
        for run in runs:
            stream = states[run["stream_id"]]
            if end := stream.end(horizon, self._settings.silent_us) or _overdue(run, stream, horizon):
                found.append(abandoned(run, *end))
        return found

    def _states(self, streams: set[UUID]) -> dict[UUID, Stream]:
        """Return streams as the store has them, whether they may still change or not."""
        found = {stream_id: Stream(stream_id) for stream_id in streams}
        for some in batches(streams, _IDS_A_QUERY):
            for row in self._store.states(some):
                found[row["stream_id"]].add(row, 0)
            for stream_id, at in self._store.found_gone(some):
                found[stream_id].gone_at = at
        return found

    def _arrived_bursts(self, after: dict[int, int], to: dict[int, int], rows: list[Row]) -> Iterator[list[Derived]]:
        """Look at the windows that have new rows; a spool that was imported may touch any time."""
        if not rows:
            return
        since, until = min(row["first_at"] for row in rows), max(row["last_at"] for row in rows) + 1
        stretches = [(since, until)] if until - since < _HOUR_US else self._store.slices(after, to, _ROWS_A_SLICE, gaps=False)
        for stretch in stretches:
            yield self._bursts(*stretch)

    def _bursts(self, since: int, until: int) -> list[Derived]:
        """Return the bursts in every window that a stretch of time touches."""
        window, limits = self._settings.window_us, {kind: self._limit(kind) for kind in KINDS}
        if not any(limits.values()):
            return []
        rows = self._store.bursts(since // window * window, -(-until // window) * window, window, limits)
        return [
            burst(row["tenant_id"], kind, row["window_at"], window, limit)
            for row in rows
            for kind, limit in limits.items()
            if 0 < limit <= row[kind]
        ]

    def _limit(self, kind: str) -> int:
        return {"errors": self._settings.errors, "denials": self._settings.denials, "spend": self._settings.spend_usd}[kind]

    def _ended(self, horizon: int) -> Iterator[list[Derived]]:
        """Find the runs that gone processes left without an end."""
        ended = self._streams.ended(horizon)
        for some in batches(ended, _IDS_A_QUERY):
            open_runs = self._store.open_runs("stream_id IN {streams:Array(UUID)}", some)
            runs = [run for run in self._store.unended(open_runs) if run["stream_id"] in ended]
            yield [abandoned(run, *ended[run["stream_id"]]) for run in runs]
            self._streams.settle(some)

    def _overdue(self, horizon: int, rows: list[Row]) -> Iterator[list[Derived]]:
        """Find the runs that are past the deadline of their own process, though it lives and did not say so."""
        groups, oldest = self._streams.by_deadline(), min((row["first_at"] for row in rows), default=horizon)
        for deadline_us in groups:
            self._swept_to[deadline_us] = min(self._swept_to.get(deadline_us, horizon - deadline_us), oldest - 1)
        if horizon < self._sweep_at or self._is_first:
            return
        self._sweep_at = horizon + _SWEEP_EVERY_US
        for deadline_us, streams in groups.items():
            since, until = self._swept_to[deadline_us], horizon - deadline_us
            for some in batches([stream.stream_id for stream in streams], _IDS_A_QUERY) if since < until else ():
                scope = f"stream_id IN {{streams:Array(UUID)}} AND {between(since, until)}"
                self._waiting.update(self._store.open_runs(scope, some))
            self._swept_to[deadline_us] = max(since, until)
        yield self._past_deadline(horizon)

    def _past_deadline(self, horizon: int) -> list[Derived]:
        """Return the ends of runs past their deadline; a clock that is wrong, or a late heartbeat, makes others wait."""
        found = []
        waiting, self._waiting = self._waiting, set()
        for run in self._store.unended(waiting):
            stream = self._streams.known(run["stream_id"])
            if stream is not None and (end := _overdue(run, stream, horizon)):
                found.append(abandoned(run, *end))
            elif stream is not None:
                self._waiting.add(run["run_id"])
        return found

    def _holes(self, horizon: int) -> Iterator[list[Derived]]:
        """Find holes in the numbers of streams that did not come in order."""
        doubtful = sorted(self._streams.doubtful(horizon), key=lambda stream: stream.verified_at)
        for part in ([s for s in doubtful if not s.verified_at], [s for s in doubtful if s.verified_at]):
            for streams in batches(part, _IDS_A_QUERY):
                yield self._gaps(streams, horizon)

    def _gaps(self, streams: Sequence[Stream], horizon: int) -> list[Derived]:
        ids, since = [stream.stream_id for stream in streams], streams[0].verified_at
        last = self._store.last(ids, since)  # before the holes: what comes in between is looked at next time
        holes: dict[UUID, list[Row]] = {}
        for row in self._store.holes(ids, since):
            holes.setdefault(row["stream_id"], []).append(row)
        explained = self._store.explained(list(holes)) if holes else {}
        found = []
        for stream in streams:
            of_stream = [hole for hole in holes.get(stream.stream_id, ()) if hole["last_seq"] > stream.verified]
            known = last.get(stream.stream_id, (stream.verified, stream.verified_at))
            verdict = judge(of_stream, explained.get(stream.stream_id, ()), known, horizon - self._settings.settle_us)
            found += [gap(hole) for hole in verdict.gaps]
            self._streams.verify(stream, verdict.verified, verdict.verified_at, more=verdict.more, horizon=horizon)
        return found

    def _calls(self, horizon: int) -> Iterator[list[Derived]]:
        """Find the tool calls that models asked for below roots that were given up, and that nothing tells of."""
        roots = [root for root, row in self._given_up.items() if row["heard"] <= horizon]
        for some in batches(roots, _IDS_A_QUERY):
            calls = self._store.calls(some)
            yield [not_executed({**call, "at": self._given_up[call["root_run_id"]]["at"]}) for call in calls]
            for root in some:
                del self._given_up[root]


def _overdue(run: Row, stream: Stream, horizon: int) -> End | None:
    """Say that a run is past its process's deadline, when the process had two heartbeats' time to say so itself."""
    due = run["heard"] + stream.deadline_us + 2 * stream.heartbeat_us + _GRACE_US
    return End("deadline", run["started_at"] + stream.deadline_us) if due <= horizon else None
