"""What a search is given and answers: how long it may take, what becomes of what is found, and what is to go."""

from collections.abc import Callable
from time import perf_counter
from typing import Final

from .event import Withheld
from .findings import Finding, Hit


class Redaction:
    """A finding, and what takes its place. Offsets are in characters, the end exclusive.

    `detector` is the name of the one that the type is from.
    """

    __slots__ = ("detector", "end", "replacement", "start", "type")

    def __init__(self, kind: str, start: int, end: int, replacement: str, detector: str) -> None:
        self.type = kind
        self.start = start
        self.end = end
        self.replacement = replacement
        self.detector = detector

    @property
    def finding(self) -> Finding:
        """What was found, and where."""
        return Finding(self.type, self.start, self.end)


def spliced(text: str, found: list[Redaction]) -> str:
    """Return the text with each finding replaced; they are in order and do not overlap."""
    if not found:
        return text
    pieces: list[str] = []
    at = 0
    for one in found:
        pieces.append(text[at : one.start])
        pieces.append(one.replacement)
        at = one.end
    pieces.append(text[at:])
    return "".join(pieces)


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
