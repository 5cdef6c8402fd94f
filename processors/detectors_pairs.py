"""Detectors of secrets in pairs of a name and a value that no operator joins: elements, attributes, rows of tables."""

from collections.abc import Iterable
from typing import Final

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .secret_names import NAME, NAME_THERE, SENSITIVE, SHORT_QUOTED, group_of, reads_as_code, secret_part, secret_rule

_NAMED, _VALUED = "(?:key|name|param-name)", "(?:string|value|param-value)"
"""Elements of property lists, of Hadoop and of servlets."""


def _in_row(candidate: Candidate) -> Iterable[Span]:
    rule, value = secret_rule(candidate.group(1)), candidate.group(2)
    return secret_part(rule, candidate.groups[2][0], value) if rule and not reads_as_code(value) else NOTHING


def _second(candidate: Candidate) -> Iterable[Span]:
    """Take the value of a pair: the first group that took part is its name, the next one its value."""
    if candidate.follows_placeholder:
        return NOTHING
    name = group_of(candidate, (1, 4))
    rule = secret_rule(candidate.group(name))
    number = group_of(candidate, range(name + 1, len(candidate.groups)))
    if rule is None or not number:
        return NOTHING
    value = candidate.group(number)
    return NOTHING if reads_as_code(value) else secret_part(rule, candidate.groups[number][0], value)


def _tagged(candidate: Candidate) -> Iterable[Span]:
    name, value = (1, 2) if candidate.groups[1][0] >= 0 else (3, 4)
    rule = secret_rule(candidate.group(name))
    return secret_part(rule, candidate.groups[value][0], candidate.group(value)) if rule else NOTHING


PAIRS: Final = (
    Detector(
        name="table_row",
        type="SECRET",
        reason="A row of a table in Markdown: a name that says secret, and its value as code.",
        pattern=rf"(?i)\|\s?`({NAME})`\s?\|(?:[^|\n\x00\[]{{0,60}}\|){{0,2}}?\s?`([^`|\n\x00]+)`\s?\|",
        parts=rf"\|\s?`({NAME_THERE})`\s?\|(?:[^|\n\x00\[]{{0,60}}\|){{0,2}}?\s?`([^`|\n\x00]+)`\s?\|",
        trigger=rf"(?i)\|\s?`[\w.\-$]*(?:{SENSITIVE})[\w.\-]*`\s?\|",
        judge=_in_row,
        rank=Rank.ASSIGNED_SECRET,
        example="| `MYSQL_ROOT_PASSWORD` | optional | `sunshine` | of the database |",
        counter_example="| `PASSWORD_POLICY` | `strict` |\n| `API_KEY` | `string` |",
    ),
    Detector(
        name="tag",
        type="SECRET",
        reason="An XML element that says secret, by its name or by an attribute.",
        pattern=(
            rf"(?i)<{_NAMED}>({NAME})</{_NAMED}>\s*<{_VALUED}>([^<\n\x00]+)</{_VALUED}>"
            rf"|<(?:\w+ [^<>\n\[\x00]{{0,80}}?(?:name|key|id)=[\"']|[\w-]{{1,20}}:)?({NAME})"
            r"(?:[\"' ][^<>\n\x00]*)?>\s*(?:<value>)?([^<\x00]*[^<\s\x00])\s*</"
        ),
        parts="",
        trigger=(
            rf"(?i)<[\w.\-$:]*(?:{SENSITIVE})[\w.\-]*[\"' >]|(?:name|key|id)=[\"'][\w.\-$]*(?:{SENSITIVE})"
            rf"|</{_NAMED}>\s*<{_VALUED}>"
        ),
        judge=_tagged,
        rank=Rank.ASSIGNED_SECRET,
        example="<dbPassword>hunter2</dbPassword>",
        counter_example="<passwordPolicy>strict</passwordPolicy>",
    ),
    Detector(
        name="attribute_pair",
        type="SECRET",
        reason="A pair of attributes or members, name and value: XML, YAML, Terraform, headers.",
        pattern=(
            rf"(?i)(?:\bvariable\s\"({NAME})\"\s\{{[^{{}}\[\x00]{{0,200}}?\bdefault\s{{0,20}}=\s{{0,4}}{SHORT_QUOTED}"
            rf"|\b(?:name|key|id|property|ParameterKey)[\"']?\s{{0,24}}[:=]\s{{0,3}}[\"']?(?:/[\w.\-/]{{0,80}}/)?({NAME})[\"']?\s{{0,3}},?"
            r"(?:\s{0,40}|[^<>\n\[\x00]{0,80}?\s|\n[ \t]{0,24}type\s[^\n\[\x00]{0,40}\n\s{0,24})"
            rf"[\"']?(?:Parameter)?value[\"']?\s{{0,24}}[:=]\s{{0,3}}(?:{SHORT_QUOTED}|([^\s\"'\x00<>]+)))"
        ),
        parts="",
        trigger=rf"(?i)(?:name|key|id|property|variable)[\"']?\s*[:=]?\s*[\"']?[\w.\-$/]*(?:{SENSITIVE})",
        judge=_second,
        rank=Rank.ASSIGNED_SECRET,
        example='<add key="DbPassword" value="sunshine" />',
        counter_example='<add key="PasswordPolicy" value="strict" />',
    ),
)
"""Detectors of secrets in pairs of a name and a value."""
