"""Detectors of what carries other text: base64. What it carries is searched; a find takes all of it."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span

_MOST_BYTES = 64 * 1024
# Of longer ones the beginning is searched.
_QUAD = "[CIJKLMNOPQRSTUVWXYZa-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][0-9A-Za-z+/_-]"
"""Four characters that decode to three of ASCII text: what else looks like base64 has few of them in a row."""

_QUADS = re.compile(_QUAD * 4)
_DATA_URL = re.compile(r"data:[\w/+.-]*;base64,\Z")


def _base64(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value
    if not _QUADS.search(value) or _DATA_URL.search(candidate.before(64)):
        return NOTHING
    text = _decoded(value[:_MOST_BYTES])
    found = candidate.inside(text) if text else None
    return (Span(candidate.start, candidate.end, found),) if found else NOTHING


def _decoded(value: str) -> str:
    """Return the text that this is the base64 of, standard or URL-safe, padded or not; empty when it is none."""
    standard = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = b64decode(standard[: len(standard) - (len(standard) % 4 == 1)] + "=" * (-len(standard) % 4 % 3)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text if sum(char.isprintable() or char in "\n\r\t" for char in text) > 0.9 * len(text) else ""


def _hexadecimal(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value
    try:
        text = bytes.fromhex(value[: _MOST_BYTES - len(value) % 2]).decode()
    except ValueError:
        return NOTHING
    found = candidate.inside(text) if text.isprintable() else None
    return (Span(candidate.start, candidate.end, found),) if found else NOTHING


CARRIERS: Final = (
    Detector(
        name="base64",
        type="SECRET",
        reason="Text in base64 is text: what is in it goes, with all of it. Images and hashes do not decode to text.",
        pattern=r"[0-9A-Za-z+/_-]{16,}={0,2}",
        trigger=_QUAD * 4,
        judge=_base64,
        rank=Rank.CARRIER,
        example="body: d3JpdGUgdG8gYm9iQGV4YW1wbGUub3Jn",
        counter_example="body: d3JpdGUgdG8gbm9ib2R5IGF0IGFsbA==",
    ),
    Detector(
        name="hexadecimal",
        type="SECRET",
        reason="The same for text written as hexadecimal digits: hashes and ids do not decode to text.",
        pattern="(?:[2-7][0-9A-Fa-f]){12,}",
        trigger="(?:[2-7][0-9A-Fa-f]){12}",
        judge=_hexadecimal,
        rank=Rank.CARRIER,
        numeric=True,
        example=f"body: {b'write to bob@example.org'.hex()}",
        counter_example=f"body: {b'write to nobody at all'.hex()}",
    ),
)
"""Detectors of texts that carry others."""
