"""Detectors whose matches begin with literals: one pass over a text tells where hundreds of them may find something."""

from collections.abc import Mapping, Sequence
from typing import Final

from .detector import Detector
from .engine import beginnings_of
from .engine_types import Encoded
from .literals import beginnings

_MANY: Final = 24
"""Detectors that a text concerns, from which on that pass is worth it."""
_MOST_PLACES: Final = 4000
"""Of a text with more it is not."""
_NOWHERE: Final[tuple[int, ...]] = ()


class Begun:
    """Knows which detectors begin so, most of them a vendor's, and finds the places."""

    def __init__(self, table: Sequence[Detector]) -> None:
        begun = {number: beginnings(detector.pattern) for number, detector in enumerate(table)}
        self._literals = {number: literals for number, literals in begun.items() if literals}
        self._beginnings = beginnings_of(self._literals)

    def places(self, text: Encoded, numbers: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """Return where in a text that concerns these detectors each that begins so may find something; none of the others."""
        if len(numbers) < _MANY or self._beginnings is None:
            return {}
        found = self._beginnings.places(text, _MOST_PLACES)
        return {} if found is None else {number: found.get(number, _NOWHERE) for number in self._literals}
