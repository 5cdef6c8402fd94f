"""A long text in windows: each pattern that does not reach far matches in one of them wherever it matches in the text."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from .engine_plain import python_syntax
from .engine_types import Windows
from .literals import is_boundary, parser, ranges

FEWEST_BYTES: Final = 8192
"""Of a text that is worth it."""
_SIZE: Final = 4096
"""Bytes from the beginning of a window to that of the next."""
_SHARED: Final = (384, 768)
"""Bytes that windows may share: as few as hold enough words."""
_REACH: Final = 96
"""Characters, and runs of any length that hold blanks or letters but not both, in what a pattern matches that is not far."""
_WORDS: Final = _REACH // 2 + 2
"""In so many characters and runs there are fewer words, whole or cut: no match holds all of what two windows share."""
_BLANKS: Final = "\t\n\f\r "
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""All that is not ASCII counts as such too."""
_LAST_ASCII: Final = 0x7F
_OF_NEITHER: Final = bytes([code for code in range(0x80) if chr(code) not in f"{_BLANKS}{_LETTERS}"])


def windows(text: bytes) -> Windows:
    """Return where each begins and ends; where a text has no words they cannot part, it is in one."""
    found: list[tuple[int, int]] = []
    start, cut = 0, _SIZE
    while cut + _SIZE < len(text):
        for shared in _SHARED:
            if len(text[cut : cut + shared].translate(None, _OF_NEITHER).split(None, _WORDS)) > _WORDS:
                found.append((start, cut + shared))
                start = cut
                cut += _SIZE
                break
        else:
            cut += _SHARED[0]
    return [*found, (start, len(text))]


def joined(several: Iterable[tuple[int, int]]) -> Windows:
    """Return windows, in order, with those in one that share bytes."""
    found: list[tuple[int, int]] = []
    for start, end in several:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def is_near(pattern: str) -> bool:
    """Tell whether a pattern, of RE2's syntax, matches in one of the windows wherever it matches in a text."""
    return _reach(parser.parse(python_syntax(pattern))) <= _REACH


def _reach(items: Sequence[tuple[Any, Any]]) -> float:
    """Return of how many characters and runs, at most, consists what these match."""
    return sum(_reach_of(str(op), argument) for op, argument in items)


def _reach_of(op: str, argument: Any) -> float:
    match op:
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
            return 1
        case "SUBPATTERN":
            return _reach(argument[3])
        case "BRANCH":
            return 0 if is_boundary(argument[1]) else max(map(_reach, argument[1]))
        case "MAX_REPEAT" | "MIN_REPEAT":
            _, most, items = argument
            return 1 if _is_run(items) else _reach(items) * int(most)
        case "AT":
            return 0
    return float("inf")


def _is_run(items: Sequence[tuple[Any, Any]]) -> bool:
    """Tell whether what these match holds no blanks, or no letters."""
    has_blanks, has_letters = _held_by(items)
    return not (has_blanks and has_letters)


def _held_by(items: Sequence[tuple[Any, Any]]) -> tuple[bool, bool]:
    """Return whether what these match may hold blanks, and letters."""
    held = [_held(str(op), argument) for op, argument in items]
    return any(has_blanks for has_blanks, _ in held), any(has_letters for _, has_letters in held)


def _held(op: str, argument: Any) -> tuple[bool, bool]:  # noqa: PLR0911 - one for each kind
    match op:
        case "LITERAL":
            return chr(argument) in _BLANKS, chr(argument) in _LETTERS or argument > _LAST_ASCII
        case "IN":
            return _held_by_class(*ranges(argument))
        case "SUBPATTERN":
            return _held_by(argument[3])
        case "BRANCH" if not is_boundary(argument[1]):
            return _held_by([item for items in argument[1] for item in items])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return _held_by(argument[2])
        case "BRANCH" | "AT":
            return False, False
    return True, True


def _held_by_class(negated: bool, spans: Sequence[tuple[int, int]]) -> tuple[bool, bool]:
    def holds(characters: str) -> bool:
        return any(negated is not any(first <= ord(char) <= last for first, last in spans) for char in characters)

    return holds(_BLANKS), negated or max(spans)[1] > _LAST_ASCII or holds(_LETTERS)
