"""Detectors of phone numbers that a country's form gives away, or the script that they stand in."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .findings import PLACEHOLDER

_EAST_ASIAN: Final = r"\x{3041}-\x{30ff}\x{4e00}-\x{9fff}\x{ac00}-\x{d7a3}"
_MOBILE: Final = r"(?:1[3-9]\d[\- ]?\d{4}[\- ]?\d{4}|0[5-9]0-?\d{4}-?\d{4}|01[016-9]-?\d{3,4}-?\d{4})"
_OTHER_NUMBER: Final = re.compile("订单|訂單|单号|單號|编号|編號|流水|账号|帐号|卡号|注文|伝票|会員|주문|송장|회원|계좌|第")
_AROUND: Final = 10
"""Characters before a number in which words may say that it is another one."""
_NUMBER_BEFORE: Final = re.compile(r"(?:\A|[\s(])\d[\d.,:-]* \Z")
_NUMBER_BEHIND: Final = re.compile(rf" (?:\d[\d.,:-]*(?:[\s)]|\Z)|{PLACEHOLDER})")
"""Another number in a row, or what stands for one."""
_EDGE: Final = re.compile(r"[0-9A-Za-z_.+\-/=#$€£]")
_GOES_ON: Final = re.compile(r"[0-9A-Za-z_]|[.:\-/,]\d")


def _east_asian(candidate: Candidate) -> Iterable[Span]:
    before = candidate.before(_AROUND)
    if _EDGE.match(before[-1:]) or _OTHER_NUMBER.search(before) or _GOES_ON.match(candidate.text, candidate.end):
        return NOTHING
    return (Span(candidate.start, candidate.end),)


def _national(candidate: Candidate) -> Iterable[Span]:
    """Take what stands alone: not a part of something longer, nor one of several numbers in a row."""
    text, start, end = candidate.text, candidate.start, candidate.end
    before = candidate.before(_AROUND)
    in_row = (
        _NUMBER_BEFORE.search(before)
        or _NUMBER_BEHIND.match(text, end)
        or candidate.is_behind_placeholder(start - (before[-1:] == " "))
    )
    if in_row or _EDGE.match(before[-1:]) or _GOES_ON.match(text, end):
        return NOTHING
    return (Span(start, end),)


PHONE_FORMS: Final = (
    Detector(
        name="phone_east_asian",
        type="PHONE",
        reason="A mobile number of China, Japan or Korea in a text in the script of one of these.",
        pattern=rf"[{_EAST_ASIAN}][^0-9A-Za-z\n\x00{_EAST_ASIAN}]{{0,4}}({_MOBILE})|({_MOBILE})[ ]?[{_EAST_ASIAN}]",
        trigger=rf"[{_EAST_ASIAN}][^0-9A-Za-z\n\x00{_EAST_ASIAN}]{{0,4}}{_MOBILE}|{_MOBILE}[ ]?[{_EAST_ASIAN}]",
        judge=_east_asian,
        rank=Rank.PHONE,
        numeric=True,
        example="\u6709\u95ee\u9898\u52a0\u6211 186-0000-1234",
        counter_example="\u8ba2\u5355\u53f7 18600001234",
    ),
    Detector(
        name="phone_national",
        type="PHONE",
        reason="Groups as only the phone numbers of one country have them, and mobile numbers with their trunk zero.",
        pattern=(
            r"(8 ?[\- ]?\(\d{3,4}\) ?\d{2,3}[\- ]?\d{2}[\- ]?\d{2}|8-\d{3}-\d{3}-\d{2}-\d{2}|8[ \-]\d{3}[ \-]\d{3}-\d{2}-\d{2}"
            r"|\([1-9]{2}\) ?9 ?\d{4}[\- ]?\d{4}|1800[\- ]\d{3}[\- ]\d{4}|[6-9]\d{2}[ .]\d{2}[ .]\d{2}[ .]\d{2}"
            r"|07[1-57-9]\d{8}|05[0345]\d{8}|01[567]\d{8,9})"
        ),
        trigger=(
            r"8[ \-]*\(\d{3}|8[ \-]\d{3}[ \-]\d{3}-\d\d-\d\d|\(\d\d\) ?9|1800[\- ]\d{3}"
            r"|\d{3}[ .]\d\d[ .]\d\d[ .]\d\d|0[157]\d{9}"
        ),
        judge=_national,
        rank=Rank.PHONE,
        retry=True,
        numeric=True,
        example="8 (343) 234-56-78",
        counter_example="1 666 12 34 56, 0712345678901",
    ),
)
"""Detectors of phone numbers by the forms of countries."""
