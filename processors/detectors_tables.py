"""The detector of values in tables: the head of a column says what is in it, as a key does."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .key_rules import KeyRule, holds_redacted, rule_of
from .secret_names import LIKE_A_SECRET, SHORTEST, reads_as_code

_TOLD: Final = (
    r"passw(?:or)?d|passwort|passphrase|\bpwd|contrase[nñ]a|senha|secret|token|api[ _-]?key|credential|\bssn|social[ _]security"
    r"|phone|mobile|telefon|\biban|card[ _]?n|birth|passport|surname|(?:first|last|full)[ _]?name"
)
"""RE2: what the head of a column has in it, that says enough."""
_SEPARATORS: Final = ",;\t|"
_AROUND: Final = "\"' *`\r"
"""What stands around the text of a cell."""
_LINE: Final = re.compile(r"([^\n\0]*)(.|\n|\Z)")
_RULE: Final = re.compile(r"[ \t]*\+?-{2,}[+|-]*[ \t]*\r?")
"""A line between the rows of a table in a terminal."""
_HEAD: Final = re.compile(rf"[{_AROUND}]*[^\W\d][\w #()/.-]{{0,38}}[{_AROUND}]*")
_PROSE: Final = re.compile(r"\b(?:and|or|the|is|are|for|with|your|und|et|y)\b|\w\(", re.IGNORECASE)
"""What is in no head: words of sentences, and calls."""
_LONGEST_HEADS: Final = 1000
"""Characters of all heads together."""
_MOST_HEADS: Final = 4
"""Lines of one table that are taken for heads: each is asked about all rows below it."""
_ENDS: Final = 2
"""Cells that are nothing but the edges of a table in Markdown."""
_MOST_BLANKS: Final = 1
"""In a secret without digits and signs: more words are prose."""
Cells = list[tuple[int, int]]


class _Line:
    """What a line says of the columns below, taken for their heads."""

    def __init__(self, line: str) -> None:
        counts = [line.count(sign) for sign in _SEPARATORS]
        self.separator = _SEPARATORS[counts.index(max(counts))]
        self.cells = _cells(line, 0, len(line), self.separator) if any(counts) else []
        self._line = line
        self._texts: list[str] | None = None
        self._rules: list[KeyRule | None] = []

    @property
    def texts(self) -> list[str]:
        """The heads."""
        if self._texts is None:
            self._texts = [self._line[first:last].strip(_AROUND) for first, last in self.cells]
        return self._texts

    @property
    def rules(self) -> list[KeyRule | None]:
        """What each of them says; nothing where they are none."""
        if not self._rules and _are_heads(self._line, self.cells, self.separator):
            self._rules = [*map(rule_of, self.texts)]
        return self._rules


class _Table(NamedTuple):
    """Rows of as many cells, and how many of them were taken for heads."""

    rows: list[Cells]
    end: int
    headed: int


def _column(candidate: Candidate) -> Iterable[Span]:
    """Take what the heads of columns say of the rows below, as long as these have as many cells."""
    text, (start, end) = candidate.text, candidate.groups[1]
    if end - start > _LONGEST_HEADS:
        return NOTHING
    lines: dict[str, _Line] = candidate.known.setdefault("table_lines", {})
    written = text[start:end]
    line = lines.get(written)
    if line is None:
        line = lines[written] = _Line(written)
    columns = len(line.cells)
    if columns < 2 or _is_row(text, start, line.separator, columns):
        return NOTHING
    tables: dict[tuple[str, int], _Table] = candidate.known.setdefault("table_column", {})
    before = tables.get((line.separator, columns))
    if before is not None and start >= before.end:
        before = None
    headed = 1 if before is None else before.headed + 1
    if headed > _MOST_HEADS or not any(line.rules):
        return NOTHING
    if before is None:
        rows = [*_rows(text, end + 1, line.separator, columns)]
    else:
        rows = [row for row in before.rows if row[0][0] > end]
    tables[line.separator, columns] = _Table(rows, rows[-1][-1][1] if rows else end, headed)
    return [span for row in rows for span in _found(text, row, line)]


def _cells(text: str, start: int, end: int, separator: str) -> Cells:
    """Return where the cells of a line are; a separator between quotation marks is a part of one."""
    cells, first, at, quotes = Cells(), start, start, 0
    for part in text[start:end].split(separator):
        quotes += part.count('"')
        at += len(part)
        if quotes % 2 == 0:
            cells.append((first, at))
            first = at + 1
        at += 1
    return cells


def _are_heads(text: str, cells: Cells, separator: str) -> bool:
    edge = separator == "|" and len(cells) > _ENDS
    if _PROSE.search(text, cells[0][0], cells[-1][1]):
        return False
    return all(
        _HEAD.fullmatch(text, first, last) and not holds_redacted(text[first:last])
        for first, last in cells[edge : len(cells) - edge]
    )


def _is_row(text: str, start: int, separator: str, columns: int) -> bool:
    """Tell whether the line before has as many cells: then this is one of the rows, and not their heads."""
    end = max(0, start - 1)
    far = max(0, end - _LONGEST_HEADS)
    first = max(text.rfind("\n", far, end), text.rfind("\0", far, end), far - 1) + 1
    return text[end:start] == "\n" and text.count(separator, first, end) == columns - 1


def _rows(text: str, at: int, separator: str, columns: int) -> Iterator[Cells]:
    for line in _LINE.finditer(text, at):
        if _RULE.fullmatch(line[1]):
            if line[2] != "\n":
                return
            continue
        cells = _cells(text, *line.span(1), separator)
        if len(cells) != columns:
            return
        yield cells
        if line[2] != "\n":
            return


def _found(text: str, row: Cells, heads: _Line) -> Iterator[Span]:
    """Yield the parts of a row's cells that are to go; heads that come again stay."""
    for (first, last), rule in zip(row, heads.rules, strict=True):
        if rule is None:
            continue
        cell = text[first:last]
        value = cell.strip(_AROUND)
        if len(value) < SHORTEST or value in heads.texts or holds_redacted(value) or reads_as_code(value):
            continue
        is_prose = rule.type == "SECRET" and value.count(" ") > _MOST_BLANKS and not LIKE_A_SECRET.search(value)
        part = None if is_prose else rule.part(value)
        if part:
            start = first + cell.index(value)
            yield Span(start + part[0], start + part[1], rule.type)


TABLES: Final = (
    Detector(
        name="table_column",
        type="SECRET",
        reason="Rows of CSV or of a table in Markdown, where the head of a column says secret or personal.",
        pattern=rf"(?i)(?:^|[\n\x00])([^\n\x00]*(?:{_TOLD})[^\n\x00]*)\n",
        parts=r"[\n\x00]?([^\n\x00]+)\n",
        trigger=rf"(?i)(?:{_TOLD})[\w #()/.-]*[\"'*`]*(?:[ ]*[,;\t|]|\r?\n)",
        judge=_column,
        rank=Rank.ASSIGNED_SECRET,
        lines=True,
        example="id,user,password\n1,bob,sunshine\n2,ann,moonlight\n",
        counter_example="user, token and password\nare asked for, once",
    ),
)
"""The detector of columns of tables."""
