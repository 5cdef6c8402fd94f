"""An export: all events of a tenant and a time, window by window, so that nobody on the way holds more than one of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

from langtrail.schemas import AUDIT_EVENT, registry
from langtrail.schemas.statements import question

from .answer_files import ARROW_SETTINGS, ParquetFile, arrow_table, csv_line
from .ask import Trail

_WINDOW_BYTES: Final = 32 * 1024 * 1024
_WIDTHS: Final = (3600, 60, 1)
_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"
_JSON_SETTINGS: Final = {
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_escape_forward_slashes": 0,
}
_CSV_SETTINGS: Final = {"date_time_output_format": "iso", "format_csv_null_representation": ""}

Tell = Callable[[int, int], None]
"""Told how many rows are written, and how many there will be."""


@dataclass(frozen=True)
class Scope:
    """What is exported: one tenant's events or everyone's, from a time on and before another, as ClickHouse takes them."""

    tenant: str | None
    since: str | None
    until: str

    def within(self, first: datetime, last: datetime) -> dict[str, object]:
        """Return the parameters for a part of it."""
        return {"tenant": self.tenant, "since": first.strftime(_TIME), "until": last.strftime(_TIME)}


@dataclass(frozen=True)
class Window:
    """A stretch of time, its end excluded, and about how much is in it."""

    first: datetime
    last: datetime
    rows: int
    size_bytes: int


def export(trail: Trail, scope: Scope, output_format: str, to: IO[bytes], tell: Tell) -> int:
    """Write the events of a scope in order (occurred_at, stream_id, seq) and return how many; `tell` is told after each window.

    Raises AskError when the store does not answer; what was written by then is no whole export.
    """
    windows = list(_windows(trail, scope, _WIDTHS))
    total, written = sum(window.rows for window in windows), 0
    writer = _WRITERS[output_format](trail, to)
    tell(0, total)
    for window in windows:
        written += writer.write(scope.within(window.first, window.last))
        tell(written, max(written, total))
    writer.close()
    return written


class _Lines:
    """JSON lines, as ClickHouse writes them."""

    def __init__(self, trail: Trail, to: IO[bytes]) -> None:
        self._trail, self._to, self._sql = trail, to, question("export").sql

    def write(self, parameters: dict[str, object]) -> int:
        """Write the events of a window and return how many."""
        data = self._trail.formatted(self._sql, parameters, "JSONEachRow", **_JSON_SETTINGS)
        self._to.write(data)
        return data.count(b"\n")

    def close(self) -> None:
        """There is no end to write."""


class _Csv(_Lines):
    """CSV with a line of headings; lists are JSON, null is nothing, and text stands in quotes."""

    def __init__(self, trail: Trail, to: IO[bytes]) -> None:
        super().__init__(trail, to)
        lists = ", ".join(f"toJSONString({name}) AS {name}" for name in _LISTS)
        self._sql = f"SELECT * REPLACE ({lists}) FROM ({self._sql}) ORDER BY occurred_at, stream_id, seq"  # noqa: S608 - our own
        to.write(csv_line(trail.sql(f"{self._sql} LIMIT 0", _NOTHING).columns).encode())

    def write(self, parameters: dict[str, object]) -> int:
        """Write the events of a window and return how many."""
        data = self._trail.formatted(self._sql, parameters, "CSV", **_CSV_SETTINGS)
        self._to.write(data)
        return sum(part.count(b"\n") for part in data.split(b'"')[::2])  # the ends of lines that are in no text


class _Parquet(_Lines):
    """Parquet, a row group for each window."""

    def __init__(self, trail: Trail, to: IO[bytes]) -> None:
        super().__init__(trail, to)
        self._file = ParquetFile(to)
        self._file.write(self._table(_NOTHING))

    def write(self, parameters: dict[str, object]) -> int:
        """Write the events of a window and return how many."""
        table = self._table(parameters)
        self._file.write(table)
        return int(table.num_rows)

    def close(self) -> None:
        """Write the end of the file."""
        self._file.close()

    def _table(self, parameters: dict[str, object]) -> Any:
        return arrow_table(self._trail.formatted(self._sql, parameters, "Arrow", **ARROW_SETTINGS))


_LISTS: Final = [
    field["name"]
    for field in registry().latest(AUDIT_EVENT).avro["fields"]
    if isinstance(field["type"], dict) and field["type"]["type"] == "array"
]
_NOTHING: Final[dict[str, object]] = {"tenant": None, "since": "2000-01-01 00:00:00", "until": "2000-01-01 00:00:00"}
_WRITERS: Final[dict[str, type[_Lines]]] = {"jsonl": _Lines, "csv": _Csv, "parquet": _Parquet}


def _windows(trail: Trail, scope: Scope, widths: tuple[int, ...]) -> Iterator[Window]:
    """Yield windows of at most 32 MB, but for what happened within one second."""
    width = timedelta(seconds=widths[0])
    given = {"tenant": scope.tenant, "since": scope.since, "until": scope.until, "width": widths[0]}
    gathered: Window | None = None
    for start, rows, size in trail.ask("export-sizes", **given).rows:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(start) + width
        found = Window(max(first, _time(scope.since)) if scope.since else first, min(last, _time(scope.until)), rows, size)
        if gathered and gathered.size_bytes + size <= _WINDOW_BYTES:
            gathered = Window(gathered.first, found.last, gathered.rows + rows, gathered.size_bytes + size)
            continue
        if gathered:
            yield gathered
        gathered = found
        if size > _WINDOW_BYTES and len(widths) > 1:
            part = Scope(scope.tenant, found.first.strftime(_TIME), found.last.strftime(_TIME))
            yield from _windows(trail, part, widths[1:])
            gathered = None
    if gathered:
        yield gathered


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
