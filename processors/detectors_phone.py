"""Detectors of phone numbers. Shape, country and the words around decide together: most digit groups are something else."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from .detector import NOTHING, OTHER, WORD_START, Candidate, Detector, Rank, Span
from .engine import says
from .findings import PLACEHOLDER
from .phone_words import NUMBERED, NUMBERED_BEHIND, NUMBERED_UNSPACED, OF, STRONG, UNSPACED, WEAK
from .validators import digits_of, international_lengths

_EXTENSION: Final = r"(?: ?(?:x|ext\.?|extension|poste|durchwahl|ramal|int\.) ?\d{1,6})?"
_AN_EXTENSION: Final = re.compile(_EXTENSION, re.IGNORECASE)
_NUMBER: Final = r"\+?\(?\d(?:[ ().\-/]{0,3}\d){5,16}"

_GAP: Final = rf"(?:(?-i:[{OTHER}]){{0,4}}[^0-9A-Za-z_{OTHER}\x00][^\d\x00\[]{{0,24}})"

_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d(?!\d)"
)
_OF_CODE: Final = ('"', "'", "=", ":", "#")
_EXIT_CODE: Final = re.compile(r"00(?:[ .\-]?\d{1,3}[ ().\-/]|\d{10})")
_NO_PHONE: Final = re.compile(r"\d{1,2}\.\d(?:\.\d+){2,}|\d{1,3}(?:\.\d{1,3}){3}|\d+\.\d+|\d{1,3}(?:[.,]\d{3})+")
_BOOK: Final = re.compile(r"97[89]-\d{1,5}-\d{1,7}-\d{1,7}-\d")
_MAYBE_OTHER: Final = re.compile(r"\d{4}[-./]\d\d?[-./]\d|\d\d?[-./]\d\d?[-./]\d{4}|\d{3}-\d{1,5}-\d{1,7}-\d{1,7}-\d")
"""What is written as a date or the number of a book."""
_NO_GROUPS: Final = re.compile(r"\d{1,4} \((?:19|20)\d\d\)|\d{3,4}/\d{3,4}/\d{3,4}")
"""As journals are quoted, and bands of radio."""
_YEAR: Final = re.compile(r"\((?:19|20)\d\d\)")
_OF_VOLUME: Final = re.compile(r"\d ?\Z")
_ALL_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_OTHER_NUMBER: Final = re.compile(
    r"\b(?:of|size|id|code|line|port|version|count|items?|total|spread|strike|volume|duration|lens(?:es)?)\b"
    r"|(?<!for )\b(?:options?|price)\b",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    r"\b(?:poles?|booths?|exchanges|towers?|masts?|cases|chargers|models|homes|(?<!for )users|subscribers|subscriptions"
    r"|handsets|devices|units|machines|sold|sales|shipments|shipped|downloads|installs|traffic|cultures?|counts?|apps?"
    r"|sessions|clicks|views|visits|hits|impressions|requests|events)\b|销量|出货|数量"
    r"|\b(?:messages|sent)\b(?! to\b)",
    re.IGNORECASE,
)
"""Said between a word for phone and a plain number: that is how many there are."""
_COUNT: Final = re.compile(r"[1-9]\d{0,8}|[1-9]\d*000")
"""What may be a count: with a trunk zero, or longer and not round, it is a phone number (Telephone sales: 0800…)."""
_COUNTED_BEHIND: Final = re.compile(r" (?:units|bytes|[kmg]b|users|people|subscribers|messages|times)\b", re.IGNORECASE)
_PRODUCT: Final = re.compile(r"[A-Za-z]/\Z")
"""Before its version: Safari/525.20.1."""
_LETTER: Final = re.compile("[A-Za-z]")
_PLAIN_NUMBER: Final = re.compile(r"\W?number[\"']?\s?[:=]", re.IGNORECASE)
"""A field of this name holds orders and ranges more often than phones."""
_ZIP_CODE: Final = re.compile(r"\d{5}-\d{4}")
_STATE: Final = re.compile(r"\b[A-Z]{2}[^0-9A-Za-z]{1,6}\Z")
_OURS: Final = re.compile(PLACEHOLDER)
_WITH_TRUNK: Final = re.compile(r"0[1-9]\d{8,10}|[1-9]{2}9\d{8}")
"""A plain run that begins as national numbers do: with a trunk zero, or with the area and the 9 of Brazil."""
_THOUSANDS: Final = re.compile(r"[1-9]\d?(?: \d{3})+")
_HYPHEN_FIRST: Final = re.compile(r"0\d{1,3}(?: ?[-/] ?)\d[\d ]*\d(?:-\d{1,4})?")
_DIGITS: Final = re.compile(r"\d+")
_SIGN: Final = re.compile(r"[().\-/]")
_SEPARATORS: Final = frozenset(" .-/")
_OF_OTHER: Final = re.compile(rf"\W?\w+ (?:{OF}) ?(?:{NUMBERED_BEHIND})\b", re.IGNORECASE)
_IS_NUMBER: Final = re.compile(r"号码|號碼|番号|번호|[\s:(\"']?(?:my|his|her|our|their|your) number")
_LONGEST_NUMBERED: Final = 16
"""Characters of what is numbered."""
_AND: Final = re.compile(
    rf"\s{{0,2}}(?:,|;|/|\||\b(?:or|and|oder|und|ou|et|o|y|e|of|en)\b|或|や|または)\s{{0,2}}({_NUMBER}{_EXTENSION})"
)
_says_phone = says(rf"(?i){WORD_START}(?:{STRONG}|{WEAK})(?:[^0-9A-Za-z_{OTHER}]|$)|{UNSPACED}")
_is_clear = says(rf"(?i){WORD_START}(?:{STRONG})(?-i:[{OTHER}]){{0,4}}(?:[^0-9A-Za-z_{OTHER}]|$)")
_PART_OF_MORE: Final = re.compile(r"(?:[0-9A-Za-z_$€£#]|[0-9A-Za-z_\]][-./+]|[0-9\]]:)\Z")
_IS_UNSPACED: Final = re.compile(UNSPACED)
_LABEL: Final = re.compile(r"(?:desk|office|contact|conta[ct]?to|kontakt|recapito)\s?:\s?\Z", re.IGNORECASE)
_ALONE: Final = r"(?:^|[^0-9A-Za-z_$€£#.\-/+:]|[^0-9A-Za-z_\]][.\-/+]|[^0-9\]]:)"
"""What may stand before a number that is not a part of something longer: what `_PART_OF_MORE` does not match."""
_ROW: Final = r"((?: \d+)*)"
"""More groups of digits, as in a dump."""
_GOES_ON: Final = re.compile(r"[0-9A-Wa-wYyZz_]|[.:-]\d")
"""What follows a number that is a part of something longer."""
_COORDINATE: Final = re.compile(r"\+\d{1,3}\.\d{1,6}")
_RUNS_ON: Final = re.compile(r"[0-9A-Wa-wYyZz_]|[.:-]\d|,\d{1,3}(?![\d (.-])")

_TRUNK_SHAPES: Final = frozenset(
    (
        *((2, 2, 2, 2, 2), (2, 2, 3, 4), (2, 3, 2, 2), (2, 3, 3), (2, 3, 4), (2, 4, 4), (2, 7), (2, 8)),
        *((3, 2, 2, 2), (3, 2, 2, 2, 2), (3, 3, 2, 2), (3, 3, 3), (3, 3, 4), (3, 4, 4), (3, 5, 3), (3, 7), (3, 8)),
        *((4, 2, 2, 2), (4, 3, 2, 2), (4, 3, 3), (4, 3, 4), (4, 4, 3), (4, 4, 4), (4, 6), (4, 7), (4, 8)),
        *((5, 3, 3), (5, 4), (5, 5), (5, 6), (5, 7)),
    )
)
"""How national numbers with a trunk zero are grouped, digits a group."""

_MOST_BEHIND: Final = 2
"""Characters behind a number, its blank included, that do not make a row yet."""
_DAY_AND_TIME: Final = (4, 6)
"""What looks like one of these in logs: month and day, a slash, hour, minute and second."""

_DECIMAL: Final = re.compile(r"\d\.\d{1,2}(?: |\Z)")
_THREE_DIGITS: Final = re.compile(r"\d{3}")
_FEWEST_PAIRS: Final = 4
_FEWEST_IN_PAIR: Final = 2
_AFTER_FIRST, _LAST = slice(1, _FEWEST_PAIRS), slice(1 - _FEWEST_PAIRS, None)
"""Of groups, those that must be pairs in a list of pairs that begins with the first, or ends with the last."""
_FEWEST, _FEWEST_GROUPED, _MOST = 6, 7, 15
"""Digits of a number: after a clear word, after a vague one, and at all (E.164)."""


def _international(candidate: Candidate) -> Iterable[Span]:
    """Take the longest run of groups that is as long as its country's numbers may be."""
    text, start, value = candidate.text, candidate.start, candidate.value
    before = candidate.previous
    if before in ("+", ".") or (before not in ("", " ") and _PART_OF_MORE.search(text, max(0, start - 2), start)):
        return NOTHING
    has_exit_code = value[0] == "0"
    if has_exit_code and (not _EXIT_CODE.match(value) or _in_a_row(candidate) or (before in _OF_CODE and value.isdigit())):
        return NOTHING
    digits = digits_of(value).removeprefix("00") if has_exit_code else digits_of(value)
    if "." in value and _COORDINATE.fullmatch(value):
        return NOTHING
    runs_on = _RUNS_ON if has_exit_code else _GOES_ON
    lengths, length = international_lengths(digits), len(digits)
    if length > _FEWEST and length in lengths and not runs_on.match(text, candidate.end):
        return (Span(start, _end_of_extension(text, candidate.end)),)
    for group in reversed([*_DIGITS.finditer(text, start, candidate.end)]):
        end = group.end()
        if length > _FEWEST and length in lengths and not runs_on.match(text, end):
            return (Span(start, _end_of_extension(text, end)),)
        length -= end - group.start()
    return NOTHING


def _end_of_extension(text: str, end: int) -> int:
    extension = _AN_EXTENSION.match(text, end)
    return extension.end() if extension else end


def _in_a_row(candidate: Candidate) -> bool:
    """Tell whether more groups of digits stand before or after, as in a dump."""
    start, end, text = candidate.start, candidate.end, candidate.text
    before, after = text[max(0, start - 2) : start], text[end : end + 3]
    return (before[1:] == " " and before[0].isdigit()) or (
        after[:1] == " " and after[1:].isdigit() and len(after) > _MOST_BEHIND
    )


def _grouped(candidate: Candidate) -> Iterable[Span]:
    """Take what its separators alone give away, unless it is a part of something longer."""
    text, start, end = candidate.text, candidate.start, candidate.end
    if start and text[start - 1] != " " and _PART_OF_MORE.search(text, max(0, start - 2), start):
        return NOTHING
    return NOTHING if _RUNS_ON.match(text, end) else (Span(start, end),)


def _north_american(candidate: Candidate) -> Iterable[Span]:
    found = _grouped(candidate)
    return found if found and (_SIGN.search(candidate.value) or _says_phone(candidate.before(48))) else NOTHING


def _trunk(candidate: Candidate) -> Iterable[Span] | None:
    value = candidate.value
    groups = tuple(map(len, _DIGITS.findall(value)))
    if candidate.groups[2][0] < candidate.groups[2][1] and " " in value:
        return None
    if groups not in _TRUNK_SHAPES:
        return NOTHING
    separators = _SEPARATORS.intersection(value)
    alike = len(separators) <= 1 + ("(" in value) or _HYPHEN_FIRST.fullmatch(value)
    if not alike or _DATE.match(value) or (_ZIP_CODE.fullmatch(value) and _STATE.search(candidate.before(9))):
        return NOTHING
    if (groups == _DAY_AND_TIME and "/" in separators) or (" " in separators and _in_a_row(candidate)):
        return NOTHING
    return _grouped(candidate)


def _named(candidate: Candidate) -> Iterable[Span]:
    """Take the digits after a word that says phone, and further ones that a comma or an `or` joins to them."""
    found = []
    start, end = candidate.start, candidate.end
    said = candidate.text[candidate.groups[0][0] : start]
    if candidate.follows_placeholder or ("[" in said and _OURS.search(said)):
        return NOTHING
    vague = not ((":" in said[-2:] and _LABEL.search(candidate.before(12))) or _told_by(said).is_clear)
    if _is_other(candidate, said, vague=vague):
        return NOTHING
    while (end := _end_of_number(candidate.text, start, end, vague=vague)) > start:
        found.append(Span(start, end))
        more = _AND.match(candidate.text, end)
        if more is None:
            break
        start, end = more.span(1)
    return found


def _is_other(candidate: Candidate, said: str, *, vague: bool) -> bool:
    """Tell whether a number after a word for phone is another one: a count, an order's, a version, or in a name."""
    value, first, told = candidate.value, candidate.groups[0][0], _told_by(said)
    if _COUNT.fullmatch(value) and (told.is_counted or _COUNTED_BEHIND.match(candidate.text, candidate.end)):
        return True
    if vague and (told.is_other or (told.is_plain and "-" in value) or _LETTER.match(candidate.previous)):
        return True
    if _NO_GROUPS.match(value) or (said[0] == "." and candidate.text[first - 1 : first].isalnum()):  # in a name of a file
        return True
    if (vague or told.is_number) and (told.is_of_other or _is_numbered(candidate, said)):
        return True
    return said[-1] == "/" and "." in value and _PRODUCT.search(said, max(0, len(said) - 2)) is not None


def _is_numbered(candidate: Candidate, said: str) -> bool:
    """Tell whether the word before says that what has the number is an order, a customer or another thing."""
    first = candidate.groups[0][0] + (not said[0].isalnum())
    before = candidate.text[max(0, first - _LONGEST_NUMBERED) : first]
    if before.endswith(NUMBERED_UNSPACED):
        return True
    *_, second, last = ["", "", *before.lower().replace("'s", "").split()]
    return (second if last == "id" else last).removesuffix("s") in NUMBERED


class _Told(NamedTuple):
    """What words before a number tell: a phone, a number, one of something named behind, a field `number`, another, a count."""

    is_clear: bool
    is_number: bool
    is_of_other: bool
    is_plain: bool
    is_other: bool
    is_counted: bool


@lru_cache(maxsize=1024)
def _told_by(said: str) -> _Told:
    is_clear = _is_clear(said) or (not said[0].isascii() and _IS_UNSPACED.match(said) is not None)
    is_other, is_counted = _OTHER_NUMBER.search(said) is not None, _COUNTED.search(said) is not None
    is_number, is_of_other = _IS_NUMBER.match(said) is not None, _OF_OTHER.match(said) is not None
    return _Told(is_clear, is_number, is_of_other, _PLAIN_NUMBER.match(said) is not None, is_other, is_counted)


def _end_of_number(text: str, start: int, end: int, *, vague: bool) -> int:
    """Return where a number ends, as many groups of it as make one; `start` when none do."""
    value = text[start:end]
    if _is_number(value, vague=vague) and not _RUNS_ON.match(text, end):
        return end
    if _form(value.encode().translate(_ALL_ZERO)).is_short_behind:
        return start
    ends = [match.end() for match in reversed([*_DIGITS.finditer(text, start, end)])]
    return next((e for e in ends if _is_number(text[start:e], vague=vague) and not _RUNS_ON.match(text, e)), start)


class _Form(NamedTuple):
    """What is known of all numbers whose digits are grouped and separated alike."""

    digits: int
    is_list: bool
    """Whether the groups are too short for a number: less than four pairs, single digits among pairs, decimals."""
    is_other: bool
    """Whether it is written as an address, a decimal or thousands are."""
    may_be_other: bool
    """Whether it is written as a date is, or the number of a book."""
    is_vague: bool
    """Whether a vague word before it is not enough."""
    is_short_behind: bool
    is_short_before: bool
    """Whether however many groups are taken make no number, from the first on or to the last: no three digits in one, and a
    single digit where pairs are."""


@lru_cache(maxsize=4096)
def _form(written: bytes) -> _Form:
    """Return what is known of numbers that are written as this one, all of whose digits are 0."""
    zeros = written.decode()
    groups = [*map(len, _DIGITS.findall(zeros))]
    has_three = _THREE_DIGITS.search(zeros) is not None
    is_list = not has_three and len(groups) > 1 and (min(groups[1:]) == 1 or len(groups) < _FEWEST_PAIRS)
    digits = sum(groups)
    return _Form(
        digits,
        is_list=is_list or ("." in zeros and " " in zeros and _DECIMAL.search(zeros) is not None),
        is_other=_NO_PHONE.fullmatch(zeros) is not None,
        may_be_other=_MAYBE_OTHER.match(zeros) is not None,
        is_vague=digits < _FEWEST_GROUPED or " - " in zeros,
        is_short_behind=not has_three and min(groups[_AFTER_FIRST], default=0) < _FEWEST_IN_PAIR,
        is_short_before=not has_three and min(groups[_LAST], default=0) < _FEWEST_IN_PAIR,
    )


def _is_number(value: str, *, vague: bool) -> bool:
    if value.isdigit():
        return _FEWEST <= len(value) <= _MOST and (not vague or _WITH_TRUNK.fullmatch(value) is not None)
    form = _form(value.encode().translate(_ALL_ZERO))
    if form.is_list or not _FEWEST <= form.digits <= _MOST:
        return False
    if value[0] != "+" and (form.is_other or (form.may_be_other and (_DATE.match(value) or _BOOK.fullmatch(value)))):
        return False
    return not vague or not (form.is_vague or _THOUSANDS.fullmatch(value))


def _in_parentheses(candidate: Candidate) -> Iterable[Span]:
    """Take what is grouped so, unless a volume stands before it: then it is a year, and pages."""
    return NOTHING if _OF_VOLUME.search(candidate.before(5)) and _YEAR.match(candidate.value) else _grouped(candidate)


def _labelled(candidate: Candidate) -> Iterable[Span] | None:
    if candidate.runs_into_placeholder(candidate.groups[0][1]):  # the word behind it was longer
        return NOTHING
    if _is_number(candidate.value, vague=candidate.groups[1][0] >= 0):
        return _grouped(candidate)
    return None if _form(candidate.value.encode().translate(_ALL_ZERO)).is_short_before else NOTHING


PHONE: Final = (
    Detector(
        name="phone_international",
        type="PHONE",
        reason="A plus sign or 00, a country calling code, and as many digits as that country's numbers have.",
        pattern=r"(?:\+ ?\(?|\b00[ .\-]?)[1-9](?:[ ().\-/]{0,3}\d){6,16}",
        trigger=r"(?:\+ ?\(?|\b00[ .\-]?)[1-9](?:[ ().\-/]*\d){6}",
        judge=_international,
        rank=Rank.PHONE,
        retry=True,
        numeric=True,
        example="ring +44 20 7946 0018 after six",
        counter_example="offset +1000 in build+1234567890",
    ),
    Detector(
        name="phone_north_american",
        type="PHONE",
        reason="Ten digits grouped 3-3-4, area and exchange from 2; spaces alone need a word that says phone.",
        pattern=rf"(?:1[ .\-/]?)?\(?[2-9]\d{{2}}\)?[ .\-/]{{0,2}}[2-9]\d{{2}}[ .\-]\d{{4}}{_EXTENSION}",
        trigger=r"[2-9]\d\d\)?[ .\-/]*[2-9]\d\d[ .\-]\d{4}",
        judge=_north_american,
        rank=Rank.PHONE,
        retry=True,
        numeric=True,
        example="(212) 555-0147 x22",
        counter_example="200 304 1024 bytes, span 8212-555-0147",
    ),
    Detector(
        name="phone_trunk",
        type="PHONE",
        reason="A trunk zero and groups as some country writes them.",
        pattern=rf"{_ALONE}(\(?0[1-9]\d{{0,3}}\)?(?:(?: [\-/] |[ .\-/]{{1,2}})\d{{2,8}}){{1,4}}{_EXTENSION}){_ROW}",
        trigger=r"(?:^|[^\w.])\(?0[1-9](?:[ .\-/)]*\d){6}",
        judge=_trunk,
        rank=Rank.PHONE,
        retry=True,
        numeric=True,
        example="or 06.12.34.56.78",
        counter_example="at 05.12.2005 01 02 03 04 05 06",
    ),
    Detector(
        name="phone_parentheses",
        type="PHONE",
        reason="An area code in parentheses, a hyphen or a space further on.",
        pattern=rf"\(\d{{2,4}}\) ?\d{{3,5}}[\- ]\d{{3,4}}{_EXTENSION}",
        trigger=r"\(\d\d+\) ?\d{3}\d*[\- ]\d{3}",
        judge=_in_parentheses,
        rank=Rank.PHONE,
        retry=True,
        numeric=True,
        example="(11) 91234-5678",
        counter_example="f(12) 345-6789",
    ),
    Detector(
        name="phone_named",
        type="PHONE",
        reason="Six digits or more after a word that says phone, in thirty languages, unless they count phones.",
        pattern=(rf"(?i)(?:{WORD_START}(?:{STRONG}|{WEAK}){_GAP}|(?:{UNSPACED})[^\d\x00\[]{{0,12}})({_NUMBER}{_EXTENSION})"),
        parts=r"[^\d]*(\d[^\x00]*)",
        trigger=(
            rf"(?i)(?:{WORD_START}(?:{STRONG}|{WEAK})(?-i:[{OTHER}])*[^0-9A-Za-z_{OTHER}]|{UNSPACED})"
            r"[^\d\x00\[]*(?:\d[ ().\-/]*){6}"
        ),
        judge=_named,
        rank=Rank.PHONE,
        numeric=True,
        worded=True,
        example="Handy: 1715550123",
        counter_example="call 12345678 returned, phone model 9.10, telephone poles: 12345678",
    ),
    Detector(
        name="phone_labelled",
        type="PHONE",
        reason="Groups of digits with a word behind them that says which phone it is.",
        pattern=(
            r"(\(?\d(?:[ ().\-/]{0,3}\d){5,14})[ \-,(]{1,3}(?i:office|fax|mobile|cell|handy|mobil|portable)\b"
            r"|(\(?\d(?:[ ().\-/]{0,3}\d){8,14}) (?:numara|पर कॉल|पर फ)"
        ),
        trigger=r"(?i)\d[ \-,(]+(?:office|fax|mobile|cell|handy|mobil|portable)\b|\d (?:numara|पर कॉल|पर फ)",
        judge=_labelled,
        rank=Rank.PHONE,
        retry=True,
        example="416 60 039 office",
        counter_example="1200000 mobile users",
    ),
)
"""Detectors of phone numbers."""
