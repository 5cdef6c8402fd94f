"""The groups of a match that was found without them: Python's own engine tells them, given where the match is."""

import re
from collections.abc import Sequence

from .engine_plain import python_syntax
from .engine_types import Parts


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
