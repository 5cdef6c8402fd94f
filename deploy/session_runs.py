"""The events of a session put together as runs: which run started which, and what tells of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
"""One event as replay returns it."""


@dataclass
class Run:
    """One run: the events that tell of it, in order, and the runs that it started."""

    run_id: str
    parent_run_id: str | None
    start: Event | None = None
    ends: list[Event] = field(default_factory=list)
    within: list[Event] = field(default_factory=list)
    children: list["Run"] = field(default_factory=list)

    @property
    def events(self) -> Iterator[Event]:
        """All its events, start and ends first."""
        yield from (event for event in (self.start, *self.ends, *self.within) if event is not None)

    @property
    def told(self) -> list[Event]:
        """Its ends as it told them itself; that it was given up only where nothing came after all."""
        return [end for end in self.ends if end["event_type"] != "abandoned"] or self.ends

    @property
    def end(self) -> Event | None:
        """The last of those; None while there is none."""
        return self.told[-1] if self.told else None

    @property
    def kind(self) -> str:
        """chain, llm, tool or retriever; empty when neither start nor end is there."""
        return next((e["event_type"].partition("_")[0] for e in (self.start, *self.ends) if e), "")


def runs(events: Iterable[Event]) -> list[Run]:
    """Return the runs at the top, each with its children, in the order in which they began.

    A run whose parent is not among the events is at the top, and so is one that claims to be its own ancestor.
    """
    found: dict[str, Run] = {}
    for event in events:
        if event["run_id"] is not None:
            run = found.setdefault(event["run_id"], Run(event["run_id"], event["parent_run_id"]))
            _add(run, event)
    tops = []
    for run in found.values():
        parent = found.get(run.parent_run_id or "")
        if parent is None or _descends_from(parent, run, found):
            tops.append(run)
        else:
            parent.children.append(run)
    return tops


def _add(run: Run, event: Event) -> None:
    kind = event["event_type"]
    if kind.endswith("_start") and run.start is None:
        run.start = event
    elif kind.endswith(("_end", "_error")) or kind == "abandoned":
        run.ends.append(event)
    else:
        run.within.append(event)


def _descends_from(run: Run, ancestor: Run, found: dict[str, Run]) -> bool:
    seen = set()
    above: Run | None = run
    while above is not None and above.run_id not in seen:
        if above is ancestor:
            return True
        seen.add(above.run_id)
        above = found.get(above.parent_run_id or "")
    return False
