"""Detectors of what carries other text: base64. What it carries is searched; a find takes all of it."""

import binascii
import re
from base64 import b64decode
from typing import Final

from .detector import Candidate, Detector, Rank, whole
from .engine import HAS_RE2

_MOST_BYTES: Final = 64 * 1024
# Of longer ones the beginning is searched.
_QUAD: Final = "[CIJKLMNOPQRSTUVWXYZa-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][0-9A-Za-z+/_-]"
"""Four characters that decode to three of ASCII text: what else looks like base64 has few of them in a row."""

_SIGN: Final = "[0-9A-Za-z+/_-]"
_QUADS: Final = re.compile(_QUAD * 4)
_RUN: Final = f"{_SIGN}*{_QUAD * 4}{_SIGN}*" if HAS_RE2 else f"{_SIGN}{{16,}}"
"""Python's own engine would read a long run without these from each of its characters again: it is asked of the run."""
_DATA_URL: Final = re.compile(r"data:[\w/+.-]*;base64,\Z")


def _in_base64(candidate: Candidate) -> str:
    value = candidate.value
    if not _QUADS.search(value) or (candidate.previous == "," and _DATA_URL.search(candidate.before(64))):
        return ""
    return _decoded(value[:_MOST_BYTES])


def _decoded(value: str) -> str:
    """Return the text that this is the base64 of, standard or URL-safe, padded or not; empty when it is none."""
    standard = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = b64decode(standard[: len(standard) - (len(standard) % 4 == 1)] + "=" * (-len(standard) % 4 % 3)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    if text.isprintable():
        return text
    return text if sum(char.isprintable() or char in "\n\r\t" for char in text) > 0.9 * len(text) else ""


def _in_hexadecimal(candidate: Candidate) -> str:
    value = candidate.value
    try:
        text = bytes.fromhex(value[: _MOST_BYTES - len(value) % 2]).decode()
    except ValueError:
        return ""
    return text if text.isprintable() else ""


CARRIERS: Final = (
    Detector(
        name="base64",
        type="SECRET",
        reason="Text in base64 is text: what is in it goes, with all of it. Images and hashes do not decode to text.",
        pattern=f"{_RUN}={{0,2}}",
        trigger=_QUAD * 4,
        judge=whole,
        carried=_in_base64,
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
        judge=whole,
        carried=_in_hexadecimal,
        rank=Rank.CARRIER,
        numeric=True,
        example=f"body: {b'write to bob@example.org'.hex()}",
        counter_example=f"body: {b'write to nobody at all'.hex()}",
    ),
)
"""Detectors of texts that carry others."""
