"""The regular expression engine: RE2, linear in the length of the text whatever it holds. All that is known of it is here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped] # google-re2 has neither types nor stubs

Spans = list[tuple[int, int]]
"""The spans of a match and of its groups, in characters; (-1, -1) for a group that took no part."""

_MEMORY_BYTES = 64 * 1024 * 1024
"""For one pattern's automaton. RE2 starts it anew when it is full."""
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))
_NONE: Final[frozenset[int]] = frozenset()


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    return options


def encode(text: str) -> bytes:
    """Return the text as UTF-8, one `?` for each lone surrogate: positions in characters stay as they are."""
    return text.encode("utf-8", "replace")


class Pattern:
    """One compiled pattern. Raises ValueError for what RE2 cannot do."""

    def __init__(self, pattern: str) -> None:
        try:
            self._compiled = re2.compile(pattern, _options())
        except re2.error as error:
            raise ValueError(f"RE2 does not take this pattern: {error}") from None

    def search(self, data: bytes, characters: int, take: Callable[[Spans], int]) -> None:
        """Hand the spans of each match in an encoded text of so many characters to `take`, from the left.

        `take` returns how many characters of the match's end it did not use: the search goes on with these.
        """
        at = byte = char = 0
        while at <= len(data) and (match := self._compiled.search(data, at)) is not None:
            # span() would ask RE2 for the number of groups each time.
            groups: Spans = match._spans  # noqa: SLF001
            start, at = groups[0]
            if len(data) == characters:
                unused = take(groups)
            else:
                char += _characters(data, byte, start)
                byte = start
                unused = take([_in_characters(data, span, byte, char) for span in groups])
                unused = _bytes_of_last(data[start:at], unused) if unused else 0
            at = max(at - unused, start + 1)


def _in_characters(data: bytes, span: tuple[int, int], byte: int, char: int) -> tuple[int, int]:
    """Return a span in characters, given that byte and character stand for the same place, at its start or before."""
    return (char + _characters(data, byte, span[0]), char + _characters(data, byte, span[1])) if span[0] >= 0 else span


def _characters(data: bytes, start: int, end: int) -> int:
    return len(data[start:end].translate(None, _CONTINUATION_BYTES))


def _bytes_of_last(data: bytes, characters: int) -> int:
    return len(data.decode()[-characters:].encode())


class PatternSet:
    """Many patterns, matched in one pass."""

    def __init__(self, patterns: Mapping[int, str]) -> None:
        self._set = re2.Set.SearchSet(_options())
        for pattern in patterns.values():
            self._set.Add(pattern)
        # The set answers "nothing" when it runs out of memory. It then misses this one too, which is in every text.
        self._canary: int = self._set.Add(r"\z")
        self._set.Compile()
        self._names = tuple(patterns)

    def matching(self, data: bytes) -> frozenset[int]:
        """Return the keys of the patterns that match somewhere in the text; all of them when it cannot be told."""
        matched: Sequence[int] = self._set.Match(data) or ()
        if len(matched) == 1 and matched[0] == self._canary:
            return _NONE
        if self._canary not in matched:
            return frozenset(self._names)
        return frozenset(self._names[index] for index in matched if index != self._canary)
