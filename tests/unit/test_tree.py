"""A session as a tree: what a person sees of it."""

import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rich.console import Console

from langtrail.deploy.session_runs import runs
from langtrail.deploy.tree import session_tree
from langtrail.schemas import AUDIT_EVENT, registry

COLUMNS = [field["name"] for field in registry().latest(AUDIT_EVENT).avro["fields"]]
LISTS = ("tags", "redaction_types", "redaction_counts", "subject_tokens", "roles", "flags", "ext")


def run_id(number: int) -> str:
    """Return the id of a run in these tests."""
    return str(UUID(int=number))


def event(event_type: str, run: int | None, at_ms: int, **fields: Any) -> dict[str, Any]:
    """Return an event as replay returns it; `parent` is the number of the parent run."""
    parent = fields.pop("parent", None)
    return {
        **dict.fromkeys(COLUMNS),
        **{name: [] for name in LISTS},
        "event_type": event_type,
        "run_id": None if run is None else run_id(run),
        "parent_run_id": None if parent is None else run_id(parent),
        "occurred_at": f"2026-11-22T11:00:{at_ms // 1000:02d}.{at_ms % 1000:03d}000Z",
        "tenant_id": "acme",
        "session_id": "s1",
        "component": "part",
        "principal_id": "u1",
        "trigger": "unknown",
        "redaction_status": "ok",
        **fields,
    }


def ended(event_type: str, run: int, at_ms: int, **fields: Any) -> dict[str, Any]:
    """Return the event of a run that ended well unless the fields say otherwise."""
    return event(event_type, run, at_ms, **{"outcome": "success", "latency_us": 5000, **fields})


def shown(events: Sequence[dict[str, Any]], width: int = 120) -> list[str]:
    """Return the lines that a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, force_terminal=False)
    console.print(session_tree(events))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def line_with(text: str, lines: Sequence[str]) -> str:
    """Return the one line that has this text."""
    (line,) = (line for line in lines if text in line)
    return line


def test_a_session_is_shown_from_start_to_finish() -> None:
    """The title says whose and how much; each run its kind, offset, latency, tokens, model, cost, and what went in and out."""
    who = {"tenant_name": "Acme Corp", "trigger": "schedule", "trigger_id": "job-1"}
    model = {"provider": "openai", "request_model": "gpt", "response_model": "gpt-4o-mini", "parent": 1}
    events = [
        event("chain_start", 1, 0, component="agent", input={"messages": [["user", "do it"]]}, **who),
        event("llm_start", 2, 100, input=[{"type": "human", "content": "do it"}], **model, **who),
        ended(
            "llm_end",
            2,
            300,
            output=[{"type": "ai", "content": "done"}],
            input_tokens=1200,
            output_tokens=7,
            ttft_us=20_000,
            latency_us=200_000,
            cost_nanousd=43_500,
            **model,
            **who,
        ),
        ended("chain_end", 1, 1500, component="agent", output="all done", latency_us=1_500_000, **who),
    ]
    assert shown(events) == [
        "session s1 · tenant acme (Acme Corp) · by u1, schedule job-1",
        "4 events of 2 runs · 2026-11-22T11:00:00.000000Z · 1.50 s · $0.0000435",
        "└── agent  chain · +0 ms · 1.50 s",
        "     in do it",
        "    out all done",
        "    └── gpt-4o-mini  llm · +100 ms · 200 ms (first token 20 ms) · 1,200 → 7 tokens · $0.0000435",
        "         in do it",
        "        out done",
    ]


def test_unknown_tokens_are_not_zero() -> None:
    """A count that the provider did not give is a question mark; with none at all nothing is said of tokens."""
    some = [event("llm_start", 1, 0), ended("llm_end", 1, 5, input_tokens=3)]
    none = [event("llm_start", 1, 0), ended("llm_end", 1, 5)]
    assert "3 → ? tokens" in shown(some)[2]
    assert "tokens" not in shown(none)[2]


def test_redactions_are_marked_where_they_were_made() -> None:
    """What was found in the input stands beside the input, what was found in the output beside the output."""
    lines = shown(
        [
            event("tool_start", 1, 0, tool_name="read", input={"x": 1}, redaction_types=["PHONE"], redaction_counts=[1]),
            ended(
                "tool_end", 1, 9, tool_name="read", output="[EMAIL]", redaction_types=["EMAIL", "IBAN"], redaction_counts=[2, 1]
            ),
        ]
    )
    assert 'in PHONE×1  {"x": 1}' in line_with("in PHONE", lines)  # noqa: RUF001 - the sign for times
    assert "out EMAIL×2 IBAN×1  [EMAIL]" in line_with("out", lines)  # noqa: RUF001 - as above


def test_withheld_content_is_said_to_be_withheld() -> None:
    """Where redaction could not judge, the line says so although there is nothing to show."""
    lines = shown([event("tool_start", 1, 0, redaction_status="withheld"), ended("tool_end", 1, 9)])
    assert line_with("withheld", lines).strip().startswith("in withheld")


def test_an_error_is_shown_once_where_it_was_raised() -> None:
    """Type and message stand at the run that raised it; the runs above it are marked as failed."""
    error = {"outcome": "failure", "error_type": "ValueError", "error_message": "no such order"}
    lines = shown(
        [
            event("chain_start", 1, 0, component="agent"),
            event("tool_start", 2, 1, parent=1, tool_name="refund"),
            ended("tool_error", 2, 2, parent=1, tool_name="refund", **error),
            ended("chain_error", 1, 3, component="agent", **error),
        ]
    )
    assert sum("ValueError: no such order" in line for line in lines) == 1
    assert lines.index(line_with("ValueError", lines)) > lines.index(line_with("refund", lines))
    assert "failure" in line_with("agent", lines)
    assert "failure" in line_with("refund", lines)


def test_another_error_on_the_way_up_is_shown_too() -> None:
    """A run that ended by an error of its own shows it, whatever its children ended by."""
    lines = shown(
        [
            event("chain_start", 1, 0, component="agent"),
            event("tool_start", 2, 1, parent=1),
            ended("tool_error", 2, 2, parent=1, outcome="failure", error_type="ValueError", error_message="a"),
            ended("chain_error", 1, 3, outcome="failure", error_type="RuntimeError", error_message="b"),
        ]
    )
    assert line_with("ValueError: a", lines)
    assert line_with("RuntimeError: b", lines)


def test_runs_that_never_ended_are_marked_as_open() -> None:
    """A start without an end says OPEN, a run that ended does not."""
    lines = shown([event("chain_start", 1, 0, component="agent"), event("tool_start", 2, 1, parent=1, tool_name="archive")])
    assert "OPEN: started, not ended" in line_with("agent", lines)
    assert "OPEN: started, not ended" in line_with("archive", lines)
    assert not any("OPEN" in line for line in shown([event("tool_start", 1, 0), ended("tool_end", 1, 2)]))


def test_cancelled_interrupted_and_abandoned_runs_are_marked() -> None:
    """The outcome stands beside the run when it is not success."""
    for outcome in ("cancelled", "interrupted", "abandoned", "denied"):
        event_type = "abandoned" if outcome == "abandoned" else "chain_error"
        lines = shown([event("chain_start", 1, 0), ended(event_type, 1, 2, outcome=outcome)])
        assert outcome in lines[2]
    assert "success" not in shown([event("chain_start", 1, 0), ended("chain_end", 1, 2)])[2]


def test_an_end_whose_start_is_missing_is_shown_and_marked() -> None:
    """An end tells its own story, and that its start is not in the trail."""
    line = shown([ended("tool_end", 1, 5, tool_name="read", started_at="2026-11-22T11:00:00.001000Z")])[2]
    assert "read  tool" in line
    assert "its start is not in the trail" in line


def test_what_happens_within_a_run_stands_below_it() -> None:
    """Retries, interrupts and custom events are lines of their own, with offset, attempt and content."""
    lines = shown(
        [
            event("chain_start", 1, 0),
            event("retry", 1, 30, attempt=2, error_type="TimeoutError", error_message="slow"),
            event("custom", 1, 40, output={"name": "progress", "data": 5}),
            ended("chain_end", 1, 50),
        ]
    )
    assert "retry  +30 ms  attempt 2" in line_with("retry", lines)
    assert line_with("TimeoutError: slow", lines)
    assert '{"name": "progress", "data": 5}' in line_with("custom", lines)


def test_an_event_of_no_run_is_shown() -> None:
    """What belongs to the session but to no run is not left out."""
    assert any("policy_denied" in line for line in shown([event("chain_start", 1, 0), event("policy_denied", None, 4)]))


def test_the_input_of_a_stream_is_that_of_its_end() -> None:
    """LangChain knows a stream's input only at its end: the placeholder of the start is not what a person wants to see."""
    lines = shown([event("chain_start", 1, 0, input={"input": ""}), ended("chain_end", 1, 9, input="the question", output="x")])
    assert "in the question" in line_with(" in ", lines)


def test_content_cannot_act_on_the_terminal() -> None:
    """Names, errors, content and ids with markup or control characters are shown as text."""
    nasty = "[red]x[/red]\x1b[31m\n:smile:"
    lines = shown(
        [
            event("tool_start", 1, 0, session_id=nasty, tool_name=nasty, input=nasty, principal_id=nasty, tenant_name=nasty),
            ended("tool_error", 1, 2, outcome="failure", error_type=nasty, error_message=nasty, redaction_types=[nasty])
            | {"redaction_counts": [1]},
        ],
        width=400,
    )
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert text.count("[red]x[/red]\\x1b[31m\\n:smile:") == 8


def test_no_line_is_wider_than_the_terminal() -> None:
    """Excerpts are one line, cut with an ellipsis."""
    lines = shown([event("tool_start", 1, 0, input="word " * 500), ended("tool_end", 1, 2, output="x" * 5000)], width=80)
    assert max(map(len, lines)) <= 80
    assert sum("…" in line for line in lines) == 2


def test_runs_stand_below_their_parents_in_order() -> None:
    """Children come in the order in which they began, also when a child's first event is older than its parent's."""
    events = [
        event("tool_start", 3, 0, parent=1),
        event("chain_start", 1, 1),
        event("tool_start", 4, 2, parent=1),
        event("tool_start", 5, 3, parent=99),
    ]
    tops = runs(events)
    assert [top.run_id for top in tops] == [run_id(1), run_id(5)]
    assert [child.run_id for child in tops[0].children] == [run_id(3), run_id(4)]


def test_runs_that_claim_to_be_their_own_ancestors_are_not_lost() -> None:
    """Of a circle of parents, each run is shown exactly once."""
    events = [event("chain_start", 1, 0, parent=3), event("chain_start", 2, 1, parent=1), event("chain_start", 3, 2, parent=2)]
    lines = shown([*events, event("chain_start", 4, 3, parent=4)])
    assert sum("OPEN" in line for line in lines) == 4


def test_a_very_deep_session_is_put_together() -> None:
    """Two thousand runs, each within the one before it, are a tree like any other."""
    events = [event("chain_start", number, 0, parent=number - 1 or None) for number in range(1, 2001)]
    top = runs(events)[0]
    for _ in range(1999):
        (top,) = top.children
    assert top.run_id == run_id(2000)


def test_a_run_that_was_given_up_and_ended_after_all_has_ended() -> None:
    """Whatever gave it up, and whenever that was: its own end is how it ended, and the line says that it was given up."""
    late = [
        event("chain_start", 1, 0, input="q"),
        ended("chain_end", 1, 900, output="the answer"),
        ended("abandoned", 1, 2000, outcome="abandoned", latency_us=None),
    ]
    for events in (late, [late[0], late[2], late[1]]):
        lines = shown(events)
        assert "the answer" in "\n".join(lines)
        assert "was given up before its end came" in line_with("part", lines)
        assert "5.0 ms" in line_with("part", lines)
        assert "  abandoned" not in line_with("part", lines)
    assert "abandoned" in line_with("part", shown([late[0], late[2]]))
