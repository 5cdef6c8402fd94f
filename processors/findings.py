"""What redaction finds in a text: spans with a type, overlaps resolved, and the placeholders that take their place."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter, le
from typing import Final, NamedTuple, Protocol

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
_BEGINNINGS: Final = (*_BRACKETS, "****")
_STANDING_IN: Final = re.compile(rf"{PLACEHOLDER}|<[A-Z_]{{1,50}}_\d+>")
_STARS: Final = re.compile(r"\*+")
_has_standing_in = says(rf"{_STANDING_IN.pattern}|\*{{4}}")


class Finding(NamedTuple):
    """One thing found: its type, and where it is in the input, in characters, end exclusive."""

    type: str
    start: int
    end: int


as_finding: Callable[[tuple[str, int, int]], Finding] = partial(tuple.__new__, Finding)
"""Return a tuple as a finding: twice as fast as its own constructor."""


class Hit(NamedTuple):
    """What one detector says, before overlaps are resolved. The lower the rank, the more its type is believed."""

    start: int
    end: int
    type: str
    rank: int
    detector: str = ""
    """Name of the detector."""


as_hit: Callable[[tuple[int, int, str, int, str]], Hit] = partial(tuple.__new__, Hit)
"""Return a tuple as a hit: twice as fast as its own constructor."""


def merge(hits: Iterable[Hit]) -> list[Hit]:
    """Return the union of all spans, in order and without overlap, each with the most believed type of what it covers.

    Of equal ranks the longest span names it, then the leftmost.
    """
    hits = sorted(hits, key=_start)
    if len(hits) == 1:
        return hits
    if all(map(le, map(_end, hits), map(_start, hits[1:]))):
        return hits
    merged: list[Hit] = []
    best, (first, last) = hits[0], hits[0][:2]
    for hit in hits[1:]:
        start, end, _, rank, _ = hit
        if start >= last:
            merged.append(_widened(best, first, last))
            best, first, last = hit, start, end
            continue
        last = max(last, end)
        if rank < best[3] or (rank == best[3] and end - start > best[1] - best[0]):
            best = hit
    merged.append(_widened(best, first, last))
    return merged


def _widened(hit: Hit, first: int, last: int) -> Hit:
    start, end, kind, rank, detector = hit
    return hit if start == first and end == last else as_hit((first, last, kind, rank, detector))


def outside_placeholders(text: str, hits: list[Hit]) -> list[Hit]:
    """Return the hits that are not within what stands in for something already: redacting twice changes nothing."""
    if not hits or not any(begin in text for begin in _BEGINNINGS) or not _has_standing_in(text):
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


_start, _end = itemgetter(0), itemgetter(1)


class Placed(Protocol):
    """What is somewhere in a text."""

    @property
    def start(self) -> int:
        """Where it begins, in characters."""

    @property
    def end(self) -> int:
        """Where it ends, exclusive."""


def splice(text: str, findings: Sequence[Placed], replacements: Sequence[str]) -> str:
    """Return the text with each finding replaced; findings are in order and do not overlap."""
    pieces: list[str] = []
    at = 0
    for finding, replacement in zip(findings, replacements, strict=True):
        pieces += (text[at : finding.start], replacement)
        at = finding.end
    return "".join((*pieces, text[at:]))
