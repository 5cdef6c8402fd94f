"""The prefilter: which detectors a text may concern. Most texts concern none, and are told apart in two passes over them.

RE2 builds its automata while it reads. One of all triggers would have the states of one times those of the next, and never be
done: so all texts are searched for words and shapes without repeats only, and what these hint at is asked for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from . import key_rules, normalise
from .detector import SEPARATOR, Detector
from .detectors import DETECTORS
from .engine import HAS_RE2, compiled_set, encode
from .engine_types import Encoded, PatternSet
from .literals import hints
from .normalise import without_typography
from .texts import keys_of, remember, say_nothing

KEY: Final = -1
"""Fired: a JSON key may say what its value is."""
ODD: Final = -2
"""Fired: characters that hide others."""
PERCENT: Final = -3
"""Fired: percent-encoding that hides a printable character."""
ESCAPE: Final = -4
"""Fired: escapes that hide a printable character."""
_NUMBERS: Final = -5
"""Fired: digits as all detectors of numbers need them."""
_LINES: Final = -6
"""An end of a line: to look for it beside patterns would take longer than by itself."""

_SIGNS: Final = {
    ODD: normalise.ODD_TRIGGER,
    PERCENT: normalise.PERCENT_TRIGGER,
    ESCAPE: normalise.ESCAPE_TRIGGER,
}
_HEX: Final = "[0-9A-Fa-f]"
DIGITS: Final = (
    rf"\d(?:[ ().\-/_\r\n]{{0,3}}\d){{5}}|(?:[2-7]{_HEX}){{3}}|\d\.\d{{1,3}}\.\d{{1,3}}\.\d"
    rf"|(?:^|[^0-9A-Za-z_])(?:{_HEX}{{1,4}}::|::{_HEX})|:{_HEX}{{1,4}}:{_HEX}{{1,4}}:"
    rf"|{_HEX}[:-]{_HEX}{{2}}[:-]{_HEX}{{2}}[:-]|{_HEX}\.{_HEX}{{4}}\.{_HEX}"
    r"|(?i:[A-Z]\d[0-9L-NP-V][A-EHLMPR-T][0-9L-NP-V]{2}[A-Z])"
)
"""RE2: matches in every text that a detector of numbers finds something in."""

_NONE: Final[frozenset[int]] = frozenset()
_NUMBERS_ALONE: Final = frozenset((_NUMBERS,))
_MOST_AT_ONCE: Final = 6
"""More go through some thousand states in 100 kB of digits at random, and each new one takes a microsecond or more."""
_MOST_NUMBERS: Final = 12
"""Of these, in texts in which there are not so many digits."""
_SHORT: Final = 128
_LONG: Final = 8_000
"""Characters of a text in which automata may meet all they know: unless it is prose, they are asked one after the other."""
_SAMPLED: Final = 16
"""One in so many characters is looked at to tell prose."""
_OF_PROSE: Final = bytes((*b"abcdefghijklmnopqrstuvwxyz ", *range(0x80, 0x100)))
_MOST_WORDS: Final = 1000
"""The same of words: each takes few states, but what a state may become is found out by trying all of them."""
_MOST_ASKED: Final = 12
"""Families that are asked one by one; of a text that concerns more all are taken to be concerned."""


class _FewAtOnce:
    """Patterns in sets of a few: digits or names at random would take all at once through too many states."""

    def __init__(self, patterns: Mapping[int, str], most: int = _MOST_AT_ONCE) -> None:
        numbers = [*patterns]
        parts = [numbers[at : at + most] for at in range(0, len(numbers), most)]
        self._sets = [compiled_set({number: patterns[number] for number in part}) for part in parts]

    def matching(self, text: Encoded) -> list[int]:
        """Return the keys of the patterns that match somewhere in the text."""
        return [key for few in self._sets for key in few.matching(text)]


class _Family:
    """Detectors that the same words hint at."""

    def __init__(self, hinted_by: frozenset[str], needs: frozenset[int]) -> None:
        self.needs = needs
        """The signs without which none of them finds anything."""
        self.common = hinted_by
        self.hinted_by = hinted_by
        self.triggers: dict[int, str] = {}
        self._asked: _FewAtOnce | None = None

    def may_have(self, needs: frozenset[int]) -> bool:
        """Tell whether a detector with these needs may be one of them. The trigger of one that needs a line asks for it too."""
        return self.needs <= needs <= self.needs | {_LINES}

    @property
    def asked(self) -> _FewAtOnce:
        """Their triggers, ready."""
        if self._asked is None:
            self._asked = _FewAtOnce(self.triggers)
        return self._asked


class _Triggers:
    """The triggers of detectors, ready."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        triggers = {number: detector.trigger or detector.pattern for number, detector in enumerate(detectors)}
        words = {n: trigger for n, trigger in triggers.items() if detectors[n].worded or not detectors[n].numeric}
        hinted_by = {number: hints(trigger) if HAS_RE2 else frozenset[str]() for number, trigger in words.items()}
        self._families = _families(detectors, words, hinted_by)
        told = sorted({hint for family in self._families for hint in family.hinted_by})
        self._hinted = [[family for family in self._families if hint in family.hinted_by] for hint in told]
        self._words = dict(enumerate(told))
        self._forms = {number: trigger for number, trigger in words.items() if not hinted_by[number]}
        self._forms |= {**_SIGNS, _NUMBERS: DIGITS}
        self._at_once: tuple[PatternSet, PatternSet] = (compiled_set(self._forms), compiled_set(self._words))
        self._few_at_once: tuple[_FewAtOnce, _FewAtOnce] | None = None
        numbers = {number: trigger for number, trigger in triggers.items() if number not in words}
        self._numbers = _FewAtOnce(numbers, _MOST_NUMBERS)
        self._many_numbers = _FewAtOnce(numbers)
        self.keys = compiled_set({KEY: key_rules.TRIGGER})

    @property
    def few_at_once(self) -> tuple[_FewAtOnce, _FewAtOnce]:
        """Forms and words for long texts: 100 kB at random would take a tenth of a second the first time."""
        if self._few_at_once is None:
            self._few_at_once = _FewAtOnce(self._forms), _FewAtOnce(self._words, _MOST_WORDS)
        return self._few_at_once

    def fired(self, asked: "Asked") -> frozenset[int]:
        """Return which of them, by their number, and which signs fire on a text."""
        forms, words = self.few_at_once if asked.is_varied else self._at_once
        fired = forms.matching(asked.encoded)
        has_numbers = _NUMBERS in fired
        if has_numbers:
            fired.remove(_NUMBERS)
            fired += (self._many_numbers if asked.is_varied else self._numbers).matching(asked.encoded)
        if told := words.matching(asked.encoded):
            fired += self._hinted_at(told, asked, has_numbers=has_numbers)
        return frozenset(fired) if fired else _NONE

    def fires(self, asked: "Asked") -> bool:
        """Tell whether any of them fires: where much does, forms alone say so."""
        forms = (self.few_at_once if asked.is_varied else self._at_once)[0]
        return not _NUMBERS_ALONE.issuperset(forms.matching(asked.encoded)) or bool(self.fired(asked))

    def _hinted_at(self, told: list[int], asked: "Asked", *, has_numbers: bool) -> list[int]:
        """Return the detectors that words hint at and whose needs are there, if their triggers confirm it."""
        there = _signs(numbers=has_numbers, lines=asked.has_lines)
        families = {family for hint in told for family in self._hinted[hint] if family.needs <= there}
        if len(families) > _MOST_ASKED:
            return [number for family in families for number in family.triggers]
        return [number for family in families for number in family.asked.matching(asked.encoded)]


class Asked:
    """A text that is asked about."""

    __slots__ = ("encoded", "has_lines", "is_varied")

    def __init__(self, text: str) -> None:
        self.encoded = encode(without_typography(text))
        self.has_lines = "\n" in text
        self.is_varied = _is_varied(text)


class Prefilter:
    """Tells which detectors a text may concern."""

    def __init__(
        self, detectors: Sequence[Detector] = DETECTORS, triggers: _Triggers | None = None, more: PatternSet | None = None
    ) -> None:
        self._triggers = triggers or _Triggers(detectors)
        self._more = more
        # Short documents come again and again: the parameters of a model, tags. Those in which nothing is are known.
        self._clean: set[str] = set()

    def with_more(self, more: Sequence[Detector], first: int) -> "Prefilter":
        """Return a prefilter that has more detectors, the first of them by this number."""
        patterns = {first + number: detector.pattern for number, detector in enumerate(more)}
        return Prefilter(triggers=self._triggers, more=compiled_set(patterns))

    def fired(self, text: str, *, is_json: bool = False) -> frozenset[int]:
        """Return which detectors, by their number, and which signs the text may concern. `is_json`: keys may say so too."""
        asked = Asked(text)
        fired = self._fired(asked)
        return fired.union(self._triggers.keys.matching(asked.encoded)) if is_json else fired

    def fires(self, text: str) -> bool:
        """Tell whether JSON text may concern any detector, a key or a sign: that takes a part of the time of telling which."""
        asked = Asked(text)
        if self._triggers.fires(asked) or self._triggers.keys.matching(asked.encoded):
            return True
        return self._more is not None and bool(self._more.matching(asked.encoded))

    def fired_in_document(self, document: str) -> frozenset[int]:
        """Return what the texts of valid JSON without escapes may concern; where that is nothing, what its keys may say."""
        is_short = len(document) <= _SHORT
        if is_short and document in self._clean:
            return _NONE
        fired = self._fired(Asked(document.replace('"', SEPARATOR)))
        if not fired and not say_nothing(keys_of(document)):
            fired = frozenset(self._triggers.keys.matching(encode(document)))
        if not fired and is_short:
            remember(self._clean, document)
        return fired

    def _fired(self, asked: Asked) -> frozenset[int]:
        fired = self._triggers.fired(asked)
        return fired if self._more is None else fired.union(self._more.matching(asked.encoded))


def _is_varied(text: str) -> bool:
    """Tell whether a text is long, and more than a third of it neither small letters nor blanks: no prose is like that."""
    if len(text) < _LONG:
        return False
    sample = text[::_SAMPLED].encode("utf-8", "replace")
    return 3 * len(sample.translate(None, _OF_PROSE)) > len(sample)


def _families(
    detectors: Sequence[Detector], triggers: Mapping[int, str], hinted_by: Mapping[int, frozenset[str]]
) -> list[_Family]:
    """Put detectors together that the same words hint at, but for a few."""
    families: list[_Family] = []
    for number in sorted(triggers, key=lambda number: len(hinted_by[number])):
        told = hinted_by[number]
        if not told:
            continue
        needs = _needs(detectors[number])
        joined = [one for one in families if one.common <= told and 2 * len(one.common) > len(told) and one.may_have(needs)]
        family = joined[0] if joined else None
        if family is None:
            family = _Family(told, needs)
            families.append(family)
        family.hinted_by |= told
        family.triggers[number] = triggers[number]
    return families


def _needs(detector: Detector) -> frozenset[int]:
    return _signs(numbers=detector.numeric, lines=detector.lines)


def _signs(*, numbers: bool, lines: bool) -> frozenset[int]:
    return frozenset([sign for sign, is_there in ((_NUMBERS, numbers), (_LINES, lines)) if is_there])
