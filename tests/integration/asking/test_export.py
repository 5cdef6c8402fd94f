"""An export: every event of its scope once, in order, the same in each format; a file that is whole or not there."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]  # it has no type hints
import pytest

from langtrail.deploy import export as export_module
from langtrail.deploy.answer_files import csv_line, whole_file
from langtrail.deploy.ask import AskError, Trail
from langtrail.deploy.export import Scope, export
from langtrail.schemas import AUDIT_EVENT, registry

FIELDS = [field["name"] for field in registry().latest(AUDIT_EVENT).avro["fields"]]
COLUMNS = [*FIELDS, "_topic", "_partition", "_offset", "_schema_id", "_ingested_at", "cost_usd"]
LISTS = ("tags", "redaction_types", "redaction_counts", "subject_tokens", "roles", "flags", "ext")
LAST = "2027-01-01 00:00:00.000000"

Command = Callable[..., Any]
Row = dict[str, Any]


@pytest.fixture
def trail(two_tenants: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    """Return the store of two tenants, in the environment too."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)
    trail = Trail(two_tenants)
    yield trail
    trail.close()


def expected(trail: Trail, tenant: str) -> list[tuple[str, int]]:
    """Return stream and number of each event of the trail, in order."""
    asked = "SELECT toString(stream_id) AS s, seq FROM trail WHERE tenant_id = {t:String} ORDER BY occurred_at, s, seq"
    return [(row[0], row[1]) for row in trail.sql(asked, {"t": tenant}).rows]


def read_csv(path: Path) -> list[Row]:
    """Return the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_csv(value: Any) -> str:
    """Return a value as CSV has it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def places(data: bytes, output_format: str) -> list[tuple[str, int]]:
    """Return stream and number of each event in an export, in order."""
    rows: list[Row]
    if output_format == "parquet":
        rows = pyarrow.parquet.read_table(BytesIO(data)).to_pylist()
    elif output_format == "csv":
        rows = list(csv.DictReader(data.decode().splitlines(keepends=True)))
    else:
        rows = [json.loads(line) for line in data.splitlines()]
    return [(row["stream_id"], int(row["seq"])) for row in rows]


def test_json_lines_have_every_event_and_column(command: Command, trail: Trail) -> None:
    """In order, numbers as numbers, times as ISO-8601, hashes hexadecimal; nobody else's, and none of the reading."""
    said = command("export", "--tenant", "acme")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [(row["stream_id"], row["seq"]) for row in rows] == expected(trail, "acme")
    assert {row["tenant_id"] for row in rows} == {"acme"}
    assert all(list(row) == COLUMNS for row in rows)
    assert "audit_read" not in {row["event_type"] for row in rows}
    read = next(row for row in rows if row["event_type"] == "tool_end" and row["tool_name"] == "read")
    assert (read["redaction_types"], read["redaction_counts"], read["occurred_at"][-1]) == (["EMAIL", "IBAN"], [3, 1], "Z")
    assert len(bytes.fromhex(read["event_hash"])) == 32
    assert said.err == ""


def test_csv_and_parquet_have_the_same(command: Command, trail: Trail, tmp_path: Path) -> None:
    """Value by value: lists as JSON in CSV, null as nothing, typed columns in Parquet; only the owner may read the files."""
    json_rows = [json.loads(line) for line in command("export", "--tenant", "acme").out.splitlines()]
    for name in ("all.csv", "all.parquet"):
        assert command("export", "--tenant", "acme", "--output", name).err == f"{len(json_rows)} events in {name}\n"
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    csv_rows, table = read_csv(tmp_path / "all.csv"), pyarrow.parquet.read_table(tmp_path / "all.parquet")
    assert list(csv_rows[0]) == table.column_names == COLUMNS
    for row, in_csv, in_parquet in zip(json_rows, csv_rows, table.to_pylist(), strict=True):
        for name, value in row.items():
            if name in LISTS:
                assert json.loads(in_csv[name]) == in_parquet[name] == value, name
            elif isinstance(value, str) and name.endswith("_at"):
                assert in_csv[name] == value == in_parquet[name].isoformat(timespec="microseconds").replace("+00:00", "Z"), name
            else:
                assert in_parquet[name] == value, name
                assert in_csv[name] == as_csv(value) or float(in_csv[name]) == value, name


@pytest.mark.parametrize("window_bytes", [1, 4_000, 10**9])
@pytest.mark.parametrize("output_format", ["jsonl", "csv", "parquet"])
def test_windows_are_nobodys_business(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, output_format: str, window_bytes: int
) -> None:
    """However the work is cut, down to single seconds, the export is the same, and progress reaches its end."""
    monkeypatch.setattr(export_module, "_WINDOW_BYTES", window_bytes)
    told: list[tuple[int, int]] = []
    to = BytesIO()
    scope = Scope("acme", None, LAST if window_bytes > 1 else "2026-09-21 14:13:29.000000")
    rows = export(trail, scope, output_format, to, lambda written, total: told.append((written, total)))
    assert rows == (len(expected(trail, "acme")) if window_bytes > 1 else 9)
    assert told[0] == (0, rows)
    assert told[-1] == (rows, rows)
    assert (len(told) == rows) == (window_bytes == 1)  # two events share a second
    assert places(to.getvalue(), output_format) == expected(trail, "acme")[:rows]
    if output_format == "parquet":
        assert pyarrow.parquet.ParquetFile(BytesIO(to.getvalue())).metadata.num_row_groups == len(told)


@pytest.mark.parametrize("window_bytes", [1, 10**9])
def test_since_is_within_and_until_is_not(trail: Trail, monkeypatch: pytest.MonkeyPatch, window_bytes: int) -> None:
    """To the microsecond, also where a window begins in the middle of an hour."""
    monkeypatch.setattr(export_module, "_WINDOW_BYTES", window_bytes)
    times = ("2026-09-21 14:13:22.000000", "2026-09-21 14:13:22.000001", "2026-09-21 14:13:24.000000")
    counted = {
        (since, until): export(trail, Scope("acme", since, until), "jsonl", BytesIO(), lambda *_: None)
        for since in times
        for until in times
    }
    first, after, later = times
    assert counted[first, later] == 2
    assert counted[after, later] == 1
    assert counted[first, after] == 1
    assert counted[first, first] == counted[later, first] == 0


def test_an_empty_export_is_a_whole_file(command: Command, trail: Trail, tmp_path: Path) -> None:
    """CSV has its headings, Parquet its columns, JSON lines nothing."""
    for name in ("x.jsonl", "x.csv", "x.parquet"):
        assert command("export", "--tenant", "nobody", "--output", name).status == 0
    assert (tmp_path / "x.jsonl").read_bytes() == b""
    assert (tmp_path / "x.csv").read_text().splitlines() == [csv_line(COLUMNS).rstrip()]
    assert pyarrow.parquet.read_table(tmp_path / "x.parquet").column_names == COLUMNS


def test_the_format_is_what_the_name_ends_in_unless_it_is_said(command: Command, trail: Trail, tmp_path: Path) -> None:
    """--format counts before the name."""
    assert command("export", "--output", "x.csv", "--format", "jsonl").status == 0
    assert json.loads((tmp_path / "x.csv").read_text().splitlines()[0])["tenant_id"]


def test_a_file_is_whole_or_as_it_was(command: Command, trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails half way leaves the old file, and no part of a new one."""
    (tmp_path / "x.jsonl").write_text("old")
    monkeypatch.setattr(export_module, "_WINDOW_BYTES", 1)
    formatted, calls = Trail.formatted, iter(range(100))

    def fails(self: Trail, *args: Any, **kwargs: Any) -> bytes:
        if next(calls) == 5:
            raise AskError("ClickHouse is gone")
        return formatted(self, *args, **kwargs)

    monkeypatch.setattr(Trail, "formatted", fails)
    said = command("export", "--output", "x.jsonl")
    assert (said.status, said.err) == (2, "langtrail: ClickHouse is gone\n")
    assert (tmp_path / "x.jsonl").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spool", "x.jsonl"]


def test_how_far_a_broken_export_came_is_recorded(
    command: Command, trail: Trail, recorded_reads: Callable[[], list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun, and failed after so many rows."""
    monkeypatch.setattr(export_module, "_WINDOW_BYTES", 1)
    write = export_module._Lines.write
    calls = iter(range(100))

    def fails(self: Any, parameters: dict[str, object]) -> int:
        if next(calls) == 3:
            raise AskError("ClickHouse is gone")
        return write(self, parameters)

    monkeypatch.setattr(export_module._Lines, "write", fails)
    command("export", "--tenant", "acme")
    begun, ended = recorded_reads()
    assert (begun["outcome"], begun["count"], ended["outcome"]) == (None, None, "failure")
    assert 0 < ended["count"] < len(expected(trail, "acme"))


def test_whoever_reads_standard_output_may_leave(trail: Trail, two_tenants: str, tmp_path: Path) -> None:
    """A pipe that closes ends the export in order."""
    environ = {**os.environ, "LANGTRAIL_CLICKHOUSE_DSN": two_tenants, "LANGTRAIL_SPOOL_DIR": str(tmp_path / "spool")}
    command = [sys.executable, "-m", "langtrail.deploy.cli", "export"]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_csv_keeps_null_and_empty_text_apart() -> None:
    """RFC 4180: text in quotes, quotes doubled, null as nothing, the rest as it is."""
    assert csv_line(['a "b"', "", None, 1, 0.5, True, ["x", 1], "two\nlines"]) == (
        '"a ""b""","",,1,0.5,true,"[""x"", 1]","two\nlines"\n'
    )


def test_a_file_appears_at_the_end_of_its_block(tmp_path: Path) -> None:
    """Not before; and an error leaves nothing."""
    with whole_file(tmp_path / "x") as file:
        file.write(b"all of it")
        assert not (tmp_path / "x").exists()
    assert (tmp_path / "x").read_bytes() == b"all of it"
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "x") as file:
        file.write(bytes(1 // len(b"")))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"all of it"
