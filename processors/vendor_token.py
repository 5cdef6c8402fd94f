"""What a vendor's key or token is: where it begins is telling, and what follows has a length."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .literals import hints

_WORDS: Final = re.compile("[0-9A-Z]")
_JOINTS: Final = re.compile("[_-]")
_REST_OF_WORD: Final = re.compile(r"[\w-]*", re.ASCII)
_SIGN: Final = re.compile(r"\\x..")
_TELLING, _TELLING_ALONE = 4, 6
"""Characters of a beginning that no word has, and base64 seldom: with a sign in it, and without."""


class Token(NamedTuple):
    """A vendor's token."""

    name: str
    vendor: str
    trigger: str
    """RE2: how it begins, short."""
    pattern: str
    """RE2: all of it; a group where only a part is secret."""
    example: str
    counter_example: str
    telling: bool = False
    """Whether nothing else begins so: it is one even where it is glued to a word."""
    numeric: bool = False
    """As of detectors."""


def token(name: str, vendor: str, trigger: str, body: str, sample: str, counter: str = "") -> Token:
    """Describe a token that begins with its trigger: glued to a word before it, it is none, unless that is telling."""
    telling = _is_telling(trigger)
    bounded = trigger if telling else rf"\b(?:{trigger})"
    return Token(
        name, vendor, bounded, f"(?:{trigger}){body}", sample, counter or f"the prefix {sample[:6]} alone", telling=telling
    )


def _is_telling(trigger: str) -> bool:
    """Tell whether what begins so is long enough; with a sign in it, that is less."""
    begins = [(_SIGN.sub("-", hint.replace(r"\b", "")), hint) for hint in hints(trigger)]
    return bool(begins) and all(len(text) >= (_TELLING if _SIGN.search(hint) else _TELLING_ALONE) for text, hint in begins)


def letters(length: int) -> str:
    """Return an invented token body: examples are assembled, so that no scanner takes this file for a leak."""
    return ("a1B2c3D4e5F6g7H8i9J0kLmN" * 12)[:length]


def hexadecimal(length: int) -> str:
    """Return one of hexadecimal digits."""
    return ("0a1b2c3d4e5f6789" * 12)[:length]


def digits(length: int) -> str:
    """Return one of decimal digits."""
    return ("1302457689" * 12)[:length]


def _judge(candidate: Candidate) -> Iterable[Span]:
    """Judge: not a part of a longer word, not filling, and not words joined by hyphens."""
    before, after = candidate.previous, candidate.following
    glued = "://" not in candidate.value and ((before.isalnum() and before.isascii()) or before == "_")
    if glued or (after.isalnum() and after.isascii()) or _is_made_up(candidate.value):
        return NOTHING
    return whole(candidate)


def _telling(candidate: Candidate) -> Iterable[Span]:
    """Judge: not filling, and not words joined by hyphens. What is glued to its end goes with it."""
    if _is_made_up(candidate.value):
        return NOTHING
    rest = _REST_OF_WORD.match(candidate.text, candidate.end)
    return NOTHING if rest is None else (Span(candidate.start, rest.end()),)


def _is_made_up(value: str) -> bool:
    """Tell whether a value is filling, or words joined by hyphens."""
    body = value[4:]
    return {*body} <= {*"*-_0."} or (not _WORDS.search(body) and _JOINTS.search(body) is not None)


def detectors_of(tokens: Iterable[Token]) -> tuple[Detector, ...]:
    """Return the detectors of vendors' tokens."""
    return tuple(
        Detector(
            name=one.name,
            type="SECRET",
            reason=f"{one.vendor}: a key or token with a form of its own.",
            pattern=one.pattern,
            trigger=one.trigger,
            judge=_telling if one.telling else _judge,
            rank=Rank.VENDOR_SECRET,
            numeric=one.numeric,
            example=one.example,
            counter_example=one.counter_example,
        )
        for one in tokens
    )
