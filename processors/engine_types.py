"""What both engines of regular expressions are to who uses them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Encoded = Any
"""A text as an engine searches it."""

Spans = list[tuple[int, int]]
"""The spans of a match and of its groups, in characters; (-1, -1) for a group that took no part."""

Parts = Callable[[str, int, int], Sequence[tuple[int, int]]]
"""Tells the spans of a match in a text, by its beginning and end, and of its groups."""


Windows = Sequence[tuple[int, int]]
"""Parts of an encoded text, from where to where, in order."""


class Pattern(Protocol):
    """One compiled pattern."""

    def search(self, text: Encoded, take: Callable[[Spans], int], windows: Windows = ()) -> None:
        """Hand the spans of each match in an encoded text to `take`, from the left; where windows are given only in these.

        `take` returns how many characters of the match's end it did not use: the search goes on with these.
        """

    def search_at(self, text: Encoded, places: Sequence[int], take: Callable[[Spans], int]) -> None:
        """Do the same where all places are known at which a match may begin, in order: where `Beginnings` told them."""


class Beginnings(Protocol):
    """Where patterns may begin that begin with one of a few literals."""

    def places(self, text: Encoded, most: int) -> dict[int, list[int]] | None:
        """Return where in a text each of the patterns may begin, in order; None where there are more than so many places."""


class PatternSet(Protocol):
    """Many patterns, matched in one pass."""

    def matching(self, text: Encoded) -> list[int]:
        """Return the keys of the patterns that match somewhere in the text; all of them when it cannot be told."""
