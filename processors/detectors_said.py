"""Detectors of secrets that are told in a sentence, in many languages."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .secret_names import LIKE_A_SECRET, SHORTEST, stands

_SPOKEN = (
    r"password|passcode|passphrase|passwort|kennwort|pwd|\bpin|contrase[nñ]a|mot de passe|senha|wachtwoord|has[lł]o|l[öo]senord"
    "|adgangskode|passord|salasana|parola|heslo|jelsz[óo]|[sş]ifre|пароль"
)
_UNSPACED = "密码|密碼|口令|パスワード|비밀번호|암호"
_IS = r"is|was|ist|lautet|es|est|é|è|to|jest|är|er|on"
_WORDS = re.compile(r"\d[^\W\d_]|[^\W\d_]\d")
_QUOTES = "\"'“”„«»‘’"  # noqa: RUF001 - quotation marks of many languages


def _said(candidate: Candidate) -> Iterable[Span]:
    """Take the word after `my password is`, unless it looks like the rest of a sentence."""
    opened = candidate.previous in [*_QUOTES]
    value = candidate.value.rstrip(".,;:!?)" + _QUOTES)
    if len(value) <= SHORTEST or not stands(value) or not (opened or LIKE_A_SECRET.search(value)):
        return NOTHING
    return (Span(candidate.start, candidate.start + len(value)),)


def _beside(candidate: Candidate) -> Iterable[Span]:
    """Take the word straight after `password`: it must have letters and digits side by side."""
    value = candidate.value.rstrip(".,;:!?)" + _QUOTES)
    return (Span(candidate.start, candidate.start + len(value)),) if _WORDS.search(value) and stands(value) else NOTHING


SAID: Final = (
    Detector(
        name="said",
        type="SECRET",
        reason="A password told in a sentence; it has a digit, a sign or quotes, else it is the sentence's next word.",
        pattern=(
            rf"(?i)(?:{_SPOKEN})"
            rf"(?:\s(?:for|of|to|on|number|code)(?:\s[\w.@'-]{{1,40}}){{0,3}}?)?\s{{1,2}}(?:{_IS}):?\s{{1,2}}[{_QUOTES}]?"
            rf"([^\s\x00{_QUOTES}][^\s\x00]{{3,}})"
            rf"|(?:{_UNSPACED})\s{{0,2}}(?:是|为|為|は|는|은)?\s?[:：]?\s{{0,2}}[「『\"“]?([!-~]{{4,}})"  # noqa: RUF001 - as it is written there
        ),
        trigger=rf"(?i)(?:{_SPOKEN})\s|{_UNSPACED}",
        judge=_said,
        rank=Rank.ASSIGNED_SECRET,
        example="my password for the shop is hunter2, thanks",
        counter_example="the password is stored hashed",
    ),
    Detector(
        name="said_beside",
        type="SECRET",
        reason="A word of letters and digits straight after the word password, or after a colon or a dash.",
        pattern=rf"(?i)(?:{_SPOKEN})(?:\s{{1,2}}|\s?[-–:]\s?)[{_QUOTES}]?([^\s\x00{_QUOTES}][^\s\x00{_QUOTES}]{{4,80}})",  # noqa: RUF001 - a dash
        trigger=rf"(?i)(?:{_SPOKEN})\s?[\s:–-]",  # noqa: RUF001 - a dash
        judge=_beside,
        rank=Rank.ASSIGNED_SECRET,
        example="Mot de passe : Soleil12, merci",
        counter_example="password authentication, password reset, Failed password for root from 10",
    ),
)
"""Detectors of secrets in sentences."""
