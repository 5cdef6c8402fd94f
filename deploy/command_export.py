"""The command export."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from .answer_files import whole_file
from .ask import AskError, connect
from .command_ask import Tenant
from .command_search import Since, Until
from .export import Scope, Tell
from .export import export as write
from .output import console
from .question_values import moment
from .reads import recorded


class Format(StrEnum):
    """What an export can be."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def export(
    output_format: Annotated[
        Format | None, typer.Option("--format", help="By default what the file's name ends in, else jsonl.", show_default=False)
    ] = None,
    tenant: Tenant = None,
    since: Since = None,
    until: Until = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; standard output without it.", show_default=False)
    ] = None,
) -> None:
    """Write all events of a tenant and a time to a file, which is whole or not there: JSON lines, CSV or Parquet."""
    chosen = output_format or _by_suffix(output)
    if chosen is Format.PARQUET and output is None:
        raise AskError("Parquet goes into a file: name it with --output")
    before = moment(until, "until") if until else datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    scope = Scope(tenant, since and moment(since, "since"), before)
    trail = connect()
    asked = {"format": chosen.value, "since": scope.since, "until": scope.until, "output": output and str(output)}
    with recorded("export", asked, user=trail.user, tenant=tenant) as reading, _progress() as tell:

        def told(written: int, total: int) -> None:
            reading.rows = written
            tell(written, total)

        with whole_file(output) if output else _standard_output() as to:
            reading.begins()
            rows = write(trail, scope, chosen.value, to, told)
            reading.ends(rows)
    if output:
        typer.echo(f"{rows:,} events in {output}", err=True)


def _by_suffix(output: Path | None) -> Format:
    suffixes = {f".{known.value}": known for known in Format}
    return suffixes.get(output.suffix if output else "", Format.JSONL)


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    """Give standard output. Whoever reads it may leave before the end: that is no error of ours."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show on a terminal how many events are written of how many."""
    told = console(stderr=True)
    if not told.is_terminal:
        yield lambda _written, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - only here

    columns = (TextColumn("exporting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=told, transient=True) as bar:
        task = bar.add_task("events", total=None)
        yield lambda written, total: bar.update(task, completed=written, total=total)
