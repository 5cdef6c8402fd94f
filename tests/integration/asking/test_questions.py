"""Each named question on a store whose story is known: a job, a chat and some housekeeping, at two tenants alike."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from langtrail.deploy.answer_files import ARROW_SETTINGS, arrow_table
from langtrail.deploy.ask import Trail
from langtrail.schemas.statements import questions

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def trail(two_tenants: str) -> Iterator[Trail]:
    """Return the store of both tenants."""
    trail = Trail(two_tenants)
    yield trail
    trail.close()


@pytest.fixture(scope="module")
def ask(trail: Trail) -> Ask:
    """Return a function that asks a question about acme and returns the rows, or the values of some columns in each."""

    def asked(name: str, *columns: str, **given: object) -> Any:
        rows = trail.ask(name, **{"tenant": "acme", **given}).objects()
        return [tuple(row[column] for column in columns) for row in rows] if columns else rows

    return asked


def run(name: str) -> str:
    """Return the id that a run has in the story."""
    return str(uuid5(NAMESPACE_URL, name))


def test_every_listed_question_has_a_test_here() -> None:
    """Whoever adds a question adds what it must answer."""
    named = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    listed = {name for name, question in questions().items() if question.command is None and not question.for_operators}
    assert {name for name in listed if not any(test.startswith(name) for test in named)} == set()


def test_no_question_returns_what_is_no_text_or_number(trail: Trail) -> None:
    """Ids and hashes are text in every answer, in a Parquet file too."""
    needed = {"principal": "maria", "id": "call-1", "run_id": run("read")}
    for question in questions().values():
        if question.command is None:
            given = {p.name: needed[p.name] for p in question.parameters if p.default is None}
            table = arrow_table(trail.formatted(question.sql, question.bind(given), "Arrow", **ARROW_SETTINGS))
            assert [field.name for field in table.schema if "binary" in str(field.type)] == [], question.name


def test_who_triggered_a_job_and_what_came_back(ask: Ask) -> None:
    """The schedule, the principal, and each request, call and tool with what went in and came out: the newest first."""
    rows = ask("who-triggered", trigger_id="crm-sync")
    assert [(row["kind"], row["name"], row["outcome"]) for row in rows] == [
        ("tool", "delete", "success"),
        ("tool", "read", "success"),
        ("llm", "gpt-4o-mini-2024", "success"),
        ("chain", "agent", "success"),
    ]
    assert {(row["principal_id"], row["trigger"], row["identity_assurance"]) for row in rows} == {
        ("contractor-7", "schedule", "asserted")
    }
    read = rows[1]
    assert (read["input"], read["redacted"]) == ('{"country":"DE"}', ["EMAIL", "IBAN"])
    assert "Äpfel" in read["output"]


def test_who_triggered_by_principal_session_and_time(ask: Ask) -> None:
    """Each choice leaves out the rest; a run without an end has no outcome."""
    assert {row["session_id"] for row in ask("who-triggered", principal="maria")} == {"s-chat", "s-chat-2"}
    assert ask("who-triggered", "name", "outcome", session="s-chat-2") == [("lookup", None), ("chat", None)]
    assert ask("who-triggered", "session_id", until="2026-09-21 14:13:22.5", limit=5) == [("s-job",)]
    assert len(ask("who-triggered", limit=3)) == 3
    assert ask("who-triggered", principal="nobody") == []


def test_activity_of_a_principal(ask: Ask) -> None:
    """Session by session: when, on what trigger, with which tools; nothing after the day they left is an empty answer."""
    (row,) = ask("activity", principal="contractor-7")
    assert (row["session_id"], row["triggers"], row["trigger_ids"], row["requests"]) == ("s-job", ["schedule"], ["crm-sync"], 1)
    assert (row["tools"], row["failures"], row["cost_usd"]) == (["delete", "read"], 0, pytest.approx(27e-6))
    assert ask("activity", principal="contractor-7", since="2026-09-22 00:00:00") == []
    assert ask("activity", "session_id", "failures", principal="maria") == [("s-chat-2", 0), ("s-chat", 1)]


@pytest.mark.parametrize("of", ["resp-1", "call-1", run("call"), run("root"), run("job of acme 3")])
def test_which_prompt_produced_an_output(ask: Ask, of: str) -> None:
    """An answer's id, a tool call's, a run's or an event's leads to the model call: its prompt, its version, what went in."""
    (row,) = ask("which-prompt", id=of)
    assert (row["prompt_name"], row["prompt_version"], row["model"]) == ("sync", "v2", "gpt-4o-mini-2024")
    assert "Copy the customers." in row["input"]
    assert (row["params"], row["response_id"], row["principal_id"]) == ('{"temperature":0}', "resp-1", "contractor-7")


def test_run_shows_the_whole_tree_of_a_run(ask: Ask) -> None:
    """From any run of the tree: all its events in order."""
    types = ask("run", "event_type", run_id=run("read"))
    assert [event_type for (event_type,) in types] == [
        *("chain_start", "llm_start", "llm_end", "tool_start", "tool_end", "tool_start", "tool_end", "side_effect", "chain_end")
    ]
    assert {row["tenant_id"] for row in ask("run", run_id=run("root"))} == {"acme"}


def test_writes_and_what_went_outside(ask: Ask) -> None:
    """A tool that deletes, and what it sent out, each once; one that only reads is not there."""
    rows = ask("writes", "kind", "tool", "effect", "resource", "outcome")
    assert rows == [
        ("side_effect", "delete", "external", "crm.example", None),
        ("tool", "delete", "delete", "customers", "success"),
    ]
    assert ask("writes", "effect", environment="production", effect="delete", tool="delete") == [("delete",)]
    assert ask("writes", environment="test") == []


def test_denied_by_rule(ask: Ask) -> None:
    """One denial, although its tool tells of it too."""
    columns = ("policy_id", "policy_version", "policy_rule", "principal_id", "tool", "denied", "sessions")
    assert ask("denied", *columns) == [("refunds", "7", "over-100", "maria", "refund", 1, ["s-chat"])]


def test_denied_but_executed_is_found(ask: Ask) -> None:
    """A call that was denied and has a successful end all the same."""
    (row,) = ask("denied-but-executed")
    assert (row["tool_call_id"], row["policy_rule"], row["output"]) == ("call-3", "over-100", '"150 EUR refunded"')


def test_missing_numbers_and_silent_streams(ask: Ask) -> None:
    """Two numbers are missing of which the stream explained one; streams that ended in order are not there."""
    (row,) = ask("missing")
    assert (row["app"], row["state"], row["pid"]) == ("chat", "silent", 22)
    assert (row["missing"], row["dropped"], row["rejected"], row["unexplained"]) == (2, 1, 0, 1)
    assert row["holes"] == ["8-9"]
    assert ask("missing", until="2026-09-21 14:30:00") == []


def test_conflicts_of_two_events_under_one_number(ask: Ask) -> None:
    """The forged event and the true one, by their hashes."""
    (row,) = ask("conflicts")
    assert (row["seq"], row["versions"], row["event_types"], row["tenants"]) == (0, 2, ["stream_open"], ["acme"])
    assert len(set(row["event_hashes"])) == 2


def test_who_read_is_one_row_a_reading(ask: Ask) -> None:
    """A long reading, told of at its beginning and its end, is one row with its rows and outcome."""
    (row,) = ask("who-read")
    assert (row["principal_id"], row["command"], row["outcome"], row["rows"]) == ("auditor", "export", "success", 33)
    assert ask("who-read", principal="maria") == ask("who-read", command="sql") == []


def test_unredacted_events_name_what_was_withheld(ask: Ask) -> None:
    """The field that could not be judged, and who judged."""
    assert ask("unredacted", "event_type", "redaction_status", "withheld") == [("custom", "partial", ["output"])]


def test_redactions_by_type(ask: Ask) -> None:
    """What was found, how often, in how many events."""
    assert ask("redactions", "type", "findings", "events", "sessions") == [("EMAIL", 3, 1, 1), ("IBAN", 1, 1, 1)]
    assert ask("redactions", "findings", type="IBAN") == [(1,)]


def test_accounting_adds_up(trail: Trail) -> None:
    """Every offset of the story is stored: nothing was rejected, removed, or is anything else."""
    (row,) = trail.ask("accounting").objects()
    stored = trail.sql("SELECT uniqExact(_offset) AS n FROM events").objects()[0]["n"]
    assert (row["topic"], row["partition"], row["offsets"], row["stored"]) == ("langtrail.events", 0, stored, stored)
    assert (row["rejected"], row["removed"], row["other"], row["rejected_by_worker"]) == (0, 0, 0, 0)


def test_left_to_providers(ask: Ask) -> None:
    """Calls, tokens and bytes by provider and model; the model that answered is named beside the one that was asked."""
    rows = {row["provider"]: row for row in ask("left-to-providers")}
    assert set(rows) == {"openai", "local"}
    openai = rows["openai"]
    assert (openai["request_model"], openai["response_models"], openai["calls"]) == ("gpt-4o-mini", ["gpt-4o-mini-2024"], 1)
    assert (openai["input_tokens"], openai["output_tokens"], openai["bytes_out"]) == (100, 20, 50)
    assert [row["provider"] for row in ask("left-to-providers", provider="local")] == ["local"]


def test_versions_in_use(ask: Ask) -> None:
    """Applications, prompts and policies with their versions, and from when to when they acted."""
    rows = ask("versions-in-use", "app", "app_version", "prompt_name", "prompt_version", "policy_version")
    assert set(rows) == {
        ("crm-sync", "1.0", None, None, None),
        ("crm-sync", "1.0", "sync", "v2", None),
        ("chat", "2.0", None, None, None),
        ("chat", "2.0", None, None, "7"),
    }
    assert {row["app"] for row in ask("versions-in-use", app="chat")} == {"chat"}


def test_retention_by_class(ask: Ask) -> None:
    """Events by retention class, without the records of reading."""
    assert ask("retention", "retention_class", "events") == [("regulated", 12), ("standard", 16)]


def test_erasures_with_reason_and_count(ask: Ask) -> None:
    """What was removed, by whom, who approved it and why."""
    columns = ("event_type", "principal_id", "approver_id", "trigger_id", "removed", "reason")
    assert ask("erasures", *columns) == [
        ("retention", "langtrail", None, "retain", 500, None),
        ("erasure", "dpo", "chief", "ticket-1", 11, '"Art. 17"'),
    ]


def test_asserted_identities_and_their_share(ask: Ask) -> None:
    """Requests by application and assurance."""
    assert ask("asserted-identities", "app", "identity_assurance", "auth_issuer", "requests", "share") == [
        ("chat", "verified", "https://id.example", 2, 1.0),
        ("crm-sync", "asserted", None, 1, 1.0),
    ]


def test_lag_from_callback_to_store(ask: Ask) -> None:
    """50 ms to the worker; until the store since the story happened."""
    rows = ask("lag", "app", "events", "to_worker_median_ms", "to_worker_p99_ms", "skewed")
    assert sorted(map(str, rows)) == ["('chat', 12, 50, 50, 0)", "('crm-sync', 12, 50, 50, 0)", "('langtrail', 4, 50, 50, 0)"]
    assert all(row["to_store_median_ms"] > 50 for row in ask("lag"))


def test_stream_stops_and_how(ask: Ask) -> None:
    """Streams that closed, and one that fell silent and had dropped an event."""
    assert ask("stream-stops", "app", "state", "times_dropped", "dropped") == [
        ("langtrail", "closed", 0, 0),
        ("chat", "silent", 1, 1),
        ("crm-sync", "closed", 0, 0),
    ]


def test_spend_by_day_and_model(ask: Ask) -> None:
    """Tokens and cost of each call; what has no price is counted and not guessed."""
    columns = ("day", "provider", "model", "principal_id", "requests", "tokens", "unpriced_requests")
    assert ask("spend", *columns) == [
        ("2026-09-21", "openai", "gpt-4o-mini-2024", "contractor-7", 1, 120, 0),
        ("2026-09-21", "local", "house-1", "maria", 1, 9, 1),
    ]
    assert [row["cost_usd"] for row in ask("spend")] == [pytest.approx(27e-6), None]
    assert ask("spend", since="2026-09-22") == ask("spend", principal="nobody") == []


def test_unpriced_models(ask: Ask) -> None:
    """The model without a price, its calls and tokens."""
    assert ask("unpriced-models", "provider", "model", "calls", "tokens") == [("local", "house-1", 1, 9)]


def test_errors_by_kind_and_type(ask: Ask) -> None:
    """What failed, and why; a cancelled or denied run is none of these."""
    (row,) = ask("errors")
    assert (row["kind"], row["name"], row["error_type"], row["error"]) == (
        "tool",
        "lookup",
        "TimeoutError",
        "the shop did not answer",
    )
    assert ask("errors", kind="llm") == ask("errors", error_type="ValueError") == []
    assert len(ask("errors", kind="tool", error_type="TimeoutError")) == 1


def test_open_runs(ask: Ask) -> None:
    """The runs of the killed process, oldest first, with the process and what became of its stream."""
    rows = ask("open-runs", "kind", "name", "state", "app", "pid", "stream")
    assert rows == [("chain", "chat", "open", "chat", 22, "not closed"), ("tool", "lookup", "open", "chat", 22, "not closed")]
    assert ask("open-runs", older_than_seconds=10**9) == []


def test_unasked_tool_runs(ask: Ask) -> None:
    """Two tools of the chat ran under call ids that no model's answer has; those of the job were asked for."""
    columns = ("tool", "tool_call_id", "session_id", "principal_id", "outcome", "unread_answers")
    assert ask("unasked-tool-runs", *columns) == [
        ("refund", "call-3", "s-chat", "maria", "success", 0),
        ("lookup", "call-4", "s-chat", "maria", "failure", 0),
    ]
    assert ask("unasked-tool-runs", until="2026-09-01") == []


def test_unasked_tool_runs_say_which_answers_could_not_be_read(empty_store: str, store_events: Callable[..., None]) -> None:
    """A call may have been asked for in an answer that was withheld; one that was asked for in another session was not."""
    tool: dict[str, Any] = {"event_type": "tool_end", "tool_name": "pay", "tool_call_id": "call-1", "run_id": run("pay")}
    asks = json.dumps([{"type": "ai", "content": "", "tool_calls": [{"name": "pay", "id": "call-1"}]}])
    answers: dict[str, dict[str, Any]] = {
        "read": {"output": asks},
        "withheld": {"output": None, "redaction_status": "withheld"},
        "cut": {"output": asks[:40], "truncated": True},
        "other": {"output": '"no"'},
    }
    events = [
        {"session_id": session, **facts}
        for session, answer in answers.items()
        for facts in ({"event_type": "llm_end", **answer}, tool)
    ]
    store_events(empty_store, events, hours=1)
    trail = Trail(empty_store)
    found = {row["session_id"]: row["unread_answers"] for row in trail.ask("unasked-tool-runs").objects()}
    trail.close()
    assert found == {"withheld": 1, "cut": 1, "other": 0}


def test_tool_calls_never_executed(ask: Ask) -> None:
    """The model asked for three tools, of which one never ran."""
    assert ask("tool-calls-never-executed", "tool", "tool_call_id", "session_id", "noticed") == [
        ("mail", "call-9", "s-job", False)
    ]
