"""Read-only statements: nothing is changed, no file and no other host is read.

The engine's own readonly=1 holds for settings, writes and most table functions, and a statement cannot undo it. What it lets
through in an embedded engine (the function file, table functions in DESCRIBE, INTO OUTFILE, KILL) is refused here, by the
engine's own parser and lexer: they see through quoting, escapes and comments.
"""

import json
from itertools import pairwise
from typing import Final

from .clickhouse_engine import Handle, escaped
from .clickhouse_errors import Code, EngineError, refusal
from .clickhouse_statement import first_word

# Table functions that make up their rows or read tables of the database itself. All others are refused, new ones too.
_HARMLESS: Final = """format fuzzJSON fuzzQuery generateRandom generateSeries generate_series merge mergeTreeAnalyzeIndexes
    mergeTreeIndex mergeTreeProjection mergeTreeTextIndex null numbers numbers_mt primes SQLStandardValues values view
    viewExplain viewIfPermitted zeros zeros_mt"""
_TABLE_FUNCTIONS: Final = "SELECT lower(name) FROM system.table_functions"
# They read a file, or ask another host. By name alone: a function can be handed to another one, as in arrayMap(file, …).
_FUNCTIONS: Final = """
    SELECT lower(name) FROM system.functions
    WHERE 'file' IN (name, alias_to) OR name = 'catboostEvaluate' OR match(name, '^ai[A-Z]')"""
# The parser writes the statement anew, so that "\x66ile"('x') reads file('x'); the lexer cuts that into tokens.
_TOKENS: Final = "WITH formatQuerySingleLine({sql:String}) AS text SELECT text, tokenizeQuery(text)"
_NAMES: Final = ("BareWord", "QuotedIdentifier")
_OF_THE_CONNECTION: Final = ("USE", "SET")


class ReadOnlyGuard:
    """Refuses what a read-only statement must not do."""

    def __init__(self, handle: Handle) -> None:
        harmless = frozenset(_HARMLESS.lower().split())
        self._functions = _column(handle, _FUNCTIONS)
        self._table_functions = _column(handle, _TABLE_FUNCTIONS) - harmless

    def check(self, handle: Handle, sql: bytes) -> None:
        """Raise EngineError when the statement may change something, or reads outside of the database."""
        tokens = _tokens(handle, sql)
        if not _may_pass(handle, sql, "READ_ONLY"):
            raise refusal(Code.READONLY, "Cannot execute query in readonly mode")
        for (name, is_name), (following, _) in pairwise([*tokens, ("", False)]):
            if is_name and (name in self._functions or (following == "(" and name in self._table_functions)):
                raise refusal(Code.READONLY, f"Cannot use {name}() in readonly mode: it reads files or other hosts")


def check_get(handle: Handle, sql: bytes) -> None:
    """Raise EngineError when a statement that came by GET may change something."""
    if not _may_pass(handle, sql, "READ_ONLY", "UNKNOWN"):
        raise refusal(
            Code.READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
            "You should use method POST for modifying queries",
        )


def refuse_outfile(handle: Handle, sql: bytes) -> None:
    """Raise EngineError for INTO OUTFILE: the file would be written on the server's side."""
    if b"outfile" in sql.lower():
        names = [name for name, _ in _tokens(handle, sql)]
        if ("into", "outfile") in pairwise(names):
            raise refusal(Code.INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed")


def _may_pass(handle: Handle, sql: bytes, *kinds: str) -> bool:
    kind, _ = handle.classify(sql)
    return kind in kinds or first_word(sql) in _OF_THE_CONNECTION


def _tokens(handle: Handle, sql: bytes) -> list[tuple[str, bool]]:
    """Return the tokens of a statement in small letters, without quotes, each with whether it is a name."""
    try:
        text, tokens = json.loads(handle.run(_TOKENS, "JSONCompactEachRow", {"sql": escaped(sql.decode())}).data)
    except UnicodeDecodeError as error:
        raise refusal(Code.SYNTAX_ERROR, "The statement is not UTF-8") from error
    except EngineError as error:  # it names our own statement as the scope of the mistake
        raise EngineError(error.code, str(error).split(": In scope")[0]) from error
    written = text.encode()
    cut = [(written[int(token["begin"]) : int(token["end"])].decode(), token["type"]) for token in tokens]
    return [(name.strip('`"').lower(), kind in _NAMES) for name, kind in cut if kind != "Whitespace"]


def _column(handle: Handle, sql: str) -> frozenset[str]:
    return frozenset(handle.run(sql, "TSVRaw").data.decode().split())
