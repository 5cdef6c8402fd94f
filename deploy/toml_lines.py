"""On which line of a TOML file something stands, which the standard library's parser does not tell; why one cannot be read."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import CannotRun

_HEADER = re.compile(r"\s*\[(\[?)(.+?)\]?\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'))*)\s*=""")

Where = tuple[str | int, ...]


@contextmanager
def toml_refused_as(error: type[CannotRun], path: Path) -> Iterator[None]:
    """Turn what reading and parsing a file raises into one sentence of this kind."""
    try:
        yield
    except OSError as problem:
        raise error(f"{path} cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise error(f"{path} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as problem:
        raise error(f"{path} is not TOML: {problem}") from None


class LineNumbers:
    """Callable on a path of keys and positions: the line of what is there, or of the nearest thing around it, from 1."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Where, int] = {}
        self._counts: dict[Where, int] = {}
        table: Where = ()
        in_text = ""
        for number, line in enumerate(text.splitlines(), 1):
            if not in_text:
                table = self._take(line, number, table)
            in_text = _open_text(line, in_text)

    def __call__(self, where: Where) -> int:
        """Return the line."""
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 1)

    def _take(self, line: str, number: int, table: Where) -> Where:
        if header := _HEADER.match(line):
            path = self._with_positions(_keys(f"{header[2]} = 0"))
            if header[1]:
                self._counts[path] = self._counts.get(path, -1) + 1
                path = (*path, self._counts[path])
            self._lines.setdefault(path, number)
            return path
        if key := _KEY.match(line):
            self._lines.setdefault((*table, *_keys(f"{key[1]} = 0")), number)
        return table

    def _with_positions(self, keys: Where) -> Where:
        """Return a path with the position of the last entry put in where it goes through a list of tables."""
        path: Where = ()
        for key in keys[:-1]:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path])
        return (*path, *keys[-1:])


def _keys(assignment: str) -> Where:
    """Return the keys of a line of TOML; none when it is none, such as a line within a list."""
    try:
        table: Any = tomllib.loads(assignment)
    except tomllib.TOMLDecodeError:
        return ()
    keys: Where = ()
    while isinstance(table, dict):
        key, table = next(iter(table.items()))
        keys = (*keys, key)
    return keys


def _open_text(line: str, in_text: str) -> str:
    """Return which triple quote is open at the end of a line."""
    for mark in re.findall(r'"""|\'\'\'', line):
        in_text = "" if in_text == mark else in_text or mark
    return in_text
