"""Statements as ClickHouse's HTTP interface takes them: where the data of an INSERT begins, which format answers."""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN = re.compile(
    rb"""(?P<gap>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)
        |(?P<quoted>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
        |(?P<word>[A-Za-z_]\w*)
        |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_FORMAT_NAME = re.compile(rb"\s+(\w+)(?P<settings>[ \t]+SETTINGS[ \t][^\n]*)?[ \t;]*\r?(?:\n|$)?", re.IGNORECASE)
_MENTIONS_FORMAT = re.compile(rb"\bFORMAT\b", re.IGNORECASE)
_RETURNS_ROWS: Final = frozenset(
    {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL", "FROM", "VALUES"}
)

# Formats that have neither a beginning nor an end: blocks that were formatted one by one make a whole when put together.
_CONCATENABLE: Final = frozenset(
    """CSV JSONEachRow JSONLines NDJSON JSONCompactEachRow JSONStringsEachRow JSONCompactStringsEachRow Native LineAsString Raw
    RowBinary TSV TSVRaw TabSeparated TabSeparatedRaw""".lower().split()
)


@dataclass(frozen=True)
class InsertHead:
    """An INSERT with data: the statement up to SETTINGS, FORMAT or VALUES, its settings, the format, where the data begins."""

    statement: bytes
    settings: bytes
    input_format: str
    data_at: int


def insert_head(text: bytes) -> InsertHead | None:
    """Find the data of an INSERT in the beginning of a request; None when it is no INSERT, or one without data."""
    depth, words, settings_at = 0, 0, -1
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "gap":
            continue
        word = token[0].upper()
        if words == 0 and word != b"INSERT":
            return None
        words += 1
        depth += (word == b"(") - (word == b")")
        if token.lastgroup != "word" or depth or words < 3:  # INSERT INTO name …
            continue
        if word == b"SETTINGS":
            settings_at = token.start()
        end = token.start() if settings_at < 0 else settings_at
        if word == b"VALUES":
            return InsertHead(text[:end], text[end : token.start()], "Values", token.end())
        if word == b"FORMAT" and (name := _FORMAT_NAME.match(text, token.end())):
            settings = text[end : token.start()] or (name["settings"] or b"")
            return InsertHead(text[:end], settings, name[1].decode(), name.end())
        if word in (b"SELECT", b"WITH", b"FROM", b"WATCH", b"EXPLAIN"):
            return None
    return None


def first_word(text: bytes) -> str:
    """Return the first keyword of a statement in capitals, comments and brackets left out."""
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "word":
            return token[0].decode().upper()
    return ""


def returns_rows(text: bytes) -> bool:
    """Say whether a statement answers with rows, be it none."""
    return first_word(text) in _RETURNS_ROWS


def output_format(text: bytes, default: str) -> str:
    """Return the name of the format that the answer will have."""
    if not _MENTIONS_FORMAT.search(text):
        return default
    tokens = [token for token in _TOKEN.finditer(text) if token.lastgroup != "gap"]
    for keyword, name, following in zip(tokens[-2::-1], tokens[:0:-1], [None, *tokens[:1:-1]], strict=False):
        ends = following is None or following[0].upper() in (b";", b"SETTINGS")
        if ends and name.lastgroup == "word" and keyword.lastgroup == "word" and keyword[0].upper() == b"FORMAT":
            return name[0].decode()
    return default


def is_concatenable(name: str) -> bool:
    """Say whether blocks in this format can be sent one after another."""
    return name.lower() in _CONCATENABLE
