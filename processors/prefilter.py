"""The prefilter: which detectors a text may concern. Most texts concern none, and are told apart in two passes over them.

RE2 builds its automata while it reads. One of all triggers would have the states of one times those of the next, and never be
done: so all texts are searched for words and shapes without repeats only, and what these hint at is asked for itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from . import key_rules, normalise
from .detector import SEPARATOR, Detector
from .detectors import DETECTORS
from .engine import HAS_RE2, compiled_set, encode
from .engine_types import Encoded, PatternSet, Windows
from .families import Family, FewAtOnce, families
from .literals import hints
from .normalise import without_typography
from .texts import keys_of, remember, say_nothing
from .windows import FEWEST_BYTES, is_near, joined, windows

KEY: Final = -1
"""Fired: a JSON key may say what its value is."""
ODD: Final = -2
"""Fired: characters that hide others."""
PERCENT: Final = -3
"""Fired: percent-encoding that hides a printable character."""
ESCAPE: Final = -4
"""Fired: escapes that hide a printable character."""
BREAK: Final = -5
"""Fired: ends of lines, written as escapes, that hide where numbers begin."""
_NUMBERS: Final = -6
"""Fired: digits as all detectors of numbers need them."""
_LINES: Final = -7
"""An end of a line: to look for it beside patterns would take longer than by itself."""

_SIGNS: Final = {
    ODD: normalise.ODD_TRIGGER,
    PERCENT: normalise.PERCENT_TRIGGER,
    ESCAPE: normalise.ESCAPE_TRIGGER,
    BREAK: normalise.BREAK_TRIGGER,
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
_MOST_NUMBERS: Final = 12
"""Detectors of numbers at once, in texts in which there are not so many digits."""
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


class _Triggers:
    """The triggers of detectors, ready."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        triggers = {number: detector.trigger or detector.pattern for number, detector in enumerate(detectors)}
        words = {n: trigger for n, trigger in triggers.items() if detectors[n].worded or not detectors[n].numeric}
        hinted_by = {number: hints(trigger) if HAS_RE2 else frozenset[str]() for number, trigger in words.items()}
        self._families = families(detectors, words, hinted_by, {number: _needs(detectors[number]) for number in words}, _LINES)
        told = sorted({hint for family in self._families for hint in family.hinted_by})
        self._hinted = [[family for family in self._families if hint in family.hinted_by] for hint in told]
        self._words = dict(enumerate(told))
        self._forms = {number: trigger for number, trigger in words.items() if not hinted_by[number]}
        self._forms |= {**_SIGNS, _NUMBERS: DIGITS}
        self._at_once: tuple[PatternSet, PatternSet] = (compiled_set(self._forms), compiled_set(self._words))
        self._few_at_once: tuple[FewAtOnce, FewAtOnce] | None = None
        numbers = {number: trigger for number, trigger in triggers.items() if number not in words}
        self._numbers = FewAtOnce(numbers, _MOST_NUMBERS)
        self._many_numbers = FewAtOnce(numbers)
        self.keys = compiled_set({KEY: key_rules.TRIGGER})
        self._patterns = [detector.pattern for detector in detectors]
        self._near: frozenset[int] | None = None

    @property
    def near(self) -> frozenset[int]:
        """Those of which each match is in one window."""
        if self._near is None:
            self._near = frozenset([number for number, pattern in enumerate(self._patterns) if is_near(pattern)])
        return self._near

    @property
    def few_at_once(self) -> tuple[FewAtOnce, FewAtOnce]:
        """Forms and words for long texts: 100 kB at random would take a tenth of a second the first time."""
        if self._few_at_once is None:
            self._few_at_once = FewAtOnce(self._forms), FewAtOnce(self._words, _MOST_WORDS)
        return self._few_at_once

    def fired(self, asked: "Asked") -> frozenset[int]:
        """Return which of them, by their number, and which signs fire on a text."""
        return frozenset(self.concerned(asked)) if len(asked.windows) > 1 else self._fired_on_short(asked)

    def concerned(self, asked: "Asked") -> dict[int, list[tuple[int, int]]]:
        """Return the windows of a long text on which each of them fires, or each of those that hint at it; and the signs.

        Of a text with odd characters that is all: it will be asked about again when these are folded.
        """
        forms, words = self.few_at_once if asked.is_varied else self._at_once
        numbers = self._many_numbers if asked.is_varied else self._numbers
        parts = [(window, asked.encoded.window(*window)) for window in asked.windows]
        fired_on = [forms.matching(part) for _, part in parts]
        if any(ODD in fired for fired in fired_on):
            return {ODD: [*asked.windows]}
        concerned = defaultdict[int, list[tuple[int, int]]](list)
        far: set[Family] = set()
        for (window, part), signs in zip(parts, fired_on, strict=True):
            has_numbers = _NUMBERS in signs
            fired = [*signs, *numbers.matching(part)] if has_numbers else signs
            if told := words.matching(part):
                hinted = self._hinted_at(told, _signs(numbers=has_numbers, lines=asked.has_lines))
                far.update([family for family in hinted if not family.is_near])
                fired += _confirmed([family for family in hinted if family.is_near], part, is_varied=asked.is_varied)
            for number in fired:
                concerned[number].append(window)
        concerned.pop(_NUMBERS, None)
        for number in _confirmed(far, asked.encoded, is_varied=asked.is_varied):
            concerned[number] = [*asked.windows]
        return concerned

    def fires(self, asked: "Asked") -> bool:
        """Tell whether any of them fires: where much does, forms alone say so."""
        forms = (self.few_at_once if asked.is_varied else self._at_once)[0]
        return not _NUMBERS_ALONE.issuperset(forms.matching(asked.encoded)) or bool(self.fired(asked))

    def _fired_on_short(self, asked: "Asked") -> frozenset[int]:
        forms, words = self.few_at_once if asked.is_varied else self._at_once
        fired = forms.matching(asked.encoded)
        has_numbers = _NUMBERS in fired
        if has_numbers:
            fired.remove(_NUMBERS)
            fired += (self._many_numbers if asked.is_varied else self._numbers).matching(asked.encoded)
        if told := words.matching(asked.encoded):
            families = self._hinted_at(told, _signs(numbers=has_numbers, lines=asked.has_lines))
            fired += _confirmed(families, asked.encoded, is_varied=asked.is_varied)
        return frozenset(fired) if fired else _NONE

    def _hinted_at(self, told: Iterable[int], there: frozenset[int]) -> set[Family]:
        """Return the families that words hint at and whose needs are there."""
        return {family for hint in told for family in self._hinted[hint] if family.needs <= there}


def _confirmed(hinted: Collection[Family], text: Encoded, *, is_varied: bool) -> list[int]:
    """Return the detectors of families whose triggers confirm what was hinted at."""
    if len(hinted) > _MOST_ASKED:
        return [number for family in hinted for number in family.triggers]
    return [number for family in hinted for number in family.fired(text, is_varied=is_varied)]


class Asked:
    """A text that is asked about."""

    __slots__ = ("encoded", "has_lines", "is_varied", "windows")

    def __init__(self, text: str) -> None:
        self.encoded = encode(without_typography(text))
        self.has_lines = "\n" in text
        self.is_varied = _is_varied(text)
        is_long = HAS_RE2 and len(text) >= FEWEST_BYTES and not self.is_varied
        self.windows: Windows = windows(self.encoded.data) if is_long else ()


class Prefilter:
    """Tells which detectors a text may concern."""

    def __init__(
        self, detectors: Sequence[Detector] = DETECTORS, triggers: _Triggers | None = None, more: PatternSet | None = None
    ) -> None:
        self._triggers = triggers or _Triggers(detectors)
        self._more = more
        # Short documents come again and again: the parameters of a model, tags. Those in which nothing is are known.
        self._clean: set[str] = set()
        self._where: tuple[bytes, Mapping[int, Windows]] = (b"", {})

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

    def where(self, text: Encoded) -> Mapping[int, Windows]:
        """Return in which windows alone of a text some detectors may find something; nothing unless it was asked about last."""
        data, where = self._where
        return where if where and text.data == data else {}

    def _fired(self, asked: Asked) -> frozenset[int]:
        if len(asked.windows) > 1:
            concerned = self._triggers.concerned(asked)
            near = self._triggers.near
            self._where = (
                asked.encoded.data,
                {number: joined(several) for number, several in concerned.items() if number in near},
            )
            fired = frozenset(concerned)
            return fired if self._more is None else fired.union(self._more.matching(asked.encoded))
        fired = self._triggers.fired(asked)
        return fired if self._more is None else fired.union(self._more.matching(asked.encoded))


def _is_varied(text: str) -> bool:
    """Tell whether a text is long, and more than a third of it neither small letters nor blanks: no prose is like that."""
    if len(text) < _LONG:
        return False
    sample = text[::_SAMPLED].encode("utf-8", "replace")
    return 3 * len(sample.translate(None, _OF_PROSE)) > len(sample)


def _needs(detector: Detector) -> frozenset[int]:
    return _signs(numbers=detector.numeric, lines=detector.lines)


def _signs(*, numbers: bool, lines: bool) -> frozenset[int]:
    return frozenset([sign for sign, is_there in ((_NUMBERS, numbers), (_LINES, lines)) if is_there])
