"""The asking commands against the real engine, as a person and as a script use them."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from langtrail.deploy.migrate import migrate
from langtrail.deploy.process import LOOPBACK, free_port
from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.avro_container import AvroContainer
from langtrail.processors.clickhouse import Store, connect
from langtrail.schemas import AUDIT_EVENT, STREAM_EVENT_TYPES, registry
from tests.integration.said import Command

SCHEMA = registry().latest(AUDIT_EVENT)
FIELDS = [field["name"] for field in SCHEMA.avro["fields"]]
ORIGIN = ["_topic", "_partition", "_offset", "_schema_id", "_ingested_at"]
EVENTS = 240


def store(dsn: str, partition: int, records: Sequence[dict[str, Any]]) -> None:
    """Put records into the table events as the sink does."""
    container = AvroContainer("langtrail.events", partition, SCHEMA)
    body = container.encode(enumerate(encode_audit_event(record) for record in records))
    Store(dsn, timeout_seconds=30).insert(container.columns, body, f"test-{partition}")


def remove(dsn: str, session: str) -> None:
    """Take a session out of the table events."""
    client = connect(dsn)
    client.command("DELETE FROM events WHERE session_id = {session:String}", {"session": session})
    client.close()


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """Events of a few tenants, and a session id that two of them used."""
    made = list(sample_events(EVENTS))
    twice = [*sample_events(2, seed=2, tenant_id="acme"), *sample_events(3, seed=3, tenant_id="globex")]
    return made + [{**event, "session_id": "shared"} for event in twice]


@pytest.fixture(scope="module")
def dsn(clickhouse_server: str, records: list[dict[str, Any]]) -> Iterator[str]:
    """Make a database of its own, with the tables and the records; return its DSN."""
    own = clickhouse_server.rpartition("/")[0] + "/asked"
    migrate(own)
    store(own, 0, records)
    yield own
    client = connect(own, database="default")
    client.command("DROP DATABASE asked")
    client.close()


@pytest.fixture
def command(dsn: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs `langtrail` with the server's DSN in the environment."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", dsn)
    return command


def test_sql_prints_an_array_of_objects(command: Command, records: list[dict[str, Any]]) -> None:
    """Each row is an object by column name, in the order that was asked for."""
    said = command("sql", "SELECT seq, event_type FROM trail WHERE session_id != 'shared' ORDER BY occurred_at", "--json")
    assert said.status == 0
    assert said.json == [{"seq": event["seq"], "event_type": event["event_type"]} for event in records[:EVENTS]]
    assert command("sql", "SELECT 1 AS a WHERE 0", "--json").json == []


def test_sql_values_are_json_as_programs_expect_it(command: Command) -> None:
    """64-bit integers are numbers, times ISO-8601 with Z, UUIDs text, fixed bytes hex; nesting stays, NaN is null."""
    said = command(
        "sql",
        """SELECT toInt64(9223372036854775807) AS whole, toUInt64(18446744073709551615) AS unsigned, 0.1 AS float,
           0/0 AS nan, NULL AS nothing, true AS yes, toDateTime64('2026-11-22 11:38:04.797721', 6, 'UTC') AS time,
           toDateTime('2026-11-22 12:38:04', 'Europe/Berlin') AS berlin, toDate('2026-11-22') AS day,
           toUUID('018f2a3b-0000-7000-8000-000000000001') AS id, toFixedString(unhex('00ff'), 2) AS bytes,
           [('k', 'v')]::Array(Tuple(key String, value String)) AS pairs, map('a', [1, 2]) AS m, toDecimal64(1.5, 3) AS decimal,
           'äöü \\x1b' AS text""",
        "--json",
    )
    assert said.json == [
        {
            "whole": 2**63 - 1,
            "unsigned": 2**64 - 1,
            "float": 0.1,
            "nan": None,
            "nothing": None,
            "yes": True,
            "time": "2026-11-22T11:38:04.797721Z",
            "berlin": "2026-11-22T11:38:04.000000Z",
            "day": "2026-11-22",
            "id": "018f2a3b-0000-7000-8000-000000000001",
            "bytes": "00ff",
            "pairs": [{"key": "k", "value": "v"}],
            "m": {"a": [1, 2]},
            "decimal": 1.5,
            "text": "äöü \x1b",
        }
    ]
    assert "\x1b" not in said.out


def test_sql_prints_a_table_for_people(command: Command) -> None:
    """Without --json there is a table with a heading, and the number of rows."""
    said = command("sql", "SELECT tenant_id, count() AS events FROM trail WHERE session_id = 'shared' GROUP BY 1 ORDER BY 1")
    assert [line.split() for line in said.out.splitlines() if "─" not in line] == [
        ["tenant_id", "events"],
        ["acme", "2"],
        ["globex", "3"],
        ["2", "rows"],
    ]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELEC 1", "Syntax error"),
        ("SELECT nothing_of_that_name FROM trail", "nothing_of_that_name"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT {a:String}", "is not set"),
        ("SELECT 1 FORMAT JSON", "leave FORMAT out"),
    ],
)
def test_a_wrong_query_is_answered_in_one_line(command: Command, statement: str, reason: str) -> None:
    """ClickHouse's message is on standard error, nothing on standard output, and the exit status is 2."""
    said = command("sql", statement, "--json")
    assert said.status == 2
    assert said.out == ""
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert "Stack trace" not in said.err


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO events (tags) VALUES ([])",
        "DROP TABLE events",
        "ALTER TABLE events DELETE WHERE 1",
        "TRUNCATE TABLE events",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT 1 SETTINGS readonly = 0",
        "SET readonly = 0",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
    ],
)
def test_sql_only_reads(command: Command, records: list[dict[str, Any]], statement: str) -> None:
    """Whatever would change the store, or read the server's files, is refused with exit status 2, and all is still there."""
    assert command("sql", statement).status == 2
    assert command("sql", "SELECT count() AS n FROM events", "--json").json == [{"n": len(records)}]


def test_sessions_have_exactly_their_columns(command: Command, records: list[dict[str, Any]]) -> None:
    """One object a session, its columns in their order, its numbers those of its events, the newest session first."""
    sessions = command("sessions", "--json").json
    assert all(
        list(session) == ["tenant_id", "session_id", "first", "last", "events", "runs", "errors", "principal_ids", "cost_usd"]
        for session in sessions
    )
    assert len(sessions) == len({(event["tenant_id"], event["session_id"]) for event in records})
    assert [session["last"] for session in sessions] == sorted((session["last"] for session in sessions), reverse=True)
    for session in sessions:
        its = [r for r in records if (r["tenant_id"], r["session_id"]) == (session["tenant_id"], session["session_id"])]
        assert session["events"] == len(its)
        assert session["runs"] == len({event["run_id"] for event in its})
        assert session["principal_ids"] == sorted({event["principal_id"] for event in its})
        costs = [event["cost_nanousd"] or 0 for event in its]
        assert session["cost_usd"] == pytest.approx(sum(costs) / 1e9)


def test_sessions_of_one_tenant_and_no_more_than_asked_for(command: Command) -> None:
    """--tenant leaves out all others, --limit keeps the newest, and a table has the same sessions."""
    of_acme = command("sessions", "--tenant", "acme", "--json").json
    assert [(session["tenant_id"], session["session_id"]) for session in of_acme] == [("acme", "shared")]
    everyone = command("sessions", "--json").json
    assert command("sessions", "--limit", "2", "--json").json == everyone[:2]
    assert command("sessions", "--limit", "0").status == 2
    assert "1 row" in command("sessions", "--tenant", "acme").out


def test_what_a_stream_says_about_itself_is_no_session(command: Command, dsn: str) -> None:
    """The events of a process without any run are in the trail, and are not listed as sessions."""
    about_itself = {**next(iter(sample_events(1, seed=8))), "run_id": None, "root_run_id": None, "session_id": "of-a-stream"}
    store(dsn, 2, [{**about_itself, "event_type": event_type, "seq": seq} for seq, event_type in enumerate(STREAM_EVENT_TYPES)])
    counted = command("sql", "SELECT count() AS n FROM trail WHERE session_id = 'of-a-stream'", "--json").json
    assert counted == [{"n": len(STREAM_EVENT_TYPES)}]
    assert "of-a-stream" not in {session["session_id"] for session in command("sessions", "--json").json}
    remove(dsn, "of-a-stream")


def test_replay_gives_the_events_in_order_with_all_their_columns(command: Command, records: list[dict[str, Any]]) -> None:
    """Each event has every column of the trail; what went in and out, parameters and metadata are JSON, not text."""
    session, tenant = records[0]["session_id"], records[0]["tenant_id"]
    its = [event for event in records if (event["session_id"], event["tenant_id"]) == (session, tenant)]
    its.sort(key=lambda event: (event["occurred_at"], event["stream_id"], event["seq"]))
    events = command("replay", session, "--tenant", tenant, "--json").json
    assert all(list(event) == [*FIELDS, *ORIGIN, "cost_usd"] for event in events)
    assert [event["event_id"] for event in events] == [event["event_id"] for event in its]
    for event, record in zip(events, its, strict=True):
        assert event["event_hash"] == record["event_hash"].hex()
        assert event["params"] == json.loads(record["params"])
        assert event["input"] == (json.loads(record["input"]) if record["input"] else None)
        assert event["occurred_at"].endswith("Z")


def test_content_that_is_no_json_after_redaction_stays_text(command: Command, dsn: str) -> None:
    """A field that redaction replaced as a whole is text in the JSON of a replay."""
    event = {**next(iter(sample_events(1, seed=9))), "session_id": "odd", "input": "[SECRET] and more", "metadata": "{broken"}
    store(dsn, 1, [event])
    (found,) = command("replay", "odd", "--json").json
    assert (found["input"], found["metadata"]) == ("[SECRET] and more", "{broken")
    remove(dsn, "odd")


def test_a_session_id_of_two_tenants_needs_the_tenant(command: Command) -> None:
    """Without --tenant the sentence names both and the exit status is 2; with it only that tenant's events come."""
    said = command("replay", "shared", "--json")
    assert said.status == 2
    assert said.out == ""
    assert "acme" in said.err
    assert "globex" in said.err
    assert "--tenant" in said.err
    events = command("replay", "shared", "--tenant", "globex", "--json").json
    assert [event["tenant_id"] for event in events] == ["globex"] * 3


def test_an_unknown_session_is_said_to_be_unknown(command: Command) -> None:
    """The sentence names the session, as text that cannot act on the terminal, and the exit status is 2."""
    said = command("replay", "no\x1b[31msuch", "--json")
    assert said.status == 2
    assert "no session no\\x1b[31msuch" in said.err
    assert command("replay", "shared", "--tenant", "nobody").status == 2


def test_replay_shows_a_tree_to_people(command: Command) -> None:
    """On a terminal the session is a tree with its title on top."""
    lines = command("replay", "shared", "--tenant", "globex").out.splitlines()
    assert lines[0].startswith("session shared · tenant globex")
    assert lines[1].startswith("3 events of 3 runs")
    assert any(line.startswith("└── ") for line in lines)


def test_without_any_server_the_sentence_says_how_to_get_one(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variable nor stack: one sentence, exit status 2."""
    monkeypatch.delenv("LANGTRAIL_CLICKHOUSE_DSN")
    said = command("sessions")
    assert said.status == 2
    assert "langtrail up" in said.err
    assert "LANGTRAIL_CLICKHOUSE_DSN" in said.err


@pytest.mark.parametrize("wrong", ["http://user:hidden@", "not a dsn", "http://user:hidden@host:port/langtrail", "ftp://h/d"])
def test_what_is_no_dsn_is_refused_without_its_password(command: Command, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """The sentence names the variable and what is expected, never the value."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", wrong)
    said = command("sql", "SELECT 1")
    assert said.status == 2
    assert "LANGTRAIL_CLICKHOUSE_DSN" in said.err
    assert "hidden" not in said.err


def test_a_server_that_is_not_there_is_one_sentence(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names host and port, not the password."""
    port = free_port()
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", f"http://user:hidden@{LOOPBACK}:{port}/langtrail")
    said = command("sessions", "--json")
    assert said.status == 2
    assert f"{LOOPBACK}:{port} does not answer" in said.err
    assert "hidden" not in said.err
    assert said.err.count("\n") == 1


def test_a_wrong_password_is_one_sentence(command: Command, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that user or password is wrong, not which password was tried."""
    parts = urlsplit(dsn)
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", dsn.replace(f":{parts.password}@", ":hidden@"))
    said = command("sessions")
    assert said.status == 2
    assert re.search(r"refuses: .*password", said.err)
    assert "hidden" not in said.err
    assert said.err.count("\n") == 1
