"""Words and signs that a text must hold for a pattern to match it: to look for these is cheap, and tells most texts apart."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import Any, Final, NamedTuple

from .engine_plain import python_syntax

parser: Final[Any] = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way to take a pattern apart

_SHORTEST: Final = 3
"""Bytes of a literal that tells something; an end of a word counts as one."""
_LONG_ENOUGH: Final = 6
"""Bytes from which on a literal is not made better by more."""
_LONGEST: Final = 28
_MOST: Final = 600
"""Literals for one part of a pattern; what may be more than these is not told apart."""
_MOST_USEFUL: Final = 256
"""What a literal is made longer by must not make more of them than these."""
_FEW: Final = 16
"""Literals that may be more than those of another part if they tell more."""
_MOST_IN_CLASS: Final = 40
"""Characters of a class that are told apart."""
_MOST_SIGNS: Final = 3
"""Signs of one class that are told apart; of more it is enough that a word ends there."""
_WIDEST_CLASS: Final = 64
_FIRST: Final = 1
_LAST: Final = -1
_EDGE: Final = "\0"
"""Stands for an end of a word in a literal."""
_SIGN: Final = re.compile(rf"[^A-Za-z {_EDGE}]")
_WORD: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

Literals = frozenset[str]
"""Texts of which one is there; an empty one among them says that nothing is known."""
_UNKNOWN: Final[Literals] = frozenset(("",))


@lru_cache(maxsize=1024)
def hints(pattern: str) -> frozenset[str]:
    """Return patterns, of RE2's syntax and without repeats, of which one matches wherever this one does; none if not known."""
    fold = "(?i" in pattern
    best = _of_sequence(parser.parse(python_syntax(pattern))).needed
    best = frozenset(map(str.lower, best)) if fold else best
    if min(map(_weight, best)) < _SHORTEST:
        return frozenset()
    kept = [text for text in best if best.isdisjoint(_proper_parts(text))]
    return frozenset([f"{'(?i)' * fold}{_escaped(text)}" for text in kept])


def _proper_parts(text: str) -> Iterator[str]:
    """Yield what stands in a text, short of all of it."""
    for start, end in combinations(range(len(text) + 1), 2):
        if end - start < len(text):
            yield text[start:end]


def beginnings(pattern: str) -> frozenset[str]:
    """Return texts of which every match of a pattern, of RE2's syntax, begins with one; none if not known or if case is not."""
    if "(?i" in pattern:
        return frozenset()
    texts, _ = _beginnings_of(parser.parse(python_syntax(pattern)))
    return frozenset(text[:_LONG_ENOUGH] for text in texts) if min(map(len, texts)) >= _SHORTEST else frozenset()


def _beginnings_of(items: Sequence[tuple[Any, Any]]) -> tuple[Literals, bool]:
    """Return what these begin with, and whether that is all that they match."""
    texts, is_all = _UNKNOWN, True
    for op, argument in items:
        more, is_all = _beginning_of(op, argument)
        is_enough = len(more) > 1 and min(map(len, texts)) >= _SHORTEST
        if is_enough or len(texts) * len(more) > _MOST_USEFUL:
            return texts, False
        texts = _joined(texts, more)
        if not is_all or min(map(len, texts)) >= _LONG_ENOUGH:
            return texts, False
    return texts, is_all


def _beginning_of(op: Any, argument: Any) -> tuple[Literals, bool]:  # noqa: PLR0911 - one for each kind
    match str(op):
        case "LITERAL":
            return frozenset((chr(argument),)), True
        case "IN":
            exact = _of_class(argument).exact
            return (_UNKNOWN, False) if exact is None else (exact, True)
        case "SUBPATTERN":
            return _beginnings_of(argument[3])
        case "BRANCH" if not is_boundary(argument[1]):
            branches = [_beginnings_of(items) for items in argument[1]]
            return frozenset[str]().union(*[texts for texts, _ in branches]), all(is_all for _, is_all in branches)
        case "MAX_REPEAT":
            least, most, items = argument
            texts, is_all = _beginnings_of(items)
            return (texts, is_all and most == 1) if least else (texts | _UNKNOWN, is_all and most == 1)
        case "BRANCH" | "AT":
            return _UNKNOWN, True
    return _UNKNOWN, False


class _Part(NamedTuple):
    """What is known of a part of a pattern."""

    exact: Literals | None
    """All that it matches, where that is not much."""
    needed: Literals = _UNKNOWN
    """Of these one is in whatever it matches."""


_ANYTHING: Final = _Part(None)
_NOTHING: Final = _Part(_UNKNOWN)


def _of_sequence(items: Sequence[tuple[Any, Any]], *, before: bool = False, after: bool = False) -> _Part:
    """Return what is known of parts one after the other; `before` and `after` say whether a word ends there."""
    items = [*items]
    lefts = _edges(items, _LAST, beyond=before)
    rights = _edges(items[:0:-1], _FIRST, beyond=after)[::-1]
    run, needed, is_exact = _UNKNOWN, _UNKNOWN, True
    for (op, argument), left, right in zip(items, lefts, rights, strict=False):
        part = _of_item(op, argument, before=left, after=right)
        needed = _better(needed, part.needed)
        longer = _joined(run, part.exact) if part.exact is not None and _is_worth(run, part.exact) else None
        if longer is not None and len(longer) <= _MOST and max(map(len, longer)) <= _LONGEST:
            run = longer
        else:
            is_exact, needed, run = False, _better(needed, run), part.exact or _UNKNOWN
    return _Part(run if is_exact else None, _better(needed, run))


def _of_item(op: Any, argument: Any, *, before: bool, after: bool) -> _Part:  # noqa: PLR0911 - one for each kind
    match str(op):
        case "LITERAL":
            return _with_edges(_of_characters({argument}), before=before, after=after)
        case "IN":
            return _with_edges(_of_class(argument), before=before, after=after)
        case "SUBPATTERN":
            return _of_sequence(argument[3], before=before, after=after)
        case "BRANCH" if is_boundary(argument[1]):
            return _NOTHING
        case "BRANCH":
            return _of_branches([_of_sequence(items, before=before, after=after) for items in argument[1]])
        case "MAX_REPEAT":
            least, most, items = argument
            return _repeated(_of_sequence(items), int(least), int(most))
        case "AT":
            return _NOTHING
    return _ANYTHING


def _with_edges(part: _Part, *, before: bool, after: bool) -> _Part:
    """Mark the ends of words; beside what is no part of a word there are none."""
    if part.exact is None or not all(map(_is_word, part.exact)):
        return part
    exact = frozenset(f"{_EDGE * before}{text}{_EDGE * after}" for text in part.exact)
    return _Part(exact, exact)


def _of_branches(branches: Sequence[_Part]) -> _Part:
    exact: Literals | None = frozenset()
    for branch in branches:
        exact = None if exact is None or branch.exact is None else exact | branch.exact
    exact = exact if exact is not None and len(exact) <= _MOST else None
    needed = frozenset[str]().union(*[branch.needed for branch in branches])
    return _Part(exact, needed)


def _repeated(part: _Part, least: int, most: int) -> _Part:
    if least == most == 1:
        return part
    if (least, most) == (0, 1) and part.exact is not None:
        return _Part(part.exact | _UNKNOWN)
    if least == most and part.exact is not None and len(part.exact) == 1:
        (text,) = part.exact
        return _Part(frozenset((text * least,))) if len(text) * least <= _LONGEST else _Part(None, part.needed)
    return _Part(None, part.needed) if least else _ANYTHING


def _of_class(members: Sequence[tuple[Any, Any]]) -> _Part:
    negated, spans = ranges(members)
    if negated or sum(last - first + 1 for first, last in spans) > _WIDEST_CLASS:
        return _ANYTHING
    codes = {code for first, last in spans for code in range(first, last + 1)}
    return _ANYTHING if len(codes) > _MOST_SIGNS and not any(_is_word(chr(code)) for code in codes) else _of_characters(codes)


def ranges(members: Sequence[tuple[Any, Any]]) -> tuple[bool, list[tuple[int, int]]]:
    """Return whether a class is of what its members are not, and these, from which character to which."""
    negated = str(members[0][0]) == "NEGATE"
    return negated, [(argument, argument) if str(op) == "LITERAL" else argument for op, argument in members[negated:]]


def _is_worth(run: Literals, more: Literals) -> bool:
    """Tell whether literals gain by what may follow: of many there would only be more."""
    return len(run) * len(more) <= _MOST_USEFUL or min(map(_weight, run)) < _SHORTEST


def _edges(items: Sequence[tuple[Any, Any]], side: int, *, beyond: bool) -> list[bool]:
    """Return whether a word ends before the first of these, and behind each; `side` is that of theirs which tells."""
    edges = [beyond]
    for item in items:
        is_apart, may_be_empty = _edge_of_item(*item, side)
        edges.append(is_apart and (edges[-1] or not may_be_empty))
    return edges


def _edge_of(items: Iterable[tuple[Any, Any]], side: int) -> tuple[bool, bool]:
    """Return whether no part of a word stands first, or last, in what these match, and whether that may be nothing."""
    is_apart = True
    for op, argument in items:
        item_is_apart, may_be_empty = _edge_of_item(op, argument, side)
        is_apart = is_apart and item_is_apart
        if not may_be_empty:
            return is_apart, False
    return is_apart, True


def _edge_of_item(op: Any, argument: Any, side: int) -> tuple[bool, bool]:  # noqa: PLR0911 - one for each kind
    match str(op):
        case "LITERAL":
            return not _is_word(chr(argument)), False
        case "IN":
            return _has_no_word(argument), False
        case "SUBPATTERN":
            return _edge_of(argument[3][::side], side)
        case "BRANCH" if not is_boundary(argument[1]):
            edges = [_edge_of(items[::side], side) for items in argument[1]]
            return all(is_apart for is_apart, _ in edges), any(may_be_empty for _, may_be_empty in edges)
        case "MAX_REPEAT":
            is_apart, may_be_empty = _edge_of(argument[2][::side], side)
            return is_apart, may_be_empty or not argument[0]
        case "BRANCH" | "AT":
            return True, False
    return False, False


def _has_no_word(members: Sequence[tuple[Any, Any]]) -> bool:
    """Tell whether no character of a class is part of a word."""
    negated, spans = ranges(members)
    return all(negated is any(first <= ord(char) <= last for first, last in spans) for char in _WORD)


def _of_characters(codes: Iterable[int]) -> _Part:
    texts = frozenset(map(chr, codes))
    return _Part(texts, texts) if len(texts) <= _MOST_IN_CLASS else _ANYTHING


def is_boundary(branches: Sequence[Sequence[tuple[Any, Any]]]) -> bool:
    """Tell whether these are what `python_syntax` makes of a word's boundary: nothing else looks around."""
    return any(str(op).startswith("ASSERT") for op, _ in branches[0])


def _joined(first: Literals, second: Literals) -> Literals:
    return frozenset(map("".join, product(first, second)))


def _better(first: Literals, second: Literals) -> Literals:
    return max(first, second, key=_worth)


@lru_cache(maxsize=4096)
def _worth(texts: Literals) -> tuple[int, bool, int]:
    """Return how much literals tell: long ones, a few with other characters than prose is made of, and few."""
    has_signs = len(texts) <= _FEW and all(map(_SIGN.search, texts))
    return min(_LONG_ENOUGH, *map(_weight, texts)), has_signs, -len(texts)


def _weight(text: str) -> int:
    core = text.replace(_EDGE, "").encode()
    edges = 0 if core.isdigit() else min(len(text) - len(text.strip(_EDGE)), len(core) - 1)
    return edges + len(core) if len(core.strip()) > 1 else 0


def _is_word(char: str) -> bool:
    return char in _WORD


def _escaped(text: str) -> str:
    return "".join(
        r"\b" if char == _EDGE else char if char.isalnum() or not char.isascii() else f"\\x{ord(char):02x}" for char in text
    )
