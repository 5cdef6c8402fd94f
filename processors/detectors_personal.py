"""Detectors of personal data that has a form of its own: e-mail and network addresses, cards, accounts, personal numbers."""

import re
import unicodedata
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from .detector import NOTHING, OTHER, Candidate, Detector, Rank, Span, whole
from .validators import IBAN_LENGTHS, card_certain, card_range, iban, luhn, us_ssn

_FILE_SUFFIXES: Final = frozenset(
    (
        *("png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "scss", "woff", "woff2"),
        *(
            "js",
            "jsx",
            "mjs",
            "ts",
            "tsx",
            "json",
            "html",
            "htm",
            "xml",
            "yaml",
            "yml",
            "txt",
            "log",
            "pdf",
            "csv",
            "exe",
            "dll",
        ),
    )
)
_CARD_WORDS = re.compile(
    r"card|visa|master|amex|american express|discover|diners|jcb|maestro|union ?pay|rupay|\bcc\b|\bpan\b|credit|debit|payment"
    r"|karte|tarjeta|carte|carta|cart[aã]o|kaart|kort|карт|卡|カード|카드",
    re.IGNORECASE,
)
_BANK_WORDS = re.compile(
    r"iban|bank|account|konto|cuenta|compte|conto|rekening|konta|wire|transfer|sepa|swift|\bbic\b", re.IGNORECASE
)
_CARD_SHAPES = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (6, 10), (8, 8)))
"""How cards are written, digits a group."""
_FIRST_GROUPS = frozenset((4, 6, 8, *range(12, 20)))
_MOST_GROUPS = 8
_GOES_ON = re.compile(r"[0-9A-Za-z_]|[.,]\d")
_VERSION_WORDS = re.compile(
    r"(?:version|\bver|\bv|release|\brel|build|\brev|revision|firmware|driver|section|chapter|clause|figure|table|paragraph|article|step"
    r"|\boid|§|Chrome|Chromium|Safari|Firefox|Edge?|OPR|Opera|AppleWebKit|Mozilla|nginx|[Aa]pache|curl|Gecko|Trident)"
    r"[\s:=/#.\"'-]{0,3}\Z",
    re.IGNORECASE,
)
_SPACELESS = re.compile("[\u0e00-\u0e7f\u2e80-\u312f\u3400-\u9fff\uac00-\ud7af]+(?=[0-9A-Za-z])")
_URL_PASSWORD = re.compile(r"://[^\s/@]*:[^\s/@]*\Z")


def _email(candidate: Candidate) -> Iterable[Span]:
    local, _, domain = candidate.value.rpartition("@")
    if domain.rpartition(".")[2].lower() in _FILE_SUFFIXES or re.match(r"\d+\.\d+\.\d", domain):
        return NOTHING
    if candidate.following == ":" and (local == "git" or candidate.after(2) == ":~"):
        return NOTHING
    if _URL_PASSWORD.search(candidate.before(256)):
        return NOTHING
    start = candidate.start + _local_part(local)
    return (Span(start, candidate.end),) if start < candidate.start + len(local) else NOTHING


def _local_part(text: str) -> int:
    """Return where the local part begins in what the pattern took for one: after quotes, and after scripts without spaces."""
    start = 0
    if not text.isascii():
        start = max((at + 1 for at, char in enumerate(text) if not char.isascii() and not _is_in_names(char)), default=0)
        spaceless = _SPACELESS.match(text, start)
        start = spaceless.end() if spaceless else start
    while start < len(text) and not (text[start].isalnum() or text[start] == "_"):
        start += 1
    return start


def _is_in_names(char: str) -> bool:
    return char.isalnum() or char == "\u2019" or unicodedata.category(char).startswith("M")


def _ipv4(candidate: Candidate) -> Iterable[Span]:
    if _joined(candidate, "~") or candidate.value == "0.0.0.0" or candidate.value.startswith("255.255."):  # noqa: S104 - nothing is bound
        return NOTHING
    try:
        IPv4Address(candidate.value)
    except ValueError:
        return NOTHING
    before = candidate.before(24)
    if (
        _VERSION_WORDS.search(before)
        or re.search(r"[A-Za-z_]-\Z", before)
        or re.match(r"-[0-9A-Za-z]+[.-]\w*[A-Za-z]", candidate.after(16))
    ):
        return NOTHING
    return whole(candidate)


def _joined(candidate: Candidate, more: str = "") -> bool:
    """Tell whether a dotted number is part of a longer word or number."""
    before, after = candidate.previous, candidate.following
    if any(char.isalnum() or char in "_" + more for char in (*before, *after)):
        return True
    return (before == "." and candidate.before(2)[:1].isdigit()) or (after == "." and candidate.after(2)[1:].isdigit())


def _ipv6(candidate: Candidate) -> Iterable[Span]:
    start, value = candidate.start, candidate.value
    if candidate.previous and (candidate.previous.isalnum() or candidate.previous in "_:."):
        cut = value.find(":") + 1
        start, value = start + cut, value[cut:]
        if value.startswith(":") and not value.startswith("::"):
            return NOTHING
    after = candidate.following
    if (after and (after.isalnum() or after in "_:")) or not re.search(r"\d", value) or not value.strip("0:"):
        return NOTHING
    try:
        IPv6Address(value)
    except ValueError:
        return NOTHING
    return (Span(start, candidate.end),)


def _mac(candidate: Candidate) -> Iterable[Span]:
    before, after, value = candidate.previous, candidate.following, candidate.value
    if (before and (before.isalnum() or before in "_:-.")) or (after and (after.isalnum() or after in "_:-")):
        return NOTHING
    if after == "." and candidate.after(2)[1:].isalnum():
        return NOTHING
    digits = re.sub("[^0-9a-f]", "", value.lower())
    if len({*value} & {*":-."}) != 1 or digits in ("0" * 12, "f" * 12):
        return NOTHING
    return whole(candidate) if ":" in value or not digits.isdigit() else NOTHING


def _card(candidate: Candidate) -> Iterable[Span]:
    """Take all runs of digit groups that a network issues and Luhn confirms; unusual ones need a word that says card."""
    if candidate.previous.isalnum() or candidate.previous == "_" or re.search(r"\d[.,]\Z", candidate.before(2)):
        return NOTHING
    groups = [match.span() for match in re.finditer(r"\d+", candidate.value)]
    says_card = _CARD_WORDS.search(candidate.before(48)) is not None
    if not says_card and re.search(r"[0-9A-Za-z_]-\Z", candidate.before(2)):
        return NOTHING
    found, first = [], 0
    while first < len(groups):
        length = _card_at(candidate, groups[first : first + _MOST_GROUPS], says_card=says_card and first < _MOST_GROUPS)
        if length:
            found.append(Span(candidate.start + groups[first][0], candidate.start + groups[first + length - 1][1]))
        first += max(length, 1)
    return found


def _card_at(candidate: Candidate, groups: list[tuple[int, int]], *, says_card: bool) -> int:
    """Return how many of the groups, from the first, are a card's number; 0 when none are."""
    lengths = tuple(end - start for start, end in groups)
    if not says_card and lengths[0] not in _FIRST_GROUPS:
        return 0
    for count in range(len(groups), 0, -1):
        usual = count == 1 or lengths[:count] in _CARD_SHAPES
        if (usual or says_card) and 12 <= sum(lengths[:count]) <= 19:
            end = groups[count - 1][1]
            digits = "".join(candidate.value[begin:stop] for begin, stop in groups[:count])
            if _is_card(digits, lengths[:count], says_card=says_card, usual=usual) and not _goes_on(candidate, end):
                return count
    return 0


def _goes_on(candidate: Candidate, end: int) -> bool:
    return _GOES_ON.match(candidate.text, candidate.start + end) is not None


def _is_card(digits: str, groups: tuple[int, ...], *, says_card: bool, usual: bool) -> bool:
    if not card_range(digits) or len({*digits}) == 1:
        return False
    if luhn(digits):
        return says_card or card_certain(digits) or groups[:4] == (4, 4, 4, 4)
    return says_card and usual and card_certain(digits)


def _iban(candidate: Candidate) -> Iterable[Span]:
    length = IBAN_LENGTHS[candidate.value[:2].upper()]
    if candidate.previous.isalnum() or candidate.previous == "_":
        return NOTHING
    seen = 0
    for at, char in enumerate(candidate.value):
        seen += char.isalnum()
        if seen == length:
            end = candidate.start + at + 1
            compact = re.sub("[^0-9A-Z]", "", candidate.value[: at + 1].upper())
            follows = candidate.text[end : end + 1]
            if follows.isalnum() or not (iban(compact) or _BANK_WORDS.search(candidate.before(32))):
                return NOTHING
            return (Span(candidate.start, end),)
    return NOTHING


def _ssn(candidate: Candidate) -> Iterable[Span]:
    before, after, value = candidate.previous, candidate.following, candidate.value
    if (before and (before.isalnum() or before in "_-.")) or (after and (after.isalnum() or after in "_-")):
        return NOTHING
    return whole(candidate) if us_ssn(re.sub(r"\D", "", value)) and not re.match(r"\.\d", candidate.after(2)) else NOTHING


def _imei(candidate: Candidate) -> Iterable[Span]:
    digits = re.sub(r"\D", "", candidate.value)
    return whole(candidate) if not candidate.following.isdigit() and luhn(digits[:15]) else NOTHING


PERSONAL: Final = (
    Detector(
        name="email",
        type="EMAIL",
        reason="Names a person; local part and domain in any script. File names and package versions look alike.",
        pattern=rf"[\w.%+'{OTHER}-]+@(?:[0-9A-Za-z{OTHER}-]+\.)+(?:[A-Za-z]{{2,24}}|xn--[0-9A-Za-z-]+|[{OTHER}]+)",
        trigger=rf"[\w.%+'{OTHER}-]@[0-9A-Za-z{OTHER}]",
        judge=_email,
        rank=Rank.EXACT,
        example="write to bjørn.o'neil+news@søm.example.org today",
        counter_example="icons/menu@3x.png and left-pad@1.3.0",
    ),
    Detector(
        name="ipv4",
        type="IP_ADDRESS",
        reason="Leads to a household or a machine. Versions and section numbers look alike.",
        pattern=r"\d{1,3}(?:\.\d{1,3}){3}",
        trigger=r"\d\.\d+\.\d+\.\d",
        judge=_ipv4,
        rank=Rank.EXACT,
        numeric=True,
        example="refused 203.0.113.77:443",
        counter_example="upgraded to version 4.18.0.2 by Chrome/120.0.0.0",
    ),
    Detector(
        name="ipv6",
        type="IP_ADDRESS",
        reason="Leads to a household or a machine. Times and C++ names look alike.",
        pattern=(
            r"(?:[0-9A-Fa-f]{1,4}:){0,6}:?(?::[0-9A-Fa-f]{1,4}){0,5}:\d{1,3}(?:\.\d{1,3}){3}"
            r"|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
            r"|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?"
        ),
        trigger=r"[0-9A-Fa-f]*::[0-9A-Fa-f]|[0-9A-Fa-f]::|(?:[0-9A-Fa-f]+:){7}[0-9A-Fa-f]|:\d+\.\d+\.\d+\.\d",
        judge=_ipv6,
        rank=Rank.EXACT,
        numeric=True,
        example="peer 2001:db8:85a3::8a2e:370:7334 left",
        counter_example="at 10:22:33:123 in std::add::face",
    ),
    Detector(
        name="mac",
        type="MAC_ADDRESS",
        reason="Names a device.",
        pattern=r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        judge=_mac,
        rank=Rank.EXACT,
        numeric=True,
        example="lease for 3c:22:fb:9a:01:7e",
        counter_example="sums 00:00:00:00:00:00 and a1:b2:c3:d4:e5:f6:a7:b8",
    ),
    Detector(
        name="credit_card",
        type="CREDIT_CARD",
        reason="Issued range, length and Luhn's check digit. Timestamps and long ids look alike.",
        pattern=r"\d(?:[ -]?\d){11,200}",
        trigger=r"(?:^|[^\w.]|[^\d]\.)(?:[3-6]\d|2[1-7]|81|180|060)(?:[ -]?\d){9}",
        judge=_card,
        rank=Rank.CHECKSUM,
        numeric=True,
        example="paid with 5555 5555 5555 4444",
        counter_example="order 5555 5555 5555 4445 at 1514038620000",
    ),
    Detector(
        name="iban",
        type="IBAN",
        reason="The country's length, then mod 97; a word that says bank makes up for a mistyped digit.",
        pattern=rf"(?i:{'|'.join(sorted(IBAN_LENGTHS))})\d{{2}}(?:[ -]?[0-9A-Za-z]){{11,30}}",
        trigger=r"(?:^|[^0-9A-Za-z_])[A-Za-z]{2}\d{2}(?:[ -]?[0-9A-Za-z]){8}",
        judge=_iban,
        retry=True,
        rank=Rank.CHECKSUM,
        example="to DE89 3704 0044 0532 0130 00 please",
        counter_example="part DE89 3704 0044 0532 0130 01",
    ),
    Detector(
        name="us_ssn",
        type="US_SSN",
        reason="Written with dashes, in an area that is issued.",
        pattern=r"\d{3}-\d{2}-\d{4}",
        judge=_ssn,
        rank=Rank.US_SSN,
        numeric=True,
        example="her number is 219-09-9998.",
        counter_example="tickets 666-12-3456 and 900-12-3456",
    ),
    Detector(
        name="us_ssn_named",
        type="US_SSN",
        reason="Nine digits however written, where the text says social security.",
        pattern=(r"(?i)(?:\bssns?\b|social[ _-]?security|soc\.? ?sec)[^\d\x00\[]{0,30}(\d{3}[ .-]?\d{2}[ .-]?\d{4})"),
        trigger=r"(?i)\bssn|social[ _-]?security|soc\.? ?sec",
        judge=_ssn,
        rank=Rank.US_SSN,
        example="social security number: 219 09 9998",
        counter_example="the SSN form has 219099998123 fields",
    ),
    Detector(
        name="imei",
        type="NATIONAL_ID",
        reason="Names a device: fifteen digits with Luhn's check digit, where the text says IMEI. Else they pass for a card.",
        pattern=r"(?i)\bimei[^\d\x00\[]{0,20}(\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d{1,2})",
        trigger=r"(?i)\bimei",
        judge=_imei,
        rank=Rank.STRUCTURED_SECRET,
        example="IMEI: 35-209900-176148-1",
        counter_example="IMEI 352099001761482",
    ),
)
"""Detectors of personal data, phones excepted."""
