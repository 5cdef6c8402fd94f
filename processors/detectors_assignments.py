"""Detectors of secrets that are given to a name like password: in configuration, code and markup."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .findings import PLACEHOLDER
from .key_rules import KeyRule, begins_redacted
from .secret_names import (
    BARE,
    LIKE_A_SECRET,
    NAME,
    NAME_THERE,
    PLAIN_URL,
    QUOTED,
    SENSITIVE,
    group_of,
    is_code,
    reads_as_code,
    secret_part,
    secret_rule,
    stands,
)
from .validators import looks_random

_TYPE: Final = (
    r"(?i:\s?:\s{0,2}(?:&(?:'static )?)?[*\[]{0,2}"
    r"(?:str|string|bytes?|bytestring|text|any|u8|char|secretstr|optional|option|union|final|classvar)\b"
    r"(?: ?[\[<|?!;\]][\w\[\]<>|?!;, .]{0,40}?)?"
    r"|\s{1,3}(?:(?:as\s)?string|\[\]byte|\{ get; (?:(?:private |protected )?(?:set|init); )?\}))"
)
"""Between a name and the sign of assignment: `: str | None`, `: Option<String>`, `: &'static [u8; 9]`, ` []byte`."""
_OPERATOR: Final = r"(?:[:?.+|!]{0,3}={1,3}>?|<{1,2}-)"
_ARROW: Final = "<-"
"""Assigns in R, sends in Go, and points at something in prose."""
_WRAPPER: Final = (
    r"(?i:(?:(?:md5|sha\d{1,3}|crypt|encrypt|password|bytes|SecretStr|(?:base64\.)?b64(?:en|de)code|atob|btoa|Buffer\.from"
    r"|\[\]byte|Some|Optional\.of|(?:\w{1,20}\.)?field|(?:urllib\.parse\.)?quote(?:_plus)?|Secret"
    r"|(?:std::|new |Q|Secret)?String(?:::from)?"
    r"|(?:Box|Cow|Zeroizing|Secret(?:Box|String)?)::(?:new|from|Borrowed))\(\s?(?:default\s?=\s?)?){1,2}[bru]?|[rbufn@]{1,2})"
)
_QUOTES: Final = rf"(?:\"\"\"([^\"\x00]+)\"\"\"|\\\"([^\"\\\n\x00]*)\\\"|\\?(?:{QUOTED}))"
_VALUE: Final = rf"(?:\s{{0,24}}{_WRAPPER}?{_QUOTES}|[ \t]{{0,8}}@?\\?())"
"""Of one without quotes only where it begins: it is judged by its beginning, and read to its end when it is to go."""
_ASSIGNED: Final = rf"(?:\[\w*\])?(?:\\?[\"'`]?\]{{0,2}}{_TYPE}?\s{{0,24}}{_OPERATOR}|['`]?\]{{0,2}}\s{{0,24}}::?){_VALUE}"
_QUOTED_VALUES: Final = range(2, 7)
_QUOTES_END: Final = frozenset("\"'`")
"""With one of these a match ends whose value is quoted; else it ends where its value begins."""
_SHORT: Final = re.compile(rf"(?!<%|\$\{{|{BARE}?\(){BARE}{{0,2}}(?!{BARE}|\s{{0,3}}(?:\|\||\?\?|or))")
"""A value without quotation marks that is shorter than a secret, and goes on as no code does that has one."""
_NAME: Final = re.compile(r"[0-9A-Za-z_.\-$\x80-\U0010ffff]+")

_OURS: Final = re.compile(PLACEHOLDER)
_RUN: Final = re.compile(f"{BARE}+")
_LONGEST_JUDGED: Final = 256
"""Characters. Of names and signs of assignment without a blank all would be read to the end again and again."""
_TEMPLATE: Final = re.compile(r"<[^<>\n]{1,60}>|\{\{[^{}\n]{1,60}\}\}")
_FALLBACK: Final = re.compile(
    r"\$\{[\w.]{1,80}:-?([^}\n]{1,512})\}"
    rf"|(?:<%=\s?)?[\w.$]{{1,80}}(?:\[[\"'][\w.\-]+[\"']\])?(?:\([\"'][\w.\-]*(?i:{SENSITIVE})[\w.\-]*[\"'],\s?"
    r"|(?:\([\"'][\w.\-]+[\"']\))?\s?(?:\|\||\?\?|\bor\b)\s?)"
    r"(?:\"([^\"\n]{1,512})\"|'([^'\n]{1,512})')"
)
"""What is taken when a variable is not set."""
_OR: Final = ("||", "??", "or")
# Each branch begins with a character of its own: Python looks for these alone, and a class is none.
_END_OF_VALUE: Final = re.compile(r"&[\w.\-\[\]]+=|\"|'|`|;\Z|;\s*[\w ]+=|\\n|\\r")
_TRAILING: Final = {")": "(", "]": "[", "}": "{", ">": "<"}
_OF_HEADER: Final = re.compile(r"\s{0,2}:\s{0,2}[\w!#$%&*+.^|~-]+=[^\"'\n\r\x00]")
"""What follows the name of a header of cookies: there is a detector for these, which takes all of them."""
_COMPOUND_NAME: Final = re.compile(r"[_-]|[a-z][A-Z]")
_EXPRESSION: Final = re.compile(r"[=(?]|\b(?:if|or|and|else|is|the|for|not|from)\b")
_ANNOTATION: Final = re.compile(r"[A-Za-z][\w.\[\], |]*=|[A-Za-z][\w.\[\], ]* \| [\w.\[\], |]+\Z")
_SHORTEST_WORD: Final = 6
"""Characters of one that is a word, alone on its line."""
_IN_TAG: Final = re.compile(r"<[\w:.-]+\s(?:[^<>]*\s)?\Z")
_MOST_IN_TAG: Final = 80
_OF_CACHES: Final = ("restored from ", "saved with ")
_WORKING_DIRECTORY: Final = re.compile("(?:OLD)?PWD")
_MOST_BLANKS: Final = 5
_END_OF_LINE: Final = re.compile(r"[ \t]{1,40}#|[\n\r\0]|\Z")
_COMMON: Final = frozenset(("admin", "demo", "guest", "pass", "root", "test", "toor", "user"))
"""Words of fewer characters that are passwords all the same."""
_EQUAL: Final = re.compile("==|!=")
_IDENTIFIER: Final = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*")
_BLOCK_LINE: Final = re.compile(r"[^\s#][^\n]*")
_ELEMENT: Final = re.compile(r"- +[\"']?(?!ssh-)([^\s#\"'-](?:[^\n\"'#]*[^\s\"'#])?)")


def _assigned(candidate: Candidate) -> Iterable[Span]:
    """Take the value of an assignment to a name that holds a secret."""
    text, (begin, stop) = candidate.text, candidate.groups[0]
    is_quoted = text[stop - 1] in _QUOTES_END
    if not is_quoted and _SHORT.match(text, stop):
        return NOTHING
    written = _NAME.match(text, begin, stop)
    end = written.end() if written else begin
    name = text[begin:end]
    rule = secret_rule(name)
    if rule is None or _is_placeholder_type(text, begin):
        return NOTHING
    if name[-6:].lower() == "cookie" and _OF_HEADER.match(text, end):
        return NOTHING
    found = _quoted(candidate, rule) if is_quoted else _bare(candidate, rule, name, stop)
    return NOTHING if found and name.lower() == "key" and _is_attribute(text, begin) else found


def _bare(candidate: Candidate, rule: KeyRule, name: str, start: int) -> Iterable[Span]:
    """Take a value without quotation marks, unless it is code that leads to one."""
    text, begin = candidate.text, candidate.groups[0][0]
    end = begin + len(name)
    run = _RUN.match(text, start, start + _LONGEST_JUDGED)
    value, stop = (run[0], run.end()) if run else ("", start)
    if "(" in value or "${" in value or value[:2] == "<%" or text[stop : stop + 4].lstrip()[:2] in _OR:
        fallback = _FALLBACK.match(text, start)
        if fallback and fallback.lastindex:
            return secret_part(rule, fallback.start(fallback.lastindex), fallback[fallback.lastindex])
    in_query = begin > 0 and text[begin - 1] in "?&"
    goes_on = len(value) == _LONGEST_JUDGED and not _END_OF_VALUE.search(value) and not (in_query and "&" in value)
    value = _trimmed(value, in_query=in_query)
    operator = text[end:start]
    if len(value) < rule.shortest or _ARROW in operator:
        return NOTHING
    if ":" in operator and "=" not in operator and not _is_settled(text, name, value, start, begin):
        return NOTHING
    if (
        (value[0] in "<{" and _TEMPLATE.match(text, start))
        or (value[0] == "-" and begins_redacted(value[1:]))
        or is_code(value, name, is_literal=operator == "=" and (name.isupper() or _is_alone(text, begin, start + len(value))))
        or (value[0] in "/~" and _WORKING_DIRECTORY.fullmatch(name))
        or PLAIN_URL.match(value)
        or (value[0] == "?" and operator == ":")
        or (_EQUAL.search(operator) and _IDENTIFIER.fullmatch(value))
        or (value.isdigit() and not rule.numbers)
    ):
        return NOTHING
    found = secret_part(rule, start, value)
    if found and goes_on and (run := _RUN.match(text, start)):
        return secret_part(rule, start, _trimmed(run[0], in_query=in_query))
    return found


def _quoted(candidate: Candidate, rule: KeyRule) -> Iterable[Span]:
    candidate.take_apart()
    number = group_of(candidate, _QUOTED_VALUES)
    start = candidate.groups[number][0]
    is_docstring = number == _QUOTED_VALUES[0] and "\n" in candidate.text[candidate.groups[1][1] : start]
    return NOTHING if is_docstring else secret_part(rule, start, candidate.group(number))


def _is_attribute(text: str, start: int) -> bool:
    """Tell whether the name that begins here is an attribute of an XML element, or a cache's: there `key` names something."""
    return _IN_TAG.search(text, max(0, start - _MOST_IN_TAG), start) is not None or text.endswith(_OF_CACHES, 0, start)


def _is_placeholder_type(text: str, start: int) -> bool:
    """Tell whether the name that begins here is what stands in one of our own placeholders."""
    return start > 0 and text[start - 1] == "[" and _OURS.match(text, start - 1) is not None


def _trimmed(value: str, *, in_query: bool) -> str:
    """Cut off what ends an unquoted value in code, prose and URLs: brackets that it did not open, and punctuation."""
    if in_query:
        value = value.partition("&")[0]
    if value.isalnum():
        return value
    end = _END_OF_VALUE.search(value)
    value = value[: end.start()] if end else value
    while value and (value[-1] in ",;:" or (value[-1] in _TRAILING and _TRAILING[value[-1]] not in value)):
        value = value[:-1]
    return value


def _is_settled(text: str, name: str, value: str, start: int, begin: int) -> bool:
    """Tell whether what follows a colon is a value: it looks like one, or the line has a name and a value and no more."""
    if value[0] == "(" and ")" not in value:
        return False
    if LIKE_A_SECRET.search(value):
        return True
    alone = _is_alone(text, begin, start + len(value), before=("", "\n", "\0", " "))
    return alone and (len(value) >= _SHORTEST_WORD or name.isupper() or value in _COMMON)


def _is_alone(text: str, begin: int, end: int, before: Collection[str] = ("", "\n", "\0")) -> bool:
    """Tell whether a line has a name and a value and no more, but for a comment."""
    return text[begin - 1 : begin] in before and _END_OF_LINE.match(text, end) is not None


def _line(candidate: Candidate) -> Iterable[Span]:
    """Take all the rest of a line: a name, an operator, and words."""
    name, operator, value = map(candidate.group, (1, 2, 3))
    rule = secret_rule(name)
    if rule is None or rule.vague or reads_as_code(value) or _ANNOTATION.match(value):
        return NOTHING
    if _OURS.search(value):  # what is left of a line says nothing of what it was
        return NOTHING
    is_prose = value.count(" ") > _MOST_BLANKS or value.endswith((".", "?", "!", ":"))
    if is_prose or (_EXPRESSION.search(value) if "=" in operator else not _COMPOUND_NAME.search(name)):
        return NOTHING
    return secret_part(rule, candidate.groups[3][0], value)


def _block(candidate: Candidate) -> Iterable[Span]:
    """Take the lines of a YAML block under a name that holds a secret."""
    rule = secret_rule(candidate.group(1))
    if rule is None:
        return NOTHING
    lines = _BLOCK_LINE.finditer(candidate.text, *candidate.groups[2])
    return [span for line in lines for span in secret_part(rule, line.start(), line[0].rstrip())]


def _list(candidate: Candidate) -> Iterable[Span]:
    """Take the elements of a YAML list under a name that holds secrets."""
    rule = secret_rule(candidate.group(1))
    if rule is None:
        return NOTHING
    text, name = candidate.text, candidate.group(1)
    elements = [one for one in _ELEMENT.finditer(text, *candidate.groups[2]) if text[one.end() : one.end() + 1] != ":"]
    return [span for one in elements if not is_code(one[1], name) for span in secret_part(rule, one.start(1), one[1])]


def _after_word(candidate: Candidate) -> Iterable[Span]:
    if candidate.follows_placeholder:
        return NOTHING
    words = candidate.text[candidate.groups[0][0] : candidate.start].split()
    rule = secret_rule(words[0])
    is_identified = words[0].lower() == "identified" and candidate.value[0] != ":"  # in SQL a variable begins so
    is_one = is_identified or (rule is not None and (not rule.vague or looks_random(candidate.value, 12)))
    return [Span(candidate.start, candidate.end)] if is_one and stands(candidate.value) else NOTHING


def _compared(candidate: Candidate) -> Iterable[Span]:
    rule = secret_rule(candidate.group(3))
    return secret_part(rule, candidate.start, candidate.value) if rule else NOTHING


ASSIGNMENTS: Final = (
    Detector(
        name="assignment",
        type="SECRET",
        reason="A value given to a name that says secret, in any configuration or program. Code that leads to one stays.",
        pattern=rf"(?i)({NAME}){_ASSIGNED}",
        parts=rf"({NAME_THERE}){_ASSIGNED}",
        trigger=(
            rf"(?i)(?:{SENSITIVE})[\w.\-]*(?:\[\w*\])?"
            r"(?:\\?[\"'`]?\]*\s*(?:[:?.+|!]*=|<<?-)|['`]?\]*\s*:|\s+(?:(?:as\s)?string|\[\]byte|\{ get; [^}\n]*\})\s*=)"
        ),
        judge=_assigned,
        lazy=True,
        reach=4 * _LONGEST_JUDGED,
        rank=Rank.ASSIGNED_SECRET,
        example='secret = dbPass := "correct horse" # and api_key=9fceb02d0ae598e9',
        counter_example="password: str = os.environ['DB_PASSWORD']; max_tokens=4096",
    ),
    Detector(
        name="quoted_member",
        type="SECRET",
        reason="The same as a member of JSON that stands in a text, or of what looks like JSON and is none.",
        pattern=rf"(?i)({NAME})\\?\"\s{{0,4}}:{_VALUE}",
        parts=rf"({NAME_THERE})\\?\"\s{{0,4}}:{_VALUE}",
        trigger=rf"(?i)(?:{SENSITIVE})[\w.\-]*\\?\"\s*:",
        judge=_assigned,
        lazy=True,
        reach=4 * _LONGEST_JUDGED,
        rank=Rank.ASSIGNED_SECRET,
        example='sent {"password": "sunshine"} to it',
        counter_example='sent {"password": null, "max_tokens": 4096} to it',
    ),
    Detector(
        name="assigned_line",
        type="SECRET",
        reason="A passphrase of several words, unquoted, on a line of its own in a configuration file.",
        pattern=(
            rf"(?i)(?:^|[\n\x00])[ \t]{{0,16}}(?:export |set |- )?({NAME})[ \t]?(:[ \t]|=)[ \t]{{0,8}}"
            r"([^\s\"'\x00{\[|>&*!#=$][^\n\r\x00\"'`]* [^\n\r\x00\"'`]*[^\s\x00\"'`])"
        ),
        parts=rf"(?i)[\n\x00]?[ \t]{{0,16}}(?:export |set |- )?({NAME_THERE})[ \t]?(:[ \t]|=)[ \t]{{0,8}}([^\x00]+)",
        trigger=rf"(?i)(?:{SENSITIVE})[\w.\-]*[ \t]?(?::[ \t]|=)",
        judge=_line,
        rank=Rank.ASSIGNED_SECRET,
        example="wifi_passphrase: correct horse battery staple",
        counter_example="password: the one you were given",
    ),
    Detector(
        name="assigned_block",
        type="SECRET",
        reason="A YAML block under a name that says secret.",
        pattern=(
            rf"(?i)({NAME})[\"']?:[ \t]{{0,4}}[|>][+-]?\d?[ \t]*\r?\n"
            r"([ \t]+[^\s\x00][^\n\x00]*(?:\n[ \t]+[^\s\x00][^\n\x00]*){0,40})"
        ),
        parts=rf"({NAME_THERE})[^\n]*\n([^\x00]+)",
        trigger=rf"(?i)(?:{SENSITIVE})[\w.\-]*[\"']?:[ \t]*[|>][+-]?\d?[ \t]*\r?\n",
        judge=_block,
        rank=Rank.ASSIGNED_SECRET,
        lines=True,
        example="smtp_password: |\n    hunter2\nport: 25",
        counter_example="password_policy: |\n    at least 12 characters\n",
    ),
    Detector(
        name="assigned_list",
        type="SECRET",
        reason="A YAML list under a name that says secret.",
        pattern=rf"(?i)({NAME})[\"']?:[ \t]*\r?\n([ \t]*- [^\n\x00:{{\[]+(?:\n[ \t]*- [^\n\x00:{{\[]+){{0,40}})",
        parts=rf"({NAME_THERE})[^\n]*\n([^\x00]+)",
        trigger=rf"(?i)(?:{SENSITIVE})[\w.\-]*[\"']?:[ \t]*\r?\n[ \t]*- ",
        judge=_list,
        rank=Rank.ASSIGNED_SECRET,
        lines=True,
        example="passwords:\n  - hunter2\n  - 'hunter3'\nport: 25",
        counter_example="password_policies:\n  - strict\n  - lax\n",
    ),
    Detector(
        name="quoted_after_word",
        type="SECRET",
        reason="SQL and the like: a value straight after the word, without an operator.",
        pattern=(
            rf"(?i)\b(?:identified (?:by|with [\"']?\w+[\"']? (?:by|as))(?: password)?|(?:{NAME}))\s{{1,3}}(?:as\s+)?n?"
            r"(?:\"([^\"\s\x00]{3,})\"|'([^'\s\x00]{3,})')|\b(?-i:IDENTIFIED BY (?:VALUES )?)([^\s'\";,\x00]{3,})"
        ),
        parts="",
        trigger=rf"(?i)identified (?:by|with) |(?:{SENSITIVE})[\w.\-]*\s+(?:as\s+)?n?[\"']",
        judge=_after_word,
        rank=Rank.ASSIGNED_SECRET,
        example="CREATE USER app IDENTIFIED BY 'Tr0ub4dor'",
        counter_example="the key 'name' of a token \"next\"",
    ),
    Detector(
        name="compared",
        type="SECRET",
        reason="A quoted value compared with a name that says secret.",
        pattern=(rf"(?i)(?:\"([^\"\n\x00]+)\"|'([^'\n\x00]+)')(?:\s{{0,2}}[=!]==?\s{{0,2}}|\.equals\(\s?)({NAME})"),
        trigger=rf"(?i)[\"'](?:\s*[=!]==?\s*|\.equals\(\s?)[\w.\-$]*(?:{SENSITIVE})",
        judge=_compared,
        rank=Rank.ASSIGNED_SECRET,
        example='if ("Tr0ub4dor&3" == db_password) {',
        counter_example='if ("" != password) {',
    ),
)
"""Detectors of values of names that say secret."""
