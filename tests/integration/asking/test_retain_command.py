"""langtrail retain on the command line: it shows, asks, removes, is recorded, and says in one sentence what it cannot do."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from langtrail.deploy.ask import Trail, connect
from langtrail.deploy.lease import leased
from langtrail.deploy.process import LOOPBACK, free_port, wait_for
from langtrail.deploy.retention_policy import RetentionPolicyError, read_retention
from langtrail.deploy.stack import environment
from langtrail.deploy.tenant_file import apply_tenants
from langtrail.processors.clickhouse import connect as connect_store

ARRIVED = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6)

StoreEvents = Callable[..., None]
Command = Callable[..., Any]


@pytest.fixture
def on_stack(
    stack: Path, command: Command, store_events: StoreEvents, unique_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trail]:
    """Return the stack's trail, with events of two tenants that are over, of a class of their own; the second is held."""
    variables = environment(stack)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for number, tenant in enumerate((unique_name, f"{unique_name}-held")):
        facts = {"tenant_id": tenant, "retention_class": unique_name, "processed_at": ARRIVED}
        store_events(variables["LANGTRAIL_CLICKHOUSE_DSN"], [facts] * 3, hours=500 + number, partition=9, offset=10 * number)
    (tmp_path / "tenants.toml").write_text(f"[tenants.{unique_name}-held]\nlegal_hold = true\n")
    apply_tenants(tmp_path / "tenants.toml", variables["LANGTRAIL_BOOTSTRAP_SERVERS"])
    (tmp_path / "retention.toml").write_text(f"[classes.{unique_name}]\ndays = 7\n")
    (tmp_path / "operator.key").write_text(f"# ours\n{b64encode(b'k' * 32).decode()}\n")
    monkeypatch.setenv("LANGTRAIL_RETENTION_FILE", str(tmp_path / "retention.toml"))
    monkeypatch.setenv("LANGTRAIL_OPERATOR_KEY_FILE", str(tmp_path / "operator.key"))
    trail = connect(variables)
    yield trail
    trail.close()


def test_the_command_shows_asks_removes_and_is_recorded(
    stack: Path, on_stack: Trail, command: Command, unique_name: str
) -> None:
    """--dry-run only looks; without --yes, or beside another run, nothing goes; then it goes, signed and recorded."""
    remaining = f"SELECT tenant_id, count() AS n FROM trail WHERE retention_class = '{unique_name}' GROUP BY ALL ORDER BY 1"
    before = on_stack.sql(remaining).objects()
    looked = command("retain", "--dry-run", "--json")
    assert looked.status == 0, looked.err
    assert [(each["tenant_id"], each["events"], each["held"]) for each in looked.json["over"]] == [
        (unique_name, 3, False), (f"{unique_name}-held", 3, True),
    ]  # fmt: skip
    refused = command("retain")
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "say --yes" in refused.err
    assert "legal hold" in refused.out
    store = connect_store(environment(stack)["LANGTRAIL_CLICKHOUSE_DSN"])
    with leased(store, "retain", "another operator"):
        refused = command("retain", "--yes")
    store.close()
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "another `langtrail retain` is at work: of another operator on" in refused.err
    assert on_stack.sql(remaining).objects() == before
    done = command("retain", "--yes", "--json")
    assert done.status == 0, done.err
    (removal,) = done.json
    assert (removal["tenant_id"], removal["events"], bool(removal["signature"])) == (unique_name, 3, True)
    assert on_stack.sql(remaining).objects() == [{"tenant_id": f"{unique_name}-held", "n": 3}]

    def told() -> list[dict[str, Any]]:
        return [row for row in on_stack.ask("erasures", tenant=unique_name).objects() if row["outcome"]]

    assert wait_for(lambda: bool(told()), 30), "the removal did not arrive"
    (row,) = told()
    assert (row["event_type"], row["removed"], row["policy_id"]) == ("retention", 3, unique_name)
    facts = dict(fact.split("=", 1) for fact in row["facts"])
    assert {name: facts[name] for name in ("digest", "signature", "removal_id")} == {
        name: removal[name] for name in ("digest", "signature", "removal_id")
    }
    assert command("retain", "--yes").status == 0


def test_who_is_held_must_be_known(on_stack: Trail, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka nobody knows who is under legal hold: one sentence, exit status 2, nothing removed."""
    before = on_stack.sql("SELECT count() AS n FROM events").rows
    monkeypatch.setenv("LANGTRAIL_BOOTSTRAP_SERVERS", f"{LOOPBACK}:{free_port()}")
    monkeypatch.setenv("LANGTRAIL_KAFKA_SECONDS", "1")
    said = command("retain", "--yes")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert "who is under legal hold is not known" in said.err
    assert on_stack.sql("SELECT count() AS n FROM events").rows >= before


WRONG = {
    (): "LANGTRAIL_RETENTION_FILE: is not set",
    ("--policy", "none.toml"): "none.toml cannot be read (No such file or directory)",
    ("--policy", "key.toml"): "LANGTRAIL_OPERATOR_KEY_FILE: expected one line",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_cannot_be_removed_is_one_sentence(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """It says what to set; a key is never quoted."""
    (tmp_path / "key.toml").write_text("[classes.standard]\ndays = 40\n")
    monkeypatch.setenv("LANGTRAIL_OPERATOR_KEY_FILE", str(tmp_path / "key.toml"))
    said = command("retain", *arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert WRONG[arguments] in said.err


MISTAKES = {
    "": "there is no [classes.NAME] table in it",
    "[classes]": "there is no [classes.NAME] table in it",
    "classes = 3": "there is no [classes.NAME] table in it",
    "[classes.standard]\ndays = '400'": "1: [classes.standard] days must be a whole number from 7",
    "[classes.standard]\ndays = 3": "1: [classes.standard] days must be a whole number from 7",
    "[classes.standard]\ndays = true": "days must be a whole number",
    "[classes.standard]\ndays = 40\nmonths = 1": "has the unknown key months; only days is known",
    "[classes]\nstandard = 40": "[classes.standard] is not a table",
    "[holds]\na = 1\n[classes.a]\ndays = 9": "1: unknown table or key holds",
    "classes = ": "is not TOML",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    """All mistakes at once; nothing is removed by half a file."""
    (tmp_path / "retention.toml").write_text(text)
    with pytest.raises(RetentionPolicyError) as refused:
        read_retention(tmp_path / "retention.toml")
    assert MISTAKES[text] in str(refused.value)
    with pytest.raises(RetentionPolicyError, match="cannot be read"):
        read_retention(tmp_path / "none.toml")
