"""Bring the database to this version's tables and views: numbered files in order, each once, none changed afterwards."""

from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from langtrail.processors.clickhouse import StoreError, connect, database_of, store_error
from langtrail.schemas.statements import Migration, migrations

from .errors import CannotRun
from .migrate_cluster import NotReplicable, create_database, on_cluster, quoted

TOO_OLD: Final = frozenset({36, 42, 80})
"""What ClickHouse says of a text index that it does not know."""


class MigrationError(CannotRun):
    """The database cannot be brought to this version; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Applied:
    """A migration that was applied, or would be."""

    version: int
    name: str


def migrate(dsn: str, *, dry_run: bool = False, cluster: str | None = None) -> list[Applied]:
    """Create the database of the DSN and apply what it lacks, in order; return it. With `dry_run` only say what would be done.

    With `cluster` everything is made on each of its replicas, in its replicated form. Safe to run again, and by two at once:
    every statement leaves alone what is there already. Raises MigrationError when the database is of a newer version, when a
    file was changed after it was applied, when the cluster is unknown or has several shards (nothing is done then), and when
    ClickHouse does not answer or refuses.
    """
    database = database_of(dsn)
    try:
        client = connect(dsn, database="default")
    except StoreError as error:
        raise MigrationError(str(error)) from None
    try:
        if cluster:
            _check_cluster(client, cluster)
        return _migrate(client, database, cluster, dry_run=dry_run)
    except ClickHouseError as error:
        old = getattr(error, "code", None) in TOO_OLD
        raise MigrationError("ClickHouse 26.2 or newer is needed" if old else str(store_error(error, dsn))) from None
    finally:
        client.close()


def plan(dsn: str, cluster: str | None = None) -> str:
    """Return every statement that makes a new database what this version needs, as text that `clickhouse-client -n` takes.

    Asks no server. Raises MigrationError when a statement has no form for a cluster.
    """
    parts = [f"{create_database(database_of(dsn), cluster)};", f"USE {quoted(database_of(dsn))};"]
    for migration in migrations():
        parts += [f"-- {migration.version:04d} {migration.name}", *(f"{each};" for each in _statements(migration, cluster))]
    return "\n\n".join(parts)


def _migrate(client: Client, database: str, cluster: str | None, *, dry_run: bool) -> list[Applied]:
    known = migrations()
    ledger = _read_ledger(client, database)
    _check(known, ledger, database)
    pending = [migration for migration in known if migration.version not in ledger]
    to_run = {migration.version: _statements(migration, cluster) for migration in pending}
    if not dry_run and pending:
        client.command(create_database(database, cluster))
        client.database = database
        for migration in pending:
            _apply(client, migration, to_run[migration.version])
    return [Applied(migration.version, migration.name) for migration in pending]


def _statements(migration: Migration, cluster: str | None) -> list[str]:
    if not cluster:
        return list(migration.statements)
    try:
        return [on_cluster(statement, cluster) for statement in migration.statements]
    except NotReplicable as error:
        raise MigrationError(f"{migration.version:04d}_{migration.name}.sql: {error}") from None


def _check_cluster(client: Client, cluster: str) -> None:
    query = "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = {cluster:String}"
    shards = client.query(query, {"cluster": cluster}).result_rows[0][0]
    if shards == 0:
        raise MigrationError(f"ClickHouse knows no cluster {cluster}; see system.clusters for those that it knows")
    if shards > 1:
        raise MigrationError(
            f"the cluster {cluster} has {shards} shards; langtrail is for one shard with any number of replicas"
        )


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


def _apply(client: Client, migration: Migration, statements: list[str]) -> None:
    for statement in statements:
        client.command(statement)
    row = [migration.version, migration.name, migration.checksum]
    client.insert("migrations", [row], ["version", "name", "checksum"], settings={"async_insert": 0})
