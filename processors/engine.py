"""The regular expression engine: RE2, or where google-re2 is not installed Python's own, which finds the same.

Python's own has no bound on its time but the budget of a search, which is looked at between candidates only; so it takes the
patterns of the table of detectors alone, and a policy with patterns of a tenant's own cannot be used there.
"""

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from .engine_plain import python_syntax
from .engine_spans import Encoded, Spans

HAS_RE2: Final = find_spec("re2") is not None
"""Whether google-re2 is there."""

if TYPE_CHECKING or HAS_RE2:
    from .engine_re2 import Pattern, PatternSet, encode
else:
    from .engine_plain import Pattern, PatternSet, encode
__all__ = ["HAS_RE2", "Encoded", "Parts", "Pattern", "PatternSet", "Spans", "encode", "parts_of", "says"]


def says(words: str) -> Callable[[str], bool]:
    """Return a function that tells whether a pattern, in RE2's syntax, matches somewhere in a text: for lists of many words."""
    patterns = PatternSet({0: words})
    return lambda text: bool(patterns.matching(encode(text)))


Parts = Callable[[str, int, int], Sequence[tuple[int, int]]]
"""Tells the spans of a match in a text, by its beginning and end, and of its groups."""


def parts_of(pattern: str) -> Parts:
    """Return what tells the parts of the matches of a pattern in RE2's syntax."""
    compiled = re.compile(python_syntax(pattern))

    def parts(text: str, start: int, end: int) -> Sequence[tuple[int, int]]:
        match = compiled.match(text, start, end)
        if match is None:  # for a lone surrogate the engine saw a `?`
            match = compiled.match(text.encode("utf-8", "replace").decode(), start, end)
        if match is None:
            raise ValueError("a match has none of the parts of its detector")
        return match.regs

    return parts
