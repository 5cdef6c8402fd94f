"""A text searched: the prefilter, then the detectors it names, on the text and on what hides in it; JSON leaf by leaf."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import chain, count
from time import perf_counter
from typing import Final, NamedTuple

from .detector import SEPARATOR, Candidate, Detector
from .detectors import DETECTORS, ESCAPE, KEY, ODD, PERCENT, Prefilter
from .engine import Pattern, Spans, encode
from .event import Withheld
from .findings import Finding, Hit, merge, outside_placeholders
from .key_rules import number_hit, value_hit, words_of
from .normalise import View, percent_decoded, plain, unescape_all, unescaped
from .structure import MAX_DEPTH, Leaf, is_json, leaves, looks_like_json

_CANDIDATES_A_CHECK = 64
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

    def find(self, text: str, budget: Budget, depth: int = 0, treatment: Treatment = PLACEHOLDERS) -> list[Redaction]:
        """Return what is to go from a text, in order: JSON is taken apart, other text is searched as it is.

        Raises Withheld when it takes too long.
        """
        might_be_json = text[:1] in _JSON_STARTS or text[:64].lstrip()[:1] in _JSON_STARTS
        fired = self._prefilter.fired(text, is_json=might_be_json)
        if might_be_json:
            fired = fired.union(*(self._prefilter.fired(layer, is_json=True) for layer in _unescaped_layers(text)))
        if not fired:
            return []
        if might_be_json and is_json(text):
            return [] if fired <= self._structural else [*self._in_leaves(leaves(text), budget, depth, treatment)]
        hits = self._in_text(text, fired, budget, depth, treatment)
        if might_be_json and looks_like_json(text):
            for (kind, start, end), _, detector in self._in_leaves(leaves(text), budget, depth, treatment):
                hits.append(Hit(start, end, kind, 0, detector))
        return [
            Redaction(
                Finding(hit.type, hit.start, hit.end),
                treatment.replacement(text[hit.start : hit.end], hit, _same),
                hit.detector,
            )
            for hit in merge(treatment.left(text, hits, _same))
        ]

    def _in_leaves(self, found: list[Leaf], budget: Budget, depth: int, treatment: Treatment) -> Iterator[Redaction]:
        """Search all leaves in one go, and each by what its key says."""
        starts, hits = [0], defaultdict[int, list[Hit]](list)
        for leaf in found:
            starts.append(starts[-1] + len(leaf.text) + 1)

        def key_at(position: int) -> str:
            return " ".join(words_of(found[bisect_right(starts, position) - 1].key))

        joined = SEPARATOR.join(leaf.text for leaf in found)
        for hit in self._in_text(joined, self._prefilter.fired(joined), budget, depth, treatment, key_at):
            number = bisect_right(starts, hit.start) - 1
            hits[number].append(hit._replace(start=hit.start - starts[number], end=hit.end - starts[number]))
        names = _KeyNames(found)
        for number, leaf in enumerate(found):
            if leaf.number:
                hits[number] = list(number_hit(leaf.text, leaf.key, leaf.rule))
            elif leaf.rule is not None:
                hits[number] += value_hit(leaf.text, leaf.rule)
            if number in hits:
                yield from _redactions(leaf, hits[number], names, treatment)

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

        def inside(carried: str) -> str | None:
            found = self.find(carried, budget, depth + 1, treatment.inside()) if depth < _MAX_CARRIED else []
            return min((redaction.finding.type for redaction in found), default=None)

        for number in sorted(fired - _SIGNS):
            detector = self._table[number]

            def take(groups: Spans, detector: Detector = detector) -> int:
                budget.spend()
                candidate = Candidate(text, groups, key_before, inside)
                start, end = groups[0]
                if candidate.touches_placeholder:
                    return 0
                for span in detector.judge(candidate):
                    hits.append(Hit(span.start, span.end, span.type or detector.type, detector.rank, detector.name))
                    start = span.end
                if start > groups[0][0]:
                    return end - start
                return end - _second_word(text, start, end) if detector.retry else 0

            self._patterns[number].search(data, len(text), take)
        return hits


def _second_word(text: str, start: int, end: int) -> int:
    separator = _SEPARATORS.search(text, start, end)
    return separator.end() if separator else end


_JSON_STARTS = frozenset('{["')
_SIGNS = frozenset((KEY, ODD, PERCENT, ESCAPE))
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

    def __init__(self, found: list[Leaf]) -> None:
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


def _redactions(leaf: Leaf, hits: list[Hit], names: _KeyNames, treatment: Treatment) -> Iterator[Redaction]:
    for hit in merge(treatment.left(leaf.text, hits, leaf.source)):
        new = treatment.replacement(leaf.text[hit.start : hit.end], hit, leaf.source)
        if leaf.owner >= 0:
            new = names.next(leaf.owner, new or f"[{hit.type}]")
        elif leaf.number:
            new = f"{leaf.quote()}{new}{leaf.quote()}" if new else "null"
        yield Redaction(Finding(hit.type, *leaf.source(hit.start, hit.end)), new, hit.detector)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end
