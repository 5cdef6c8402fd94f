"""Regular expressions by RE2: linear in the length of the text whatever it holds. All that is known of google-re2 is here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped] # google-re2 has neither types nor stubs

from .engine_types import Encoded, Spans

_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""For one pattern's automaton. RE2 starts it anew when it is full."""
_CONTINUATION_BYTES: Final = bytes(range(0x80, 0xC0))
_NONE: Final[frozenset[int]] = frozenset()


def _options(*, captures: bool = True) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_capture = not captures
    return options


def encode(text: str) -> Encoded:
    """Return the text as UTF-8, one `?` for each lone surrogate: positions in characters stay as they are."""
    return text.encode("utf-8", "replace")


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
        # The wrapper's own methods cost as much again as the search, for each match.
        self._match: Callable[[Any, bytes, int, int], Spans] = compiled._regexp.Match  # noqa: SLF001
        self._anywhere = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001

    def search(self, data: bytes, characters: int, take: Callable[[Spans], int]) -> None:
        """Hand the spans of each match in an encoded text of so many characters to `take`, from the left.

        `take` returns how many characters of the match's end it did not use: the search goes on with these.
        """
        match, anywhere, end = self._match, self._anywhere, len(data)
        if end != characters:
            self._search_wide(data, take)
            return
        at = 0
        while at <= end:
            groups = match(anywhere, data, at, end)
            start, stop = groups[0]
            if start < 0:
                return
            at = stop - take(groups)
            if at <= start:
                at = start + 1

    def _search_wide(self, data: bytes, take: Callable[[Spans], int]) -> None:
        """Search a text with characters of several bytes."""
        match, anywhere = self._match, self._anywhere
        at, end = 0, len(data)
        counted = continued = 0  # bytes that were counted, and how many of them are not the first of a character
        while at <= end:
            groups = match(anywhere, data, at, end)
            start, at = groups[0]
            if start < 0:
                return
            continued += _continued(data[counted:start])
            counted = start
            matched = data[start:at]
            if len(groups) == 1:
                begin = start - continued
                groups = [(begin, begin + at - start - _continued(matched))]
            elif matched.isascii():
                groups = [(first - continued, last - continued) if first >= 0 else (-1, -1) for first, last in groups]
            else:
                groups = [_characters(data, span, start, continued) for span in groups]
            at = max(_before(data, at, take(groups)), start + 1)


def _continued(piece: bytes) -> int:
    """Return how many bytes of a piece of UTF-8 are not the first of a character."""
    return 0 if piece.isascii() else len(piece) - len(piece.translate(None, _CONTINUATION_BYTES))


def _characters(data: bytes, span: tuple[int, int], start: int, continued: int) -> tuple[int, int]:
    """Return a span of bytes in characters, where so many bytes before `start`, and the span, are not the first of one."""
    first, last = span
    if first < 0:
        return span
    begin = first - continued - _continued(data[start:first])
    return begin, begin + last - first - _continued(data[first:last])


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

    def matching(self, data: bytes) -> frozenset[int]:
        """Return the keys of the patterns that match somewhere in the text; all of them when it cannot be told."""
        matched = self._match(data) or ()
        if matched == self._nothing:
            return _NONE
        if self._canary not in matched:
            return frozenset(self._names)
        return frozenset([self._names[index] for index in matched if index != self._canary])
