"""Detectors of numbers that states give to persons: their check digit is enough for some, others need a word before them."""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from stdnum.es import dni

from . import id_checks as ids
from .detector import IN_WORDS, NOTHING, OTHER, WORD_START, Candidate, Detector, Rank, Span

_SEPARATORS: Final = re.compile(r"[ .\-/]+")
_WORD: Final = re.compile(r"[0-9A-Za-z_]")
_IN_WORD: Final = re.compile(f"[{IN_WORDS}]")
_DIGIT: Final = re.compile(r"\d")
_PART_OF_MORE: Final = re.compile(r"(?:[0-9A-Za-z_]|[0-9A-Za-z_\]][-./+])\Z")
_GOES_ON: Final = re.compile(r"[0-9A-Za-z_]|[-./][0-9A-Za-z\[]")
_GAP: Final = rf"(?:[^0-9A-Za-z_{OTHER}\x00\[][^\d\x00\[\n]{{0,24}}?)"
"""Between the word and the number: `no.`, `is`, a colon."""
_FEWEST_DIGITS: Final = 4
_NO_ID: Final = re.compile(
    r"\W?(?:[Ee]in\s+(?!(?:number|no|is)\b)[^\W\d]|[Mm]edicare\s+(?!(?:number|no|card|id|beneficiary|is)\b)[a-z]"
    r"|[Pp]assport stamps)"
)
"""German's article, what Medicare costs, and where somebody was."""
_YEARS: Final = re.compile(r"(?:[A-Za-z]{1,3} )?(?:19|20)\d\d(?:[ -](?:19|20)\d\d)+")


class _Checked(NamedTuple):
    """A number that its form and its check digits give away, wherever it stands."""

    name: str
    reason: str
    pattern: str
    check: Callable[[str], bool]
    """Told the number without separators."""
    example: str
    counter_example: str
    trigger: str = ""
    """As of detectors: where all of the pattern takes too many states."""


class _Named(NamedTuple):
    """A number that a word before it gives away: its form must fit, a mistyped digit hides nothing."""

    name: str
    reason: str
    words: str
    """RE2, without case."""
    pattern: str
    """RE2, without case."""
    example: str
    counter_example: str


_CHECKED: Final = (
    _Checked(
        "it_codice_fiscale",
        "Italy: name, date and place of birth of a person, and a check letter.",
        r"(?i:[A-Z]{6}\d[0-9L-NP-V][A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z])",
        ids.codice_fiscale,
        "cod. RCCMNL83S18D969H, Genova",
        "RCCMNL83S18D969X",
    ),
    _Checked(
        "es_nie",
        "Spain: the number of a foreigner, with its check letter.",
        r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]",
        ids.nie,
        "extranjera, X-2482300-W",
        "extranjera, X-2482300-A",
    ),
    _Checked(
        "es_dni",
        "Spain: the identity number of a citizen as it is printed, with its check letter.",
        r"\d{2}\.\d{3}\.\d{3}-?[A-Za-z]|\d{8}-[A-Za-z]",
        dni.is_valid,
        "firmado por 54362315-K",
        "pieza 54362315-A",
    ),
    _Checked(
        "fr_nir",
        "France: the social security number, with sex, month of birth, place and key.",
        r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[ABab]) ?\d{3} ?\d{3} ?\d{2}",
        ids.nir,
        "assurée 2 95 10 99 126 111 93",
        "colis 2 95 10 99 126 111 94",
        r"\d ?\d{2} ?\d{2} ?[0-9ABab]{2} ?\d{3} ?\d{3}",  # RE2 has a state for each way in which what is narrower may begin
    ),
    _Checked(
        "br_cpf",
        "Brazil: the number of a taxpayer, as it is printed.",
        r"\d{3}\.\d{3}\.\d{3}-\d{2}",
        ids.cpf,
        "emitida para 390.533.447-05",
        "lote 390.533.447-06",
    ),
    _Checked(
        "br_cnpj",
        "Brazil: the number of a business, which may be one person, as it is printed.",
        r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}",
        ids.cnpj,
        "emitida por 16.727.230/0001-97",
        "lote 16.727.230/0001-98",
    ),
    _Checked(
        "cn_resident_id",
        "China: the identity number of a resident, with the day of birth and a check character.",
        r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[0-9Xx]",
        ids.chinese,
        "身份 360426199101010071",
        "批号 360426199101010072",
    ),
    _Checked(
        "ch_ahv",
        "Switzerland: the number of the old age insurance, as it is printed.",
        r"756\.\d{4}\.\d{4}\.\d{2}",
        ids.ahv,
        "versichert unter 756.9217.0769.85",
        "Artikel 756.9217.0769.84",
    ),
    _Checked(
        "fi_hetu",
        "Finland: the personal identity code, with its check character.",
        r"(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])\d{2}[-+A]\d{3}[0-9A-FHJ-NPR-Y]",
        ids.hetu,
        "asiakas 131052-308T",
        "tuote 131052-308U",
    ),
    _Checked(
        "mx_curp",
        "Mexico: the key of a person, with name, day and place of birth.",
        r"[A-Z][AEIOUX][A-Z]{2}\d{6}[HM][A-Z]{5}[0-9A-Z]\d",
        ids.curp,
        "alumno BOXW310820HNERXN09",
        "pieza BOXW310820HNERXN08",
    ),
    _Checked(
        "uk_nino",
        "United Kingdom: the national insurance number, as it is printed.",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} [A-D]",
        lambda number: number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"),
        "employee QQ is not, AB 12 34 56 C is",
        "ratings BG 12 34 56 C",
    ),
)

_NAMED: Final = (
    _Named(
        "uk_nino_named",
        "United Kingdom: the national insurance number, where the text says so.",
        r"national insurance|\bnino?\b|\bni (?:number|no)",
        r"(?-i:[A-Z]{2}) ?\d{2} ?\d{2} ?\d{2} ?[A-D]?",
        "National Insurance no. AB123456C",
        "national insurance rose by 12 34 56",
    ),
    _Named(
        "uk_nhs_named",
        "United Kingdom: the number of a patient, where the text says so.",
        r"\bnhs\b|\butr\b|unique taxpayer",
        r"\d{3}[ -]?\d{3}[ -]?\d{4}|\d{5} ?\d{5}",
        "NHS number: 943 476 5919",
        "the NHS has 1200000 staff",
    ),
    _Named(
        "us_tax_id_named",
        "United States: taxpayer numbers of persons and businesses, where the text says so.",
        r"\bitin\b|\bein\b|taxpayer id\w*|tax ?id\w*|\btin\b",
        r"9\d{2}-?\d{2}-?\d{4}|\d{2}-?\d{7}|\d{9}",
        "ITIN 912-70-1234",
        "tax identification takes 12 days",
    ),
    _Named(
        "de_tax_id_named",
        "Germany: the tax number of a person, where the text says so.",
        r"steuer-?(?:id|identifikationsnummer|nummer|nr)\w*|\bidnr",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}|\d{2,3}/\d{3}/\d{5}",
        "Steuer-ID: 36 574 261 809",
        "Steuernummer fehlt seit 12 Jahren",
    ),
    _Named(
        "de_id_card_named",
        "Germany, Austria: identity card, passport and social insurance numbers, where the text says so.",
        r"personalausweis\w*|ausweis-?(?:nummer|nr)\w*|reisepass\w*|sozialversicherungs\w*"
        r"|rentenversicherungs\w*|svnr|führerschein\w*|krankenvers\w*|versichertennummer|\bkvnr",
        r"[0-9A-Z]*\d[0-9A-Z]{5,10}\d?|\d{2} ?\d{6} ?[A-Z] ?\d{3}|\d{4} ?\d{6}",
        "Personalausweisnr. L01X00T47",
        "Personalausweis bitte bis 2025 erneuern",
    ),
    _Named(
        "fr_id_named",
        "France: numbers of social security and identity cards, where the text says so.",
        r"s[ée]curit[ée] sociale|\bs[ée]cu\b|\bnir\b|(?:num[ée]ro|n[°o]) ?fiscal"
        r"|carte (?:nationale )?d'identit[ée]|\bcni\b|n[°o]? ?insee",
        r"[12][ .]?\d{2}[ .]?\d{2}[ .]?[0-9AB]{2}[ .]?\d{3}[ .]?\d{3}(?:[ .]?\d{2})?"
        r"|\d{2} \d{2} \d{3} \d{3} \d{3}|\d{13}|\d{12}|[0-9A-Z]*\d[0-9A-Z]{8}",
        "numéro de sécurité sociale 1 85 05 78 006 084 36",
        "la sécurité sociale couvre 12 soins",
    ),
    _Named(
        "es_id_named",
        "Spain, Portugal and Latin America: identity and tax numbers, where the text says so.",
        r"\bdni\b|\bnie\b|\bnif\b|\bcui[tl]\b|\brut\b|\bc[ée]dula\b|\bcurp\b|\brfc\b"
        r"|documento de identidad|cart[ãa]o de cidad[ãa]o|\bnss\b|seguridad social|contribuinte",
        r"\d{1,3}(?:\.\d{3}){3}|\d{2}[ /]?\d{8}[ /]?\d{2}"
        r"|(?:[XYZ][ -]?)?\d{1,2}\.?\d{3}\.?\d{3}(?:[ -]?[0-9A-Z])?|\d{2}-\d{8}-\d|[A-Z]{4}\d{6}[0-9A-Z]{3,8}|\d{9}",
        "DNI 54362315K",
        "nie waren es 12.50 Euro",
    ),
    _Named(
        "it_id_named",
        "Italy: fiscal codes and identity cards, where the text says so.",
        r"codice fiscale|cod\.? ?fisc\w*|carta d'identit[àa]|\bc\.f\.|tessera sanitaria|partita iva|p\. ?iva",
        r"\d{20}|\d{11}|[A-Z]{6}[0-9A-Z]{2}[A-Z][0-9A-Z]{2}[A-Z][0-9A-Z]{3}[A-Z]|[A-Z]{2}\d{5}[A-Z]{2}|[A-Z]{2} ?\d{7}",
        "codice fiscale: RSSMRA85T10A562X",
        "il codice fiscale ha 16 caratteri",
    ),
    _Named(
        "br_id_named",
        "Brazil: numbers of taxpayers, businesses and identity cards, where the text says so.",
        r"\bcpf\b|\bcnpj\b|\brg\b|\bcnh\b|t[íi]tulo de eleitor",
        r"\d{2,3}\.?\d{3}\.?\d{3}(?:/\d{4})?-?[0-9X]{1,2}|\d{14}|\d{4} ?\d{4} ?\d{4}",
        "CPF 39053344705",
        "o CPF tem 11 dígitos",
    ),
    _Named(
        "in_id_named",
        "India: Aadhaar and PAN, voter and passport numbers, where the text says so.",
        r"aa?dha?ar?|आधार|\buidai?\b|\bpan\b|permanent account number|voter id|\bepic\b|\bgstin\b|\buan\b",
        r"\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]|\d{12}|[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}|[A-Z]{5}\d{4}[A-Z]|[A-Z]{3}\d{7}",
        "Aadhaar 2341 2341 2346, PAN ABCPE1234F",
        "the frying pan costs 1234",
    ),
    _Named(
        "europe_id_named",
        "The rest of Europe, from Ireland to Turkey: personal numbers, where the text says so.",
        r"\bbsn\b|burgerservicenummer|rijksregisternummer|\bpesel\b|personnummer|\bcpr\b|f[øo]dselsnummer"
        r"|henkil[öo]tunnus|rodn[ée] [čc][íi]slo"
        r"|\bcnp\b|t\.?c\.? kimlik\w*|egn\b|amka|oib\b|emšo"
        r"|\bjmbg\b|isikukood|asmens kod\w*|\bppsn\b|\bpps (?:no|number)\b|\bahv\b",
        r"756\.?\d{4}\.?\d{4}\.?\d{2}|\d{7}[A-W][A-I]?"
        r"|\d{6,8}[-+ /]?[0-9A-Z]{3,5}|\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{4}\.?\d{2}\.?\d{3}|\d{13}",
        "BSN: 111222333",
        "PESEL ma 11 cyfr",
    ),
    _Named(
        "east_id_named",
        "Russia and Ukraine, Israel, Japan, South Africa: personal, tax and passport numbers, where the text says so.",
        rf"паспорт(?-i:[{OTHER}]){{0,6}}|снилс|инн|ідентифікаційний код|ת\.?ז\.?|תעודת זהות|マイナンバー|個人番号|\bsa id\b",
        r"\d{3}-\d{3}-\d{3}[ -]?\d{2}|\d{13}|\d{4} ?\d{4} ?\d{4}|\d{2} ?\d{2},? ?(?:№|номер)? ?\d{6}|\d{9,11}",
        "СНИЛС 112-233-445 95",
        "инн не указан с 2024 года",  # noqa: RUF001 - Russian
    ),
    _Named(
        "id_document_named",
        "Passports, driving licences, identity cards and insurance numbers of any country, where the text says so.",
        r"passport|pasaporte|passeport|passaporto|passaporte|paspoort|driver['\x{2019}]?s? ?licen[cs]e"
        r"|driving licen[cs]e|permis de conduire|national id(?:entity|entification)?|identity (?:card|number)"
        r"|state id|id card|social insurance|\btfn\b|tax file|medicare|\bmbi\b|\bnric\b|\bc[ée]dula\b",
        r"[A-Z9]{5} ?\d{6} ?[A-Z9]{2}\d[A-Z]{2}"
        r"|\d[A-Z][0-9A-Z]{2}-[0-9A-Z]{3}-[A-Z]{2}\d{2}|[A-Z]\d{3}-\d{3,4}-\d{2,4}(?:-\d{1,3})?"
        r"|(?:[A-Z]{1,3}[ -]?)?\d(?:[ -]?\d){4,11}[A-Z]{0,3}|[0-9A-Z]{0,8}\d[0-9A-Z]{5,14}",
        "passport no. 533380006",
        "her passport expires in 2030",
    ),
)


def _checked(check: Callable[[str], bool]) -> Callable[[Candidate], Iterable[Span]]:
    def judge(candidate: Candidate) -> Iterable[Span]:
        text, start, end = candidate.text, candidate.start, candidate.end
        if start and text[start - 1] != " " and _PART_OF_MORE.search(text, max(0, start - 2), start):
            return NOTHING
        if _GOES_ON.match(text, end) or not check(_SEPARATORS.sub("", text[start:end]).upper()):
            return NOTHING
        return (Span(start, end),)

    return judge


def _named(candidate: Candidate) -> Iterable[Span]:
    text, start, value = candidate.text, candidate.start, candidate.value
    if _NO_ID.match(text, candidate.groups[0][0]):
        return NOTHING
    if _IN_WORD.match(text, start - 1):  # the first group is the end of another word
        separator = _SEPARATORS.search(value)
        if separator is None:
            return NOTHING
        start, value = start + separator.end(), value[separator.end() :]
    if _WORD.match(candidate.text, candidate.end):
        # The last group is the beginning of another word.
        value = value[: max(value.rfind(separator) for separator in " -./")] if _SEPARATORS.search(value) else ""
    value = value.rstrip(" -./")
    end = start + len(value)
    if candidate.follows_placeholder or candidate.runs_into_placeholder(end) or _YEARS.fullmatch(value):
        return NOTHING
    return (Span(start, end),) if len(_DIGIT.findall(value)) >= _FEWEST_DIGITS else NOTHING


IDENTITY: Final = (
    *tuple(
        Detector(
            name=one.name,
            type="NATIONAL_ID",
            reason=one.reason,
            pattern=one.pattern,
            trigger=one.trigger,
            judge=_checked(one.check),
            rank=Rank.CHECKSUM,
            numeric=True,
            example=one.example,
            counter_example=one.counter_example,
        )
        for one in _CHECKED
    ),
    *tuple(
        Detector(
            name=one.name,
            type="NATIONAL_ID",
            reason=one.reason,
            pattern=rf"(?i)(?:{WORD_START}(?:{one.words}){_GAP})({one.pattern})",
            trigger=rf"(?i)(?:{one.words})[^0-9A-Za-z]",
            judge=_named,
            rank=Rank.CONTEXT,
            example=one.example,
            counter_example=one.counter_example,
        )
        for one in _NAMED
    ),
)
"""Detectors of the numbers of persons."""
