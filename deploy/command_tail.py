"""The command tail."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from rich.text import Text

from langtrail.schemas import EVENT_TYPES

from .ask import AskError, connect, with_content
from .command_ask import AsJson, Tenant
from .excerpt import excerpt
from .output import console, dollars, duration, escaped, shortened, visible
from .reads import recorded
from .tail import follow

_EXCERPT_CHARACTERS = 120
_STYLES = {"failure": "red", "denied": "red", "cancelled": "yellow", "interrupted": "yellow", "abandoned": "yellow"}


def tail(
    tenant: Tenant = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; can be repeated.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show each event as it becomes queryable, until Ctrl-C. With --json, one object a line."""
    wanted = types or []
    for name in wanted:
        _check(name)
    trail = connect()
    out = console()
    with recorded("tail", {"types": wanted or None}, user=trail.user, tenant=tenant) as reading, _ended_by_signals() as ended:
        reading.begins()
        for events in follow(trail, tenant, wanted, lambda: bool(ended)):
            for event in events:
                reading.rows += 1
                if as_json:
                    typer.echo(escaped(json.dumps(with_content(event), ensure_ascii=False, allow_nan=False)))
                else:
                    out.print(line(with_content(event)))
        reading.ends(reading.rows)


def line(event: Mapping[str, Any]) -> Text:
    """Return one event as a line for people."""
    made = Text(no_wrap=True, overflow="ellipsis")
    made.append(event["occurred_at"][len("2026-01-01T") : len("2026-01-01T00:00:00.000")], style="dim")
    where = " ".join(visible(event[name]) for name in ("tenant_id", "session_id") if event[name])
    made.append(f"  {where or visible(event['app'])}  ")
    made.append(event["event_type"], style="bold")
    made.append(f" {visible(event['name'])}", style="cyan")
    if event["outcome"] not in (None, "success"):
        made.append(f"  {event['outcome']}", style=_STYLES.get(event["outcome"], ""))
    for fact in _facts(event):
        made.append(f"  {fact}", style="dim")
    content = event["output"] if event["output"] is not None else event["input"]
    said = event["error_message"] or excerpt(content)
    return made.append(f"  {shortened(visible(' '.join(said.split())), _EXCERPT_CHARACTERS)}") if said else made


def _facts(event: Mapping[str, Any]) -> Iterator[str]:
    if event["latency_us"] is not None:
        yield duration(event["latency_us"])
    if event["total_tokens"] is not None:
        yield f"{event['total_tokens']:,} tokens"
    if event["cost_nanousd"]:
        yield dollars(event["cost_nanousd"] / 1e9)
    if event["redacted"]:
        yield " ".join(visible(name) for name in event["redacted"])
    if event["error_type"]:
        yield visible(event["error_type"])


def _check(name: str) -> None:
    if name not in EVENT_TYPES:
        near = get_close_matches(name, EVENT_TYPES, n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]}?" if near else f"; they are {', '.join(EVENT_TYPES)}"
        raise AskError(f"there is no event type {visible(shortened(name, _EXCERPT_CHARACTERS))}{meant}")


@contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """End in order by Ctrl-C or a polite kill: what was read is recorded."""
    ended: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _frame: ended.append(number)) for number in numbers}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
