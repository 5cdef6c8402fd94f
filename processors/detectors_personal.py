"""Detectors of personal data with a form of its own: e-mail and network addresses, numbers of persons and devices."""

import re
import unicodedata
from collections.abc import Iterable
from socket import AF_INET6, inet_pton
from string import ascii_letters
from typing import Final

from .detector import IN_WORDS, NOTHING, OTHER, Candidate, Detector, Rank, Span, whole
from .validators import digits_of, luhn, us_ssn

_FILE_SUFFIXES: Final = frozenset(
    (
        *("png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "scss", "woff", "woff2"),
        *("js", "jsx", "mjs", "ts", "tsx", "json", "html", "htm", "xml", "yaml", "yml"),
        *("txt", "log", "pdf", "csv", "exe", "dll"),
    )
)
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|\Z)){4}")
_BEFORE_VERSIONS: Final = frozenset(
    (
        *("version", "ver", "v", "release", "rel", "build", "rev", "revision", "firmware", "driver", "oid", "step"),
        *("section", "chapter", "clause", "figure", "table", "paragraph", "article"),
        *(
            "chrome",
            "chromium",
            "safari",
            "firefox",
            "edge",
            "edg",
            "opr",
            "opera",
            "applewebkit",
            "mozilla",
            "gecko",
            "trident",
        ),
        *("nginx", "apache", "curl"),
    )
)
_MOST_BETWEEN: Final = 3
_PART_OF_MORE: Final = re.compile(rf"(?:[{IN_WORDS}~]|[0-9]\.|[A-Za-z_]-)\Z")
_GOES_ON: Final = re.compile(rf"[{IN_WORDS}~]|\.\d|-\w+[.-]\w*[A-Za-z]")
_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")
_LONGEST_IPV6: Final = 45
"""Characters, with an IPv4 address at the end."""
_COLONS_WITH_PORT: Final = 8
"""Of an address written out, and a port behind it."""
_SPACELESS: Final = re.compile("[\u0e00-\u0e7f\u2e80-\u312f\u3400-\u9fff\uac00-\ud7af]+(?=[0-9A-Za-z])")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d")
_URL_PASSWORD: Final = re.compile(r"://[^\s/@]*:[^\s/@]*\Z")


def _email(candidate: Candidate) -> Iterable[Span]:
    text, first, end = candidate.text, candidate.start, candidate.end
    local, _, domain = text[first:end].rpartition("@")
    if domain.rpartition(".")[2].lower() in _FILE_SUFFIXES or (domain[0].isdigit() and _VERSION.match(domain)):
        return NOTHING
    if text[end : end + 1] == ":" and (local == "git" or candidate.after(2) == ":~"):
        return NOTHING
    if text.find("://", max(0, first - 256), first) >= 0 and _URL_PASSWORD.search(candidate.before(256)):
        return NOTHING
    start = first + _local_part(local)
    return (Span(start, end),) if start < first + len(local) else NOTHING


def _local_part(text: str) -> int:
    """Return where the local part begins in what the pattern took for one: after quotes, and after scripts without spaces."""
    start = 0
    if text[0].isalnum() and text.isascii():
        return start
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
    text, start, end = candidate.text, candidate.start, candidate.end
    value = text[start:end]
    if not _IPV4.fullmatch(value) or value == "0.0.0.0" or value.startswith("255.255."):  # noqa: S104 - nothing is bound
        return NOTHING
    if start and text[start - 1] != " " and _PART_OF_MORE.search(text, max(0, start - 2), start):
        return NOTHING
    return NOTHING if _GOES_ON.match(text, end) or _is_version(candidate.before(24)) else (Span(start, end),)


def _is_version(before: str) -> bool:
    """Tell whether what stands before four numbers with dots says that they are a version, or a section of a text."""
    near = before.rstrip(" \t:=/#.\"'-")
    if near.endswith("§"):
        return True
    if len(before) - len(near) > _MOST_BETWEEN:
        return False
    return near[len(near.rstrip(ascii_letters)) :].lower() in _BEFORE_VERSIONS


def _ipv6(candidate: Candidate) -> Iterable[Span]:
    """Judge a run of hexadecimal digits, colons and dots."""
    start, value, before = candidate.start, candidate.value, candidate.previous
    if before not in ("", " ") and (before == "." or _IN_WORD.match(before)):
        cut = value.find(":") + 1
        start, value = start + cut, value[cut:]
        if value.startswith(":") and not value.startswith("::"):
            return NOTHING
    value = value.rstrip(".")
    if value[-1:] == ":" and value[-2:] != "::":
        value = value[:-1]
    end = start + len(value)
    if len(value) > _LONGEST_IPV6 or _IN_WORD.match(candidate.text, end):
        return NOTHING
    if value.count(":") == _COLONS_WITH_PORT:
        value = value.rpartition(":")[0]
    if value.replace(":", "").isalpha() or not value.strip("0:"):
        return NOTHING
    try:
        inet_pton(AF_INET6, value)
    except OSError:
        return NOTHING
    return (Span(start, start + len(value)),)


def _mac(candidate: Candidate) -> Iterable[Span]:
    before, after, value = candidate.previous, candidate.following, candidate.value
    if candidate.is_within_word or (before and before in ":-.") or (after and after in ":-"):
        return NOTHING
    if after == "." and candidate.after(2)[1:].isalnum():
        return NOTHING
    digits = re.sub("[^0-9a-f]", "", value.lower())
    if len({*value} & {*":-."}) != 1 or digits in ("0" * 12, "f" * 12):
        return NOTHING
    return whole(candidate) if ":" in value or not digits.isdigit() else NOTHING


def _ssn(candidate: Candidate) -> Iterable[Span]:
    text, start, end = candidate.text, candidate.start, candidate.end
    before, after = text[start - 1] if start else "", text[end : end + 1]
    if before not in ("", " ") and (before in "-." or _IN_WORD.match(before)):
        return NOTHING
    if after not in ("", " ") and (after == "-" or _IN_WORD.match(after)):
        return NOTHING
    return (Span(start, end),) if us_ssn(digits_of(text[start:end])) else NOTHING


def _imei(candidate: Candidate) -> Iterable[Span]:
    digits = digits_of(candidate.value)
    return whole(candidate) if not candidate.following.isdigit() and luhn(digits[:15]) else NOTHING


_ALIKE: Final = r"\x{370}-\x{52f}"
"""Greek and Cyrillic: some of their letters pass for Latin ones."""
_AT: Final = r"\s?[(\[{<]\s?at\s?[)\]}>]\s?"
_DOT: Final = r"(?:\s?[(\[{<]\s?dot\s?[)\]}>]\s?|\.)"
_USUAL_ENDS: Final = (
    "com|org|net|edu|gov|info|io|co|uk|de|fr|es|it|nl|pl|ru|pt|br|in|jp|cn|kr|tr|ch|at|be|se|no|dk|fi|eu|us|ca|au"
)

PERSONAL: Final = (
    Detector(
        name="email",
        type="EMAIL",
        reason="Names a person; local part and domain in any script. File names and package versions look alike.",
        pattern=rf"[\w.%+'{OTHER}-]+@(?:[0-9A-Za-z{OTHER}-]+\.)+(?:[A-Za-z{_ALIKE}]{{2,24}}|xn--[0-9A-Za-z-]+|[{OTHER}]+)",
        trigger=rf"[\w.%+'{OTHER}-]@[0-9A-Za-z{OTHER}]",
        judge=_email,
        rank=Rank.EXACT,
        example="write to bjørn.o'neil+news@søm.example.org today",
        counter_example="icons/menu@3x.png and left-pad@1.3.0",
    ),
    Detector(
        name="email_spelled",
        type="EMAIL",
        reason="An address written for people: `[at]` and `[dot]`, quoted, or with blanks around its sign.",
        pattern=(
            rf"(?i)[\w.%+'-]+{_AT}(?:[0-9A-Za-z-]+{_DOT})+[a-z]{{2,24}}\b"
            r"|[\w.%+'-]+ at (?:[0-9a-z-]+ dot ){1,4}[a-z]{2,24}\b"
            rf"|[\w.%+'-]+ @ ?(?:[0-9A-Za-z-]+\.)+(?:{_USUAL_ENDS})\b"
            r"|\"[^\"@\n\x00\[]{1,64}\"@(?:[0-9A-Za-z-]+\.)+[a-z]{2,24}\b"
            r"|[\w.%+'-]+@\[(?:ipv6:)?[0-9a-f:.]{7,45}\]"
        ),
        trigger=r"(?i)[(\[{<]at[)\]}>]| at [0-9a-z-]+ dot |[\w'] @ ?[0-9a-z-]+\.[a-z]|\"@[0-9a-z-]+\.[a-z]|@\[(?:\d|ipv6)",
        judge=whole,
        rank=Rank.EXACT,
        example='write to bob [at] example [dot] org or "bob smith"@example.org',
        counter_example="we met at dot com; a @ b.T and [at] home",
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
        pattern=r"[0-9A-Fa-f:]*(?:::|:(?:[0-9A-Fa-f]{1,4}:){6}|:\d{1,3}\.\d)[0-9A-Fa-f:.]*",
        trigger=(r"(?:^|[^0-9A-Za-z_])(?:[0-9A-Fa-f]{1,4}::|::[0-9A-Fa-f])|(?:[0-9A-Fa-f]+:){7}[0-9A-Fa-f]|:\d+\.\d+\.\d+\.\d"),
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
        name="mac_named",
        type="MAC_ADDRESS",
        reason="Twelve hexadecimal digits after the words MAC address.",
        pattern=r"(?i)\b(?:mac|hw|hardware|ethernet)[ _-]?(?:addr(?:ess)?)?[\"']?[\s:=#]{1,3}(?:is )?[\"']?([0-9a-f]{12})\b",
        trigger=r"(?i)(?:mac|hw|hardware|ethernet)[ _-]?(?:addr(?:ess)?)?[\"']?[\s:=#]+(?:is )?[\"']?[0-9a-f]{12}",
        judge=whole,
        rank=Rank.CONTEXT,
        example="MAC address 3c22fb9a017e",
        counter_example="commit 3c22fb9a017e",
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
        numeric=True,
        worded=True,
        example="social security number: 219 09 9998",
        counter_example="the SSN form has 219099998123 fields",
    ),
    Detector(
        name="imei",
        type="NATIONAL_ID",
        reason="Names a device: fifteen digits with Luhn's check digit, where the text says IMEI. Else they pass for a card.",
        pattern=r"(?i)(?:^|[^A-Za-z])imei[^\d\x00\[]{0,20}(\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d{1,2})",
        trigger=r"(?i)imei",
        judge=_imei,
        rank=Rank.STRUCTURED_SECRET,
        numeric=True,
        worded=True,
        example="IMEI: 35-209900-176148-1",
        counter_example="IMEI 352099001761482",
    ),
)
"""Detectors of addresses and personal numbers."""
