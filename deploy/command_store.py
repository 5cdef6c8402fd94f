"""Commands that look after the store: audit-offsets, bench seed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from langtrail.schemas.settings import SettingsError, load_settings

from .servers import environ

if TYPE_CHECKING:
    from .audit_offsets import PartitionAudit


def audit_offsets(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Prove that the store has every record that the sink committed. Exit status 1 when it lacks one."""
    from langtrail.processors.sink_settings import SinkSettings  # noqa: PLC0415 - its packages are an extra

    from .audit_offsets import audit_offsets as audit  # noqa: PLC0415 - as above

    found = audit(load_settings(SinkSettings, environ()))
    if as_json:
        typer.echo(json.dumps([partition.as_json() for partition in found], indent=2))
    else:
        for partition in found:
            for line in _lines(partition):
                typer.echo(line)
    raise typer.Exit(0 if all(partition.is_complete for partition in found) else 1)


def _lines(audit: "PartitionAudit") -> list[str]:
    committed = "nothing committed" if audit.committed is None else f"committed to {audit.committed}"
    checked = f"{audit.checked.lo} to {audit.checked.hi} checked" if audit.checked else "nothing to check"
    verdict = "complete" if audit.is_complete else "NOT COMPLETE"
    lines = [f"partition {audit.partition}: {verdict}; Kafka has {audit.oldest} to {audit.end}, {committed}, {checked}"]
    explained = {
        "stored under another offset": audit.duplicates,
        "dead letters": audit.dead_letters,
        "removed by langtrail retain": audit.removed,
        "without a record": audit.no_record,
    }
    if any(explained.values()):
        lines.append("  explained: " + ", ".join(f"{count} {what}" for what, count in explained.items() if count))
    if audit.in_flight:
        lines.append(f"  in flight: {audit.in_flight.lo} to {audit.in_flight.hi}")
    lines += [f"  missing: {each.lo} to {each.hi}" for each in audit.missing]
    lines += [f"  not stored, and gone from Kafka: {each.lo} to {each.hi}" for each in audit.unproven]
    return lines + ([f"  {audit.wrong}"] if audit.wrong else [])


bench = typer.Typer(help="Measure langtrail on this machine.", no_args_is_help=True)


@bench.callback()
def _bench() -> None:
    """Measure langtrail on this machine."""


@bench.command("seed")
def bench_seed(
    events: Annotated[int, typer.Option("--events", min=1, help="How many events.")],
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days they lie in, today the last.")] = 30,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes other events.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="How many processes make them.")] = 2,
) -> None:
    """Fill a database of its own with made-up sessions; it is created when it is missing."""
    from .seed import seed as fill  # noqa: PLC0415 - its packages are an extra
    from .seed_progress import show  # noqa: PLC0415 - as above

    dsn = environ().get("LANGTRAIL_CLICKHOUSE_DSN")
    if not dsn:
        raise SettingsError("LANGTRAIL_CLICKHOUSE_DSN: is not set; name a database for made-up events, it will be created")
    show(fill(dsn, events, days=days, number=seed, jobs=jobs), events)
