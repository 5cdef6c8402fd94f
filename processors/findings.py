"""What redaction finds in a text: spans with a type, overlaps resolved, and the placeholders that take their place."""

import re
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NamedTuple

from .engine import says

TYPES: Final = (
    "ADDRESS",
    "CREDIT_CARD",
    "CRYPTO_WALLET",
    "DATE_OF_BIRTH",
    "EMAIL",
    "IBAN",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "NATIONAL_ID",
    "PERSON",
    "PHONE",
    "SECRET",
    "US_SSN",
)
"""Every type that a finding may have."""

CUSTOM_TYPE: Final = r"CUSTOM_[A-Z0-9_]{1,20}"
"""A type of a tenant's own, as a regular expression."""

PLACEHOLDER: Final = (
    r"\[(?:"
    + "|".join((*TYPES, "WITHHELD", CUSTOM_TYPE))
    + r")(?::(?:[a-z2-7]{20}|\*{4}[0-9A-Za-z]{0,4}|[0-9A-Za-z]{1,8}))?(?::[0-9]{1,6})?\]"
)
"""What our own placeholders look like, as a regular expression: they are never found again.

After the type may stand a pseudonym, or four stars and the last characters of a masked value; then a number in keys of objects.
"""

LONGEST_PLACEHOLDER: Final = 64
"""Characters of the longest, its number included."""

_BRACKETS: Final = ("[", "<")
_STANDING_IN: Final = re.compile(rf"{PLACEHOLDER}|<[A-Z_]{{1,50}}_[0-9]+>")
_STARS: Final = re.compile(r"\*+")
_has_standing_in = says(rf"{_STANDING_IN.pattern}|\*{{4}}")
_FEW: Final = 8
"""Hits that are looked at at once: a pass over a text takes longer."""
_start: Final = attrgetter("start")


class Finding(NamedTuple):
    """One thing found: its type, and where it is in the input, in characters, end exclusive."""

    type: str
    start: int
    end: int


class Hit:
    """What one detector says, before overlaps are resolved. The lower the rank, the more its type is believed.

    `detector` is its name. A hostile text has ten thousands of these: compiled, no other kind of object is made so fast.
    """

    __slots__ = ("detector", "end", "rank", "start", "type")

    def __init__(self, start: int, end: int, kind: str, rank: int, detector: str) -> None:
        self.start = start
        self.end = end
        self.type = kind
        self.rank = rank
        self.detector = detector


def merge(hits: Iterable[Hit]) -> list[Hit]:
    """Return the union of all spans, in order and without overlap, each with the most believed type of what it covers.

    Of equal ranks the longest span names it, then the leftmost.
    """
    ordered = sorted(hits, key=_start)
    if not ordered:
        return ordered
    merged: list[Hit] = []
    best = ordered[0]
    first, last = best.start, best.end
    for hit in ordered[1:]:
        if hit.start >= last:
            merged.append(_widened(best, first, last))
            best, first, last = hit, hit.start, hit.end
            continue
        last = max(last, hit.end)
        if hit.rank < best.rank or (hit.rank == best.rank and hit.end - hit.start > best.end - best.start):
            best = hit
    merged.append(_widened(best, first, last))
    return merged


def _widened(hit: Hit, first: int, last: int) -> Hit:
    return hit if hit.start == first and hit.end == last else Hit(first, last, hit.type, hit.rank, hit.detector)


def outside_placeholders(text: str, hits: list[Hit]) -> list[Hit]:
    """Return the hits that are not within what stands in for something already: redacting twice changes nothing."""
    if not hits or not ("[" in text or "<" in text or "****" in text):
        return hits
    if len(hits) > _FEW and not _has_standing_in(text):
        return hits
    return [hit for hit in hits if not _is_inside(text, hit.start, hit.end)]


def _is_inside(text: str, start: int, end: int) -> bool:
    """Tell whether a span is within what stands in for something."""
    for begin in _BRACKETS:
        at = text.rfind(begin, max(0, start - LONGEST_PLACEHOLDER), start + 1)
        standing = _STANDING_IN.match(text, at) if at >= 0 else None
        if standing is not None and standing.end() >= end:
            return True
    stars = _STARS.match(text, start) if text[start] == "*" else None
    return stars is not None and stars.end() >= end and "****" in text[max(0, start - 3) : stars.end()]
