import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy import text_index
from langtrail.deploy.ask import Trail
from langtrail.deploy.migrate import Applied, MigrationError, migrate
from langtrail.deploy.migrate_cluster import on_cluster
from langtrail.deploy.process import wait_for
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.deploy.search import search
from langtrail.processors.avro_container import AvroContainer
from langtrail.processors.clickhouse import Store
from langtrail.schemas import AUDIT_EVENT, registry
from langtrail.schemas.statements import migrations

ALL = [Applied(migration.version, migration.name) for migration in migrations()]


def tables(client: Client, dsn: str) -> set[str]:
    """Return the names of all tables and views of a database."""
    query = "SELECT name FROM system.tables WHERE database = {database:String}"
    return {row[0] for row in client.query(query, {"database": urlsplit(dsn).path[1:]}).result_rows}


def test_the_first_run_makes_everything_and_the_second_nothing(dsn: str, client: Client) -> None:
    """The database is created with all tables and views, once."""
    assert migrate(dsn) == ALL
    assert {"events", "trail", "reads", "usage", "usage_daily", "session_index", "migrations"} <= tables(client, dsn)
    assert migrate(dsn) == []


def test_a_dry_run_changes_nothing(dsn: str, client: Client) -> None:
    """It says what would be applied, and does not even create the database."""
    assert migrate(dsn, dry_run=True) == ALL
    assert tables(client, dsn) == set()


def test_the_ledger_says_what_was_applied(dsn: str, client: Client) -> None:
    """Each file has its number, name and checksum in the ledger."""
    migrate(dsn)
    rows = client.query(f"SELECT version, name, checksum FROM {urlsplit(dsn).path[1:]}.migrations ORDER BY version").result_rows
    assert [tuple(row) for row in rows] == [(m.version, m.name, m.checksum) for m in migrations()]


def test_two_at_once_do_not_hurt_each_other(dsn: str, client: Client) -> None:
    """Whoever is first, the result is the same, and both return."""
    with ThreadPoolExecutor(4) as pool:
        assert all(set(applied) <= set(ALL) for applied in pool.map(migrate, [dsn] * 4))
    assert "session_index" in tables(client, dsn)
    assert migrate(dsn) == []


def test_a_changed_file_is_refused_by_name(dsn: str, client: Client) -> None:
    """A file that was applied must not change afterwards."""
    migrate(dsn)
    client.command(f"ALTER TABLE {urlsplit(dsn).path[1:]}.migrations DELETE WHERE version = 2", settings={"mutations_sync": 2})
    client.command(f"INSERT INTO {urlsplit(dsn).path[1:]}.migrations (version, name, checksum) VALUES (2, 'trail', 'abc')")
    with pytest.raises(MigrationError, match=r"0002_trail\.sql was changed after it was applied"):
        migrate(dsn)


def test_a_newer_database_is_refused(dsn: str, client: Client) -> None:
    """An older langtrail leaves a newer database alone."""
    migrate(dsn)
    client.command(f"INSERT INTO {urlsplit(dsn).path[1:]}.migrations (version, name, checksum) VALUES (9000, 'later', 'abc')")
    with pytest.raises(MigrationError, match=r"is at version 9000.*upgrade"):
        migrate(dsn)


def test_a_server_that_is_away_is_said_in_one_sentence(dsn: str) -> None:
    """Nothing listens on port 1."""
    away = f"http://user:hidden-word@127.0.0.1:1{urlsplit(dsn).path}"
    with pytest.raises(
        MigrationError, match=r"^ClickHouse at 127\.0\.0\.1:1 does not answer; check LANGTRAIL_CLICKHOUSE_DSN"
    ) as error:
        migrate(away)
    assert "hidden-word" not in str(error.value)


def test_a_wrong_password_is_said_in_one_sentence(dsn: str) -> None:
    """The sentence names what to check, and not the password."""
    parts = urlsplit(dsn)
    wrong = f"http://{parts.username}:hidden-word@{parts.hostname}:{parts.port}{parts.path}"
    with pytest.raises(MigrationError, match=r"the user or the password is wrong .*check LANGTRAIL_CLICKHOUSE_DSN") as error:
        migrate(wrong)
    assert "hidden-word" not in str(error.value)


@pytest.mark.parametrize("first", [4, 7])
def test_what_an_older_version_stored_is_asked_as_any_other(dsn: str, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    """After an upgrade the old rows are in the trail, in sessions, in usage, and found by their words through the index."""
    older = tuple(migration for migration in migrations() if migration.version <= first)
    newer = [Applied(migration.version, migration.name) for migration in migrations()[len(older) :]]
    events = list(sample_events(200))
    container = AvroContainer("langtrail.events", 0, registry().latest(AUDIT_EVENT))
    with monkeypatch.context() as before:
        before.setattr("langtrail.deploy.migrate.migrations", lambda: older)
        migrate(dsn)
        Store(dsn, 60).insert(container.columns, container.encode(enumerate(map(encode_audit_event, events))), "first")
    assert migrate(dsn) == newer
    assert wait_for(lambda: text_index.status(dsn).parts_left == 0, 30)
    assert text_index.status(dsn).size_bytes
    trail = Trail(dsn)
    session = events[0]["session_id"]
    told = [event for event in events if event["session_id"] == session]
    assert len(trail.ask("replay", session=session).rows) == len(told)
    assert sum(row["events"] for row in trail.sessions().objects()) == len(events)
    word = next(word for event in told if event["input"] for word in re.findall(r"[a-z]{5,}", event["input"]))
    assert session in {row["session_id"] for row in search(trail, word, limit=1000).objects()}
    trail.close()


def test_the_replicated_form_parses(client: Client) -> None:
    """The engine's own parser takes every statement of the form for a cluster."""
    statements = [on_cluster(statement, "main") for migration in migrations() for statement in migration.statements]
    assert len(statements) > 8
    for statement in statements:
        formatted = client.query("SELECT formatQuery({statement:String})", {"statement": statement}).result_rows[0][0]
        assert "ON CLUSTER" in formatted


def test_an_unknown_cluster_is_one_sentence(dsn: str, client: Client) -> None:
    """Nothing is created when ClickHouse does not know the cluster."""
    with pytest.raises(MigrationError, match="knows no cluster nowhere"):
        migrate(dsn, cluster="nowhere")
    assert tables(client, dsn) == set()
