"""How long each retention class is kept: a TOML file, read with all its mistakes at once.

    [classes.standard]
    days = 400

    [classes.regulated]
    days = 3650

A class that the file does not name is kept for ever.
"""

import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from langtrail.schemas import topic

from .errors import CannotRun
from .toml_lines import LineNumbers, toml_refused_as

FEWEST_DAYS: Final = topic("events").retention_days
"""Kafka keeps events as long: what is removed earlier could be stored again from there."""
MOST_DAYS: Final = 36_500


class RetentionPolicyError(CannotRun):
    """The file of retention periods cannot be used; the text has a line for each mistake."""


@dataclass(frozen=True)
class RetentionPolicy:
    """Days by retention class, counted from an event's arrival, and the SHA-256 of the file that says so, hexadecimal."""

    days: dict[str, int]
    digest: str


def read_retention(path: Path) -> RetentionPolicy:
    """Return what a file says. Raises RetentionPolicyError."""
    with toml_refused_as(RetentionPolicyError, path):
        body = path.read_bytes()
        text = body.decode()
        document = tomllib.loads(text)
    line_of = LineNumbers(text)
    mistakes = [
        f"{path}:{line_of((key,))}: unknown table or key {key}; only [classes.NAME] is known"
        for key in document
        if key != "classes"
    ]
    classes = document.get("classes", {})
    if not isinstance(classes, dict) or not classes:
        mistakes.append(f"{path}: there is no [classes.NAME] table in it")
        classes = {}
    for name, table in classes.items():
        mistakes += [f"{path}:{line_of(('classes', name))}: [classes.{name}] {mistake}" for mistake in _mistakes(table)]
    if mistakes:
        raise RetentionPolicyError("\n".join(mistakes))
    return RetentionPolicy({name: table["days"] for name, table in classes.items()}, sha256(body).hexdigest())


def _mistakes(table: Any) -> list[str]:
    if not isinstance(table, dict):
        return ["is not a table"]
    found = [f"has the unknown key {key}; only days is known" for key in table if key != "days"]
    days = table.get("days")
    if not isinstance(days, int) or isinstance(days, bool) or not FEWEST_DAYS <= days <= MOST_DAYS:
        found.append(f"days must be a whole number from {FEWEST_DAYS} (Kafka keeps the events as long) to {MOST_DAYS}")
    return found
