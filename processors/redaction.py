"""What a search is given and answers: how long it may take, what becomes of what is found, and what is to go."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

from .event import Withheld
from .findings import Finding, Hit


class Redaction(NamedTuple):
    """A finding, and what takes its place. Offsets are in characters, the end exclusive."""

    type: str
    start: int
    end: int
    replacement: str
    detector: str
    """Name of the detector that the type is from."""

    @property
    def finding(self) -> Finding:
        """What was found, and where."""
        return Finding(self.type, self.start, self.end)


as_redaction: Final[Callable[[tuple[str, int, int, str, str]], Redaction]] = partial(tuple.__new__, Redaction)
"""Twice as fast as its own constructor."""


class Budget:
    """How long a search may take."""

    def __init__(self, seconds: float, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def check(self) -> None:
        """Raise Withheld when the time is over."""
        if self._clock() > self._end:
            raise Withheld("the search ran over its time budget")


class Treatment:
    """What becomes of what is found: its type in brackets takes its place. A tenant's policy has one of its own."""

    def left(self, text: str, hits: list[Hit], source: Callable[[int, int], tuple[int, int]]) -> list[Hit]:
        """Return the hits in a text that are to go. `source` tells where a span of the text is in the whole document."""
        return hits

    def replacement(self, value: str, hit: Hit, source: Callable[[int, int], tuple[int, int]]) -> str:
        """Return what takes the place of a value: empty, or a placeholder as `findings.PLACEHOLDER` knows it."""
        return f"[{hit.type}]"

    def inside(self) -> "Treatment":
        """Return what holds for texts that a text carries."""
        return self


PLACEHOLDERS: Final = Treatment()
