"""What the name of a field says about its value: the strongest sign there is, and the only one for a password like a word."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final, NamedTuple

from . import key_words as words
from .detector import Rank
from .engine import says
from .findings import PLACEHOLDER, Hit
from .validators import card_certain, card_range, looks_random, luhn

Part = tuple[int, int] | None
"""The part of a value that is to go."""


class KeyRule(NamedTuple):
    """What a name says about its value."""

    type: str
    part: Callable[[str], Part]
    """Return the part of a value that is to go: none of what cannot be such a value."""
    vague: bool = False
    """Whether the name alone says little: the value must look random too, and objects below are not meant."""
    numbers: bool = True
    """Whether a number is meant too."""
    shortest: int = 1
    """Characters of the shortest value."""


_OURS: Final = re.compile(PLACEHOLDER)
_TAKEN_OUT: Final = "redacted|filtered|hidden|removed|masked|censored|scrubbed|sanitized|sanitised|withheld"
_STANDS_FOR_ONE: Final = re.compile(
    rf"(?:{PLACEHOLDER}|[*•●x.#-]{{3,}}|<[^<>]*>|\$\$?\{{?[\w.:-]+\}}?|\$\(.*\)"
    r"|\$\{\w+:?\?[^}]*\}|(?:required|nullable|sometimes)(?:\|[a-z_]+(?::[\w,./-]+)?)+"
    r"|%\(?\w*\)?s|%\w+%|\{\{.*\}\}|\{ ?[\w.]* ?\}|!(?:Ref|Sub|GetAtt|ImportValue|Select|Join|vault|secret|env)\b.*"
    rf"|\$\{{\{{.*\}}\}}|@?@[a-z_.]+@@|%%[a-z_.]+%%|#\{{[\w. ]*\}}#?"
    rf"|[\W_]+(?:{_TAKEN_OUT})[\W_]*|your[ _-](?:[a-z]+[ _-])*(?:key|token|password|secret|credential)s?(?:[ _-]here)?"
    rf"|{'|'.join(sorted(words.STAND_INS))}|n/a|\W)",
    re.IGNORECASE | re.DOTALL,
)
_VARIABLE: Final = re.compile(r"(?=.*(?:KEY|TOKEN|SECRET|PASS|PWD|CRED|AUTH))[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_SCHEME: Final = re.compile(r"\s*(?:bearer|basic|token|digest|negotiate|apikey|api-key|key|jwt)\s+", re.IGNORECASE)
_DOTTED: Final = re.compile(r"(?:com|org|net|io|java|javax|edu|gov)(?:\.[a-z]{2,}){2}")
"""A name of code, or of a service: com.example.app."""
_DOLLAR: Final = re.compile(r"\$(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)\w{7,}")
"""What begins with a dollar and is no variable: nobody mixes letters and digits so in a name."""
_DIGIT: Final = re.compile(r"\d")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ONE_WORD: Final = re.compile(r"(?=.*[A-Z])(?=.*[a-z])[\w+/=~-]+")
_SHORTEST_CODED: Final = 12
_FEWEST_CROSSES: Final = 3
_RESULT: Final = re.compile(r"pass(?:ed)?|fail(?:ed)?|ok|yes|no|skip(?:ped)?|error|\d{1,3}", re.IGNORECASE)
_MOST_BLANKS: Final = 2
"""In a password whose name may be the result of a test; a sentence has more."""
_COOKIE: Final = re.compile(r"\s*[\w.-]+=[^\s=]")


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands for one: empty, masked, a variable, a template, or our own placeholder."""
    if value.isalnum() and value.isascii():
        lowered = value.lower()
        return lowered in words.STAND_INS or (len(value) >= _FEWEST_CROSSES and not lowered.strip("x"))
    stripped = value.strip().strip("\"'")
    if not stripped or _VARIABLE.fullmatch(stripped):
        return True
    return _STANDS_FOR_ONE.fullmatch(stripped) is not None and not _DOLLAR.fullmatch(stripped)


def begins_redacted(value: str) -> bool:
    """Tell whether a value begins with our own placeholder: what is glued to it was not its value."""
    return _OURS.match(value) is not None


def holds_redacted(value: str) -> bool:
    """Tell whether one of our own placeholders stands in a value: the rest of it was told apart before."""
    return "[" in value and _OURS.search(value) is not None


def _secret(value: str) -> Part:
    if is_placeholder(value) or _is_said_of_one(value):
        return None
    scheme = None if value.isalnum() else _SCHEME.match(value)
    if scheme is None:
        return 0, len(value)
    return None if is_placeholder(value[scheme.end() :]) else (scheme.end(), len(value))


def _is_said_of_one(value: str) -> bool:
    """Tell whether a value is what an application writes beside a field, or says of a password: a label, or a sentence."""
    if value in words.LABELS:
        return True
    if " " not in value or _DIGIT.search(value):
        return False
    said = value.lower()
    return "mot de passe" in said or not words.TALK.isdisjoint(_LETTERS.findall(said))


def _coded(value: str) -> Part:
    """Take what has capitals and small letters in one word, though no digit."""
    mixed = len(value) >= _SHORTEST_CODED and not value.isupper() and not value.islower() and _ONE_WORD.fullmatch(value)
    return _secret(value) if mixed and not _DOTTED.match(value) else _random(value)


def _random(value: str) -> Part:
    return _secret(value) if looks_random(value.strip(), _SHORTEST_CODED) and not _DOTTED.match(value) else None


def _short_password(value: str) -> Part:
    return None if _RESULT.fullmatch(value) or value.count(" ") > _MOST_BLANKS else _secret(value)


def _cookie(value: str) -> Part:
    return _secret(value) if _COOKIE.match(value) or looks_random(value) else None


def _like(pattern: str) -> Callable[[str], Part]:
    compiled = re.compile(pattern)
    return lambda value: (0, len(value)) if compiled.fullmatch(value.strip()) and not is_placeholder(value) else None


_SECRET: Final = KeyRule("SECRET", _secret)
_SHORT_PASSWORD: Final = KeyRule("SECRET", _short_password, numbers=False)
_VAGUE: Final = KeyRule("SECRET", _random, vague=True, numbers=False, shortest=_SHORTEST_CODED)
_TOKEN: Final = KeyRule("SECRET", _coded, vague=True, numbers=False, shortest=_SHORTEST_CODED)
"""For variables of the environment that are called somebody's token."""
_PERSONAL: Final = (
    (words.PIN, KeyRule("SECRET", _like(r"\d{4,12}"))),
    (words.CARD_CODE, KeyRule("SECRET", _like(r"\d{3,4}"))),
    (words.ONE_TIME_CODE, KeyRule("SECRET", _like(r"[0-9A-Z]{4,10}"))),
    (words.COOKIE, KeyRule("SECRET", _cookie, numbers=False)),
    (words.SHORT_PASSWORD, _SHORT_PASSWORD),
    (words.PHONE, KeyRule("PHONE", _like(r"\+?(?:[ ().\-/]{0,3}\d){6,15}(?: ?(?:x|ext\.?) ?\d{1,6})?"))),
    (words.US_SSN, KeyRule("US_SSN", _like(r"\d{3}[ .-]?\d{2}[ .-]?\d{4}"))),
    (words.NATIONAL_ID, KeyRule("NATIONAL_ID", _like(r"(?=.*\d)[0-9A-Za-z][0-9A-Za-z ./-]{4,24}"))),
    (words.CARD, KeyRule("CREDIT_CARD", _like(r"\d(?:[ -]?\d){11,18}"))),
    (words.IBAN, KeyRule("IBAN", _like(r"[A-Za-z]{2}\d{2}(?:[ -]?[0-9A-Za-z]){11,30}"))),
    (words.DATE_OF_BIRTH, KeyRule("DATE_OF_BIRTH", _like(r"(?=.*\d)[\w ,./:+-]{4,40}"))),
    (words.PERSON, KeyRule("PERSON", _like(r"(?=.*[^\W\d_])[^{}<>\[\]\n]{2,80}"), numbers=False)),
    (words.ADDRESS, KeyRule("ADDRESS", _like(r"(?=.*[^\W_])[^{}<>@]{2,200}"))),
    (words.MAC_ADDRESS, KeyRule("MAC_ADDRESS", _like(r"[0-9A-Fa-f]{2}(?:[:.-]?[0-9A-Fa-f]{2}){5}"))),
    (words.CRYPTO_WALLET, KeyRule("CRYPTO_WALLET", _like(r"[0-9A-Za-z:]{25,110}"))),
)


def _compact(phrases: Collection[str]) -> set[str]:
    return {phrase.replace("_", "") for phrase in phrases}


_SECRETS: Final = frozenset(
    _compact(words.SECRET) | {f"{word}key" for word in words.SECRET_KEYS} | {f"{word}token" for word in words.SECRET_TOKENS}
)
_has_secret: Final = says("|".join(sorted(_SECRETS)))
_AT_THE_END: Final = {phrase: rule for phrases, rule in _PERSONAL for phrase in _compact(phrases)}

_WORD: Final = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
_LONGEST_PHRASE: Final = 4
_LONGEST_KEY: Final = 128


def words_of(key: str) -> list[str]:
    """Return the words, in lower case, of a name in camelCase, snake_case, kebab-case or with blanks."""
    return [word.lower() for word in _WORD.findall(key[:_LONGEST_KEY])]


@lru_cache(maxsize=8192)
def rule_of(key: str) -> KeyRule | None:
    """Return what a name says about its value; None when it says nothing."""
    name = words_of(_OURS.sub("", key) if "[" in key else key)
    if name[:1] == ["existing"] or name[-3:] == ["public", "key", "token"]:  # charts of Helm, assemblies of .NET
        return None
    if name and name[-1] not in words.ABOUT and _is_secret(name):
        return _SECRET
    length = len(name)
    while len(name) > 1 and (name[-1] in words.GENERIC or name[-1].isdigit()):
        name.pop()
    if not name:
        return None
    if len(name) < length and name[-1] not in words.ABOUT and _is_secret(name):
        return _SECRET
    rule = _rule_at_the_end(name)
    if rule is not None or not _is_vague(name):
        return rule
    return _TOKEN if key.isupper() and len(name) > 1 and name[-1] == "token" else _VAGUE


def _phrases(name: list[str]) -> list[str]:
    """Return the words that stand together in a name, written as one, and each without the end of a plural."""
    phrases = [
        "".join(name[start:end])
        for start in range(len(name))
        for end in range(start + 1, min(start + _LONGEST_PHRASE, len(name)) + 1)
    ]
    return [*phrases, *[phrase.removesuffix("s") for phrase in phrases]]


def _is_secret(name: list[str]) -> bool:
    if _has_secret("".join(name)) and not _SECRETS.isdisjoint(_phrases(name)):
        return True
    last = name[-1].removesuffix("s")
    header = name[0] == "x" and last in ("api", "auth", "key", "secret", "token")
    return header or last.endswith(words.SECRET_SUFFIXES) or not {"pass", "pw"}.isdisjoint(name[1:])


def _rule_at_the_end(name: list[str]) -> KeyRule | None:
    for end in (len(name), len(name) - 1 if name[-1] in words.NUMBER else 0):
        for start in range(max(0, end - _LONGEST_PHRASE), end):
            phrase = "".join(name[start:end])
            rule = _AT_THE_END.get(phrase) or _AT_THE_END.get(phrase.removesuffix("s"))
            if rule is not None:
                return rule
    return None


def _is_vague(name: list[str]) -> bool:
    return name[-1].removesuffix("s") in words.VAGUE and (len(name) == 1 or name[-2] not in words.NOT_VAGUE)


def value_hit(text: str, rule: KeyRule) -> tuple[Hit, ...]:
    """Return the part of a string that its key says is to go."""
    part = rule.part(text)
    return (Hit(part[0], part[1], rule.type, Rank.KEY, KEY_RULE),) if part else ()


_NO_CARD: Final = words.COUNTED

KEY_RULE: Final = "key"
"""Stands for a detector's name where the key of a JSON value says what it is."""
NUMBER_RULE: Final = "json_number"
"""The same for a JSON number that is a card's."""


def number_hit(text: str, key: str, rule: KeyRule | None) -> tuple[Hit, ...]:
    """Return a JSON number, whole, when its key says that it is to go, or when it is a card's."""
    if rule is not None:
        return (Hit(0, len(text), rule.type, Rank.KEY, KEY_RULE),) if rule.numbers and rule.part(text) else ()
    if card_range(text) and card_certain(text) and luhn(text) and _NO_CARD.isdisjoint(words_of(key)):
        return (Hit(0, len(text), "CREDIT_CARD", Rank.CHECKSUM, NUMBER_RULE),)
    return ()


def _trigger() -> str:
    phrases = {phrase for group, _ in _PERSONAL for phrase in group} | words.SECRET | {*words.SECRET_SUFFIXES}
    spelled = {phrase: phrase.replace("_", r"[_\- .]?") for phrase in phrases}
    long = "|".join(sorted(text for phrase, text in spelled.items() if len(phrase) > 5 or not phrase.isascii()))
    short = [phrase for phrase in sorted(spelled) if len(phrase) <= 5 and phrase.isascii()]
    lower = "|".join(spelled[phrase] for phrase in short)
    camel = "|".join(r"[_\- .]?".join(map(str.capitalize, phrase.split("_"))) for phrase in short)
    vague = "|".join(sorted(words.VAGUE))
    compounds = (
        f"(?:{'|'.join(sorted(words.SECRET_KEYS))})[_\\- .]?keys?|(?:{'|'.join(sorted(words.SECRET_TOKENS))})[_\\- .]?tokens?"
    )
    generic = "|".join(sorted(words.GENERIC))
    has_value = r'\\?"\s*:\s*(?:\\?"[^"]|[^"\s,}\]])'
    return (
        rf'(?i:{long}|{compounds})[^"]*{has_value}'
        rf'|(?:[^A-Za-z](?i:{lower})|[A-Za-z](?:{camel}))s?(?:[^a-z"][^"]*)?{has_value}'
        rf'|(?i:{vague})s?(?:[_\- .]?(?i:{generic}|\d+))*\\?"\s*:\s*(?:\\?["\'`]?[^"\'`\s]{{8}}|[\[{{])'
        rf'|"[xX][_\- .A-Z][^"]*(?i:api|auth|key|secret|token)[^"]*"\s*:'
        rf'|(?i:"(?:{"|".join(sorted(words.NAMES))})"\s*:\s*"[^"]*(?:pass|pwd|secret|token|key|auth|cookie|cred|ssn|phone))'
    )


TRIGGER: Final = _trigger()
"""RE2: matches in every JSON text in which a key rule may apply. As narrow as that allows: it decides what is walked."""
