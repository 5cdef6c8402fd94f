"""The text of the replicated form: what changes, what must not, and what is refused."""

import re

import pytest

from langtrail.deploy.migrate import plan
from langtrail.deploy.migrate_cluster import NotReplicable, create_database, on_cluster
from langtrail.schemas.statements import migrations

ALL = [statement for migration in migrations() for statement in migration.statements]


@pytest.mark.parametrize("statement", ALL, ids=[" ".join(statement.split()[:6]) for statement in ALL])
def test_every_statement_names_the_cluster_once(statement: str) -> None:
    """Each numbered file has a form for a cluster, and its first line says so."""
    changed = on_cluster(statement, "main")
    assert changed.count("ON CLUSTER `main`") == 1
    assert "ON CLUSTER `main`" in changed.splitlines()[0]


def test_every_table_is_replicated_and_keeps_its_window() -> None:
    """No plain engine and no window of a plain table is left; engine parameters and keys stay as they are."""
    text = "\n".join(on_cluster(statement, "main") for statement in ALL)
    tables = sum(statement.startswith("CREATE TABLE") for statement in ALL)
    assert len(re.findall(r"^ENGINE = Replicated\w*MergeTree", text, re.MULTILINE)) == tables >= 4
    assert "non_replicated" not in text
    windows = re.findall(r"replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800", text)
    assert len(windows) == "\n".join(ALL).count("non_replicated_deduplication_window") >= 3
    assert "ENGINE = ReplicatedReplacingMergeTree(revision)" in text


def test_nothing_else_changes() -> None:
    """Taking the three changes back gives the plain statement."""
    for statement in ALL:
        changed = on_cluster(statement, "main").replace(" ON CLUSTER `main`", "").replace("ENGINE = Replicated", "ENGINE = ")
        changed = changed.replace(", replicated_deduplication_window_seconds = 604800", "")
        assert changed.replace(" replicated_dedup", " non_replicated_dedup") == statement


def test_a_materialised_view_names_its_cluster_before_its_target() -> None:
    """That is where ClickHouse expects it."""
    assert on_cluster("CREATE MATERIALIZED VIEW IF NOT EXISTS a TO b AS\nSELECT 1", "c") == (
        "CREATE MATERIALIZED VIEW IF NOT EXISTS a ON CLUSTER `c` TO b AS\nSELECT 1"
    )


def test_changes_of_later_files_have_a_form_too() -> None:
    """Upgrades alter and drop."""
    assert on_cluster("ALTER TABLE events ADD COLUMN IF NOT EXISTS x Int64", "c") == (
        "ALTER TABLE events ON CLUSTER `c` ADD COLUMN IF NOT EXISTS x Int64"
    )
    assert on_cluster("DROP VIEW IF EXISTS trail", "c") == "DROP VIEW IF EXISTS trail ON CLUSTER `c`"


@pytest.mark.parametrize("statement", ["INSERT INTO events SELECT 1", "CREATE TABLE IF NOT EXISTS a (x Int8)\nENGINE = Memory"])
def test_a_form_that_is_not_known_is_refused(statement: str) -> None:
    """A statement that would be right on one replica only is never run."""
    with pytest.raises(NotReplicable):
        on_cluster(statement, "c")


def test_names_are_quoted() -> None:
    """A cluster's name is an identifier, whatever its letters."""
    assert create_database("lang`trail", "a`b") == "CREATE DATABASE IF NOT EXISTS `lang\\`trail` ON CLUSTER `a\\`b`"


def test_the_plan_is_all_that_is_run() -> None:
    """It begins with the database and has every statement of every file, in order."""
    text = plan("http://user:secret@host:8123/audit", "c")
    assert text.startswith("CREATE DATABASE IF NOT EXISTS `audit` ON CLUSTER `c`;\n\nUSE `audit`;\n\n-- 0000 migrations\n\n")
    assert text.count("ON CLUSTER `c`") == len(ALL) + 1
    assert "secret" not in text
    assert "ON CLUSTER" not in plan("http://host:8123/audit")
