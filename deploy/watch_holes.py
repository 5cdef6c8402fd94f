"""Holes in the numbers of streams: which are settled, which nothing explains, and up to where a stream is in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Row = Mapping[str, Any]


class Verdict(NamedTuple):
    """What a look at a stream found: the holes to be told, and up to which number nothing is left to tell."""

    gaps: list[dict[str, Any]]
    verified: int
    verified_at: int
    more: bool
    """Whether something beyond `verified` has to be looked at again."""


def judge(holes: Sequence[Row], explained: Iterable[tuple[int, int]], last: tuple[int, int], settled_at: int) -> Verdict:
    """Judge the holes of one stream, in order. `last` is its last number and when that was given.

    A hole counts once the event after it is in the store since `settled_at`, by the store's clock: until then it may be filled.
    """
    ranges = list(explained)
    gaps: list[dict[str, Any]] = []
    for hole in holes:
        if hole["heard"] > settled_at:
            return Verdict(gaps, hole["first_seq"] - 1, hole["before_at"], more=True)
        for first, end in unexplained(hole["first_seq"], hole["last_seq"], ranges):
            gaps.append({**hole, "first_seq": first, "last_seq": end})
    return Verdict(gaps, *last, more=False)


def unexplained(first: int, last: int, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of the numbers from first to last, both included, without those in the ranges."""
    for begin, end in sorted(ranges):
        if end < first:
            continue
        if begin > last:
            break
        if begin > first:
            yield first, begin - 1
        first = end + 1
    if first <= last:
        yield first, last
