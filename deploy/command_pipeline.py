"""Commands of the pipeline: run, worker, sink, migrate, tenants apply."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from langtrail.schemas.settings import SettingsError, load_settings

from .servers import environ


def run(
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, after --.", metavar="-- COMMAND")],
) -> None:
    """Run an unchanged program with every LangChain run recorded: langtrail run -- python app.py."""
    from langtrail.producer import ProducerSettings, autostart  # noqa: PLC0415

    variables = {**environ(), "LANGTRAIL_ENABLED": "1"}
    load_settings(ProducerSettings, variables)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, (autostart.directory(), variables.get("PYTHONPATH"))))
    program = shutil.which(command[0])
    if program is None:
        raise typer.BadParameter(f"there is no program {command[0]}")
    os.execve(program, command, variables)  # noqa: S606 - running the user's own command is what is asked for


def worker() -> None:
    """Redact, enrich and seal: langtrail.raw to langtrail.events, until stopped."""
    from langtrail.processors.worker import run_worker  # noqa: PLC0415
    from langtrail.processors.worker_settings import WorkerSettings  # noqa: PLC0415

    raise typer.Exit(run_worker(load_settings(WorkerSettings, environ())))


def sink() -> None:
    """Load ClickHouse: langtrail.events to the table events, each event once, until stopped."""
    from langtrail.processors.sink import run_sink  # noqa: PLC0415
    from langtrail.processors.sink_settings import SinkSettings  # noqa: PLC0415

    raise typer.Exit(run_sink(load_settings(SinkSettings, environ())))


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", help="Make replicated tables on this cluster of one shard; --dry-run prints them.", metavar="NAME"
        ),
    ] = None,
) -> None:
    """Create what is missing: Kafka topics, and tables and views in ClickHouse."""
    from .migrate import migrate as apply_migrations  # noqa: PLC0415
    from .migrate import plan  # noqa: PLC0415
    from .topics import create_topics  # noqa: PLC0415

    variables = environ()
    dsn, servers = variables.get("LANGTRAIL_CLICKHOUSE_DSN"), variables.get("LANGTRAIL_BOOTSTRAP_SERVERS")
    if not dsn and not servers:
        raise SettingsError("LANGTRAIL_CLICKHOUSE_DSN: is not set, nor LANGTRAIL_BOOTSTRAP_SERVERS; or start `langtrail up`")
    if cluster and dry_run and dsn:
        typer.echo(plan(dsn, cluster))
        return
    if servers and not dry_run:
        for name in create_topics(servers):
            typer.echo(f"created topic {name}")
    for applied in apply_migrations(dsn, dry_run=dry_run, cluster=cluster) if dsn else ():
        typer.echo(f"{'would apply' if dry_run else 'applied'} {applied.version:04d} {applied.name}")


tenants = typer.Typer(help="What is known of each tenant.", no_args_is_help=True)


@tenants.command("apply")
def tenants_apply(file: Annotated[Path, typer.Argument(help="TOML with a table [tenants.ID] for each tenant.")]) -> None:
    """Publish what a file says of tenants; every worker follows within seconds."""
    from .tenant_file import apply_tenants, with_pseudonyms  # noqa: PLC0415

    servers = environ().get("LANGTRAIL_BOOTSTRAP_SERVERS")
    if not servers:
        raise SettingsError("LANGTRAIL_BOOTSTRAP_SERVERS: is not set; or start `langtrail up`")
    keyed = with_pseudonyms(file)
    typer.echo(f"applied {', '.join(apply_tenants(file, servers))}")
    if keyed:
        names = ", ".join(keyed)
        typer.echo(f"{names}: a worker without LANGTRAIL_PSEUDONYM_KEY_FILE withholds all content, pseudonyms need its key")
