"""A text searched: the prefilter, then the detectors it names, on the text and on what hides in it; JSON leaf by leaf."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import accumulate, chain, count
from time import perf_counter
from typing import Final, NamedTuple

from .detector import SEPARATOR, Candidate, Detector
from .detectors import DETECTORS
from .engine import Pattern, Spans, encode
from .event import Withheld
from .findings import Finding, Hit, merge, outside_placeholders
from .key_rules import number_hit, value_hit, words_of
from .normalise import View, percent_decoded, plain, unescape_all, unescaped
from .prefilter import ESCAPE, KEY, ODD, PERCENT, Prefilter
from .structure import MAX_DEPTH, Leaf, is_json, looks_like_json
from .texts import Texts, Walked, cut, is_valid

_CANDIDATES_A_CHECK = 64
_LONG_ENOUGH = 256
"""Characters of texts that are searched at once, at least: below this, asking the prefilter costs more than it saves."""
_MAX_CARRIED = 2
"""How deep carriers in carriers are searched."""


class Redaction(NamedTuple):
    """A finding, and what takes its place."""

    finding: Finding
    replacement: str
    detector: str
    """Name of the detector that the type is from."""


class Budget:
    """How long a search may take."""

    def __init__(self, seconds: float, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._unchecked = 0

    def check(self) -> None:
        """Raise Withheld when the time is over."""
        if self._clock() > self._end:
            raise Withheld("the search ran over its time budget")

    def spend(self) -> None:
        """Count one candidate; check now and then."""
        self._unchecked += 1
        if self._unchecked >= _CANDIDATES_A_CHECK:
            self._unchecked = 0
            self.check()


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


class Scanner:
    """All detectors, ready."""

    def __init__(self, table: Sequence[Detector] = DETECTORS) -> None:
        self._table = table
        self._prefilter = Prefilter(table)
        self._structural = frozenset(number for number, detector in enumerate(table) if detector.structural)
        self._patterns = [Pattern(detector.pattern, ours=True) for detector in table]

    def with_more(self, more: Sequence[Detector]) -> "Scanner":
        """Return a scanner that has more detectors; the compiled ones are shared. Raises ValueError for what RE2 cannot do."""
        if not more:
            return self
        wider = copy(self)
        wider._table = (*self._table, *more)  # noqa: SLF001 - its own copy
        wider._prefilter = self._prefilter.with_more(more, len(self._table))  # noqa: SLF001 - its own copy
        wider._patterns = [*self._patterns, *(Pattern(detector.pattern) for detector in more)]  # noqa: SLF001 - its own copy
        return wider

    def find(
        self, text: str, budget: Budget, depth: int = 0, treatment: Treatment = PLACEHOLDERS, *, valid: bool = False
    ) -> list[Redaction]:
        """Return what is to go from a text, in order: JSON is taken apart, other text is searched as it is.

        `valid` says that the text is known to be JSON. Raises Withheld when it takes too long.
        """
        might_be_json = text[:1] in _JSON_STARTS or text[:64].lstrip()[:1] in _JSON_STARTS
        has_escapes = might_be_json and "\\" in text
        fired = _NOTHING if has_escapes else self._prefilter.fired(text, is_json=might_be_json)
        if not fired and not has_escapes:
            return []
        if might_be_json and (valid or is_valid(text)):
            if not has_escapes and fired <= self._structural:
                return []
            if (texts := cut(text)) is not None:
                return [*self._in_document(texts, budget, depth, treatment, is_hot=bool(fired))]
        if has_escapes:
            layers = (text, *_unescaped_layers(text))
            fired = frozenset().union(*(self._prefilter.fired(layer, is_json=True) for layer in layers))
            if not fired:
                return []
        if might_be_json and is_json(text):
            return [] if fired <= self._structural else [*self._in_document(Walked(text), budget, depth, treatment)]
        hits = self._in_text(text, fired, budget, depth, treatment)
        if might_be_json and looks_like_json(text):
            for (kind, start, end), _, detector in self._in_document(Walked(text), budget, depth, treatment):
                hits.append(Hit(start, end, kind, 0, detector))
        return [
            Redaction(
                Finding(hit.type, hit.start, hit.end),
                treatment.replacement(text[hit.start : hit.end], hit, _same),
                hit.detector,
            )
            for hit in merge(treatment.left(text, hits, _same))
        ]

    def _in_document(
        self, document: Texts, budget: Budget, depth: int, treatment: Treatment, *, is_hot: bool = True
    ) -> Iterator[Redaction]:
        """Search all texts together, and each by what its key says. `is_hot` says that the prefilter fired on the document."""
        if not is_hot and not document.judged and not self._prefilter.fired(SEPARATOR.join(document.texts)):
            return
        hits = self._by_text(document, budget, depth, treatment)
        names: _KeyNames | None = None
        for number in sorted({*hits, *document.judged}):
            leaf = document.leaf(number)
            if leaf.number:
                hits[number] = list(number_hit(leaf.text, leaf.key, leaf.rule))
            elif leaf.rule is not None:
                hits[number] += value_hit(leaf.text, leaf.rule)
            if leaf.owner >= 0 and names is None:
                names = _KeyNames(document.leaves)
            yield from _redactions(leaf, hits[number], names, treatment)

    def _by_text(self, document: Texts, budget: Budget, depth: int, treatment: Treatment) -> dict[int, list[Hit]]:
        """Return what is found in the texts of a document, by the number of each."""
        hits = defaultdict[int, list[Hit]](list)
        for first, last in _together(document.texts):
            texts = document.texts[first:last]
            joined = SEPARATOR.join(texts)
            fired = self._prefilter.fired(joined)
            if not fired:
                continue
            starts = [0, *accumulate([len(text) + 1 for text in texts])]

            def key_at(position: int, first: int = first, starts: list[int] = starts) -> str:
                return " ".join(words_of(document.key(first + bisect_right(starts, position) - 1)))

            for start, end, kind, rank, detector in self._in_text(joined, fired, budget, depth, treatment, key_at):
                number = bisect_right(starts, start) - 1
                hits[first + number].append(Hit(start - starts[number], end - starts[number], kind, rank, detector))
        return hits

    def _in_text(
        self,
        text: str,
        fired: frozenset[int],
        budget: Budget,
        depth: int,
        treatment: Treatment,
        key_at: Callable[[int], str] = lambda _: "",
    ) -> list[Hit]:
        """Search a text, and what it looks like with odd characters folded, percent-encoding and escapes decoded."""
        budget.check()
        base = plain(text) if ODD in fired else None
        if base:
            fired = self._prefilter.fired(base.text)
        seen = base.text if base else text

        def key_before(position: int) -> str:
            return key_at(base.source(position, position + 1)[0] if base else position)

        hits = self._run(seen, fired, budget, depth, treatment, key_before)
        for sign, decode in ((PERCENT, percent_decoded), (ESCAPE, unescaped)):
            if sign in fired:
                view = decode(seen)
                refired = self._prefilter.fired(view.text)
                hits += _mapped(view, self._run(view.text, refired, budget, depth, treatment, lambda _: ""))
        return outside_placeholders(text, [*_mapped(base, hits)] if base else hits)

    def _run(
        self,
        text: str,
        fired: frozenset[int],
        budget: Budget,
        depth: int,
        treatment: Treatment,
        key_before: Callable[[int], str],
    ) -> list[Hit]:
        data, hits = encode(text), list[Hit]()
        has_brackets = "[" in text or "]" in text

        def inside(carried: str) -> str | None:
            found = self.find(carried, budget, depth + 1, treatment.inside()) if depth < _MAX_CARRIED else []
            return min((redaction.finding.type for redaction in found), default=None)

        def take(groups: Spans) -> int:
            budget.spend()
            candidate = Candidate(text, groups, key_before, inside)
            if has_brackets and candidate.touches_placeholder:
                return 0
            spans = detector.judge(candidate)
            if spans is None:
                return 0
            first, end = groups[0]
            start = first
            for begin, start, kind in spans:
                hits.append(Hit(begin, start, kind or detector.type, detector.rank, detector.name))
            if start > first:
                return 0 if detector.whole else end - start
            return end - _second_word(text, start, end) if detector.retry else 0

        for number in sorted(fired - _SIGNS):
            detector = self._table[number]
            self._patterns[number].search(data, len(text), take)
        return hits


def _second_word(text: str, start: int, end: int) -> int:
    """Return where the separator before the second word is: what begins there may ask for it."""
    separator = _SEPARATORS.search(text, start, end)
    return separator.end() - 1 if separator else end


_JSON_STARTS = frozenset('{["')
_SIGNS = frozenset((KEY, ODD, PERCENT, ESCAPE))
_NOTHING: Final[frozenset[int]] = frozenset()
_PSEUDONYM = re.compile(r"\[[A-Z0-9_]+:[a-z2-7]{20}\]")
_SEPARATORS = re.compile(r"[ .\-/()]+")


def _mapped(view: View, hits: list[Hit]) -> Iterator[Hit]:
    for hit in hits:
        start, end = view.source(hit.start, hit.end)
        yield hit._replace(start=start, end=end)


def _unescaped_layers(text: str) -> Iterator[str]:
    """Yield JSON text with its escapes decoded, and again where JSON stands in its strings: what the prefilter must see."""
    for _ in range(MAX_DEPTH + 1):
        if "\\" not in text:
            return
        text = unescape_all(text)
        yield text


class _KeyNames:
    """Numbered placeholders for the keys of each object: two keys must not become one."""

    def __init__(self, found: Sequence[Leaf]) -> None:
        self._taken = {(leaf.owner, leaf.text) for leaf in found if leaf.owner >= 0 and leaf.text[:1] == "["}
        self._numbers = defaultdict[tuple[int, str], Iterator[int]](lambda: count(1))

    def next(self, owner: int, new: str) -> str:
        """Return a placeholder that no other key of the object has; a pseudonym is changed only when it comes again."""
        stem = new[1:-1]
        names: Iterator[str] = (f"[{stem}:{number}]" for number in self._numbers[owner, stem])
        if _PSEUDONYM.fullmatch(new):
            names = chain((new,), names)
        name = next(name for name in names if (owner, name) not in self._taken)
        self._taken.add((owner, name))
        return name


def _together(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield from which text to which they are searched at once: parts of a long document that are clean are left out."""
    first = length = 0
    for number, text in enumerate(texts, 1):
        length += len(text) + 1
        if length >= _LONG_ENOUGH:
            yield first, number
            first, length = number, 0
    if length:
        yield first, len(texts)


def _redactions(leaf: Leaf, hits: list[Hit], names: _KeyNames | None, treatment: Treatment) -> Iterator[Redaction]:
    for hit in merge(treatment.left(leaf.text, hits, leaf.source)):
        new = treatment.replacement(leaf.text[hit.start : hit.end], hit, leaf.source)
        if names is not None and leaf.owner >= 0:
            new = names.next(leaf.owner, new or f"[{hit.type}]")
        elif leaf.number:
            new = f"{leaf.quote()}{new}{leaf.quote()}" if new else "null"
        yield Redaction(Finding(hit.type, *leaf.source(hit.start, hit.end)), new, hit.detector)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end
