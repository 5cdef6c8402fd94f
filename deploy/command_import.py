"""The command import: ship a spool that no process ships any more, or that was copied from another machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langtrail.schemas.settings import load_settings

from .output import console, print_json, visible
from .servers import environ

if TYPE_CHECKING:
    from .spool_import import ImportedStream, Report, SpoolImport


def import_(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A spool, one stream of it, or a copy of either.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds without progress after which it gives up.")] = 60,
) -> None:
    """Ship what lies in a spool to Kafka, in order; shipped streams are removed, those of living processes are left alone.

    Exit status 1 when events are lost or refused, 2 when Kafka or the directory cannot be used.
    """
    from langtrail.producer.settings import ProducerSettings  # noqa: PLC0415 - other commands do without the producer

    from .spool_import import SpoolImport  # noqa: PLC0415 - as above

    report = _with_progress(SpoolImport(directory, load_settings(ProducerSettings, environ()), timeout))
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    raise typer.Exit(2 if report.problem else 0 if report.sound else 1)


def _with_progress(work: "SpoolImport") -> "Report":
    from rich.progress import Progress  # noqa: PLC0415 - for this command alone

    with Progress(console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("shipping", total=work.left())
        return work.run(lambda shipped: bar.update(task, completed=shipped))


def _print(report: "Report") -> None:
    out = console()
    for stream in report.streams:
        out.print(visible(f"{stream.stream_id}  {stream.app or '-'} on {stream.host or '-'}: {_sentence(stream)}"))
        for lost in stream.lost:
            out.print(visible(f"  events {lost['first_seq']} to {lost['last_seq']} are lost: {lost['reason']}"))
    for one in report.refused:
        out.print(visible(f"{one['name']}: {'shipped now' if one['state'] == 'shipped' else 'still refused'} ({one['why']})"))
    out.print(f"{report.shipped:,} event{'' if report.shipped == 1 else 's'} shipped")
    if report.problem:
        console(stderr=True).print(visible(f"langtrail: {report.problem}; run it again, what is left stays in the spool"))


def _sentence(stream: "ImportedStream") -> str:
    if stream.state == "in use":
        return f"in use by process {stream.pid}, which ships it; {stream.left:,} left"
    if stream.state == "damaged":
        return f"cannot be shipped: {stream.problem}"
    return f"{stream.shipped:,} shipped" + (f", {stream.left:,} left" if stream.left else "")
