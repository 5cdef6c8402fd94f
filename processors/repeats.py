"""Matches that repeat: what a judge said of one holds for the next that is the same, with the same around it.

A hostile text of 100 kB has ten thousand of them, and they repeat: made of words that all differ, it would have fewer.
"""

from collections.abc import Callable, Iterable
from typing import Final

from .detector import Span
from .engine_types import Spans

FEWEST_CHARACTERS = 8_000
"""Of a text in which it is worth to look for repeats: a shorter one does not take long, whatever is in it."""

_MOST_DIFFERENT: Final = 512
"""Matches in a row that are all different: no more are compared."""


class Repeats:
    """What is said of matches in one text: callable with the spans of each, from the left, as the one that it asks is."""

    def __init__(self, judged: Callable[[Spans], Iterable[Span] | None], text: str, reach: int) -> None:
        """Take whom to ask, who looks at no more of the text than `reach` characters before and behind a match."""
        self._judged = judged
        self._text = text
        self._reach = reach
        self._around = ""
        self._place = (0, 0)
        self._first = 0
        self._different = 0
        self._said: list[Span] | None = None

    def __call__(self, groups: Spans) -> Iterable[Span] | None:
        """Return what is said of a match, without asking when the same was asked just now."""
        if self._different > _MOST_DIFFERENT:
            return self._judged(groups)
        first, end = groups[0]
        start = max(0, first - self._reach)
        around, place = self._text[start : end + self._reach], (first - start, end - start)
        if around == self._around and place == self._place:
            self._different = 0
            by = first - self._first
            return self._said and [Span(span.start + by, span.end + by, span.type) for span in self._said]
        self._different += 1
        said = self._judged(groups)
        self._said = None if said is None else [*said]
        # Who took something far behind the match may have looked as far behind that.
        is_near = not self._said or self._said[-1].end <= end + self._reach // 2
        self._around, self._place, self._first = around if is_near else "", place, first
        return self._said
