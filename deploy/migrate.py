"""Bring the database to this version's tables and views: numbered files in order, each once, none changed afterwards."""

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from langtrail.processors.clickhouse import StoreError, connect, database_of, store_error
from langtrail.schemas.statements import Migration, migrations

from .errors import CannotRun


class MigrationError(CannotRun):
    """The database cannot be brought to this version; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Applied:
    """A migration that was applied, or would be."""

    version: int
    name: str


def migrate(dsn: str, *, dry_run: bool = False) -> list[Applied]:
    """Create the database of the DSN and apply what it lacks, in order; return it. With `dry_run` only say what would be done.

    Safe to run again, and by two at once: every statement leaves alone what is there already. Raises MigrationError when the
    database is of a newer version, when a file was changed after it was applied (nothing is done then), and when ClickHouse
    does not answer or refuses.
    """
    database = database_of(dsn)
    try:
        client = connect(dsn, database="default")
    except StoreError as error:
        raise MigrationError(str(error)) from None
    try:
        return _migrate(client, database, dry_run=dry_run)
    except ClickHouseError as error:
        raise MigrationError(str(store_error(error, dsn))) from None
    finally:
        client.close()


def _migrate(client: Client, database: str, *, dry_run: bool) -> list[Applied]:
    known = migrations()
    ledger = _read_ledger(client, database)
    _check(known, ledger, database)
    pending = [migration for migration in known if migration.version not in ledger]
    if not dry_run and pending:
        client.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(database)}")
        client.database = database
        for migration in pending:
            _apply(client, migration)
    return [Applied(migration.version, migration.name) for migration in pending]


def _read_ledger(client: Client, database: str) -> dict[int, str]:
    """Return the checksums of what was applied, by version; empty when there is no ledger."""
    there = client.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND name = 'migrations'", {"database": database}
    )
    if not there.result_rows:
        return {}
    client.database = database
    rows = client.query("SELECT version, checksum FROM migrations ORDER BY version, applied_at DESC").result_rows
    return {row[0]: row[1] for row in rows}


def _check(known: tuple[Migration, ...], ledger: dict[int, str], database: str) -> None:
    newest = known[-1].version
    if ledger and max(ledger) > newest:
        raise MigrationError(
            f"the database {database} is at version {max(ledger)}, newer than {newest}, the newest of this langtrail; upgrade"
        )
    for migration in known:
        if ledger.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.version:04d}_{migration.name}.sql was changed after it was applied to the database {database}; "
                "restore the file, and put the change into a new one"
            )


def _apply(client: Client, migration: Migration) -> None:
    for statement in migration.statements:
        client.command(statement)
    row = [migration.version, migration.name, migration.checksum]
    client.insert("migrations", [row], ["version", "name", "checksum"], settings={"async_insert": 0})


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
