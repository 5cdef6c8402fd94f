"""A session as a tree: which run started which, when, how long, with which tokens and cost, what was redacted, how it ended."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from .excerpt import excerpt
from .output import dollars, duration, microseconds_between, shortened, tally, visible
from .session_runs import Event, Run, runs

_EXCERPT_CHARACTERS: Final = 300
_KINDS: Final = {"chain": "bold", "llm": "bold cyan", "tool": "bold blue", "retriever": "bold green"}
_ENDED: Final = {
    "failure": "bold red",
    "denied": "bold red",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "abandoned": "yellow",
}
_STREAM_INPUT: Final = {"input": ""}  # what LangChain says of a stream's input when it starts


def session_tree(events: Sequence[Event]) -> Tree:
    """Return the events of one session, in order and at least one, as a tree to print."""
    began = events[0]["occurred_at"]
    tops = runs(events)
    tree = Tree(_title(events), guide_style="dim")
    pending = [(tree, run, True) for run in reversed(tops)]
    while pending:
        above, run, is_top = pending.pop()
        branch = above.add(_run_label(run, began, with_content=is_top or run.kind != "chain"))
        for event in run.within:
            branch.add(_within_label(event, began))
        pending += [(branch, child, False) for child in reversed(run.children)]
    for event in events:
        if event["run_id"] is None:
            tree.add(_within_label(event, began))
    return tree


def _title(events: Sequence[Event]) -> Text:
    first, last = events[0], events[-1]
    tenant = f"{first['tenant_id'] or '(unknown)'}" + (f" ({first['tenant_name']})" if first["tenant_name"] else "")
    who = sorted({event["principal_id"] for event in events if event["principal_id"]})
    why = sorted({f"{event['trigger']} {event['trigger_id'] or ''}".strip() for event in events} - {"unknown"})
    costs = [event["cost_nanousd"] for event in events if event["cost_nanousd"] is not None]
    by = f"by {', '.join(who) or '(unknown)'}" + (f", {', '.join(why)}" if why else "")
    title = _line()
    title.append(" · ".join(visible(fact) for fact in (f"session {first['session_id']}", f"tenant {tenant}", by)), style="bold")
    facts = [
        f"{len(events)} events of {len({event['run_id'] for event in events} - {None})} runs",
        first["occurred_at"],
        duration(microseconds_between(first["occurred_at"], last["occurred_at"])),
        *([dollars(sum(costs) / 1e9)] if costs else []),
    ]
    title.append(f"\n{' · '.join(facts)}", style="dim")
    return title


def _run_label(run: Run, began: str, *, with_content: bool) -> Text:
    label = _line()
    label.append(visible(_name(run)), style=_KINDS.get(run.kind, "bold"))
    label.append(f"  {' · '.join(_facts(run, began))}", style="dim")
    for mark, style in _marks(run):
        label.append(f"  {mark}", style=style)
    if with_content:
        end = run.end
        _append_content(label, "in", _input_of(run), run.start)
        _append_content(label, "out", end and end["output"], end)
    for end in run.ends:
        if _error(end) and not any(_error(end) == _error(theirs) for child in run.children for theirs in child.ends):
            _append_error(label, end)
    return label


def _within_label(event: Event, began: str) -> Text:
    label = _line()
    label.append(event["event_type"], style="bold magenta")
    label.append(f"  +{duration(microseconds_between(began, event['occurred_at']))}", style="dim")
    if event["attempt"] is not None:
        label.append(f"  attempt {event['attempt']}", style="dim")
    _append_content(label, "", event["input"] if event["input"] is not None else event["output"], event)
    if _error(event):
        _append_error(label, event)
    return label


def _line() -> Text:
    return Text(no_wrap=True, overflow="ellipsis")


def _name(run: Run) -> str:
    event = next(run.events)
    if run.kind == "llm":
        model = next((e[key] for key in ("response_model", "request_model") for e in run.events if e[key]), None)
        return str(model or event["component"])
    return str(event["tool_name"] or event["component"])


def _facts(run: Run, began: str) -> Iterator[str]:
    event = next(run.events)
    end = run.end
    yield run.kind or event["event_type"]
    yield f"+{duration(max(0, microseconds_between(began, _started(run))))}"
    if end is None:
        return
    if end["latency_us"] is not None:
        first_token = "" if end["ttft_us"] is None else f" (first token {duration(end['ttft_us'])})"
        yield duration(end["latency_us"]) + first_token
    if end["input_tokens"] is not None or end["output_tokens"] is not None:
        yield f"{_count(end['input_tokens'])} → {_count(end['output_tokens'])} tokens"
    if end["cost_nanousd"] is not None:
        yield dollars(end["cost_nanousd"] / 1e9)


def _marks(run: Run) -> Iterator[tuple[str, str]]:
    if not run.ends:
        yield "OPEN: started, not ended", "bold yellow reverse"
    if run.start is None:
        yield "its start is not in the trail", "yellow"
    for outcome in dict.fromkeys(end["outcome"] for end in run.told):
        if outcome in _ENDED:
            yield outcome, _ENDED[outcome]
    if run.told != run.ends:
        yield "was given up before its end came", "yellow"
    for flag in ("orphan", "late", "partial", "tenant_conflict"):
        if any(flag in event["flags"] for event in run.events):
            yield flag.replace("_", " "), "yellow"


def _input_of(run: Run) -> Any:
    """Return the input: that of a stream is only known at its end."""
    given = run.start["input"] if run.start else None
    if given is None or given == _STREAM_INPUT:
        return next((end["input"] for end in run.ends if end["input"] is not None), given)
    return given


def _append_content(label: Text, title: str, value: Any, event: Event | None) -> None:
    text = shortened(visible(excerpt(value)), _EXCERPT_CHARACTERS)
    if event is None or not (text or event["redaction_status"] in ("partial", "withheld")):
        return
    label.append(f"\n{title:>3} " if title else "  ", style="dim")
    _append_redactions(label, event)
    label.append(text)


def _append_redactions(label: Text, event: Event) -> None:
    if event["redaction_status"] in ("partial", "withheld"):
        label.append(f"{event['redaction_status']}  ", style="bold magenta")
    if found := tally(event["redaction_types"], event["redaction_counts"]):
        label.append(f"{found}  ", style="magenta")


def _append_error(label: Text, event: Event) -> None:
    style = "red" if event["outcome"] in (None, "failure", "denied") else "yellow"
    label.append("\n")
    if event["output"] is None:
        _append_redactions(label, event)
    label.append(visible(event["error_type"] or "error"), style=f"bold {style}")
    if event["error_message"]:
        label.append(f": {shortened(visible(event['error_message']), _EXCERPT_CHARACTERS)}", style=style)


def _error(event: Event) -> tuple[str, str] | None:
    named = event["error_type"] or "", event["error_message"] or ""
    return named if any(named) else None


def _started(run: Run) -> str:
    event = next(run.events)
    return str(event["started_at"] or event["occurred_at"])


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
