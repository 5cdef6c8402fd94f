"""Database queries as effects: the statements of sqlite3 and of SQLAlchemy, and what a statement does to which tables."""

import re
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from .effect import Effect, Record
from .serialise import text_of

_MAX_STATEMENT = 64 * 1024
_MAX_TABLES = 16
_FACTORY = 5
"""Where among the arguments of sqlite3.connect what makes the connection is."""
_SILENT = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "SET", "START"})
_EFFECTS = {
    **dict.fromkeys(("SELECT", "SHOW", "EXPLAIN", "DESCRIBE", "PRAGMA", "VALUES", "TABLE", "FETCH"), "read"),
    **dict.fromkeys(("DELETE", "DROP", "TRUNCATE"), "delete"),
    **dict.fromkeys(
        ("INSERT", "UPDATE", "REPLACE", "MERGE", "UPSERT", "CREATE", "ALTER", "RENAME", "GRANT", "REVOKE"), "write"
    ),
}
_VERB_AFTER_WITH = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE)\b")
_NOISE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTES = re.compile(r'["`\[\]]')
_PARENTHESES = re.compile(r"\([^()]*\)")
_PART = r'(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$]++)'
_NAME = rf"({_PART}(?:\.{_PART})*+)"
_TABLES = re.compile(
    rf"\b(?:(?:FROM|JOIN)\s+(?:ONLY\s+)?{_NAME}(?!\()|(?:INTO|UPDATE|TABLE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+|ONLY\s+)?{_NAME})",
    re.IGNORECASE,
)
"""A name after one of these words; after FROM, one with a parenthesis is a function."""
_NO_TABLES = frozenset({"select", "set", "where", "values", "lateral", "only"})


class Statement(NamedTuple):
    """What an SQL statement does."""

    verb: str
    effect: str
    tables: tuple[str, ...]


class _Local(threading.local):
    """Whether this thread makes a connection whose statements will be told."""

    tracing = False


_local = _Local()
_connect = sqlite3.connect
_attached: list[Record] = []


@lru_cache(maxsize=512)
def understand(text: str) -> Statement:
    """Return verb, effect (read, write, delete, external) and tables of a statement, as far as its words tell.

    Stored procedures and anything unknown are `external`. Names of tables are as written, without quotes.
    """
    bare = _NOISE.sub(" ", text[:_MAX_STATEMENT])
    words = bare.split(None, 1)
    verb = words[0].upper().strip("(;") if words else ""
    if verb == "WITH":
        verb = _verb_after_with(bare)
    tables = list(dict.fromkeys(_QUOTES.sub("", "".join(names)) for names in _TABLES.findall(bare)))
    named = tuple(name for name in tables if name.lower() not in _NO_TABLES)[:_MAX_TABLES]
    return Statement(verb, _EFFECTS.get(verb, "external"), named)


def watch_sqlite(record: Record) -> None:
    """Have sqlite3 tell the statements of every connection that is made through its `connect` from now on."""
    for module in _modules():
        module.connect = _tracing(record)


def unwatch_sqlite() -> None:
    """Leave new connections of sqlite3 alone."""
    for module in _modules():
        module.connect = _connect


def _modules() -> tuple[Any, ...]:
    return sqlite3, sqlite3.dbapi2


def opened_otherwise(record: Record, database: Any) -> None:
    """Record a connection whose statements may not be told: an application has its own hold of `connect`, or its own class."""
    if not _local.tracing:
        path = text_of(database)
        record(Effect("database", "connect", "external", path, {"database": path}, {"system": "sqlite"}))


def _tracing(record: Record) -> Callable[..., Any]:
    def trace(statement: str) -> None:
        if not statement.startswith("--"):  # a trigger's
            tell(record, "sqlite", statement, "")

    class Connection(sqlite3.Connection):
        """Tells us of its statements whatever else the application has it told to."""

        def set_trace_callback(self, trace_callback: Callable[[str], object] | None) -> None:
            def both(statement: str) -> None:
                trace(statement)
                if trace_callback is not None:
                    trace_callback(statement)

            super().set_trace_callback(both)

    Connection.__module__, Connection.__qualname__ = sqlite3.Connection.__module__, sqlite3.Connection.__qualname__

    @wraps(_connect)
    def connect(*args: Any, **kwargs: Any) -> Any:
        is_ours = len(args) <= _FACTORY and "factory" not in kwargs
        if is_ours:
            kwargs["factory"] = Connection
        outer, _local.tracing = _local.tracing, is_ours  # another's may be told to trace for another: that it is made is told
        try:
            connection: Any = _connect(*args, **kwargs)
        finally:
            _local.tracing = outer
        if isinstance(connection, sqlite3.Connection):  # a factory may make whatever it likes
            sqlite3.Connection.set_trace_callback(connection, trace)
        return connection

    return connect


def attach(record: Record) -> None:
    """Have SQLAlchemy tell the statements of every engine. Once is enough."""
    if _attached:
        return
    _attached.append(record)
    sqlalchemy = sys.modules["sqlalchemy"]

    def before(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        target = connection.engine.url.render_as_string(hide_password=True)
        tell(record, connection.dialect.name, statement, target, parameters)

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", before)
    sqlalchemy.event.listen(sqlalchemy.pool.Pool, "connect", _leave_to_sqlalchemy)


def _leave_to_sqlalchemy(connection: Any, _: Any) -> None:
    """Take the trace off a connection whose statements SQLAlchemy tells: each is told once."""
    if type(connection).__module__ == "sqlite3":
        sqlite3.Connection.set_trace_callback(connection, None)


def tell(record: Record, system: str, statement: str, target: str, parameters: Any = None) -> None:
    """Record a statement, unless it only opens or ends a transaction."""
    found = understand(statement)
    if found.verb in _SILENT or not found.verb:
        return
    told: dict[str, Any] = {"statement": statement, "database": target or system}
    if parameters:
        told["parameters"] = parameters
    ext = {"system": system, **({"tables": ",".join(found.tables)} if len(found.tables) > 1 else {})}
    record(Effect("database", found.verb, found.effect, found.tables[0] if found.tables else system, told, ext))


def _verb_after_with(bare: str) -> str:
    """Return the verb that a WITH leads to: the first one outside of all parentheses."""
    while (flatter := _PARENTHESES.sub(" ", bare)) != bare:
        bare = flatter
    found = _VERB_AFTER_WITH.search(bare.upper())
    return found[1] if found else "SELECT"
