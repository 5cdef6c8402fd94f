"""Detectors of where somebody lives and when somebody was born, by the words around."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, OTHER, WORD_START, Candidate, Detector, Rank, Span, whole

_BORN: Final = (
    r"d\.?o\.?b\.?|date[ -]?of[ -]?birth|(?-i:[Dd]ate_of_[Bb]irth)|birth[ _-]?date|birthday(?: is)?|born(?: on)?"
    r"|geboren(?: am| op)?|geb\.|geburtsdatum|geburtstag"
    r"|n[ée](?:e|\(e\))? le|date de naissance|fecha de nacimiento|nac[ií](?:d[oa])?(?: el)?|f\. ?nac\."
    r"|data di nascita|nat[oa](?: a [^\d\n\x00\[]{2,24})? il|data de nascimento"
    r"|nasci(?:d[oa])? (?:em|a)|geboortedatum|f[öø]dd?t?(?: den)?|f[øo]dselsdato|f[öo]delsedatum"
    r"|urodzon[ya]|data urodzenia|\bur\.|datum narozen[íi]|narozena?"
    r"|született|születési (?:dátum|idő)|născută?(?: la)?|data nașterii"
    r"|syntym[äa]aika|syntynyt|do[ğg]um tarihi|дата (?:рождения|народження)|родил(?:ся|ась)|г\. ?р\."  # noqa: RUF001 - Russian
    r"|ημερομηνία γέννησης|γεννήθηκε|תאריך לידה|जन्म ?(?:तिथि|दिन|तारीख)|تاريخ (?:ال)?ميلاد|مواليد"
)
_BORN_UNSPACED: Final = "生年月日|出生日期|出生年月|生日|생년월일|생일"
_BORN_BEHIND: Final = "geboren|doğumlu|生まれ|出生|생|г\\. ?р\\."  # noqa: RUF001 - Russian
_MONTH: Final = rf"[A-Za-z{OTHER}]{{3,14}}"
_DATE: Final = (
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)?[ -](?:of |de )?{_MONTH}\.?,?[ -](?:de )?\d{{2,4}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    r"|(?:\d{4}|[昭平令大]和?成?\d{1,2}) ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]"
    r"|(?:19|20)\d{6}"
)

_CAPITAL: Final = r"(?:[A-Z\x{c0}-\x{de}]|\x{15a}|\x{160}|\x{141})"
_NAME: Final = rf"{_CAPITAL}[0-9A-Za-z{OTHER}'.-]{{0,30}}"
_NAMES: Final = rf"(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)|of|the)[ ]){{1,4}}"
_CITY: Final = rf"{_NAME}(?: {_NAME}){{0,2}}"
_UNIT: Final = r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|App|Wohnung|#)\.? ?#?[0-9A-Za-z-]{1,6})?"
_US_TAIL: Final = rf",?\s{{1,2}}{_CITY},?\s{{1,2}}[A-Z]{{2}}\s{{1,2}}\d{{5}}(?:-\d{{4}})?"
_UK_TAIL: Final = rf"(?:,?\s{{1,2}}{_CITY}){{0,3}},?\s{{1,2}}[A-Z]{{1,2}}\d[0-9A-Z]? \d[A-Z]{{2}}"
_EU_TAIL: Final = rf",?\s{{1,2}}(?:[A-Z]{{1,2}}-)?\d{{2}}[ -]?\d{{2,3}}(?: ?[A-Z]{{2}})?\s{{1,2}}{_CITY}"
_ANY_TAIL: Final = rf"(?:{_US_TAIL}|{_UK_TAIL}|{_EU_TAIL})"
_STREET: Final = "Street|Str|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Terrace|Parkway|Pkwy|Crescent|Mews|Highway|Hwy|Turnpike"
_MAYBE_STREET: Final = (
    "St|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Circle|Cir|Close|Gardens|Grove|Row|Walk|Trail|Path|Hill|Park|Loop|Run|Point"
)
_HOUSE: Final = r"\d{1,5}(?:-\d{1,4})?[A-Za-z]?"
_OF: Final = r"(?:de la |de los |de las |de |del |du |des |della |delle |dei |di |da |do |dos |das |d'|l'|dell')?"

_FRENCH: Final = r"rue|avenue|av\.|boulevard|bd|blvd|chemin|impasse|all[ée]e|place|quai|route|cours|passage|square"
_SOUTHERN: Final = (
    r"Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Camino|Carretera"
    r"|Rua|Travessa|Pra[çc]a|Estrada|Via|Viale|Piazza|Corso|Largo|Vicolo"
)
_DIGIT: Final = re.compile(r"\d")
_IN_WORDS: Final = "'.-"
_PART_OF_MORE: Final = re.compile(r"[0-9A-Za-z_$€£#.,/:-]\Z")


def _born(candidate: Candidate) -> Iterable[Span]:
    return NOTHING if candidate.follows_placeholder or candidate.following.isdigit() else whole(candidate)


def _street(candidate: Candidate) -> Iterable[Span]:
    start = candidate.start
    if _PART_OF_MORE.search(candidate.text, max(0, start - 1), start):
        return NOTHING
    if not candidate.following.isalnum():
        return whole(candidate)
    # What was taken for the name of a town goes on: it is another word.
    words = candidate.value.rstrip(_IN_WORDS).rpartition(" ")[0].rstrip(", \t\n")
    return (Span(start, start + len(words)),) if words.count(" ") > 0 else NOTHING


def _post(candidate: Candidate) -> Iterable[Span]:
    is_code = candidate.groups[1][0] >= 0
    return NOTHING if candidate.follows_placeholder or (is_code and not _DIGIT.search(candidate.value)) else whole(candidate)


LIFE: Final = (
    Detector(
        name="date_of_birth",
        type="DATE_OF_BIRTH",
        reason="A date after a word that says birth, in twenty languages. Other dates are nobody's.",
        pattern=(
            rf"(?i)(?:{WORD_START}(?:{_BORN})|{_BORN_UNSPACED})[^0-9A-Za-z{OTHER}\x00\[\n][^\d\x00\[\n]{{0,20}}?(?:\n[^\d\x00\[\n]{{0,6}})?({_DATE})"
            rf"|(?:{_BORN_UNSPACED})[^0-9A-Za-z\x00\[\n]{{0,3}}({_DATE}|\d{{6}}\b)"
        ),
        parts="",
        trigger=rf"(?i)(?:{_BORN})[^0-9A-Za-z]|{_BORN_UNSPACED}",
        judge=_born,
        rank=Rank.CONTEXT,
        example="DOB: 03/14/1985, née le 5 mai 1990",
        counter_example="born to run, 10 of 12/24 shops; a birthday party for 12",
    ),
    Detector(
        name="date_of_birth_behind",
        type="DATE_OF_BIRTH",
        reason="A date before a word that says birth.",
        pattern=rf"(?i)({_DATE}),? ?(?:{_BORN_BEHIND})",
        trigger=rf"(?i)(?:\d|[日일]),? ?(?:{_BORN_BEHIND})",
        judge=_born,
        rank=Rank.CONTEXT,
        example="Sie wurde am 14. März 1985 geboren",
        counter_example="seit 1985 geboren, 14. März 1985 gestorben",
    ),
    Detector(
        name="street",
        type="ADDRESS",
        reason="A house number, capitalised words and a word for a street; town and postcode go with it.",
        pattern=(
            rf"{_HOUSE},? {_NAMES}(?:{_STREET})\b\.?(?: (?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\b\.?)?"
            rf"{_UNIT}{_ANY_TAIL}?"
        ),
        trigger=rf"[0-9A-Za-z{OTHER}'.-] (?:{_STREET})\b",
        judge=_street,
        retry=True,
        rank=Rank.CONTEXT,
        example="She moved to 221 West Baker Street, Springfield, IL 62704.",
        counter_example="the 3 streets of Main Street and Road 66",
    ),
    Detector(
        name="street_with_postcode",
        type="ADDRESS",
        reason="The same with a word that may be something else, where a town and a postcode follow.",
        pattern=rf"{_HOUSE},? {_NAMES}(?:{_MAYBE_STREET})\b\.?{_UNIT}(?:{_US_TAIL}|{_UK_TAIL})",
        trigger=r"\s[A-Z]{2}\s+\d{5}|\s[A-Z]{1,2}\d[0-9A-Z]? \d[A-Z]{2}",
        judge=_street,
        retry=True,
        rank=Rank.CONTEXT,
        example="sent to 12 Oak Drive, Portland, OR 97201",
        counter_example="it has 12 Disk Drive bays",
    ),
    Detector(
        name="street_german",
        type="ADDRESS",
        reason="A street of one word and its number, as in Germany and the Netherlands.",
        pattern=(
            rf"{_NAME}(?:(?:[ -]{_NAME}){{0,3}}[ -]?)"
            rf"(?:[Ss]tra(?:ß|ss)e|[Ss]tr\.|[Aa]llee|[Gg]asse|straat|laan|gracht|kade|plein) {_HOUSE}(?:{_EU_TAIL})?"
            rf"|{_NAME}(?:[ -]{_NAME}){{0,3}}(?:weg|platz|ring|damm|ufer|steig|gade|vej|gatan|vägen) {_HOUSE}{_EU_TAIL}"
        ),
        trigger=(
            r"(?:[Ss]tra(?:ß|ss)e|[Ss]tr\.|[Aa]llee|[Gg]asse|straat|laan|gracht|kade|plein"
            r"|weg|platz|ring|damm|ufer|steig|gade|vej|gatan|vägen) \d"
        ),
        judge=_street,
        retry=True,
        rank=Rank.CONTEXT,
        example="wohnt Lange Hauptstraße 12a, 80331 München",
        counter_example="auf dem Hauptweg 12 Kilometer",
    ),
    Detector(
        name="street_french",
        type="ADDRESS",
        reason="A house number and a word for a street before its name, as in France.",
        pattern=rf"\d{{1,4}}(?: ?(?:bis|ter))?,? (?i:{_FRENCH}) {_OF}{_NAME}(?:[ -]{_NAME}){{0,4}}(?:{_EU_TAIL})?",
        trigger=rf"(?:\d|bis|ter),? (?i:{_FRENCH}) ",
        judge=_street,
        retry=True,
        rank=Rank.CONTEXT,
        example="12 bis, rue de la Paix, 75002 Paris",
        counter_example="en route vers 3 places",
    ),
    Detector(
        name="street_southern",
        type="ADDRESS",
        reason="A word for a street before its name, a house number behind it, as in Spain, Portugal and Italy.",
        pattern=(
            rf"\b(?:{_SOUTHERN}) ?{_OF}{_NAME}(?: {_OF}{_NAME}){{0,4}},? (?:n[º°.]?º? ?)?{_HOUSE}"
            rf"(?:{_EU_TAIL})?"
        ),
        trigger=rf"\b(?:{_SOUTHERN}) ?{_CAPITAL}|\b(?:{_SOUTHERN}) (?:d|l')",
        judge=_street,
        retry=True,
        rank=Rank.CONTEXT,
        example="vive en la Calle Mayor 5, 28013 Madrid",
        counter_example="the Via Appia was built in 312 BC",
    ),
    Detector(
        name="post_box",
        type="ADDRESS",
        reason="A post office box, and a postcode where the text says so.",
        pattern=(
            r"(?i)\b(?:(?:PSC|Unit|CMR) \d{1,5},? Box \d{1,5},?\s{1,3})?(?:APO|FPO|DPO),? A[AEP],? \d{5}\b"
            r"|\b(?:P\.? ?O\.? Box|Postfach|Apartado(?: de Correos)?|Caixa Postal) \d{1,8}\b"
            r"|\b(?:zip(?: ?code)?|post ?code|postal code|plz|code postal)(?: is)?"
            r"[ :=#]{1,3}(?-i:([0-9A-Z]{2,5}[ -]?[0-9A-Z]{2,4})\b)"
        ),
        trigger=r"(?i)[AFD]PO,? A[AEP]|P\.? ?O\.? Box|Postfach|Apartado|Caixa Postal|zip ?|post ?code|postal code|plz",
        judge=_post,
        rank=Rank.CONTEXT,
        example="P.O. Box 1234, or zip code: 94105",
        counter_example="unzip archive, zip file99",
    ),
)
"""Detectors of addresses and dates of birth."""
