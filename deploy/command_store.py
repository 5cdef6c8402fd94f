"""Commands that look after the store: audit-offsets, row-policies, bench seed."""

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


def row_policies(
    tenant: Annotated[
        list[str] | None,
        typer.Option("--tenant", help="Also a role for this tenant's readers; repeatable.", show_default=False),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="On each replica of this cluster.", metavar="NAME", show_default=False)
    ] = None,
) -> None:
    """Print the SQL that keeps each tenant's own users to their rows, for clickhouse-client -n on a server of yours.

    The local engine has no users. Grant a tenant's role to its users; safe to run again.
    """
    from langtrail.processors.clickhouse import database_of  # noqa: PLC0415 - its packages are an extra

    from .row_policies import row_policies as policies  # noqa: PLC0415 - as above
    from .row_policies import tenant_role  # noqa: PLC0415 - as above

    database = database_of(environ().get("LANGTRAIL_CLICKHOUSE_DSN", ""))
    roles = [statement for name in tenant or () for statement in tenant_role(name, cluster)]
    for statement in [*policies(database, cluster), *roles]:
        typer.echo(f"{statement};")


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
    """Fill a database of its own with made-up sessions, created when it is missing; say how much room an event takes."""
    from .seed import seed as fill  # noqa: PLC0415 - its packages are an extra
    from .seed import sizes  # noqa: PLC0415 - as above
    from .seed_progress import show  # noqa: PLC0415 - as above

    dsn = environ().get("LANGTRAIL_CLICKHOUSE_DSN")
    if not dsn:
        raise SettingsError("LANGTRAIL_CLICKHOUSE_DSN: is not set; name a database for made-up events, it will be created")
    show(fill(dsn, events, days=days, number=seed, jobs=jobs), events)
    typer.echo(sizes(dsn))
