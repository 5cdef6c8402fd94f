"""Reading is recorded: by every command that reads, before anything is shown, whatever Kafka does, and no setting stops it."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from langtrail.deploy import operator_identity, reads
from langtrail.deploy.ask import connect
from langtrail.deploy.commands import app
from langtrail.deploy.process import LOOPBACK, free_port, wait_for
from langtrail.deploy.stack import environment
from langtrail.producer.job import os_user

LANGTRAIL = [sys.executable, "-m", "langtrail.deploy.cli"]
READING: dict[str, tuple[tuple[str, ...], int, dict[str, Any]]] = {
    "ask": (("ask", "errors", "--kind", "tool"), 1, {"question": "errors", "kind": "tool"}),
    "sessions": (("sessions",), 4, {}),
    "replay": (("replay", "s-chat-2"), 2, {"session": "s-chat-2"}),
    "search": (("search", "customers"), 3, {"text": "customers", "limit": 100}),
    "export": (("export", "--until", "2026-09-21"), 0, {"format": "jsonl", "until": "2026-09-21 00:00:00.000000"}),
}
"""For each command that has a scope: how it is asked about acme, how many rows it shows, and what is recorded of it."""
BESIDE = {"sql", "tail", "find"}
"""Commands that read and are tested apart."""

Command = Callable[..., Any]
Reads = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _store(two_tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)


def test_no_command_that_reads_is_forgotten() -> None:
    """All commands of the panel Ask are held here."""
    asking = {c.callback.__name__ for c in app.registered_commands if c.rich_help_panel == "Ask" and c.callback is not None}
    assert asking == READING.keys() | BESIDE


@pytest.mark.parametrize("name", READING)
def test_a_reading_leaves_one_event(command: Command, recorded_reads: Reads, name: str) -> None:
    """Who, which command with which parameters, the tenant, how it went and how many rows."""
    arguments, rows, asked = READING[name]
    assert command(*arguments, "--tenant", "acme").status == 0
    *begun, read = recorded_reads()
    assert len(begun) == (name == "export")
    assert (read["tenant_id"], read["principal_id"], read["outcome"], read["count"]) == ("acme", os_user(), "success", rows)
    tenant = {"tenant": "acme"} if name == "ask" else {}
    assert read["asked"] == {"command": name, **asked, **tenant}
    assert (read["component"], read["resource"], read["app"]) == ("langtrail", "trail", reads.APP)
    assert (read["session_id"] == "s-chat-2") == (name == "replay")
    facts = {fact["key"]: fact["value"] for fact in read["ext"]}
    assert {"os_user": os_user(), "clickhouse_user": "langtrail"}.items() <= facts.items()


def test_free_sql_is_recorded_and_so_is_what_the_store_refused(command: Command, recorded_reads: Reads) -> None:
    """The statement is content; an error may have told something, so it is recorded too."""
    assert command("sql", "SELECT 1 UNION ALL SELECT 2").status == 0
    assert command("sql", "SELECT toUInt8(assumeNotNull(input)) FROM trail WHERE input != ''").status == 2
    good, bad = recorded_reads()
    assert (good["asked"]["statement"], good["count"], good["tenant_id"]) == ("SELECT 1 UNION ALL SELECT 2", 2, "")
    assert (bad["outcome"], bad["count"]) == ("failure", 0)


def test_a_search_for_a_person_keeps_no_more_than_pseudonyms(
    command: Command, recorded_reads: Reads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What find looked for is recorded as the store knows it."""
    (tmp_path / "pseudonym.key").write_text(b64encode(bytes(32)).decode())
    monkeypatch.setenv("LANGTRAIL_PSEUDONYM_KEY_FILE", str(tmp_path / "pseudonym.key"))
    assert command("find", "--subject", "bob@example.org", "--tenant", "acme").status == 0
    (read,) = recorded_reads()
    assert (read["asked"]["command"], read["tenant_id"], read["count"]) == ("find", "acme", 0)
    assert read["asked"]["tokens"]
    assert "bob" not in json.dumps(read["asked"])


def test_a_store_on_this_machine_is_not_looked_for_behind_a_proxy(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is for servers elsewhere: neither questions nor their parameters go to it."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:{free_port()}")
    assert command("sql", "SELECT 1").status == 0
    assert command("ask", "errors").status == 0


def test_an_answer_is_recorded_before_it_is_shown(
    command: Command, recorded_reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When an answer is printed, its record is in the spool."""
    seen: list[int] = []
    monkeypatch.setattr("langtrail.deploy.command_ask.print_json", lambda _: seen.append(len(recorded_reads())))
    command("sessions", "--json")
    assert seen == [1]


def test_what_is_asked_in_the_wrong_way_is_no_reading(command: Command, recorded_reads: Reads) -> None:
    """Nothing was read: nothing is recorded."""
    assert command("ask", "no-such-question").status == 2
    assert command("ask", "errors", "--limit", "many").status == 2
    assert recorded_reads() == []


def test_kafka_away_changes_nothing_for_who_asks(
    command: Command, recorded_reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes, without a word on standard error, and the record waits in the spool."""
    monkeypatch.setenv("LANGTRAIL_BOOTSTRAP_SERVERS", f"{LOOPBACK}:{free_port()}")
    monkeypatch.setenv("LANGTRAIL_EXIT_SECONDS", "0")
    said = command("ask", "errors", "--json")
    assert (said.status, said.err, len(said.json)) == (0, "", 2)
    assert [read["count"] for read in recorded_reads()] == [2]


@pytest.mark.parametrize(
    ("name", "value"), [("LANGTRAIL_ENABLED", "0"), ("LANGTRAIL_DELIVERY", "drop"), ("LANGTRAIL_APP", "other")]
)
def test_no_setting_turns_it_off(
    command: Command, recorded_reads: Reads, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """What applications may be told to leave out, or to keep in memory, is recorded of a reader all the same."""
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("LANGTRAIL_USER_ID", "somebody else")
    assert command("sessions").status == 0
    assert [(read["principal_id"], read["app"]) for read in recorded_reads()] == [(os_user(), reads.APP)]


def test_what_cannot_be_recorded_is_not_shown(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither spool nor Kafka: one sentence that says what to do, exit status 2, and nothing of the answer."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LANGTRAIL_SPOOL_DIR", str(tmp_path / "file" / "spool"))
    monkeypatch.setenv("LANGTRAIL_BLOCK_SECONDS", "0")
    said = command("ask", "errors", "--csv")
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert "cannot be recorded" in said.err
    assert "LANGTRAIL_SPOOL_DIR" in said.err


def test_a_verified_token_names_the_reader(
    command: Command, recorded_reads: Reads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LANGTRAIL_TOKEN: its subject is the principal, verified, beside the operating system's user; a bad one reads nothing."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = {**jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k", "alg": "EdDSA"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public]}))
    claims = {"iss": "https://id", "aud": "langtrail", "sub": "auditor-1", "exp": int(time.time()) + 60, "jti": "t-1"}
    for name, value in {"ISSUER": "https://id", "AUDIENCE": "langtrail", "JWKS": str(tmp_path / "keys.json")}.items():
        monkeypatch.setenv(f"LANGTRAIL_OIDC_{name}", value)
    monkeypatch.setenv("LANGTRAIL_TOKEN", jwt.encode(claims, key, "EdDSA", headers={"kid": "k"}))
    assert command("sessions").status == 0
    (read,) = recorded_reads()
    assert (read["principal_id"], read["identity_assurance"], read["token_id"]) == ("auditor-1", "verified", "t-1")
    assert {"key": "os_user", "value": os_user()} in read["ext"]
    monkeypatch.setenv("LANGTRAIL_TOKEN", "no.real.token")
    said = command("sessions")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("langtrail: LANGTRAIL_TOKEN: ")


def test_the_user_who_logged_in_is_known_beside_the_one_who_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's login id names another user than the process's, after su or sudo; without one there is nothing to say."""
    login = tmp_path / "loginuid"
    monkeypatch.setattr(operator_identity, "_LOGIN", login)
    for number, expected in {2**32 - 1: "", os.geteuid(): "", 4_000_000_000: "4000000000"}.items():
        login.write_text(str(number))
        assert operator_identity._login_user() == expected
    login.unlink()
    assert operator_identity._login_user() == ""


def test_a_tail_records_its_beginning_and_its_end(recorded_reads: Reads, tmp_path: Path, two_tenants: str) -> None:
    """Before the first row is shown, and how many it were when Ctrl-C ended it: exit status 0."""
    environ = {**os.environ, "LANGTRAIL_CLICKHOUSE_DSN": two_tenants, "LANGTRAIL_SPOOL_DIR": str(tmp_path / "spool")}
    process = subprocess.Popen([*LANGTRAIL, "tail", "--tenant", "acme"], env=environ, cwd=tmp_path, stdout=subprocess.PIPE)
    assert wait_for(lambda: len(recorded_reads()) == 1, 20), "the tail did not begin"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == b""
    assert process.returncode == 0
    begun, ended = recorded_reads()
    assert (begun["outcome"], begun["count"], ended["outcome"], ended["count"]) == (None, None, "success", 0)
    assert begun["ext"] == ended["ext"]


def test_who_read_tells_of_it_and_the_trail_does_not(stack: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Kafka, worker and sink: the view reads and who-read have it; of what the trail has, nothing changes."""
    for name, value in environment(stack).items():
        monkeypatch.setenv(name, value)
    trail = connect(environment(stack))
    before = trail.sql("SELECT count() AS n FROM trail").rows
    asked = ("ask", "who-triggered", "--trigger-id", "for who-read", "--tenant", "of-who-read")
    assert command(*asked).status == 0

    def told() -> list[dict[str, Any]]:
        return trail.ask("who-read", tenant="of-who-read").objects()

    assert wait_for(lambda: bool(told()), 30), "the reading did not arrive"
    (row,) = told()
    assert (row["principal_id"], row["command"], row["rows"], row["outcome"]) == (os_user(), "ask", 0, "success")
    assert json.loads(row["asked"])["trigger_id"] == "for who-read"
    assert wait_for(lambda: _closed(trail), 30), "the reader's stream did not close"
    assert trail.sql("SELECT count() AS n FROM trail").rows == before
    trail.close()


def _closed(trail: Any) -> bool:
    """Tell whether the streams of readers have told their end."""
    asked = f"SELECT countIf(event_type = 'stream_close') = uniqExact(stream_id) AS all FROM events WHERE app = '{reads.APP}'"
    return bool(trail.sql(asked).rows[0][0])
