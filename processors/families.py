"""Detectors in families: the same words hint at all of one, and only where these are in a text it is asked about them."""

from collections.abc import Mapping, Sequence
from typing import Final

from .detector import Detector
from .engine import compiled_set
from .engine_types import Encoded
from .windows import is_near

MOST_AT_ONCE: Final = 6
"""Patterns. More go through some thousand states in 100 kB of digits at random, and each new one takes a microsecond."""


class FewAtOnce:
    """Patterns in sets of a few: digits or names at random would take all at once through too many states."""

    def __init__(self, patterns: Mapping[int, str], most: int = MOST_AT_ONCE) -> None:
        numbers = [*patterns]
        parts = [numbers[at : at + most] for at in range(0, len(numbers), most)]
        self._sets = [compiled_set({number: patterns[number] for number in part}) for part in parts]

    def matching(self, text: Encoded) -> list[int]:
        """Return the keys of the patterns that match somewhere in the text."""
        if len(self._sets) == 1:
            return self._sets[0].matching(text)
        return [key for few in self._sets for key in few.matching(text)]


class Family:
    """Detectors that the same words hint at."""

    def __init__(self, hinted_by: frozenset[str], needs: frozenset[int]) -> None:
        self.needs = needs
        """The signs without which none of them finds anything."""
        self.common = hinted_by
        self.hinted_by = hinted_by
        self.triggers: dict[int, str] = {}
        self._patterns: list[str] = []
        self._asked: FewAtOnce | None = None
        self._asked_of_varied: FewAtOnce | None = None
        self._is_near: bool | None = None

    def add(self, number: int, trigger: str, pattern: str, hinted_by: frozenset[str]) -> None:
        """Take one more detector."""
        self.hinted_by |= hinted_by
        self.triggers[number] = trigger
        self._patterns.append(pattern)

    def fired(self, text: Encoded, *, is_varied: bool) -> list[int]:
        """Return which of them a text concerns."""
        if is_varied:
            if self._asked_of_varied is None:
                self._asked_of_varied = FewAtOnce(self.triggers)
            return self._asked_of_varied.matching(text)
        if self._asked is None:
            self._asked = FewAtOnce(self.triggers, len(self.triggers))
        return self._asked.matching(text)

    @property
    def is_near(self) -> bool:
        """Whether windows of a text concern all that the text does: a match of a pattern, or of its trigger, is in one."""
        if self._is_near is None:
            triggers = self.triggers.values()
            self._is_near = all(is_near(one) or is_near(trigger) for one, trigger in zip(self._patterns, triggers, strict=True))
        return self._is_near


def families(
    detectors: Sequence[Detector],
    triggers: Mapping[int, str],
    hinted_by: Mapping[int, frozenset[str]],
    needs: Mapping[int, frozenset[int]],
    lines: int,
) -> list[Family]:
    """Put detectors together that the same words hint at, but for a few.

    One that needs `lines` may be with those that have its other needs: its trigger asks for an end of a line too.
    """
    found: list[Family] = []
    for number in sorted(triggers, key=lambda number: len(hinted_by[number])):
        told, needed = hinted_by[number], needs[number]
        if not told:
            continue
        joined = [
            one
            for one in found
            if one.common <= told and 2 * len(one.common) > len(told) and one.needs <= needed <= one.needs | {lines}
        ]
        family = joined[0] if joined else Family(told, needed)
        if not joined:
            found.append(family)
        family.add(number, triggers[number], detectors[number].pattern, told)
    return found
