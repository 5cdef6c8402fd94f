"""What the watch concludes from streams: who is gone, since when, and which numbers are missing without an explanation."""

from typing import Any
from uuid import UUID

import pytest

from langtrail.deploy.watch_holes import judge, unexplained
from langtrail.deploy.watch_horizon import Horizon
from langtrail.deploy.watch_streams import End, Stream, Streams

STREAM = UUID(int=1)
SECOND = 1_000_000
NOW = 1_790_000_000 * SECOND


def rows(first: int, last: int, **other: Any) -> dict[str, Any]:
    """Return what arrived of a stream: all numbers from first to last, just now."""
    return {
        "stream_id": STREAM,
        "first": first,
        "last": last,
        "numbers": last - first + 1,
        "first_at": NOW,
        "last_at": NOW,
        "heard": NOW,
        "closed_at": 0,
        "heartbeat_seconds": 0,
        "deadline_seconds": 0,
        **other,
    }


def streams(*arrived: dict[str, Any], silent_seconds: int = 180, settle_seconds: int = 300) -> Streams:
    """Return streams that have heard of some rows."""
    made = Streams(silent_seconds * SECOND, settle_seconds * SECOND)
    for each in arrived:
        made.add([each], NOW)
    return made


def test_a_stream_that_says_something_is_alive() -> None:
    """Heartbeats count: it is gone only when it was silent for the limit, counted from when the store heard of it."""
    alive = streams(rows(0, 4))
    assert alive.ended(NOW + 179 * SECOND) == {}
    assert alive.ended(NOW + 180 * SECOND) == {STREAM: End("silence", NOW + 180 * SECOND)}
    alive.add([rows(5, 5, heard=NOW + 100 * SECOND, last_at=NOW + 100 * SECOND)], NOW)
    assert alive.ended(NOW + 180 * SECOND) == {}


def test_the_limit_of_silence_is_at_least_three_heartbeats() -> None:
    """A stream that says it beats every ten minutes is not gone after three."""
    slow = streams(rows(0, 0, heartbeat_seconds=600))
    assert slow.ended(NOW + 1799 * SECOND) == {}
    assert slow.ended(NOW + 1800 * SECOND) == {STREAM: End("silence", NOW + 1800 * SECOND)}


def test_a_clock_that_is_wrong_kills_nobody() -> None:
    """A producer whose clock is an hour behind is not silent: what counts is when the store heard of it."""
    behind = streams(rows(0, 0, last_at=NOW - 3600 * SECOND))
    assert behind.ended(NOW + 179 * SECOND) == {}


def test_a_closed_stream_is_gone_once_all_it_had_sent_is_stored() -> None:
    """Before that, its runs' ends may still be on their way."""
    closed = streams(rows(0, 4, closed_at=NOW - 5))
    assert closed.ended(NOW - 1) == {}
    assert closed.ended(NOW) == {STREAM: End("stream_close", NOW - 5)}


def test_a_stream_that_a_later_boot_found_gone_is_gone_at_once() -> None:
    """The lock of its spool was free: nobody has to wait for silence."""
    dead = streams(rows(0, 4))
    dead.gone([(STREAM, NOW + 7)])
    assert dead.ended(NOW) == {STREAM: End("later_boot", NOW + 7)}


def test_what_was_looked_at_is_looked_at_again_only_when_something_came() -> None:
    """A spool that is imported the next day makes its stream new."""
    closed = streams(rows(0, 4, closed_at=NOW))
    closed.settle(closed.ended(NOW))
    assert (closed.ended(NOW), len(closed)) == ({}, 0)
    closed.add([rows(3, 3)], NOW)
    assert len(closed) == 1


def test_numbers_in_order_are_in_no_doubt() -> None:
    """Only what does not follow on the last number is looked at again, and only after it had time to settle."""
    stream = Stream(STREAM)
    for first, last in ((0, 3), (4, 4), (5, 9)):
        stream.add(rows(first, last), NOW)
    assert (stream.verified, stream.doubtful_since) == (9, 0)
    stream.add(rows(11, 12), NOW)
    assert (stream.verified, stream.doubtful_since) == (9, NOW)


@pytest.mark.parametrize(
    "arrived",
    [rows(1, 3), rows(0, 3, numbers=3), rows(0, 0, numbers=1) | {"last": 2}],
    ids=["without the first", "with a hole", "with two holes"],
)
def test_a_hole_waits_until_it_is_settled(arrived: dict[str, Any]) -> None:
    """Partitions are stored one by one, so a number may come after a later one."""
    doubtful = streams(arrived)
    assert doubtful.doubtful(NOW + 299 * SECOND) == []
    assert [stream.stream_id for stream in doubtful.doubtful(NOW + 300 * SECOND)] == [STREAM]


@pytest.mark.parametrize(
    ("ranges", "left"),
    [
        ([], [(3, 9)]),
        ([(0, 20)], []),
        ([(3, 9)], []),
        ([(5, 6)], [(3, 4), (7, 9)]),
        ([(0, 3), (9, 12)], [(4, 8)]),
        ([(7, 7), (4, 4), (4, 5)], [(3, 3), (6, 6), (8, 9)]),
        ([(0, 2), (10, 12)], [(3, 9)]),
    ],
)
def test_what_is_dropped_or_rejected_is_explained(ranges: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    """Of the numbers 3 to 9, exactly those that no range has are left."""
    assert list(unexplained(3, 9, ranges)) == left


def hole(first: int, last: int, heard: int) -> dict[str, int]:
    """Return a hole as the store tells it."""
    return {"first_seq": first, "last_seq": last, "heard": heard, "before_at": 70 + first}


def test_settled_holes_are_told_and_the_rest_waits() -> None:
    """Up to the first hole that is too young the stream is verified; with none it is, up to its end."""
    verdict = judge([hole(3, 4, 100), hole(8, 8, 200)], [(4, 4)], (9, 99), settled_at=150)
    assert [(gap["first_seq"], gap["last_seq"]) for gap in verdict.gaps] == [(3, 3)]
    assert (verdict.verified, verdict.verified_at, verdict.more) == (7, 78, True)
    verdict = judge([hole(3, 4, 100)], [(0, 5)], (9, 99), settled_at=150)
    assert verdict == ([], 9, 99, False)


def test_the_store_is_complete_up_to_what_workers_and_sinks_committed() -> None:
    """A moment is reached when the workers passed the raw topic's ends of then, and the sinks what these had emitted."""
    horizon = Horizon()
    horizon.note(100, {0: 10, 1: 0})
    horizon.workers({0: 9, 1: 0}, {0: 7})
    horizon.sinks({0: 7})
    assert horizon.reached == 0
    horizon.note(200, {0: 12, 1: 1})
    horizon.workers({0: 11}, {0: 8})
    horizon.sinks({0: 7})
    assert horizon.reached == 0
    horizon.sinks({0: 8})
    assert horizon.reached == 100
    horizon.workers({0: 12, 1: 1}, {0: 9})
    horizon.sinks({0: 9})
    assert horizon.reached == 200


def test_a_worker_that_is_away_for_long_does_not_fill_the_memory() -> None:
    """A thousand moments are kept: the first ones, and the last."""
    horizon = Horizon()
    for moment in range(1, 5001):
        horizon.note(moment, {0: moment})
    horizon.workers({0: 5000}, {0: 1})
    horizon.sinks({0: 1})
    assert horizon.reached == 5000
