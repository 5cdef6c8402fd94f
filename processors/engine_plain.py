"""Regular expressions by Python's own engine, in RE2's syntax and with RE2's meaning: for where google-re2 is not there."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from .engine_types import Encoded, Spans, Windows

_WORD: Final = "0-9A-Za-z_"
_CLASSES: Final = {"w": _WORD, "d": "0-9", "s": r"\t\n\f\r "}
"""RE2's are of ASCII alone."""
_BOUNDARY: Final = f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))"
_TOKEN: Final = re.compile(r"\\x\{([0-9A-Fa-f]+)\}|\\(.)|(.)", re.DOTALL)


def encode(text: str) -> Encoded:
    """Return the text with one `?` for each lone surrogate, as RE2 would see it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class Pattern:
    """One compiled pattern. Raises ValueError unless it is one of ours: of others nobody knows how long they take."""

    def __init__(self, pattern: str, *, ours: bool = False, groups: bool = True) -> None:
        if not ours:
            raise ValueError("own patterns need google-re2, for their time's sake: run `pip install google-re2`")
        self._compiled = re.compile(python_syntax(pattern))

    def search(self, text: str, take: Callable[[Spans], int], windows: Windows = ()) -> None:
        """Hand the spans of each match in a text to `take`, from the left, as `engine_re2.Pattern` does; of all of it."""
        at, groups = 0, range(self._compiled.groups + 1)
        while at <= len(text) and (match := self._compiled.search(text, at)) is not None:
            at = max(match.end() - take([match.span(group) for group in groups]), match.start() + 1)


class PatternSet:
    """Many patterns."""

    def __init__(self, patterns: Mapping[int, str]) -> None:
        self._compiled = {name: re.compile(python_syntax(pattern)) for name, pattern in patterns.items()}

    def matching(self, text: str) -> list[int]:
        """Return the keys of the patterns that match somewhere in the text."""
        return [name for name, compiled in self._compiled.items() if compiled.search(text)]


def says(words: str) -> Callable[[str], bool]:
    """Return a function that tells whether a pattern matches somewhere in a text."""
    search = re.compile(python_syntax(words)).search
    return lambda text: search(encode(text)) is not None


def python_syntax(pattern: str) -> str:
    """Return a pattern of RE2's syntax in Python's: classes of ASCII, `$` the very end, characters by their number.

    It knows what our patterns use. Raises ValueError for a class that it cannot write.
    """
    pieces: list[str] = []
    in_class = False
    for match in _TOKEN.finditer(pattern):
        number, escaped, char = match.groups()
        if number:
            pieces.append(f"\\U{int(number, 16):08x}")
        elif escaped:
            pieces.append(_escaped(escaped, in_class=in_class))
        elif in_class:
            in_class = char != "]"
            pieces.append("\\[" if char == "[" else char)
        else:
            in_class = char == "["
            pieces.append(r"\Z" if char == "$" else char)
    return "".join(pieces)


def _escaped(char: str, *, in_class: bool) -> str:
    known = _CLASSES.get(char.lower())
    if known is not None and char.islower():
        return known if in_class else f"[{known}]"
    if known is not None and not in_class:
        return f"[^{known}]"
    if known is not None:
        raise ValueError(f"a class cannot hold \\{char}")
    return _BOUNDARY if char == "b" and not in_class else r"\Z" if char == "z" else f"\\{char}"
