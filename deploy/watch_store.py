"""The watch's view of the store: its questions, each within a scope, over a connection that is made anew after an error."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from langtrail.processors.clickhouse import connect, store_error

from . import watch_queries as queries
from .watch_events import Derived

_SECONDS: Final = 120
_SETTINGS: Final = {"select_sequential_consistency": 1}
_IDS_A_QUERY: Final = 500
_OF_STREAMS: Final = "stream_id IN {streams:Array(UUID)}"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]
T = TypeVar("T")


class WatchStore:
    """The table events, of the rows that came by one topic. Connects when it is first used."""

    def __init__(self, dsn: str, topic: str) -> None:
        self._dsn, self._topic = dsn, topic
        self._client: Client | None = None

    def now(self) -> int:
        """Return the store's clock, microseconds since 1970. Raises StoreError."""
        return int(self._ask(queries.NOW)[0]["now"])

    def positions(self, after: Mapping[int, int]) -> dict[int, int]:
        """Return the largest offset that is stored of each of these partitions that has one above the one given."""
        rows = self._ask(queries.POSITIONS, scope=above(after), topic=self._topic)
        return {row["partition"]: row["last"] for row in rows}

    def arrived(self, after: Mapping[int, int], to: Mapping[int, int], *, heard_since: int | None = None) -> list[Row]:
        """Return what is new of each stream; with `heard_since`, only streams that matter when all of them are new."""
        having = queries.EVERY if heard_since is None else queries.STILL_MATTERS.replace("{since_us}", str(heard_since))
        return self._ask(queries.ARRIVED, scope=self._new(after, to), having=having)

    def gone(self, after: Mapping[int, int], to: Mapping[int, int]) -> list[tuple[UUID, int]]:
        """Return the streams that a later boot found gone, and when."""
        return [(row["stream_id"], row["at"]) for row in self._ask(queries.GONE, scope=self._new(after, to))]

    def given_up(self, after: Mapping[int, int], to: Mapping[int, int]) -> list[Row]:
        """Return the roots that were given up: `root`, `at`, and when the store `heard` of it."""
        return self._ask(queries.GIVEN_UP, scope=self._new(after, to))

    def states(self, streams: Collection[UUID]) -> list[Row]:
        """Return what the store has of some streams, as `arrived` does of what is new."""
        return self._ask(queries.ARRIVED, scope=_OF_STREAMS, streams=list(streams))

    def found_gone(self, streams: Collection[UUID]) -> list[tuple[UUID, int]]:
        """Return which of some streams a later boot found gone, and when."""
        scope = "previous_stream_id IN {streams:Array(UUID)}"
        return [(row["stream_id"], row["at"]) for row in self._ask(queries.GONE, scope=scope, streams=list(streams))]

    def slices(self, after: Mapping[int, int], to: Mapping[int, int], most: int, *, gaps: bool) -> list[tuple[int, int]]:
        """Return stretches of time, whole hours, that together hold everything new, each with about `most` new events or less.

        `gaps`: they may also hold hours in which nothing is new.
        """
        found: list[tuple[int, int]] = []
        events = 0
        for row in self._ask(queries.HOURS, scope=self._new(after, to)):
            begin, end = row["hour"] * 1_000_000, (row["hour"] + 3600) * 1_000_000
            if found and (found[-1][1] == begin or gaps) and events + row["events"] <= most:
                found[-1], events = (found[-1][0], end), events + row["events"]
            else:
                found.append((begin, end))
                events = row["events"]
        return found

    def open_runs(self, scope: str, streams: Collection[UUID] = ()) -> list[UUID]:
        """Return the runs that start within a scope and do not end in it."""
        return [row["run_id"] for row in self._ask(queries.OPEN_RUNS, scope=scope, streams=list(streams))]

    def unended(self, runs: Collection[UUID]) -> Iterator[Row]:
        """Yield the starts of those runs that have no end anywhere."""
        for some in batches(runs):
            yield from self._ask(queries.UNENDED, runs=some)

    def calls(self, roots: Collection[UUID]) -> Iterator[Row]:
        """Yield the tool calls that were asked for below these roots, which have no end, and that no event tells of."""
        for some in batches(roots):
            yield from self._ask(queries.CALLS, roots=some)

    def holes(self, streams: Collection[UUID], since: int) -> list[Row]:
        """Return the holes in streams: in all of their numbers, or, with a time, after the first number since then."""
        scope = f"{_OF_STREAMS} AND occurred_at >= {_time(since)}"
        return self._ask(queries.HOLES, scope=scope, streams=list(streams), first=0 if since <= 0 else 1)

    def last(self, streams: Collection[UUID], since: int) -> dict[UUID, tuple[int, int]]:
        """Return the last number of each stream and when it was given."""
        scope = f"{_OF_STREAMS} AND occurred_at >= {_time(since)}"
        rows = self._ask(queries.LAST, scope=scope, streams=list(streams))
        return {row["stream_id"]: (row["last"], row["last_at"]) for row in rows}

    def explained(self, streams: Collection[UUID]) -> dict[UUID, list[tuple[int, int]]]:
        """Return the ranges of numbers that are told to be missing: dropped, rejected, removed, or found missing before."""
        found: dict[UUID, list[tuple[int, int]]] = {}
        for row in self._ask(queries.EXPLAINED, streams=list(streams)):
            found.setdefault(row["stream_id"], []).append((row["first"], row["last"]))
        return found

    def bursts(self, since: int, until: int, window_us: int, limits: Mapping[str, Any]) -> list[Row]:
        """Return the windows of tenants in which a limit was reached."""
        return self._ask(queries.BURSTS, scope=between(since, until, "e."), window_us=window_us, **limits)

    def without_known(self, derived: Iterable[Derived]) -> list[Derived]:
        """Return those events that the store does not have yet."""
        left: list[Derived] = []
        for some in batches(sorted(derived, key=lambda each: each.occurred_at)):
            rows = self._ask(
                queries.KNOWN,
                scope=between(some[0].occurred_at, some[-1].occurred_at + 1),
                ids=[each.event_id for each in some],
                tenants=sorted({each.tenant_id for each in some}),
            )
            known = {row["event_id"] for row in rows}
            left += [each for each in some if each.event_id not in known]
        return left

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _new(self, after: Mapping[int, int], to: Mapping[int, int]) -> str:
        """Return the scope of the rows of our topic above one set of offsets and up to another."""
        each = [
            f"(_partition = {number} AND _offset > {after.get(number, -1)} AND _offset <= {last})"
            for number, last in to.items()
        ]
        return f"_topic = '{self._topic}' AND ({' OR '.join(each) or '0'})"

    def _ask(self, sql: str, scope: str = "1", having: str = queries.EVERY, **parameters: Any) -> list[Row]:
        try:
            if self._client is None:
                self._client = connect(self._dsn, timeout_seconds=_SECONDS)
            return list(
                self._client.query(queries.statement(sql, scope, having), parameters, settings=_SETTINGS).named_results()
            )
        except ClickHouseError as error:
            self.close()
            raise store_error(error, self._dsn) from None


def above(after: Mapping[int, int]) -> str:
    """Return the scope of rows above the offset of their partition."""
    return " OR ".join(f"(_partition = {number} AND _offset > {last})" for number, last in sorted(after.items())) or "0"


def between(since: int, until: int, prefix: str = "") -> str:
    """Return the scope of a stretch of time, microseconds since 1970, its end not included."""
    return f"{prefix}occurred_at >= {_time(since)} AND {prefix}occurred_at < {_time(until)}"


def _time(microseconds: int) -> str:
    bounded = min(max(microseconds, 0), 7_258_118_400_000_000)  # the year 2200: what a column of this type can hold
    return f"toDateTime64('{_EPOCH + timedelta(microseconds=bounded):%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"


def batches(values: Iterable[T], size: int = _IDS_A_QUERY) -> Iterator[list[T]]:
    """Yield the values in lists of at most `size`."""
    every = list(values)
    for at in range(0, len(every), size):
        yield every[at : at + size]
