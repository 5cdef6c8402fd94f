"""Regular expressions by RE2: linear in the length of the text whatever it holds. All that is known of google-re2 is here."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

import re2  # type: ignore[import-untyped] # google-re2 has neither types nor stubs

from .engine_types import Encoded, Spans, Windows

_ANYWHERE: Final = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001 - as in _match_of
_HERE: Final = re2._re2.RE2.Anchor.ANCHOR_START  # noqa: SLF001 - as above
_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""For one pattern's automaton. RE2 starts it anew when it is full."""
_CONTINUATION_BYTES: Final = bytes(range(0x80, 0xC0))
_BLOCK: Final = 256
"""Bytes of a text whose characters are counted together."""


def _options(*, captures: bool = True) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_capture = not captures
    return options


Match = Callable[[Any, bytes, int, int], Spans]
"""Searches bytes from one place to another, anchored or not: the spans of the match and its groups, -1 where there is none."""


def _match_of(compiled: Any) -> Match:
    """Return the search of a compiled pattern itself: the wrapper's own methods cost as much again as that."""
    match: Match = compiled._regexp.Match  # noqa: SLF001 - as said
    return match


class Utf8:
    """A text as RE2 reads it, and where in it its characters are; one `?` stands for each lone surrogate."""

    __slots__ = ("_continued", "data", "is_wide")

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "replace")
        self.is_wide = len(self.data) != len(text)
        self._continued: list[int] = []  # before each block, how many bytes are not the first of a character

    def window(self, start: int, end: int) -> "Utf8":
        """Return a part of it, of these bytes."""
        part = Utf8("")
        part.data = self.data[start:end]
        return part

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return a span of bytes in characters; what took no part stays that."""
        if first < 0:
            return first, last
        begin = self._character(first)
        return begin, begin + last - first - _continued(self.data[first:last])

    def _character(self, at: int) -> int:
        """Return which character begins at a byte. All patterns ask this of one text: none counts it from its beginning."""
        if not self._continued:
            blocks = [_continued(self.data[start : start + _BLOCK]) for start in range(0, len(self.data), _BLOCK)]
            self._continued = [*accumulate(blocks, initial=0)]
        block = at // _BLOCK
        return at - self._continued[block] - _continued(self.data[block * _BLOCK : at])


def encode(text: str) -> Encoded:
    """Return the text as it is searched."""
    return Utf8(text)


class Pattern:
    """One compiled pattern. Without `groups` it tells the spans of matches only. Raises ValueError for what RE2 cannot do."""

    def __init__(self, pattern: str, *, ours: bool = False, groups: bool = True) -> None:
        try:
            compiled = re2.compile(pattern, _options(captures=groups))
            if groups and not compiled.groups:
                compiled = re2.compile(pattern, _options(captures=False))
        except re2.error as error:
            why = error.args[0]
            why = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
            raise ValueError(f"RE2 does not take this pattern: {why}") from None
        self._match = _match_of(compiled)

    def search(self, text: Utf8, take: Callable[[Spans], int], windows: Windows = ()) -> None:
        """Hand the spans of each match in a text to `take`, from the left; where windows are given only in these.

        `take` returns how many characters of the match's end it did not use: the search goes on with these.
        """
        at = 0
        for start, end in windows or ((0, len(text.data)),):
            at = (self._search_wide if text.is_wide else self._search)(text, take, max(at, start), end)

    def _search(self, text: Utf8, take: Callable[[Spans], int], at: int, end: int) -> int:
        match, anywhere, data = self._match, _ANYWHERE, text.data
        while at <= end:
            groups = match(anywhere, data, at, end)
            start, stop = groups[0]
            if start < 0:
                break
            at = max(stop - take(groups), start + 1)
        return at

    def _search_wide(self, text: Utf8, take: Callable[[Spans], int], at: int, end: int) -> int:
        """Search a text with characters of several bytes."""
        match, anywhere, data = self._match, _ANYWHERE, text.data
        while at <= end:
            groups = match(anywhere, data, at, end)
            start, stop = groups[0]
            if start < 0:
                break
            at = max(_before(data, stop, take([text.span(first, last) for first, last in groups])), start + 1)
        return at

    def search_at(self, text: Utf8, places: Sequence[int], take: Callable[[Spans], int]) -> None:
        """Do the same where all places are known at which a match may begin, in order."""
        match, here, data = self._match, _HERE, text.data
        at, end = 0, len(data)
        for place in places:
            if place < at:
                continue
            groups = match(here, data, place, end)
            start, at = groups[0]
            if start < 0:
                at = place
            elif text.is_wide:
                at = _before(data, at, take([text.span(first, last) for first, last in groups]))
            else:
                at -= take(groups)


def says(words: str) -> Callable[[str], bool]:
    """Return a function that tells whether a pattern matches somewhere in a text."""
    match = _match_of(re2.compile(words, _options(captures=False)))

    def is_said(text: str) -> bool:
        data = text.encode("utf-8", "replace")
        return bool(match(_ANYWHERE, data, 0, len(data))[0][0] >= 0)

    return is_said


def _continued(piece: bytes) -> int:
    """Return how many bytes of a piece of UTF-8 are not the first of a character."""
    return 0 if piece.isascii() else len(piece) - len(piece.translate(None, _CONTINUATION_BYTES))


def _before(data: bytes, at: int, characters: int) -> int:
    """Return the place of the byte so many characters before another; behind it when there are less than none."""
    if not characters:
        return at
    most = 4 * characters
    if characters < 0:
        return at + len(data[at : at - most].decode("utf-8", "ignore")[:-characters].encode())
    return at - len(data[max(0, at - most) : at].decode("utf-8", "ignore")[-characters:].encode())


class PatternSet:
    """Many patterns, matched in one pass."""

    def __init__(self, patterns: Mapping[int, str]) -> None:
        compiled = re2.Set.SearchSet(_options())
        for pattern in patterns.values():
            compiled.Add(pattern)
        # The set answers "nothing" when it runs out of memory. It then misses this one too, which is in every text.
        self._canary: int = compiled.Add(r"\z")
        compiled.Compile()
        self._match: Callable[[bytes], Sequence[int] | None] = compiled._set.Match  # noqa: SLF001 - as above
        self._names = tuple(patterns)
        self._nothing = [self._canary]

    def matching(self, text: Utf8) -> list[int]:
        """Return the keys of the patterns that match somewhere in the text; all of them when it cannot be told."""
        matched = self._match(text.data) or ()
        if matched == self._nothing:
            return []
        if self._canary not in matched:
            return [*self._names]
        return [self._names[index] for index in matched if index != self._canary]


class Beginnings:
    """Where patterns may begin that begin with one of a few literals: one pass over a text tells it of hundreds of them."""

    def __init__(self, patterns: Mapping[int, Collection[str]]) -> None:
        self._beginning_with = defaultdict[bytes, list[int]](list)
        for name, literals in patterns.items():
            for literal in literals:
                self._beginning_with[literal.encode()].append(name)
        self._sizes = sorted({len(literal) for literal in self._beginning_with})
        self._pattern = "|".join([re2.escape(literal.decode()) for literal in sorted(self._beginning_with)])
        self._match: Match | None = None

    def places(self, text: Utf8, most: int) -> dict[int, list[int]] | None:
        """Return where in a text each of the patterns may begin, in order; None where there are more than so many places."""
        if self._match is None:
            self._match = _match_of(re2.compile(self._pattern, _options(captures=False)))
        match, anywhere, data, found = self._match, _ANYWHERE, text.data, dict[int, list[int]]()
        at, end = match(anywhere, data, 0, len(data))[0][0], len(data)
        while at >= 0:
            most -= 1
            if most < 0:
                return None
            for size in self._sizes:
                for name in self._beginning_with.get(data[at : at + size], ()):
                    found.setdefault(name, []).append(at)
            at = match(anywhere, data, at + 1, end)[0][0]
        return found
