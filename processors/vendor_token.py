"""What a vendor's key or token is: where it begins is telling, and what follows has a length."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole

_WORDS = re.compile("[0-9A-Z]")
_JOINTS = re.compile("[_-]")


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


def token(name: str, vendor: str, trigger: str, body: str, sample: str, counter: str = "") -> Token:
    """Describe a token that begins with its trigger: glued to a word before it, it is none."""
    return Token(name, vendor, rf"\b(?:{trigger})", f"(?:{trigger}){body}", sample, counter or f"the prefix {sample[:6]} alone")


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
    before, after, value = candidate.previous, candidate.following, candidate.value
    glued = "://" not in value and ((before.isalnum() and before.isascii()) or before == "_")
    if glued or (after.isalnum() and after.isascii()):
        return NOTHING
    body = value[4:]
    made_up = {*body} <= {*"*-_0."} or (not _WORDS.search(body) and _JOINTS.search(body))
    return NOTHING if made_up else whole(candidate)


def detectors_of(tokens: Iterable[Token]) -> tuple[Detector, ...]:
    """Return the detectors of vendors' tokens."""
    return tuple(
        Detector(
            name=one.name,
            type="SECRET",
            reason=f"{one.vendor}: a key or token with a form of its own.",
            pattern=one.pattern,
            trigger=one.trigger,
            judge=_judge,
            rank=Rank.VENDOR_SECRET,
            example=one.example,
            counter_example=one.counter_example,
        )
        for one in tokens
    )
