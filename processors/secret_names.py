"""What detectors of secrets with a name like password share: how such names and their values are written, and what is code."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from . import key_words as words
from .detector import NOTHING, Candidate, Span
from .key_rules import KeyRule, begins_redacted, holds_redacted, is_placeholder, rule_of, words_of

SENSITIVE: Final = (
    r"pass(?:word|wd|wort|phrase|code)?|pwd|pa?ss?wo?r?d|secret|token|creds?\b|credential|auth\b|auth[0-9_a-np-z]|authori[sz]|cookie|key|_pw|\bpw|[a-z]pw\b|psk|salt|\bx-[\w-]*api"
    "|senha|contrase[nñ]a|wachtwoord|kennwort|has[lł]o|l[öo]senord|adgangskode|parola"
    "|пароль|密码|密碼|パスワード|비밀번호"
)
"""RE2: what a name of a secret has in it."""

NAME: Final = rf"[\w.\-$]*(?:{SENSITIVE})[\w.\-]*"
NAME_THERE: Final = r"[\w.\-$\x{80}-\x{10ffff}]+"
"""RE2: the same, for `Detector.parts`: where one begins, and something follows that is no part of it."""
QUOTED: Final = r"\"((?:[^\"\\\n\x00]|\\[^\x00])*)\"|'((?:[^'\\\n\x00]|\\[^\x00])*)'|`([^`\n\x00]*)`"
"""Three groups, one for each kind of quotation mark."""
BARE: Final = r"[^\t\n\f\r \"'`\x00]"
"""A character of a value without quotation marks, for both engines."""
SHORT_QUOTED: Final = r"(?:\"([^\"\n\x00]{1,200})\"|'([^'\n\x00]{1,200})')"
"""Two groups; without escapes."""

_REFERENCES: Final = (
    "self|this|cls|os|env|process|config|conf|cfg|settings|options|opts|args|kwargs|params|request|req|response|res|ctx|context"
    "|app|user|data|form|props|state|event|json|obj|secrets|credentials|vault|var|local|module|auth"
    r"|random_\w+|(?:aws|azurerm|google|kubernetes|tls|vault)_\w+"
)
_CMDLET: Final = (
    r"(?-i:(?:Convert(?:To|From)?|Decrypt|Export|Get|Import|Invoke|Join|New|Protect|Read|Select|Unprotect)"
    r"-[A-Z][A-Za-z]+)"
)
"""What a function is called in PowerShell."""
_CODE: Final = re.compile(
    rf"\(?{_CMDLET}(?:[\s(].*)?|"
    r"\[?[a-z_][\w.:]*(?:<[\w<>, ]*>)?[(\[](?:[^)\]]|[)\]](?![0-9A-Za-z]))*|:[a-z_]\w*|\[[a-z_]\w*(?:\.[a-z_]\w*)+"
    r"|[a-z]\w*<[\w<>, ]*>?|\$\{?[a-z_].*|\$\(.*|@[a-z_]+|![a-z]\w*|&\w+|%\w+%?|\{.*\}|<.*>|\[.*\]|\.{2,}",
    re.IGNORECASE | re.DOTALL,
)
_MEMBER: Final = re.compile(
    rf"(?:{_REFERENCES})\.[a-z_][\w.]*!?|[a-z_][\w.:]*[.:][\w]*(?:{SENSITIVE})\w*",
    re.IGNORECASE,
)
_JOINT: Final = re.compile("[.:]")
_VARIABLE: Final = re.compile(rf"(?=.*_)[A-Za-z_]*(?:{SENSITIVE})[A-Za-z_]*", re.IGNORECASE)
PLAIN_URL: Final = re.compile(r"https?://[^@]*\Z")
"""A URL without a password."""
_PLACE: Final = re.compile(r"[a-z][a-z_.-]*(?:/[a-z][\w.-]*){2,}")
"""A path in a store of secrets."""
LIKE_A_SECRET: Final = re.compile(r"[0-9]|\w[^\w\s.,'’-]|[^\w\s.,'’-]\w")  # noqa: RUF001 - the apostrophe of prose
"""A digit, or a sign within or beside a word: prose has none of these."""
_WORD: Final = re.compile(r"\w")
SHORTEST: Final = 3
"""Characters of a secret with a name."""


@lru_cache(maxsize=8192)
def secret_rule(name: str) -> KeyRule | None:
    """Return what a name says when it says secret; of a dotted one its last part does."""
    before, _, last = name.rstrip(".-").rpartition(".")
    rule = rule_of(last or name)
    if rule is not None and rule.vague and before:
        rule = rule_of(f"{before.rpartition('.')[2]}_{last}")
    return rule if rule is not None and rule.type == "SECRET" else None


def secret_part(rule: KeyRule, start: int, value: str) -> Iterable[Span]:
    """Return the part of a value that is to go."""
    if len(value) < SHORTEST or (value[0] == "[" and begins_redacted(value)) or not _WORD.search(value):
        return NOTHING
    part = rule.part(value)
    if part is None:
        return NOTHING
    return (Span(start + part[0], start + part[1]),)


def reads_as_code(value: str) -> bool:
    """Tell whether a value is what stands on the right-hand side in code, without quotes: it leads to a secret and is none."""
    if value.isalnum() and value.isascii():
        return value.lower() in words.CODE
    if value.lower().strip("[]!?") in words.CODE:
        return True
    return _CODE.fullmatch(value) is not None or (_JOINT.search(value) is not None and _MEMBER.fullmatch(value) is not None)


def is_code(value: str, name: str, *, is_literal: bool = False) -> bool:
    """Tell whether an unquoted value is code that leads to a secret, or the name again. `is_literal`: it can be no variable."""
    if reads_as_code(value) or ("/" in value and _PLACE.fullmatch(value)):
        return True
    if "_" in value and not is_literal and _VARIABLE.fullmatch(value):
        return True
    if len(value) > len(name) or not value[0].isalpha() or (is_literal and value != name):
        return False
    return value.lower() in _spellings(name)


@lru_cache(maxsize=8192)
def _spellings(name: str) -> tuple[str, ...]:
    """Return a name as it may be written again, and its last word."""
    parts = words_of(name)
    return "_".join(parts), parts[-1] if parts else ""


def stands(value: str) -> bool:
    """Tell whether a value may be a secret at all: long enough, and nothing that stands for one."""
    return len(value) >= SHORTEST and not is_placeholder(value) and not holds_redacted(value)


def group_of(candidate: Candidate, numbers: Iterable[int]) -> int:
    """Return the first of these groups that took part; 0 for none."""
    groups = candidate.groups
    for number in numbers:
        if groups[number][0] >= 0:
            return number
    return 0
