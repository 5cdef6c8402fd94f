"""What cannot be asked is said in one clear sentence on standard error, with exit status 2, and nothing is changed."""

import logging
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from langtrail.deploy.process import LOOPBACK, free_port
from langtrail.processors.clickhouse import connect
from langtrail.schemas.statements import migrations

Command = Callable[..., Any]
Reads = Callable[[], list[dict[str, Any]]]

WRONG = {
    ("ask", "who-triggerd"): "there is no question who-triggerd; did you mean who-triggered?",
    ("ask", "xyzzy"): "there is no question xyzzy; `langtrail ask` lists them all",
    ("ask", "bad\x1b[31m"): "there is no question bad\\x1b[31m",
    ("ask", "--trigger-id", "x"): "name the question first",
    ("ask", "replay"): "replay has a command of its own: langtrail replay --help",
    ("ask", "activity"): "the question activity needs --principal: id of the principal",
    ("ask", "errors", "--sinze", "7d"): "the question errors has no parameter sinze; did you mean --since?",
    ("ask", "errors", "colour=red"): "the question errors has no parameter colour; it takes --kind, --error-type",
    ("ask", "errors", "--since"): "--since needs a value",
    ("ask", "errors", "since"): "'since' is neither --name value nor name=value",
    ("ask", "errors", "--limit", "many"): "--limit takes a whole number from 0 on, not many",
    ("ask", "errors", "--limit", "-1"): "--limit takes a whole number from 0 on, not -1",
    ("ask", "errors", "--since", "yesterday"): "--since takes a time, such as 2026-11-22",
    ("ask", "errors", "--since", "99999999w"): "--since takes a time",
    ("ask", "errors", "--since", "0001-01-01"): "--since takes a time",
    ("ask", "run", "--run-id", "42"): "--run-id takes an id such as",
    ("ask", "spend", "--since", "2026-13-01"): "--since takes a day, such as 2026-11-22",
    ("ask", "errors", "--json", "--csv"): "choose one of --json, --csv and --parquet",
    ("ask", "errors", "--tenant", "a", "tenant=b"): "the tenant is given twice",
    ("ask", "dead-letters", "--tenant", "a"): "the question dead-letters has no parameter tenant",
    ("replay", "s", "--at", "noon"): "--at takes a time",
    ("search", "x", "--since", "noon"): "--since takes a time",
    ("tail", "--type", "llm_stop"): "there is no event type llm_stop; did you mean llm_start?",
    ("export", "--format", "parquet"): "Parquet goes into a file: name it with --output",
    ("export", "--until", "noon"): "--until takes a time",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_question_is_one_sentence(
    command: Command, recorded_reads: Reads, two_tenants: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """It says what is wrong and what would be right."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)
    said = command(*arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert WRONG[arguments] in said.err
    assert recorded_reads() == []


EACH = [
    ("ask", "errors"),
    ("ask", "errors", "--parquet", "errors.parquet"),
    ("sessions",),
    ("replay", "s-job"),
    ("search", "order"),
    ("tail",),
    ("export", "--output", "all.csv"),
    ("sql", "SELECT count() FROM trail"),
    ("find", "--subject", "bob@example.org"),
    ("retain", "--policy", "retention.toml", "--yes"),
]
each = pytest.mark.parametrize("arguments", EACH, ids=" ".join)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay down what some commands read before they ask the store."""
    (tmp_path / "retention.toml").write_text("[classes.standard]\ndays = 40\n")
    (tmp_path / "pseudonym.key").write_text(b64encode(bytes(32)).decode())
    monkeypatch.setenv("LANGTRAIL_PSEUDONYM_KEY_FILE", str(tmp_path / "pseudonym.key"))


@each
def test_a_store_that_is_not_there_is_one_sentence(
    command: Command,
    recorded_reads: Reads,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    arguments: tuple[str, ...],
) -> None:
    """It names host and port, never the password; no library adds a line of its own, which Python would write beside it."""
    port = free_port()
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", f"http://user:hidden@{LOOPBACK}:{port}/langtrail")
    said = command(*arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert f"{LOOPBACK}:{port} does not answer" in said.err
    assert "hidden" not in said.err
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert recorded_reads() == []
    assert not Path("all.csv").exists()
    assert not Path("errors.parquet").exists()


@each
def test_a_wrong_password_is_one_sentence(
    command: Command, two_tenants: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """It says what to check, and not which password was tried."""
    wrong = two_tenants.replace(f":{urlsplit(two_tenants).password}@", ":hidden@")
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", wrong)
    said = command(*arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert "the user or the password is wrong" in said.err
    assert "hidden" not in said.err


@pytest.fixture(scope="module")
def newer(database: Callable[[str], str]) -> str:
    """Return the DSN of a store that a later langtrail has migrated."""
    dsn = database("newer")
    client = connect(dsn)
    client.command("INSERT INTO migrations (version, name, checksum) VALUES (9000, 'later', 'x')")
    client.close()
    return dsn


@each
def test_tables_of_a_newer_version_are_left_alone(
    command: Command, recorded_reads: Reads, newer: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """An older langtrail cannot know what a newer store's columns mean: it says so and reads nothing."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", newer)
    said = command(*arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    newest = migrations()[-1].version
    assert f"version 9000, newer than {newest}" in said.err
    assert "upgrade langtrail" in said.err
    assert recorded_reads() == []


def test_tables_of_a_newer_version_are_not_migrated(command: Command, newer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older langtrail neither changes them nor says that all is well."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", newer)
    said = command("migrate")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert f"is at version 9000, newer than {migrations()[-1].version}" in said.err


def test_kafka_that_is_not_there_is_one_sentence(
    command: Command, recorded_reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command for dead letters names the server and the variable; that somebody tried is recorded."""
    port = free_port()
    monkeypatch.setenv("LANGTRAIL_BOOTSTRAP_SERVERS", f"{LOOPBACK}:{port}")
    monkeypatch.setenv("LANGTRAIL_EXIT_SECONDS", "0")
    monkeypatch.setenv("LANGTRAIL_KAFKA_SECONDS", "1")
    said = command("dead-letters", "show", "0:1")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert f"cannot be read from Kafka at {LOOPBACK}:{port}" in said.err
    assert [read["outcome"] for read in recorded_reads()] == ["failure"]


def test_a_store_without_tables_names_the_command_that_makes_them(
    command: Command, clickhouse_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that nobody migrated is told from a question that is wrong."""
    client = connect(clickhouse_server, database="default")
    client.command("CREATE DATABASE IF NOT EXISTS never_migrated")
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", f"{clickhouse_server.rpartition('/')[0]}/never_migrated")
    said = command("ask", "errors")
    client.command("DROP DATABASE never_migrated")
    client.close()
    assert (said.status, said.out) == (2, "")
    assert "run `langtrail migrate`" in said.err


def test_a_file_that_cannot_be_written_is_named(command: Command, two_tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says which file and why; what was there stays."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)
    for arguments in (
        ("export", "--output", "no/such/folder/x.csv"),
        ("ask", "errors", "--parquet", "no/such/folder/x.parquet"),
    ):
        said = command(*arguments)
        assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
        assert "cannot be written (No such file or directory)" in said.err
