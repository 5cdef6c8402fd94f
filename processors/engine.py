"""The regular expression engine: RE2, or where google-re2 is not installed Python's own, which finds the same.

Python's own has no bound on its time but the budget of a search, which is looked at between candidates only; so it takes the
patterns of the table of detectors alone, and a policy with patterns of a tenant's own cannot be used there.
"""

from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from .engine_types import Beginnings, Pattern, PatternSet

HAS_RE2: Final = find_spec("re2") is not None
"""Whether google-re2 is there."""

if TYPE_CHECKING or HAS_RE2:
    from . import engine_re2 as _engine
else:
    from . import engine_plain as _engine

encode = _engine.encode


def compiled(pattern: str, *, ours: bool = False, groups: bool = True) -> Pattern:
    """Return a pattern ready to search; without `groups` it tells the spans of matches only.

    `ours` says that it is from the table of detectors. Raises ValueError for what the engine cannot do.
    """
    return _engine.Pattern(pattern, ours=ours, groups=groups)


def compiled_set(patterns: Mapping[int, str]) -> PatternSet:
    """Return patterns ready to be looked for at once, by their keys."""
    return _engine.PatternSet(patterns)


def beginnings_of(patterns: Mapping[int, Collection[str]]) -> Beginnings | None:
    """Return what tells where patterns may begin, each with one of its literals; None where that helps nothing."""
    return _engine.Beginnings(patterns) if HAS_RE2 else None


def says(words: str) -> Callable[[str], bool]:
    """Return a function that tells whether a pattern, in RE2's syntax, matches somewhere in a text: for lists of many words."""
    return _engine.says(words)
