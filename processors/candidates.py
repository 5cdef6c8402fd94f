"""One text searched by one detector after another: each match of a pattern is a candidate, and its judge says what goes."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .detector import NOTHING, Candidate, Detector, Span, has_placeholder
from .engine import encode
from .engine_types import Parts, Pattern, Spans, Windows
from .findings import Hit
from .redaction import Budget
from .repeats import FEWEST_CHARACTERS, Repeats

Carried = tuple[Hit, str]
"""A candidate that goes when something is found in the text that it carries, and that text."""

_CANDIDATES_A_CHECK: Final = 64
_SEPARATORS: Final = re.compile(r"[ .\-/()]+")


class Search:
    """What was found in a text so far."""

    def __init__(self, text: str, key_before: Callable[[int], str], budget: Budget) -> None:
        """Take the text; `key_before` returns the key of the JSON value that stands at a place of it."""
        self.encoded = encode(text)
        self.hits: list[Hit] = []
        self.carried: list[Carried] = []
        self._text = text
        self._budget = budget
        self._is_long = len(text) >= FEWEST_CHARACTERS
        self._has_ours = ("[" in text or "]" in text) and (not self._is_long or has_placeholder(text))
        self._candidate = Candidate(text, key_before)
        self._candidates = 0
        self._repeats: Repeats | None = None

    def by(
        self,
        detector: Detector,
        pattern: Pattern,
        parts: Parts | None,
        places: Sequence[int] | None = None,
        windows: Windows = (),
    ) -> None:
        """Search by one more detector, at `places` or in `windows` alone where these are known.

        Raises Withheld when it takes too long.
        """
        self._detector = detector
        self._candidate.parts = parts
        self._rest = parts if detector.begins else None
        self._parts = None if detector.begins or (detector.lazy and not self._has_ours) else parts
        if self._is_long and detector.carried is None and detector.reach:
            self._repeats = Repeats(self._judged, self._text, detector.reach)
        if places is None:
            pattern.search(self.encoded, self._take, windows)
        else:
            pattern.search_at(self.encoded, places, self._take)
        self._repeats = None  # it knows this object: one that is not known any more goes at once, without a collector

    def _judged(self, groups: Spans) -> Iterable[Span] | None:
        candidate, detector, parts = self._candidate, self._detector, self._parts
        candidate.start, candidate.end = groups[0]
        candidate.groups = groups if parts is None else parts(self._text, *groups[0])
        if len(candidate.groups) > 1:
            candidate.narrow()
        if self._has_ours and candidate.touches_placeholder:
            return None
        return detector.judge(candidate) if detector.carried is None else self._taken_down(detector.carried(candidate))

    def _taken_down(self, carried: str) -> Iterable[Span]:
        """Take down what a candidate carries: nothing of it goes unless something is found in that."""
        if carried:
            candidate, detector = self._candidate, self._detector
            self.carried.append((Hit(candidate.start, candidate.end, detector.type, detector.rank, detector.name), carried))
        return NOTHING

    def _take(self, groups: Spans) -> int:
        """Judge a match. Return how many of its last characters are to be searched again."""
        self._candidates += 1
        if not self._candidates % _CANDIDATES_A_CHECK:
            self._budget.check()
        if self._rest is not None:
            whole = [*self._rest(self._text, groups[0][0], len(self._text))]
            return self._taken(whole) - whole[0][1] + groups[0][1]
        return self._taken(groups)

    def _taken(self, groups: Spans) -> int:
        """Judge a match that is known to its end. Return how many of its last characters are to be searched again."""
        spans = self._judged(groups) if self._repeats is None else self._repeats(groups)
        if spans is None:
            return 0
        first, end = groups[0]
        last, detector = first, self._detector
        for span in spans:
            last = span.end
            self.hits.append(Hit(span.start, last, span.type or detector.type, detector.rank, detector.name))
        if last > first:
            return 0 if detector.whole else end - last
        return end - _second_word(self._text, first, end) if detector.retry else 0


def _second_word(text: str, start: int, end: int) -> int:
    """Return where the separator before the second word is: what begins there may ask for it."""
    separator = _SEPARATORS.search(text, start, end)
    return separator.end() - 1 if separator else end
