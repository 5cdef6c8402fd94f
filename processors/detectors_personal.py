"""Detectors of personal data with a form of its own: e-mail addresses, numbers of persons and of what they carry."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from .detector import IN_WORDS, NOTHING, OTHER, Candidate, Detector, Rank, Span, whole
from .validators import digits_of, luhn, us_ssn

_FILE_SUFFIXES: Final = frozenset(
    (
        *("png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "scss", "woff", "woff2"),
        *("js", "jsx", "mjs", "ts", "tsx", "json", "html", "htm", "xml", "yaml", "yml"),
        *("txt", "log", "pdf", "csv", "exe", "dll"),
        *("service", "socket", "target", "mount", "automount", "slice", "scope", "path", "device", "timer", "swap"),
    )
)
_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")
_SPACELESS: Final = re.compile("[\u0e00-\u0e7f\u2e80-\u312f\u3400-\u9fff\uac00-\ud7af]+(?=[0-9A-Za-z])")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d")
_IN_LOCAL_PARTS: Final = frozenset("&!#=/")
_SIGNS_BEFORE: Final = re.compile(
    r"(?:\A|[\s<>\"'(,;\[{])((?:[\w.%+'-]+[&!#])+"
    r"|(?i:SRS[01]|prvs|msprvs\d|[\w.]*(?:bounces?|return|verp|owner|reply|unsubscribe)[+-][\w.'+-]+)=[\w.=+'-]*)\Z"
)
"""The beginning of a local part with signs in it, or of what a sender's address is rewritten to (VERP, SRS, BATV)."""
_NAME_OF_INSTANCE: Final = re.compile(r"(?:\A|[\s<>\"'(,;\[{])([A-Za-z][\w.'-]{0,30}/)\Z")
_FOLDERS: Final = frozenset(
    f"{name}/"
    for name in ("user", "users", "account", "accounts", "contacts", "people", "members", "mail", "email", "to", "from")
)
_NAME_BEFORE: Final = re.compile(r"[A-Z][a-z]+-\Z|[A-Za-z]\.\Z")
"""A dash behind a name, a full stop behind a word: what follows is no part of it."""
_URL_PASSWORD: Final = re.compile(r"://[^\s/@]*:[^\s/@]*\Z")


def _email(candidate: Candidate) -> Iterable[Span]:
    text, first, end = candidate.text, candidate.start, candidate.end
    local, _, domain = text[first:end].rpartition("@")
    last = domain.rpartition(".")[2].lower()
    if last in _FILE_SUFFIXES or (domain[0].isdigit() and _VERSION.match(domain)) or domain.startswith("self."):
        return NOTHING
    if text[end : end + 1] == ":" and (local == "git" or candidate.after(2) == ":~"):
        return NOTHING
    if text[end : end + 1] == "(" and last not in _USUAL:
        return NOTHING  # a product of matrices
    if text.find("://", max(0, first - 256), first) >= 0 and _URL_PASSWORD.search(candidate.before(256)):
        return NOTHING
    start = first + _local_part(local)
    if start == first and first and text[first - 1] in _IN_LOCAL_PARTS:
        return (Span(_unusual_start(candidate), end),)
    return (Span(start, end),) if start < first + len(local) else NOTHING


def _unusual_start(candidate: Candidate) -> int:
    """Return where an address begins before which a sign stands that few local parts have (RFC 5322)."""
    before = candidate.before(96)
    if before[-1:] == "/":
        found = None if candidate.following == "/" else _NAME_OF_INSTANCE.search(before)
        found = None if found is not None and found[1].lower() in _FOLDERS else found
    else:
        found = _SIGNS_BEFORE.search(before)
    return candidate.start - (len(before) - found.start(1) if found else 0)


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


def _ssn(candidate: Candidate) -> Iterable[Span]:
    text, start, end = candidate.text, candidate.start, candidate.end
    before, after = text[start - 1] if start else "", text[end : end + 1]
    if before not in ("", " ", "_") and (
        _IN_WORD.match(before) or (before in "-." and not _NAME_BEFORE.search(text, max(0, start - 24), start))
    ):
        return NOTHING
    if after not in ("", " ", "_") and (after == "-" or _IN_WORD.match(after)):
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

_USUAL: Final = frozenset(_USUAL_ENDS.split("|"))

PERSONAL: Final = (
    Detector(
        name="email",
        type="EMAIL",
        reason="Names a person; local part and domain in any script. File names and package versions look alike.",
        pattern=rf"[\w.%+'{OTHER}-]+@(?:[0-9A-Za-z{OTHER}-]+\.)+(?:xn--[0-9A-Za-z-]+|[A-Za-z{_ALIKE}]{{2,24}}|[{OTHER}]+)",
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
            rf"|\"[^\"@\n\x00\[]{{1,64}}\"@(?:[0-9A-Za-z{OTHER}-]+\.)+[a-z]{{2,24}}\b"
            r"|[\w.%+'-]+(?:@|\[@\])[0-9A-Za-z.-]+\[\.\](?:[0-9A-Za-z-]+(?:\[\.\]|\.))*[a-z]{2,24}\b"
            r"|[\w.%+'-]+\[@\](?:[0-9A-Za-z-]+\.)+[a-z]{2,24}\b"
            r"|[\w.%+'-]+@\[(?:ipv6:)?[0-9a-f:.]{7,45}\]"
        ),
        trigger=(
            r"(?i)[(\[{<]at[)\]}>]| at [0-9a-z-]+ dot |[\w'] @ ?[0-9a-z-]+\.[a-z]|\"@[0-9a-z-][^\s\"]*\.[a-z]|@\[(?:\d|ipv6)"
            r"|\[[.@]\][0-9a-z]"
        ),
        judge=whole,
        rank=Rank.EXACT,
        example='write to bob [at] example [dot] org or "bob smith"@example.org',
        counter_example="we met at dot com; a @ b.T and [at] home",
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
        pattern=(
            r"(?i)(?:\bssns?\b|\bss ?#|social[ _-]?security|soc\.? ?sec|\bsocial(?: is|:))"
            r"[^\d\x00\[]{0,30}(\d{3}[ .-]?\d{2}[ .-]?\d{4})"
        ),
        trigger=r"(?i)\bssn|\bss ?#|social[ _-]?security|soc\.? ?sec|\bsocial(?: is|:)",
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
"""Detectors of e-mail addresses and personal numbers."""
