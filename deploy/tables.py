"""Answers as tables: one row a line, or one value a line when there are more columns than the console has room for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .ask import Answer
from .output import dollars, duration, microseconds_between, shortened, visible

_CELL_CHARACTERS: Final = 2_000
_GAP: Final = 2
_NARROW: Final = 14
_LONG_TEXT: Final = 60
_NARROW_TEXT: Final = 32


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> Table:
    """Return plain values as a table for `width` characters: numbers to the right, nothing taken for markup.

    Texts above 2,000 characters are cut, and show it.
    """
    rows = list(rows)
    cells = [[cell(value) for value in row] for row in rows]
    widths = _fitting([_widest(name, index, cells) for index, name in enumerate(columns)], width)
    if widths is None:
        return _records(columns, cells)
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold")
    for index, name in enumerate(columns):
        right = _is_number(row[index] for row in rows)
        made.add_column(Text(visible(name)), justify="right" if right else "left", overflow="fold", width=widths[index])
    for row_of_cells in cells:
        made.add_row(*row_of_cells)
    return made


def _widest(name: str, index: int, cells: list[list[Text]]) -> int:
    return max(cell_len(text.plain) for text in (Text(visible(name)), *(row[index] for row in cells)))


def _fitting(widths: list[int], width: int) -> list[int] | None:
    """Return the widths of columns that fit, the widest ones narrowed; None when they would become too narrow to read."""
    room = width - _GAP * (len(widths) - 1)
    least = [min(wide, _NARROW_TEXT if wide > _LONG_TEXT else _NARROW) for wide in widths]
    if sum(least) > room:
        return None
    most = max(widths, default=0)
    while sum(fitted := [max(low, min(wide, most)) for low, wide in zip(least, widths, strict=True)]) > room:
        most -= 1
    return fitted


def cell(value: Any) -> Text:
    """Return a plain value as it stands in a table."""
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, bool):
        return Text(str(value).lower())
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        value = ", ".join(str(item) for item in value)
    elif isinstance(value, (list, Mapping)):
        value = json.dumps(value, ensure_ascii=False)
    return Text(shortened(visible(str(value)), _CELL_CHARACTERS))


def print_answer(answer: Answer, to: Console) -> None:
    """Print an answer, and how many rows it has."""
    if answer.rows:
        to.print(table(answer.columns, answer.rows, to.width))
    to.print(Text(f"{len(answer.rows):,} row{'' if len(answer.rows) == 1 else 's'}", style="dim"))


def sessions_for_people(answer: Answer) -> Answer:
    """Return the sessions with short headings: when they were last active, how long they took, their cost in dollars."""
    columns = ("tenant", "session", "last", "took", "events", "runs", "errors", "by", "cost")
    rows = [
        [
            session["tenant_id"],
            session["session_id"],
            session["last"][: len("2026-01-01T00:00")].replace("T", " "),
            duration(microseconds_between(session["first"], session["last"])),
            *(session[name] for name in ("events", "runs", "errors", "principal_ids")),
            None if session["cost_usd"] is None else dollars(session["cost_usd"]),
        ]
        for session in answer.objects()
    ]
    return Answer(columns, rows)


def _is_number(values: Iterable[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known)


def _records(columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> Table:
    made = Table.grid(padding=(0, _GAP))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for number, row in enumerate(rows, start=1):
        made.add_row(Text(f"── row {number}", style="dim"))
        for name, value in zip(columns, row, strict=True):
            made.add_row(Text(visible(name)), value)
    return made
