"""Detectors of secrets that are told in a sentence, in many languages."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .key_rules import rule_of, words_of
from .secret_names import LIKE_A_SECRET, SHORTEST, reads_as_code, stands
from .validators import machine_made

_SPOKEN: Final = (
    r"password|passcode|passphrase|passwort|kennwort|pwd|\bpin|contrase[nñ]a|mot de passe|senha|wachtwoord|has[lł]o|l[öo]senord"
    "|adgangskode|passord|salasana|parola|heslo|jelsz[óo]|[sş]ifre|пароль"
)
_UNSPACED: Final = "密码|密碼|口令|パスワード|비밀번호|암호"
_BRIEF: Final = rf"{_SPOKEN}|\bpw|\bmdp|palavra-passe"
_TALKED: Final = rf"{_BRIEF}|\bclave"
_IS: Final = (
    "(?:is|has been|was)(?: now| still| again)?(?: (?:re)?set to| changed to)?"
    "|(?:ist|lautet)(?: jetzt| nun| aktuell| weiterhin)?"
    "|es(?: ahora)?|est(?: maintenant)?|é(?: agora)?|è(?: ora)?|to|jest|är|er|on"
)
_OF: Final = (
    r"for|of|to|on|number|code|f[üu]e?r|vo[nm]|zu[mr]|de[rsmnl]?|du|d[aeo]s?|della|dell[oa]|per|para|pour|pel[oa]"
    "|till|voor|van|dla"
)
"""Words between a password and what it is for."""
_WORDS: Final = r"(?:\s[\w.@\"'-]{1,40})"
_KIND: Final = (
    r"temp(?:orary|or[aä]re[rs]?|oral)|provisoire|temporaire|provvisoria|provis[óo]ria|initiale?"
    "|nov[ao]|nuev[ao]|nuov[ao]|actual|atual"
)
"""What stands behind the word, of the password."""
_SIDE_BY_SIDE: Final = re.compile(r"\d[^\W\d_]|[^\W\d_]\d")
_JOINED: Final = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S*[@!#$%^&*?+=]\S")
"""Asked of the beginning of a word alone: what holds further on holds there."""
_SIGNED: Final = re.compile(r"(?=\S*[A-Za-z])(?:\S*[!@#$%^&*?]|(?=\S*[a-z])(?=\S*[A-Z])\S*\d)")
_WHOLE: Final = re.compile(r"[0-9A-Za-z+/_~-]+(?:\.[0-9A-Za-z+/_~-]{6,})*={0,2}")
"""What has dots, and is no name of a file or a host."""
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BETWEEN: Final = frozenset(("is", "was", "value", "code", "are"))
_LOGGED: Final = frozenset(("from", "restored", "saved", "using"))
"""Words before a key of a cache, and before the fingerprint of one that a signature is checked with."""
_GOES_ON: Final = re.compile(r"[.,:]\d")
_NAME_BEFORE: Final = 24
"""Characters before a word like key, in which more of the name may stand."""
_WORDS_OF_NAME: Final = 3
_QUOTES: Final = "\"'“”„«»‘’"  # noqa: RUF001 - quotation marks of many languages
_BEHIND: Final = ".,;:!?)]}>" + _QUOTES
"""What ends a sentence, or what it stands in."""


_BESIDE: Final = rf"(?:\s{{1,2}}|\s?[-–:]\s?)[{_QUOTES}]?([^\s\x00{_QUOTES}][^\s\x00{_QUOTES}]"  # noqa: RUF001 - a dash
_TOLD: Final = (
    r"(?i)(?:secret|token|key|access|private|credential|pwd|password)s?(?:[ _-]?(?:key|token|code|value)|[ _#]\d{1,2})?"
    r"(?:[\s\-:=>,]{1,4}(?:is[\s:]{1,2})?)[\\\"'`({<\[]{0,2}([0-9A-Za-z+/_~][\w+/.~-]"
)
"""Both end before how often the last class comes again."""
_CODES: Final = "cv[vc]2?|security code|verification code|one[- ]time (?:code|password)|otp|[2m]fa code"
_OPENING: Final = frozenset(_QUOTES)
_FUNCTION: Final = re.compile(r"[A-Za-z_]+\d{0,3}[A-Za-z_]*(?:\.[A-Za-z_]+\d{0,3}[A-Za-z_]*)+")
"""What is called in code: base64.urlsafe_b64decode."""


def _said(candidate: Candidate) -> Iterable[Span]:
    """Take the word after `my password is`, unless it looks like the rest of a sentence."""
    opened = candidate.previous in _OPENING
    value = candidate.value.rstrip(_BEHIND)
    value = value.partition("</")[0]
    if len(value) <= SHORTEST or not stands(value) or reads_as_code(value) or not (opened or LIKE_A_SECRET.search(value)):
        return NOTHING
    return (_exclaimed(candidate, value),)


def _exclaimed(candidate: Candidate, value: str) -> Span:
    """Return where a value is: with a sign of exclamation behind it, which may be its last character."""
    end = candidate.start + len(value)
    return Span(candidate.start, end + (candidate.text[end : end + 1] == "!"))


def _beside(candidate: Candidate) -> Iterable[Span]:
    """Take the word straight after `password`: it must have letters and digits side by side."""
    value = candidate.value.rstrip(_BEHIND)
    is_mixed = _SIDE_BY_SIDE.search(value) is not None or any(map(_JOINED.match, value.split()))
    is_one = is_mixed and stands(value) and value[0] not in "}<>*" and value[:2] != "&["
    return (_exclaimed(candidate, value),) if is_one else NOTHING


def _paired(candidate: Candidate) -> Iterable[Span]:
    """Take the word behind an e-mail address and a slash or a colon, if it is written like a password."""
    value = candidate.value.rstrip(".,;)" + _QUOTES)
    behind = candidate.text[candidate.start + len(value) : candidate.start + len(value) + 1]
    is_one = _SIGNED.match(value) and stands(value) and behind not in ("/", "~", "@")
    return (Span(candidate.start, candidate.start + len(value)),) if is_one else NOTHING


def _code(candidate: Candidate) -> Iterable[Span]:
    """Take digits that stand alone: no part of an amount, a version or a name."""
    return NOTHING if candidate.following in ("-", "_") or _GOES_ON.match(candidate.text, candidate.end) else whole(candidate)


def _told(candidate: Candidate) -> Iterable[Span]:
    """Take a value made by a machine after a word like key, unless the words before say that it is something else."""
    value, first = candidate.value.rstrip("._-"), candidate.groups[0][0]
    is_called = candidate.following == "(" and _FUNCTION.fullmatch(value) is not None
    if is_called or candidate.follows_placeholder or not _WHOLE.fullmatch(value) or not machine_made(value):
        return NOTHING
    near = candidate.text[max(0, first - _NAME_BEFORE) : first]
    line = near[max(near.rfind("\n"), near.rfind("\0")) + 1 :]
    _, cut, before = line.rpartition("]")
    if cut and not before.strip():  # the word that said what kind of key it is may be gone already
        return NOTHING
    named = [word for word in words_of(before + candidate.text[first : candidate.start]) if word not in _BETWEEN]
    rule = rule_of(" ".join(named[-_WORDS_OF_NAME:]))
    is_logged = named[-1:] == ["key"] and not _LOGGED.isdisjoint(named[:-1])
    if is_logged or (rule is None and named[-1:] not in (["access"], ["private"])):
        return NOTHING
    if rule is not None and rule.type != "SECRET":
        return NOTHING
    if (rule is None or rule.vague) and _UUID.fullmatch(value):
        return NOTHING
    return (Span(candidate.start, candidate.start + len(value)),)


SAID: Final = (
    Detector(
        name="said",
        type="SECRET",
        reason="A password told in a sentence; it has a digit, a sign or quotes, else it is the sentence's next word.",
        pattern=(
            rf"(?i)(?:{_TALKED})(?:\s(?:{_KIND}))?"
            rf"(?:\s(?:(?:is generated )?(?:{_OF}){_WORDS}{{1,4}}?|{_KIND})\s?:"
            rf"|(?:\s(?:{_OF}){_WORDS}{{0,4}}?)?\s{{1,2}}(?:{_IS}):?)"
            rf"\s{{1,2}}[{_QUOTES}]?"
            rf"([^\s\x00{_QUOTES}][^\s\x00]{{3,}})"
            rf"|(?:{_UNSPACED})\s{{0,2}}(?:是|为|為|は|는|은)?\s?[:：]?\s{{0,2}}[「『\"“]?([!-~]{{4,}})"  # noqa: RUF001 - as it is written there
        ),
        parts="",
        trigger=rf"(?i)(?:{_TALKED})\s|{_UNSPACED}",
        judge=_said,
        rank=Rank.ASSIGNED_SECRET,
        example="my password for the shop is hunter2, thanks",
        counter_example="the password is stored hashed",
    ),
    Detector(
        name="said_beside",
        type="SECRET",
        reason="A word of letters and digits straight after the word password, or after a colon or a dash.",
        pattern=f"(?i)(?:{_BRIEF}){_BESIDE}{{4,80}})",
        begins=f"(?i)(?:{_BRIEF}){_BESIDE}{{4}})",
        parts=rf"(?i)(?:mot de passe|[^\s:–-]+){_BESIDE}{{4,80}})",  # noqa: RUF001 - a dash
        trigger=rf"(?i)(?:{_BRIEF})\s?[\s:–-]",  # noqa: RUF001 - a dash
        judge=_beside,
        rank=Rank.ASSIGNED_SECRET,
        example="Mot de passe : Soleil12, merci",
        counter_example="password authentication, password reset, Failed password for root from 10",
    ),
    Detector(
        name="code_said",
        type="SECRET",
        reason="The code of a card, or one that is valid once, after its name.",
        pattern=rf"(?i)\b(?:{_CODES})(?: is| code)?\s?[:=#]?\s?(\d{{3,8}})\b",
        trigger=rf"(?i)(?:{_CODES})(?: is| code)?\s?[:=#]?\s?\d{{3}}",
        judge=_code,
        rank=Rank.ASSIGNED_SECRET,
        example="CVV: 123, your verification code is 482913",
        counter_example="OTP 2.0, the security code 12 of 15",
    ),
    Detector(
        name="paired",
        type="SECRET",
        reason="A password behind the e-mail address that it belongs to, as lists of credentials have them.",
        pattern=r"@(?:[0-9A-Za-z-]+\.)+[A-Za-z]{2,12}(?: / | : |[:|])([^\s:/|\x00\[]{6,40})",
        parts="",
        trigger=r"@[0-9A-Za-z.-]+(?: / | : |[:|])[^\s:/|\[]{6}",
        judge=_paired,
        rank=Rank.ASSIGNED_SECRET,
        example="leaked: bob@example.org / W!nter2024.",
        counter_example="git@example.org:bob/repository1 and bob@example.org:2222",
    ),
    Detector(
        name="told",
        type="SECRET",
        reason="A value made by a machine after words for a key: `the API key is`, `token -`, in a sentence or a log.",
        pattern=f"{_TOLD}{{14,200}}={{0,2}})",
        begins=f"{_TOLD}{{14}})",
        parts="",
        trigger=(
            r"(?i)(?:secret|token|key|access|private|credential|pwd|password)s?(?:[ _-]?(?:key|token|code|value)|[ _#]\d+)?"
            r"(?:[\s\-:=>,]+(?:is[\s:]+)?)[\\\"'`({<\[]*[a-z+/_~=.-]*[0-9][\w+/=.~-]{2}"
        ),
        judge=_told,
        rank=Rank.ASSIGNED_SECRET,
        example="your Acme API key is 2afddb813193eb9d3b5bd99bf5d834cd",
        counter_example="sort key 2afddb813193eb9d3b5bd99bf5d834cd, public key sha256WithRSAEncryption, key=base64.b64encode()",
    ),
)
"""Detectors of secrets in sentences."""
