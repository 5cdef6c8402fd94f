"""A text searched: the prefilter, then the detectors it names, on the text and on what hides in it; JSON leaf by leaf."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from .begun import Begun
from .candidates import Carried, Search
from .detector import SEPARATOR, Detector
from .detectors import DETECTORS
from .engine import compiled
from .engine_parts import parts_of
from .engine_types import Encoded, Parts, Pattern, Windows
from .findings import Hit, merge, outside_placeholders
from .key_rules import number_hit, value_hit, words_of
from .normalise import View, broken, percent_decoded, plain, unescape_all, unescaped, without_typography
from .prefilter import BREAK, ESCAPE, KEY, ODD, PERCENT, Prefilter
from .redaction import PLACEHOLDERS, Budget, Redaction, Treatment
from .structure import MAX_DEPTH, Leaf, is_json, is_valid, leaves, looks_like_json, might_be_json
from .texts import Cut, Several, Texts, Walked, are_several, closed, cut, joined_texts, starts_of

_AROUND: Final = 300
"""How far from what was decoded a text is searched again: what is further was found when it was searched as it is."""
_AROUND_BREAKS: Final = 150
"""The same for ends of lines: they hide nothing but where a word begins."""
_MOST_TOGETHER: Final = 2000
"""Characters of several texts that detectors search, for each of the texts: to search each alone takes as long."""
_MAX_CARRIED: Final = 2
"""How deep carriers in carriers are searched."""


class Prefilters(Protocol):
    """Whatever tells which detectors a text may concern; `prefilter.Prefilter` does."""

    def fired(self, text: str, *, is_json: bool = False) -> frozenset[int]:
        """Return which do, by their number, and which signs."""

    def fires(self, text: str) -> bool:
        """Tell whether any does in JSON text."""

    def fired_in_document(self, document: str) -> frozenset[int]:
        """Return which do in valid JSON without escapes."""

    def where(self, text: Encoded) -> Mapping[int, Windows]:
        """Return in which windows alone of a text some detectors may find something; of others, or other texts, none."""

    def with_more(self, more: Sequence[Detector], first: int) -> "Prefilters":
        """Return one for more detectors, the first of them by this number."""


class Scanner:
    """All detectors, ready."""

    def __init__(
        self, table: Sequence[Detector] = DETECTORS, prefilter: Prefilters | None = None, narrower: "Scanner | None" = None
    ) -> None:
        """Take the detectors. What was compiled is shared with a `narrower` scanner: of those that this one has first."""
        self._table = table
        self._prefilter: Prefilters = prefilter or Prefilter(table)
        self._patterns: list[Pattern] = [] if narrower is None else [*narrower._patterns]  # noqa: SLF001 - it is one too
        self._parts: list[Parts | None] = [] if narrower is None else [*narrower._parts]  # noqa: SLF001 - it is one too
        for detector in table[len(self._patterns) :]:
            parts = detector.parts
            pattern = detector.begins or detector.pattern
            self._patterns.append(compiled(pattern, ours=narrower is None, groups=parts is None))
            self._parts.append(None if parts is None else parts_of(parts or detector.pattern))
        self._begun: Begun = Begun(table) if narrower is None else narrower._begun  # noqa: SLF001 - it is one too

    def with_more(self, more: Sequence[Detector]) -> "Scanner":
        """Return a scanner that has more detectors; the compiled ones are shared. Raises ValueError for what RE2 cannot do."""
        if not more:
            return self
        return Scanner((*self._table, *more), self._prefilter.with_more(more, len(self._table)), self)

    def find(
        self, text: str, budget: Budget, depth: int = 0, treatment: Treatment = PLACEHOLDERS, *, valid: bool = False
    ) -> list[Redaction]:
        """Return what is to go from a text, in order: JSON is taken apart, other text is searched as it is.

        `valid` says that the text is known to be JSON. Raises Withheld when it takes too long.
        """
        if not might_be_json(text):
            return self._in_plain(text, self._prefilter.fired(text), budget, depth, treatment)
        is_document = valid or is_valid(text)
        in_document = self._prefilter.fired_in_document(text) if is_document and "\\" not in text else None
        if in_document is None and is_document and (joined := joined_texts(text)) is not None:
            in_document = self._prefilter.fired(joined)
        if in_document is not None and not in_document:
            return []
        if is_document and (texts := cut(text)) is not None:
            if in_document is not None and texts.is_as_written:
                return self._in_place(text, texts, in_document, budget, depth, treatment)
            return [*self._in_document(texts, budget, depth, treatment, in_document)]
        fires = in_document is not None or self._fires_in_layers(text)
        if fires and is_json(text):
            return [*self._in_document(Walked(leaves(text)), budget, depth, treatment, in_document)]
        return self._in_plain(text, in_document, budget, depth, treatment) if fires else []

    def find_in_each(
        self, texts: Sequence[str], budget: Budget, depth: int = 0, treatment: Treatment = PLACEHOLDERS
    ) -> Iterator[tuple[int, Redaction]]:
        """Yield what is to go from each of several texts, in order, with the number of the text: all are searched in one go.

        Raises Withheld when it takes too long.
        """
        if len(texts) == 1:
            yield from [(0, found) for found in self.find(texts[0], budget, depth, treatment)]
            return
        fired = None if any(map(might_be_json, texts)) else self._prefilter.fired(SEPARATOR.join(texts))
        yield from self._in_each(texts, fired, budget, depth, treatment)

    def find_together(
        self, texts: Sequence[str], budget: Budget, treatment: Treatment = PLACEHOLDERS
    ) -> Iterator[tuple[int, Redaction]] | None:
        """Return the same for texts that are no JSON; None where it takes less time to search each alone."""
        fired = self._prefilter.fired(SEPARATOR.join(texts))
        if len(fired) * sum(map(len, texts)) > _MOST_TOGETHER * len(texts):
            return None
        return self._in_each(texts, fired, budget, 0, treatment)

    def _in_each(
        self, texts: Sequence[str], fired: frozenset[int] | None, budget: Budget, depth: int, treatment: Treatment
    ) -> Iterator[tuple[int, Redaction]]:
        """Yield what is to go from each of several texts; `fired` is what they may concern, None where JSON is among them."""
        if fired == _NOTHING:
            return
        several = Several(texts)
        for found in self._in_document(several, budget, depth, treatment, fired):
            number = bisect_right(several.starts, found.start) - 1
            first = several.starts[number]
            yield number, Redaction(found.type, found.start - first, found.end - first, found.replacement, found.detector)

    def _fires_in_layers(self, text: str) -> bool:
        """Tell whether anything fires on JSON text, or on that with its escapes decoded: JSON may stand in its strings."""
        return self._prefilter.fires(text) or any(self._prefilter.fires(layer) for layer in _unescaped_layers(text))

    def _fired_in_layers(self, text: str) -> frozenset[int]:
        """Return what fires on JSON text, and on that with its escapes decoded, as often as JSON may stand in its strings.

        Where something fires that matters no more for detectors, which are run on the text as it is; and of the signs, only
        what hides a printable character can hide another one.
        """
        fired = self._prefilter.fired(text, is_json=True)
        if fired and (PERCENT in fired or ESCAPE not in fired):
            return fired
        return fired.union(*[self._prefilter.fired(layer, is_json=True) for layer in _unescaped_layers(text)])

    def _in_plain(
        self, text: str, fired: frozenset[int] | None, budget: Budget, depth: int, treatment: Treatment
    ) -> list[Redaction]:
        """Search a text as it is; JSON that ends too early as JSON, and documents in a row. What else looks like it is both."""
        if fired == _NOTHING:
            return []
        is_alike = looks_like_json(text)
        whole = closed(text) if is_alike and '"' in text else None  # a line of a log may begin with a bracket
        if whole is not None and whole != text:
            return self.find(whole, budget, depth, treatment, valid=True)
        if is_alike and are_several(text):
            return [*self._in_document(Walked(leaves(text)), budget, depth, treatment)]
        if fired is None:
            fired = self._fired_in_layers(text)
        hits = self._in_text(text, fired, budget, depth, treatment)
        if is_alike:
            for leaf, found in self._by_leaf(Walked(leaves(text)), budget, depth, treatment):
                for hit in merge(treatment.left(leaf.text, found, leaf.source)):
                    start, end = leaf.source(hit.start, hit.end)
                    hits.append(Hit(start, end, hit.type, hit.rank if leaf.number else 0, hit.detector))
        return _replaced(text, hits, treatment)

    def _in_place(
        self, text: str, document: Cut, fired: frozenset[int], budget: Budget, depth: int, treatment: Treatment
    ) -> list[Redaction]:
        """Search a document whose texts all stand in it as they are."""
        if fired <= _SILENT:
            return []

        def key_at(position: int) -> str:
            return " ".join(words_of(document.key(document.number_at(position))))

        hits = self._in_text(document.in_place(), fired, budget, depth, treatment, key_at)
        if any(document.is_in_key(hit.end) for hit in hits):
            return [*_redactions(document, _of_leaves(document, hits, document.starts), treatment)]
        return _replaced(text, hits, treatment)

    def _in_document(
        self, document: Texts, budget: Budget, depth: int, treatment: Treatment, fired: frozenset[int] | None = None
    ) -> Iterator[Redaction]:
        """Search the texts of a document; `fired` is what they may concern, when it is known."""
        return _redactions(document, self._by_leaf(document, budget, depth, treatment, fired), treatment)

    def _by_leaf(
        self, document: Texts, budget: Budget, depth: int, treatment: Treatment, fired: frozenset[int] | None = None
    ) -> Iterator[tuple[Leaf, list[Hit]]]:
        """Search all texts together, and each by what its key says. Yield the leaves in which something is, and what."""
        joined = SEPARATOR.join(document.texts)
        fired = self._prefilter.fired(joined) if fired is None else fired
        if not document.judged and fired <= _SILENT:
            return
        starts: list[int] = []

        def key_at(position: int) -> str:
            if not starts:
                starts.extend(starts_of(document.texts))
            return " ".join(words_of(document.key(bisect_right(starts, position) - 1)))

        hits = self._in_text(joined, fired, budget, depth, treatment, key_at)
        yield from _of_leaves(document, hits, starts or (starts_of(document.texts) if hits else ()))

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
        seen = base.text if base else without_typography(text)

        def key_before(position: int) -> str:
            return key_at(base.source(position, position + 1)[0] if base else position)

        search = self._run(seen, fired, budget, key_before)
        hits, carried = search.hits, search.carried
        for sign, decode, around in _DECODED:
            if sign in fired:
                found, inside = self._in_view(decode(seen, around), around // 2, budget)
                hits += found
                carried += inside
        if carried:
            hits += self._carriers(carried, budget, depth, treatment)
        return outside_placeholders(text, [*_mapped(base, hits)] if base else hits)

    def _in_view(self, view: View, near: int, budget: Budget) -> tuple[list[Hit], list[Carried]]:
        """Search what a text looks like decoded, with odd characters folded; what is not `near` that may be cut off."""
        fired = self._prefilter.fired(view.text)
        folded = plain(view.text) if ODD in fired else View(without_typography(view.text), [0], [0], [False])
        if ODD in fired:
            fired = self._prefilter.fired(folded.text)
        search = self._run(folded.text, fired, budget, lambda _: "")
        hits = [hit for hit in _mapped(folded, search.hits) if view.is_near(hit.start, hit.end, near)]
        carriers = _mapped(view, [*_mapped(folded, [carrier for carrier, _ in search.carried])])
        return [*_mapped(view, hits)], [*zip(carriers, [inside for _, inside in search.carried], strict=True)]

    def _carriers(self, carried: list[Carried], budget: Budget, depth: int, treatment: Treatment) -> Iterator[Hit]:
        """Yield those hits whose carried text has something in it, of the type of that; none where they are too deep."""
        if depth >= _MAX_CARRIED:
            return
        documents = [*dict.fromkeys([text for _, text in carried])]
        types: dict[str, str] = {}
        for number, found in self.find_in_each(documents, budget, depth + 1, treatment.inside()):
            text = documents[number]
            types[text] = min(types.get(text, found.type), found.type)
        for hit, text in carried:
            if text in types:
                yield Hit(hit.start, hit.end, types[text], hit.rank, hit.detector)

    def _run(self, text: str, fired: frozenset[int], budget: Budget, key_before: Callable[[int], str]) -> Search:
        search, numbers = Search(text, key_before, budget), sorted(fired - _SIGNS)
        places = self._begun.places(search.encoded, numbers)
        where = self._prefilter.where(search.encoded)
        for number in numbers:
            windows = where.get(number, ())
            search.by(self._table[number], self._patterns[number], self._parts[number], places.get(number), windows)
        return search


_DECODED: Final = (
    (PERCENT, percent_decoded, _AROUND),
    (ESCAPE, unescaped, _AROUND),
    (BREAK, broken, _AROUND_BREAKS),
)
"""What each sign hides, and how far from that a text is searched again."""
_SIGNS: Final = frozenset((KEY, ODD, PERCENT, ESCAPE, BREAK))
_NOTHING: Final = frozenset[int]()
_SILENT: Final = frozenset((KEY,))
"""What fires where the texts of a document need not be searched."""
_PSEUDONYM: Final = re.compile(r"\[[A-Z0-9_]+:[a-z2-7]{20}\]")


def _mapped(view: View, hits: list[Hit]) -> Iterator[Hit]:
    for hit in hits:
        start, end = view.source(hit.start, hit.end)
        yield Hit(start, end, hit.type, hit.rank, hit.detector)


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
        self._numbers = defaultdict[tuple[int, str], int](int)

    def next(self, owner: int, new: str) -> str:
        """Return a placeholder that no other key of the object has; a pseudonym is changed only when it comes again."""
        stem = new[1:-1]
        name = new if _PSEUDONYM.fullmatch(new) else ""
        while not name or (owner, name) in self._taken:
            self._numbers[owner, stem] += 1
            name = f"[{stem}:{self._numbers[owner, stem]}]"
        self._taken.add((owner, name))
        return name


def _replaced(text: str, hits: list[Hit], treatment: Treatment) -> list[Redaction]:
    return [
        Redaction(hit.type, hit.start, hit.end, treatment.replacement(text[hit.start : hit.end], hit, _same), hit.detector)
        for hit in merge(treatment.left(text, hits, _same))
    ]


def _of_leaves(document: Texts, hits: Iterable[Hit], starts: Sequence[int]) -> Iterator[tuple[Leaf, list[Hit]]]:
    """Yield the leaves of a document in which something is, and what: what was found in its texts, and what keys say.

    The texts begin at `starts`, where they were searched together.
    """
    found: dict[int, list[Hit]] = {}
    for hit in hits:
        number = bisect_right(starts, hit.start) - 1
        first = starts[number]
        inner = Hit(hit.start - first, hit.end - first, hit.type, hit.rank, hit.detector)
        if number in found:
            found[number].append(inner)
        else:
            found[number] = [inner]
    for number in sorted({*found, *document.judged}):
        leaf, inside = document.leaf(number), found.get(number, [])
        if leaf.number:
            inside = [*number_hit(leaf.text, leaf.key, leaf.rule)]
        elif leaf.rule is not None:
            inside += value_hit(leaf.text, leaf.rule)
        if inside:
            yield leaf, inside


def _redactions(document: Texts, found: Iterable[tuple[Leaf, list[Hit]]], treatment: Treatment) -> Iterator[Redaction]:
    names: _KeyNames | None = None
    for leaf, hits in found:
        is_key = leaf.owner >= 0
        if is_key and names is None:
            names = _KeyNames(document.leaves)
        for hit in merge(treatment.left(leaf.text, hits, leaf.source)):
            new = treatment.replacement(leaf.text[hit.start : hit.end], hit, leaf.source)
            if names is not None and is_key:
                new = names.next(leaf.owner, new or f"[{hit.type}]")
            elif leaf.number:
                new = f"{leaf.quote()}{new}{leaf.quote()}" if new else "null"
            start, end = leaf.source(hit.start, hit.end)
            yield Redaction(hit.type, start, end, new, hit.detector)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end
