"""Detectors of secrets that have a name like password: in configuration, code, command lines, markup and sentences."""

import re
from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span, whole
from .key_rules import KeyRule, begins_redacted, is_placeholder, rule_of, words_of
from .validators import looks_random

_SENSITIVE = (
    r"pass(?:word|wd|wort|phrase|code)?|pwd|secret|token|credential|auth|cookie|key|_pw|x-[\w-]*api"
    "|senha|contrase[nñ]a|wachtwoord|kennwort|пароль|密码|密碼|パスワード|비밀번호"
)
_SPOKEN = r"password|passcode|passphrase|passwort|kennwort|pwd|\bpin|contrase[nñ]a|mot de passe|senha|wachtwoord|пароль"
_NAME = rf"[\w.\-$]*(?:{_SENSITIVE})[\w.\-]*"
_QUOTED = r"\"((?:[^\"\\\n\x00]|\\[^\x00])*)\"|'((?:[^'\\\n\x00]|\\[^\x00])*)'|`([^`\n\x00]*)`"
_BARE = r"([^\s\"'`\x00]+)"

# What stands on the right-hand side in code, without quotes: it leads to a secret and is none.
_CODE = re.compile(
    r"[a-z_][\w.]*[(\[].*|\$\{?[a-z_].*|@[a-z_]+|%\w+%?|\{.*\}|<.*>|\[.*\]|\.{2,}"
    r"|(?:self|this|cls|os|env|process|config|conf|cfg|settings|options|opts|args|kwargs|params|request|req|response|res|ctx|context"
    r"|app|user|data|form|props|state|event|json|obj|secrets|credentials|vault|var|local|module)\.[a-z_][\w.]*"
    rf"|[a-z_][\w.]*\.[\w]*(?:{_SENSITIVE})\w*"
    r"|await|new|lambda|return|str|string|int|integer|bool|boolean|bytes|float|object|any|dict|list|optional|required|secretstr|text"
    r"|char|void|null|none|nil|true|false|undefined|self|this|env|default|unset|empty|invalid|missing|expired|incorrect|wrong|changed"
    r"|bearer|basic|ok|yes|no|and|or|is|the|a",
    re.IGNORECASE | re.DOTALL,
)
_TEMPLATE = re.compile(r"<[^<>\n]{1,60}>|\{\{[^{}\n]{1,60}\}\}")
_VARIABLE = re.compile(rf"(?=.*_)[A-Za-z_]*(?:{_SENSITIVE})[A-Za-z_]*", re.IGNORECASE)
_END_OF_VALUE = re.compile(r"&[\w.\-\[\]]+=|[\"'`]|;\Z|;\s*[\w ]+=|\\n|\\r")
_TRAILING = {")": "(", "]": "[", "}": "{", ">": "<"}
_LIKE_A_SECRET = re.compile(r"[0-9]|\w[^\w\s.,'’-]|[^\w\s.,'’-]\w")  # noqa: RUF001 - the apostrophe of prose
_COMPOUND_NAME = re.compile(r"[_-]|[a-z][A-Z]")
_SHORTEST = 3
"""Characters of a secret with a name."""
_SHORTEST_WORD = 6
"""Characters of one that is a word, alone on its line."""


def _rule(name: str) -> KeyRule | None:
    """Return what a name says when it says secret; of a dotted one its last part does."""
    rule = rule_of(name.rstrip(".-").rpartition(".")[2] or name)
    return rule if rule is not None and rule.type == "SECRET" else None


def _part(rule: KeyRule, start: int, value: str) -> Iterable[Span]:
    part = rule.part(value)
    if part is None or len(value) < _SHORTEST or begins_redacted(value) or not re.search(r"\w", value):
        return NOTHING
    return (Span(start + part[0], start + part[1]),)


def _assigned(candidate: Candidate) -> Iterable[Span]:
    """Take the value of an assignment to a name that holds a secret."""
    rule = _rule(candidate.group(1))
    if rule is None:
        return NOTHING
    quoted = next((number for number in (2, 3, 4) if candidate.groups[number][0] >= 0), None)
    if quoted:
        return _part(rule, candidate.groups[quoted][0], candidate.group(quoted))
    start = candidate.groups[5][0]
    value = _trimmed(candidate.group(5))
    operator = candidate.text[candidate.groups[1][1] : start]
    if _TEMPLATE.match(candidate.text, start) or _is_code(value, candidate.group(1)) or (value.isdigit() and not rule.numbers):
        return NOTHING
    if ":" in operator and "=" not in operator and not _is_settled(candidate, value, start):
        return NOTHING
    return _part(rule, start, value)


def _is_code(value: str, name: str) -> bool:
    return bool(_CODE.fullmatch(value) or _VARIABLE.fullmatch(value)) or value.lower() == "_".join(words_of(name))


def _trimmed(value: str) -> str:
    """Cut off what ends an unquoted value in code, prose and URLs: brackets that it did not open, and punctuation."""
    end = _END_OF_VALUE.search(value)
    value = value[: end.start()] if end else value
    while value and (value[-1] in ",;" or (value[-1] in _TRAILING and _TRAILING[value[-1]] not in value)):
        value = value[:-1]
    return value


def _is_settled(candidate: Candidate, value: str, start: int) -> bool:
    """Tell whether what follows a colon is a value: it looks like one, or the line has a name and a value and no more."""
    if _LIKE_A_SECRET.search(value):
        return True
    name_at, end = candidate.groups[1][0], start + len(value)
    alone = candidate.text[name_at - 1 : name_at] in ("", "\n", "\0", " ") and candidate.text[end : end + 1] in (
        "",
        "\n",
        "\r",
        "\0",
    )
    return alone and len(value) >= _SHORTEST_WORD


def _line(candidate: Candidate) -> Iterable[Span]:
    """Take all the rest of a line: a name of several words, a colon, and words."""
    rule, value = _rule(candidate.group(1)), candidate.group(2)
    if rule is None or rule.vague or not _COMPOUND_NAME.search(candidate.group(1)) or _CODE.fullmatch(value):
        return NOTHING
    return _part(rule, candidate.groups[2][0], value)


def _said(candidate: Candidate) -> Iterable[Span]:
    """Take the word after `my password is`, unless it looks like the rest of a sentence."""
    value = candidate.value.rstrip(".,;:!?)'\"”»")
    if len(value) <= _SHORTEST or is_placeholder(value) or begins_redacted(value) or not _LIKE_A_SECRET.search(value):
        return NOTHING
    return (Span(candidate.start, candidate.start + len(value)),)


def _compared(candidate: Candidate) -> Iterable[Span]:
    rule = _rule(candidate.group(3))
    return _part(rule, candidate.start, candidate.value) if rule else NOTHING


def _tagged(candidate: Candidate) -> Iterable[Span]:
    rule = _rule(candidate.group(1))
    return _part(rule, candidate.groups[2][0], candidate.group(2)) if rule else NOTHING


def _password(candidate: Candidate) -> Iterable[Span]:
    value = candidate.value
    return NOTHING if len(value) < _SHORTEST or is_placeholder(value) or begins_redacted(value) else whole(candidate)


def _after_word(candidate: Candidate) -> Iterable[Span]:
    word = candidate.text[candidate.groups[0][0] : candidate.start].lower()
    says_password = re.search(r"identified by|pass|pwd|secret", word)
    return _password(candidate) if says_password or looks_random(candidate.value, 12) else NOTHING


ASSIGNMENTS: Final = (
    Detector(
        name="assignment",
        type="SECRET",
        reason="A value given to a name that says secret, in any configuration or program. Code that leads to one stays.",
        pattern=(
            rf"(?i)({_NAME})(?:\[\w*\])?(?:\\?[\"'`]?\s{{0,4}}(?::=|=>|={{1,3}}|!={{1,2}})|['`]?\s{{0,4}}:)"
            rf"\s{{0,4}}@?\\?(?:{_QUOTED}|{_BARE})"
        ),
        trigger=rf"(?i)(?:{_SENSITIVE})[\w.\-]*(?:\[\w*\])?(?:\\?[\"'`]?\s*(?:[:!]?=|=>)|['`]?\s*:)",
        judge=_assigned,
        rank=Rank.ASSIGNED_SECRET,
        retry=True,
        example='secret = dbPass := "correct horse" # and api_key=9fceb02d0ae598e9',
        counter_example="password: str = os.environ['DB_PASSWORD']; max_tokens=4096",
    ),
    Detector(
        name="quoted_member",
        type="SECRET",
        reason="The same as a member of JSON that stands in a text, or of what looks like JSON and is none.",
        pattern=rf"(?i)({_NAME})\\?\"\s{{0,4}}:\s{{0,4}}\\?(?:{_QUOTED}|{_BARE})",
        trigger=rf"(?i)(?:{_SENSITIVE})[\w.\-]*\\?\"\s*:",
        judge=_assigned,
        rank=Rank.ASSIGNED_SECRET,
        structural=True,
        example='sent {"password": "sunshine"} to it',
        counter_example='sent {"password": null, "max_tokens": 4096} to it',
    ),
    Detector(
        name="assigned_line",
        type="SECRET",
        reason="A passphrase of several words, unquoted, on a line of its own in a configuration file.",
        pattern=rf"(?i)(?:^|[\n\x00])[ \t]{{0,16}}({_NAME}):[ \t]+([^\s\"'\x00{{\[|>&*!#][^\n\r\x00]* [^\n\r\x00]*[^\s\x00])",
        trigger=rf"(?i)(?:{_SENSITIVE})[\w.\-]*:[ \t]",
        judge=_line,
        rank=Rank.ASSIGNED_SECRET,
        example="wifi_passphrase: correct horse battery staple",
        counter_example="password: the one you were given",
    ),
    Detector(
        name="quoted_after_word",
        type="SECRET",
        reason="SQL and the like: a quoted value straight after the word, without an operator.",
        pattern=(
            rf"(?i)\b(?:identified by(?: password)?|(?:{_NAME}))\s{{1,3}}(?:as\s+)?"
            r"(?:\"([^\"\s\x00]{3,})\"|'([^'\s\x00]{3,})')"
        ),
        trigger=rf"(?i)(?:identified by|{_SENSITIVE})[\w.\- ]*\s[\"']",
        judge=_after_word,
        rank=Rank.ASSIGNED_SECRET,
        example="CREATE USER app IDENTIFIED BY 'Tr0ub4dor'",
        counter_example="the key 'name' of a token \"next\"",
    ),
    Detector(
        name="compared",
        type="SECRET",
        reason="A quoted value compared with a name that says secret.",
        pattern=rf"(?i)(?:\"([^\"\n\x00]+)\"|'([^'\n\x00]+)')\s{{0,2}}[=!]==?\s{{0,2}}({_NAME})",
        trigger=rf"(?i)[\"']\s*[=!]==?\s*[\w.\-$]*(?:{_SENSITIVE})",
        judge=_compared,
        rank=Rank.ASSIGNED_SECRET,
        example='if ("Tr0ub4dor&3" == db_password) {',
        counter_example='if ("" != password) {',
    ),
    Detector(
        name="option",
        type="SECRET",
        reason="A command line option that takes a secret, its value after a blank.",
        pattern=rf"(?i)(?:^|[\s\"'(\[,=\x00])--?([\w-]*(?:{_SENSITIVE})[\w-]*)\s{{1,3}}(?:{_QUOTED}|([^\s\"'`\x00-][^\s\x00]*))",
        trigger=rf"(?i)-[\w-]*(?:{_SENSITIVE})[\w-]*\s",
        judge=_assigned,
        rank=Rank.ASSIGNED_SECRET,
        example="deploy --api-key 5up3rS3cret --dry-run",
        counter_example="deploy --token --dry-run",
    ),
    Detector(
        name="user_option",
        type="SECRET",
        reason="The password in curl's and other programs' option for user and password.",
        pattern=r"(?:\s|^)(?:-u|--user|--proxy-user)[ =]{1,3}[\"']?[^\s:\"'\x00]+:([^\s\"'\x00]+)",
        trigger=r"(?:-u|--user|--proxy-user)[ =]+[^\s:]+:",
        judge=_password,
        rank=Rank.ASSIGNED_SECRET,
        example="curl -u bob:hunter2 https://example.org",
        counter_example="curl -u bob https://example.org",
    ),
    Detector(
        name="tag",
        type="SECRET",
        reason="An XML element that says secret.",
        pattern=rf"(?i)<({_NAME})(?: [^<>\n\x00]*)?>([^<\n\x00]+)</",
        trigger=rf"(?i)<[\w.\-]*(?:{_SENSITIVE})[^<>]*>[^<]+</",
        judge=_tagged,
        rank=Rank.ASSIGNED_SECRET,
        example="<dbPassword>hunter2</dbPassword>",
        counter_example="<passwordPolicy>strict</passwordPolicy>",
    ),
    Detector(
        name="said",
        type="SECRET",
        reason="A password told in a sentence; it has a digit or a sign in it, else it is the sentence's next word.",
        pattern=(
            rf"(?i)(?:{_SPOKEN})"
            r"(?:\s(?:for|of|to|on|number|code)(?:\s[\w.@'-]{1,40}){0,3}?)?\s{1,2}(?:is|was|ist|lautet|es|est|é|è):?\s{1,2}[\"'“«]?([^\s\x00]{4,})"
            r"|(?:密码|密碼|パスワード|비밀번호)\s{0,2}(?:是|为|は|는|:)?\s{0,2}([!-~]{4,})"
        ),
        trigger=(
            rf"(?i)(?:{_SPOKEN})[\w.@' -]*\s(?:is|was|ist"
            r"|lautet|es|est|é|è):?\s|密码|密碼|パスワード|비밀번호"
        ),
        judge=_said,
        rank=Rank.ASSIGNED_SECRET,
        example="my password for the shop is hunter2, thanks",
        counter_example="the password is stored hashed",
    ),
)
"""Detectors of values of names that say secret."""
