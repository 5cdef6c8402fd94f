"""What both engines of regular expressions are to who uses them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Encoded = Any
"""A text as an engine searches it: bytes for RE2, and for Python's own a text."""

Spans = list[tuple[int, int]]
"""The spans of a match and of its groups, in characters; (-1, -1) for a group that took no part."""

Parts = Callable[[str, int, int], Sequence[tuple[int, int]]]
"""Tells the spans of a match in a text, by its beginning and end, and of its groups."""


class Pattern(Protocol):
    """One compiled pattern."""

    def search(self, data: Encoded, characters: int, take: Callable[[Spans], int]) -> None:
        """Hand the spans of each match in an encoded text of so many characters to `take`, from the left.

        `take` returns how many characters of the match's end it did not use: the search goes on with these.
        """


class PatternSet(Protocol):
    """Many patterns, matched in one pass."""

    def matching(self, data: Encoded) -> frozenset[int]:
        """Return the keys of the patterns that match somewhere in the text; all of them when it cannot be told."""
