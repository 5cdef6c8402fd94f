"""How far the filling of a store is: a bar on a terminal, and one line at the end."""

import time
from collections.abc import Iterable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .output import console


def show(batches: Iterable[int], events: int) -> None:
    """Run through the batches, showing their rows as progress, then print how many there were and how fast."""
    began, rows = time.monotonic(), 0
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    screen = console(stderr=True)
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
        task = progress.add_task("events", total=events)
        for stored in batches:
            rows += stored
            progress.advance(task, stored)
    seconds = time.monotonic() - began
    console().print(f"{rows:,} made-up events stored in {seconds:.0f} s, {rows / seconds:,.0f} a second")
