"""The .sql files as values: numbered migrations, and named questions with their help and their typed parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files

_NUMBERED = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PLACEHOLDER = re.compile(r"\{(\w+):([^{}]+)\}")
_PARAMETER = re.compile(r"-- (\w+)(?: = (\S+))?: (.+)")
_COMMAND = re.compile(r"^-- asked by: langtrail (\w+)$", re.MULTILINE)


class QuestionError(Exception):
    """A question was asked with a parameter missing or unknown; the text names it."""


@dataclass(frozen=True)
class Migration:
    """One numbered DDL file. It has to be safe to run again: IF NOT EXISTS, IF EXISTS."""

    version: int
    name: str
    sql: str

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The statements in order, comments left out. A statement ends with a semicolon at the end of a line."""
        code = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return tuple(part.strip() for part in re.split(r";\s*$", code, flags=re.MULTILINE) if part.strip())


@dataclass(frozen=True)
class Parameter:
    """One parameter of a question: its ClickHouse type, what it means, and its default (None: it has to be given)."""

    name: str
    type: str
    doc: str
    default: str | None


@dataclass(frozen=True)
class Question:
    """A question that has a name: SQL with typed parameters, and help. `command` is the command of its own, if it has one."""

    name: str
    help: str
    sql: str
    parameters: tuple[Parameter, ...]
    command: str | None = None
    for_operators: bool = False
    """Whether it names no tenant, because what it is about belongs to none."""

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return the value of every parameter, defaults filled in (NULL is None). Raises QuestionError."""
        if unknown := sorted(given.keys() - {parameter.name for parameter in self.parameters}):
            raise QuestionError(f"the question {self.name} has no parameter {unknown[0]}")
        return {parameter.name: self._value(parameter, given) for parameter in self.parameters}

    def _value(self, parameter: Parameter, given: Mapping[str, object]) -> object:
        if parameter.name in given:
            return given[parameter.name]
        if parameter.default is None:
            raise QuestionError(f"the question {self.name} needs the parameter {parameter.name}: {parameter.doc}")
        return None if parameter.default == "NULL" else parameter.default


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the numbered DDL files, lowest number first."""
    found = [
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in files(f"{__package__}.clickhouse").iterdir()
        if (match := _NUMBERED.fullmatch(file.name))
    ]
    return tuple(sorted(found, key=lambda migration: migration.version))


@cache
def questions() -> dict[str, Question]:
    """Return the named questions by name, sorted."""
    found = [
        _question(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files(f"{__package__}.questions").iterdir()
        if file.name.endswith(".sql")
    ]
    return {question.name: question for question in sorted(found, key=lambda question: question.name)}


def question(name: str) -> Question:
    """Return one question. Raises KeyError for a name that no file has."""
    return questions()[name]


def _question(name: str, sql: str) -> Question:
    """Read a question: the first comment line is its help, the lines `-- name = default: meaning` are its parameters.

    A line `-- asked by: langtrail NAME` says that it has a command of its own, a line `-- for operators: WHY` that it is about
    no tenant.
    """
    first, *rest = sql.splitlines()
    types = dict(_PLACEHOLDER.findall(sql))
    declared = [match.groups() for line in rest if (match := _PARAMETER.fullmatch(line))]
    parameters = tuple(Parameter(key, types.get(key, ""), doc, default) for key, default, doc in declared if key in types)
    command = _COMMAND.search(sql)
    for_operators = re.search("^-- for operators: ", sql, re.MULTILINE) is not None
    return Question(name, first.removeprefix("-- "), sql, parameters, command[1] if command else None, for_operators)
