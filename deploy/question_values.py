"""Values of parameters, from what a person types to what ClickHouse takes. Every mistake is said before anything is asked."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Final
from uuid import UUID

from langtrail.schemas.statements import Parameter, Question, questions

from .ask import AskError
from .output import shortened, visible

_AGO = re.compile(r"(\d{1,9})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHOWN: Final = 60
_FIRST_YEAR: Final = 1901
_LAST_YEAR: Final = 2298
TIME_HELP: Final = "such as 2026-11-22, 2026-11-22T08:30:00Z (UTC when no zone is named) or 7d, 24h, 30m (ago)"


def asked_question(name: str) -> Question:
    """Return the question of this name. Raises AskError, with the name that was probably meant."""
    known = questions()
    if name in known:
        return known[name]
    listed = [key for key, question in known.items() if question.command is None]
    near = get_close_matches(name, listed, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ";"
    raise AskError(f"there is no question {_shown(name)}{meant} `langtrail ask` lists them all")


def parsed(question: Question, given: Mapping[str, str]) -> dict[str, object]:
    """Return the given values by parameter, each as its type asks. Names may be written with hyphens.

    Raises AskError for a name that the question has not, a value that is not of its type, and one that is missing.
    """
    own = {parameter.name: parameter for parameter in question.parameters}
    values: dict[str, object] = {}
    for written, text in given.items():
        name = written.replace("-", "_")
        if name not in own:
            raise AskError(_no_parameter(question, written))
        values[name] = value(own[name], text)
    for parameter in question.parameters:
        if parameter.default is None and parameter.name not in values:
            raise AskError(f"the question {question.name} needs {option(parameter)}: {parameter.doc}")
    return values


def value(parameter: Parameter, text: str) -> object:
    """Return a text as a value of the parameter's type. Raises AskError, naming the option, when it is none."""
    kind = base_type(parameter)
    expected, parse = _PARSERS[kind]
    try:
        return parse(text.strip() if kind != "String" else text)
    except (ValueError, OverflowError):
        raise AskError(f"{option(parameter)} takes {expected}, not {_shown(text)}") from None


def moment(text: str, name: str) -> str:
    """Return a time as ClickHouse takes it, in UTC. Raises AskError, naming the option `name`, when it is none."""
    try:
        return _moment(text.strip())
    except (ValueError, OverflowError):
        raise AskError(f"--{name} takes a time, {TIME_HELP}, not {_shown(text)}") from None


def option(parameter: Parameter) -> str:
    """Return the option that gives this parameter."""
    return f"--{parameter.name.replace('_', '-')}"


def base_type(parameter: Parameter) -> str:
    """Return the parameter's type without Nullable and without precision: String, UInt64, DateTime64, Date, UUID."""
    return re.sub(r"^Nullable\((.*)\)$", r"\1", parameter.type).partition("(")[0]


def _moment(text: str) -> str:
    return _time(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat() if "T" not in text and "-" in text else _time(text).date().isoformat()


def _time(text: str) -> datetime:
    if text == "now":
        return datetime.now(UTC)
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    time = datetime.fromisoformat(text)
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


_PARSERS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "String": ("a text", str),
    "UInt64": ("a whole number from 0 on", _whole),
    "DateTime64": (f"a time, {TIME_HELP}", _moment),
    "Date": ("a day, such as 2026-11-22 or 7d (ago)", _day),
    "UUID": ("an id such as 019cfb12-d7f4-7b28-ab82-a35fc263b420", lambda text: str(UUID(text))),
}
"""For each type that a parameter may have: what to say it takes, and how it is read."""


def _no_parameter(question: Question, written: str) -> str:
    options = [option(parameter) for parameter in question.parameters]
    near = get_close_matches(f"--{written.replace('_', '-')}", options, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else f"; it takes {', '.join(options)}"
    return f"the question {question.name} has no parameter {_shown(written)}{meant}"


def _shown(text: str) -> str:
    return visible(shortened(text, _SHOWN))
