"""Detectors of addresses by a label before them, or a flat in them: a run of numbers and names is scored."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, OTHER, WORD_START, Candidate, Detector, Rank, Span


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LABELS: Final = (
    r"addresse?s?(?: is| are)?|adresse|anschrift|direcci[oó]n|domicilio|indirizzo|endere[cç]o|morada|adres|adress|adresa|osoite"
    "|c[ií]m|адрес|διεύθυνση"
)
_PLACES: Final = (
    "(?:live[sd]?|living|located|resid(?:es?|ing)|stay(?:s|ing)?) (?:at|on|in)|meet (?:me |you |us |him |her )?at"
    "|(?:send|sent|ship(?:ped)?|deliver(?:ed)?|return(?:ed)?|mail(?:ed)?|moved|taxi|directions|come|arrived|off)"
    " (?:it |this |them )?(?:to|at)"
    "|wohn(?:t|haft)(?: in)?|habite(?: au)?|demeure au|vive en|abita in|mora n?[ao]|woont (?:op|aan)|bor (?:på|i)"
    "|проживает|zamieszka[łl][aey]?"
)
_UNSPACED: Final = "住所|地址|주소"
_NO_PLACE: Final = re.compile(
    r"(?:e-?mail|ip|mac|web|url|bitcoin|wallet|memory|return|reply|from|bind|listen)[ _-]?\Z", re.IGNORECASE
)

_CAPITAL: Final = "A-Z\u00c0-\u00de\u0100-\u017f\u0386-\u03ab\u0400-\u042f"
_PIECE: Final = re.compile(
    r"(?P<gap>(?:[ \t]*,?[ \t]*\r?\n[ \t>?]*(?:\r?\n[ \t>?]*(?=[A-Z][\w ()]{2,30} \d{4,6}\b))?,?[ \t]*|[ \t]*,[ \t]*|[ \t]+)"
    r")?"
    rf"(?:(?P<number>\d{{1,6}}(?:[-/]\d{{1,5}})?[A-Za-z]?(?![\w:.,]*\d|[^\W\d_]))"
    rf"|(?P<name>[{_CAPITAL}][\w'\u2019./-]*|#\d+)"
    r"|(?P<between>(?:de|la|le|les|l|du|des|del|dell|della|delle|di|da|do|dos|das|van|von|der|den|of|the|el|u|ul|str|c|nan"
    r"|and|corner|ulica|rue|rua|via|calle|ул|пр|просп|д|кв|г|корп)\b\.?))"  # noqa: RUF001 - Russian
)
_UNSPACED_ADDRESS: Final = re.compile(
    r"(?=[^\n\0]{0,40}[都道府県市区町村路号街省동로길시구])[^\n\0。;；、,]{2,40}?\d[\d\-−号番地丁目室楼弄호층 ]*"  # noqa: RUF001 - as it is written there
)
_STREETS: Final = _words(
    """
    street st str road rd avenue ave lane ln drive dr court ct place pl square sq way circle close gardens grove row walk trail
    hill park boulevard blvd terrace parkway crescent highway hwy route pass crossing rue via viale piazza piazzetta corso largo
    calle avenida avda av plaza paseo camino carretera rua travessa praça estrada chemin impasse allée quai ul ulica u utca út
    tér corner mews ул улица пр проспект
    """
)
_ENDS: Final = (
    *(
        "straße",
        "strasse",
        "gasse",
        "allee",
        "platz",
        "weg",
        "ring",
        "damm",
        "ufer",
        "straat",
        "laan",
        "gracht",
        "kade",
        "plein",
    ),
    *("gade", "vej", "gatan", "vägen", "gata", "veien", "vegen", "braut", "vegur", "stræti", "katu", "tie", "kuja", "polku"),
    *("ova", "ská", "utca", "avenue", "street"),
)
_UNITS: Final = _words("apt apartment suite ste unit flat floor room box wohnung app psc apo fpo dpo")
_SURE: Final = re.compile(r"[:=]|\b(?:is|are)\b")
_LONGEST: Final = 400
_MOST_PIECES: Final = 18
_MOST_LINES: Final = 5
_ENOUGH: Final = 4
"""What must come together: a label says two, a street two, a number, a name, a postcode one each."""
_POSTCODE: Final = 4
"""Digits of a number that may be one."""
_UNIT: Final = r"(?:Apt|APT|apt|Apartment|Suite|SUITE|Ste|Flat)\.? #?\d"


class _Run:
    """The numbers and names from a place on, as far as they may be an address."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.end, at, lines, numbers, names = start, start, 0, 0, 0
        found: set[str] = set()
        for _ in range(_MOST_PIECES):
            piece = _PIECE.match(text, at, end)
            if piece is None:
                break
            gap, kind = piece["gap"], piece.lastgroup
            if (gap is None) is not (at == start):
                break
            if gap and "\n" in gap:
                lines += 1
                if lines > _MOST_LINES:
                    break
            at = piece.end()
            if kind == "number":
                numbers += 1
                found.add("number")
                if numbers > 1:
                    found.add("postcode" if len(piece["number"]) > _POSTCODE else "second")
                self.end = at
            elif kind == "name":
                names += 1
                name = piece["name"]
                found.update(_kinds(name))
                ends = name[-1] == "." and _ends_sentence(name)
                self.end = at - ends
                if ends:
                    break
        self.has_number = numbers > 0 and names > 0
        self.score = len(found) + ("street" in found) + ("unit" in found)


def _ends_sentence(name: str) -> bool:
    """Tell whether the full stop of a name ends a sentence, not a word that is cut short."""
    word = name[:-1].lower()
    return not (word in _STREETS or word in _UNITS or len(word) == 1 or word == "no")


def _kinds(name: str) -> Iterable[str]:
    yield "name"
    word = name.rstrip(".").lower()
    if word in _STREETS or word.endswith(_ENDS):
        yield "street"
    if word in _UNITS:
        yield "unit"


def _labelled(candidate: Candidate) -> Iterable[Span]:
    """Take what follows a label, or words like `lives at`."""
    is_label = candidate.groups[1][0] >= 0
    first = candidate.groups[0][0] + 1
    if is_label and _NO_PLACE.search(candidate.text, max(0, first - 12), first):
        return NOTHING
    start = candidate.groups[0][1] - 1
    if candidate.groups[3][0] >= 0:
        written = _UNSPACED_ADDRESS.match(candidate.text, start)
        return (Span(*written.span()),) if written else NOTHING
    is_sure = is_label and _SURE.search(candidate.text, first, start) is not None
    return _taken(candidate, start, 2 if is_sure else 1)


def _with_unit(candidate: Candidate) -> Iterable[Span]:
    return _taken(candidate, candidate.start, 0)


def _taken(candidate: Candidate, start: int, score: int) -> Iterable[Span]:
    end = min(start + _LONGEST, len(candidate.text))
    limit = candidate.text.find("\0", start, end)
    run = _Run(candidate.text, start, limit if limit >= 0 else end)
    if not run.has_number or run.score + score < _ENOUGH or candidate.follows_placeholder:
        return NOTHING
    return (Span(start, run.end),)


ADDRESSES: Final = (
    Detector(
        name="address_labelled",
        type="ADDRESS",
        reason="Numbers and names after the word address, or `lives at`, in a dozen languages: as many signs as make one.",
        pattern=(
            rf"(?i){WORD_START}(?:({_LABELS})\s?[:=]?\s{{1,6}}(?:[#\d]|(?-i:[A-Z{OTHER}]))|({_PLACES})\s[#\d])"
            rf"|({_UNSPACED})[:：]?\s{{0,2}}(?-i:[{OTHER}])"  # noqa: RUF001 - as it is written there
        ),
        trigger=rf"(?i)(?:{_LABELS})\s?[:=]?\s+(?:[#\da-z]|[{OTHER}])|(?:{_PLACES})\s[#\d]|{_UNSPACED}",
        judge=_labelled,
        rank=Rank.CONTEXT,
        example="Address: 3421 Lyngveien 46, Bergen",
        counter_example="we meet at 5 PM Tuesday; the address is 0x7fff; address 1 Main",
    ),
    Detector(
        name="address_with_unit",
        type="ADDRESS",
        reason="A number and names before a flat or a suite.",
        pattern=rf"\d{{1,6}}[A-Za-z]? [^\d\n\x00\[]{{3,60}}(?: \d{{1,5}}[A-Za-z]?)?[\s,>?]{{1,8}}{_UNIT}",
        trigger=_UNIT,
        judge=_with_unit,
        rank=Rank.CONTEXT,
        example="sent to 4241 Steinfelden 73, Apt. 12, Savonlinna",
        counter_example="10 tests in Suite 4",
    ),
)
"""Detectors of addresses by what stands around them."""
