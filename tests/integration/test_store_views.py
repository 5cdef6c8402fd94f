"""What the store answers: trail, reads, usage, and the questions about sessions, exact although events come twice."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.avro_container import AvroContainer
from langtrail.schemas import AUDIT_EVENT, registry
from langtrail.schemas.statements import question

CONTAINER = AvroContainer("langtrail.events", 0, registry().latest(AUDIT_EVENT))
START = 1_790_000_000_000_000
Insert = Callable[..., None]


@pytest.fixture
def client(empty_store: str) -> Iterator[Client]:
    """Return a client of an empty database."""
    client = clickhouse_connect.get_client(dsn=empty_store, autogenerate_session_id=False, tz_mode="aware")
    yield client
    client.close()


@pytest.fixture
def insert(client: Client) -> Insert:
    """Return a function that stores one event for each dict of fields; the same seq is the same event."""
    offsets = count()

    def store(*events: dict[str, Any]) -> None:
        base = list(sample_events(1000))
        datums = []
        for fields in events:
            seq = fields.get("seq", 0)
            datums.append(
                encode_audit_event({**base[seq], "occurred_at": START + seq, "session_id": "s", "tenant_id": "t"} | fields)
            )
        client.raw_insert("events", CONTAINER.columns, CONTAINER.encode(zip(offsets, datums, strict=False)), fmt="Avro")

    return store


def ask(client: Client, name: str, **given: object) -> list[dict[str, Any]]:
    """Return the answer to a named question."""
    asked = question(name)
    return list(client.query(asked.sql, asked.bind(given)).named_results())


LLM_END: dict[str, Any] = {
    "event_type": "llm_end", "outcome": "success", "provider": "openai", "request_model": "m", "response_model": "m-1",
    "input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "cost_nanousd": 1_500_000_000, "principal_id": "ann",
}  # fmt: skip


def test_trail_has_each_event_once_at_its_highest_revision(client: Client, insert: Insert) -> None:
    """Copies and earlier revisions of an event are not in trail, merged or not, in whatever order they came."""
    insert({"seq": 1, "revision": 1, "output": "new"}, {"seq": 2})
    insert({"seq": 1, "revision": 0, "output": "old"}, {"seq": 2, "processed_at": 5})
    expected = [(1, 1, "new"), (2, 0, None)]
    rows = "SELECT seq, revision, output FROM trail ORDER BY seq"
    base = next(event for event in sample_events(3) if event["seq"] == 2)
    expected[1] = (2, 0, base["output"])
    assert [tuple(row) for row in client.query(rows).result_rows] == expected
    client.command("OPTIMIZE TABLE events FINAL")
    assert [tuple(row) for row in client.query(rows).result_rows] == expected


def test_a_condition_never_brings_a_superseded_revision_to_light(client: Client, insert: Insert) -> None:
    """Conditions on the sorting key narrow what is read before copies collapse; all others are tested on what is left."""
    insert({"seq": 1, "revision": 0, "cost_nanousd": 7, "output": "old", "redaction_status": "withheld"})
    insert({"seq": 1, "revision": 1, "cost_nanousd": 9, "output": "new", "redaction_status": "ok"})
    for condition in ("cost_nanousd = 7", "output = 'old'", "redaction_status = 'withheld'", "revision = 0"):
        query = f"SELECT count() FROM trail WHERE session_id = 's' AND tenant_id = 't' AND {condition}"
        assert client.query(query).result_rows == [(0,)], condition
    plan = client.query("EXPLAIN actions = 1 SELECT * FROM trail WHERE session_id = 's' AND cost_nanousd = 9").result_rows
    (narrowed,) = [line for (line,) in plan if "Prewhere filter column" in line]
    assert "session_id" in narrowed
    assert "cost_nanousd" not in narrowed
    assert "event_type" not in narrowed


def test_two_events_under_one_id_both_stay(client: Client, insert: Insert) -> None:
    """Different events under one event_id are evidence of something, so neither hides the other."""
    event_id = "0190d3c0-0000-7000-8000-000000000001"
    insert({"seq": 1, "event_id": event_id}, {"seq": 1, "event_id": event_id, "node": "changed"})
    client.command("OPTIMIZE TABLE events FINAL")
    assert client.command("SELECT count() FROM trail") == 2


def test_reads_are_apart_from_the_trail(client: Client, insert: Insert) -> None:
    """What was read is in reads alone, and does not touch the session it was about."""
    insert({"seq": 1}, {"seq": 900, "event_type": "audit_read", "principal_id": "auditor"})
    assert client.query("SELECT seq FROM trail").result_rows == [(1,)]
    assert client.query("SELECT seq, principal_id FROM reads").result_rows == [(900, "auditor")]
    (session,) = ask(client, "sessions")
    assert session["first"] == session["last"]
    assert session["principal_ids"] != ["auditor"]


def test_trail_has_every_column_and_the_cost(client: Client, insert: Insert) -> None:
    """Both views have all columns of events, and cost_usd."""
    insert({"seq": 1, "cost_nanousd": 2_500_000})
    columns = list(client.query("SELECT * FROM events").column_names)
    assert list(client.query("SELECT * FROM trail").column_names) == [*columns, "cost_usd"]
    assert list(client.query("SELECT * FROM reads LIMIT 0").column_names) == [*columns, "cost_usd"]
    assert client.query("SELECT cost_usd FROM trail").result_rows == [(0.0025,)]


def test_usage_counts_a_call_once(client: Client, insert: Insert) -> None:
    """A call that was emitted twice counts once, and a revision replaces what it cost."""
    insert({**LLM_END, "seq": 1}, {**LLM_END, "seq": 2})
    insert({**LLM_END, "seq": 1, "processed_at": 9}, {**LLM_END, "seq": 2, "revision": 1, "cost_nanousd": 500_000_000})
    expected = {
        "tenant_id": "t", "day": "2026-09-21", "provider": "openai", "model": "m-1", "requests": 2, "errors": 0,
        "input_tokens": 20, "output_tokens": 10, "tokens": 30, "cost_usd": 2.0, "unpriced_requests": 0, "uncounted_requests": 0,
    }  # fmt: skip
    for view, more in (("usage_daily", {}), ("usage_by_principal", {"principal_id": "ann"})):
        (row,) = client.query(f"SELECT * FROM {view}").named_results()
        assert row | {"day": str(row["day"])} == expected | more


def test_usage_counts_errors_and_says_what_it_does_not_know(client: Client, insert: Insert) -> None:
    """Failed calls are requests and errors; what nobody knows is null and never 0, and is counted as not known."""
    unknown = {"input_tokens": None, "output_tokens": None, "total_tokens": None, "cost_nanousd": None}
    insert(
        {"seq": 1, **LLM_END, **unknown},
        {"seq": 2, **LLM_END, **unknown, "event_type": "llm_error", "outcome": "failure", "response_model": None},
        {"seq": 3, **LLM_END, "outcome": "failure"},
        {"seq": 4, "event_type": "llm_start"},
        {"seq": 5, "event_type": "tool_error", "outcome": "failure"},
    )
    columns = "model, requests, errors, tokens, cost_usd, unpriced_requests, uncounted_requests"
    rows = client.query(f"SELECT {columns} FROM usage_daily ORDER BY model").result_rows
    assert [tuple(row) for row in rows] == [("m", 1, 1, None, None, 0, 0), ("m-1", 2, 1, 15, 1.5, 1, 1)]


def test_tokens_are_added_where_the_provider_gives_no_total(client: Client, insert: Insert) -> None:
    """Without a total the known parts are added."""
    insert({"seq": 1, **LLM_END, "total_tokens": None}, {"seq": 2, **LLM_END, "total_tokens": None, "output_tokens": None})
    assert client.query("SELECT tokens FROM usage_daily").result_rows == [(25,)]


def test_a_session_is_counted_from_the_trail(client: Client, insert: Insert) -> None:
    """Events, runs, errors, principals and cost of a session, although some of its events came twice."""
    run = "0190d3c0-0000-7000-8000-00000000000"
    events: list[dict[str, Any]] = [
        {"seq": 1, "event_type": "chain_start", "run_id": run + "1", "principal_id": "ann", "outcome": None},
        {"seq": 2, **LLM_END, "run_id": run + "2"},
        {"seq": 3, "event_type": "tool_error", "run_id": run + "3", "outcome": "failure", "principal_id": "ann"},
        {"seq": 4, "event_type": "chain_error", "run_id": run + "1", "outcome": "cancelled", "principal_id": "bob"},
    ]
    insert(*events)
    insert(
        *events[:3],
        {"seq": 9, "session_id": "other", "event_type": "text"},
        {"seq": 10, "session_id": "x", "event_type": "heartbeat"},
    )
    newest, session = ask(client, "sessions")
    assert newest["session_id"] == "other"
    times = {name: session.pop(name).isoformat() for name in ("first", "last")}
    assert times == {"first": "2026-09-21T14:13:20.000001+00:00", "last": "2026-09-21T14:13:20.000004+00:00"}
    assert session == {
        "tenant_id": "t", "session_id": "s", "events": 4, "runs": 3, "errors": 1, "principal_ids": ["ann", "bob"],
        "cost_usd": 1.5,
    }  # fmt: skip


def test_sessions_are_chosen_by_tenant_and_number(client: Client, insert: Insert) -> None:
    """The one that was active last comes first; a tenant sees its own."""
    insert(*({"seq": n, "session_id": f"s{n}", "tenant_id": f"t{n % 2}"} for n in range(1, 7)))
    assert [row["session_id"] for row in ask(client, "sessions", limit=2)] == ["s6", "s5"]
    assert [row["session_id"] for row in ask(client, "sessions", tenant="t1")] == ["s5", "s3", "s1"]
    assert ask(client, "sessions", tenant="nobody") == []


def test_the_cost_of_a_session_is_null_when_nobody_knows_it(client: Client, insert: Insert) -> None:
    """Calls whose cost is unknown do not make a session free of charge; a session without calls is."""
    insert(
        {"seq": 1, **LLM_END, "cost_nanousd": None},
        {"seq": 2, "session_id": "no calls", "event_type": "text", "cost_nanousd": None},
    )
    assert {row["session_id"]: row["cost_usd"] for row in ask(client, "sessions")} == {"s": None, "no calls": 0.0}


def test_a_replay_is_in_order_and_of_one_session(client: Client, insert: Insert) -> None:
    """The events of a session come by time, stream and number, each once, with all columns; a tenant can be asked for."""
    streams = ["ffffffff-0000-4000-8000-000000000000", "00000000-ffff-4000-8000-000000000000"]
    same_time = [{"seq": n, "occurred_at": START, "stream_id": stream} for stream in streams for n in (4, 3)]
    insert({"seq": 2, "occurred_at": START + 60_000_000}, *same_time, {"seq": 7, "session_id": "another"})
    insert(*same_time, {"seq": 8, "tenant_id": "someone else", "occurred_at": START - 5})
    replayed = ask(client, "replay", session="s")
    assert [(str(row["stream_id"])[:1], row["seq"]) for row in replayed[1:5]] == [("0", 3), ("0", 4), ("f", 3), ("f", 4)]
    assert [row["seq"] for row in replayed] == [8, 3, 4, 3, 4, 2]
    assert set(replayed[0]) == set(client.query("SELECT * FROM trail LIMIT 0").column_names)
    assert [row["seq"] for row in ask(client, "replay", session="s", tenant="t")] == [3, 4, 3, 4, 2]
    assert ask(client, "replay", session="nobody's") == []
