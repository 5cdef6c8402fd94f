"""How the demo looks: what it waits for, the questions with their answers, the session as a tree, what holds."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from .demo_facts import Evidence, Fact
from .demo_questions import COST, DATA, FAILED, MISSING, OPEN, QUESTIONS, SESSION, TIME, WHO
from .output import console, dollars
from .tables import table
from .tree import session_tree

_WIDTH: Final = 100
_INDENT: Final = 3


class Step:
    """Something that takes a while. `tell` says what is waited for; `done` is what is said once it is over."""

    def __init__(self, status: Any, doing: str, done: str) -> None:
        self._status, self._doing, self.done = status, doing, done

    @property
    def is_shown(self) -> bool:
        """Whether what is told is shown: on a terminal."""
        return self._status is not None

    def tell(self, text: str) -> None:
        """Say what is waited for; shown on a terminal only."""
        if self.is_shown:
            self._status.update(Text(f"{self._doing}: {text}"))


class Display:
    """Prints in at most 100 columns; on standard error when standard output is for JSON."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._console: Console = console(stderr=to_stderr)
        self._console.width = min(self._console.width, _WIDTH)

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[Step]:
        """Show that something is under way, then that it is done and how many seconds it took."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(Text(doing)) as status:
                step = Step(status, doing, done)
                yield step
        else:
            step = Step(None, doing, done)
            yield step
        took = f"{time.monotonic() - began:.1f} s"
        line = Text("✓ ", style="green").append(step.done, style="default")
        line.append(took.rjust(self._console.width - line.cell_len), style="dim")
        self._console.print(line)

    def answers(self, evidence: Evidence) -> None:
        """Print every question with its answer, and one session as a tree."""
        self._tables(evidence, [WHO, DATA], 1)
        self._heading("3. The same job from start to finish:", f"replay {SESSION}")
        self._indented(session_tree(evidence.session))
        self._tables(evidence, [FAILED, OPEN, COST, TIME, MISSING], 4)

    def _tables(self, evidence: Evidence, headings: Sequence[str], first_number: int) -> None:
        for number, heading in enumerate(headings, start=first_number):
            statement = QUESTIONS[heading].replace("\n", "\n  ")
            self._heading(f"{number}. {heading}", f'sql "{statement}"')
            columns, rows = _for_people(heading, evidence)
            self._indented(table(columns, rows, self._console.width - _INDENT))

    def facts(self, judged: Sequence[Fact]) -> None:
        """Print what holds and what does not."""
        self._console.print(Text("\nWhat has to be true of all this, and what was found", style="bold"))
        grid = Table.grid(Column(), Column(no_wrap=True), Column(), padding=(0, 2))
        for fact in judged:
            mark = Text("✓", style="green") if fact.holds else Text("✗", style="bold red")
            grid.add_row(mark, Text(fact.claim, style="default" if fact.holds else "red"), Text(fact.found, style="dim"))
        self._indented(grid)
        self._console.print()

    def end(self, judged: Sequence[Fact], seconds: float, kept: Path | None) -> None:
        """Print the sum of it, and the three commands to try next."""
        holding = sum(fact.holds for fact in judged)
        style = "bold green" if holding == len(judged) else "bold red"
        self._console.print(Text(f"\n{holding} of {len(judged)} facts hold, in {seconds:.0f} seconds.", style=style))
        self._console.print(Text("\nTry next", style="bold"))
        grid = Table.grid(Column(no_wrap=True), Column(), padding=(0, 2))
        for command, meaning in _next_commands(kept).items():
            grid.add_row(Text(command, style="cyan"), Text(meaning, style="dim"))
        self._indented(grid)

    def _heading(self, heading: str, command: str) -> None:
        self._console.print(Text(f"\n{heading}", style="bold"))
        self._indented(Text(f"$ langtrail {command}\n", style="dim"))

    def _indented(self, content: Any) -> None:
        self._console.print(Padding(content, (0, 0, 0, _INDENT), expand=False))


def _for_people(heading: str, evidence: Evidence) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return columns and rows of an answer; what is stored, beside what the applications' own recorders counted."""
    answer = evidence.answers[heading]
    if heading == COST:
        return answer.columns, [[*row[:-1], Text(dollars(row[-1] or 0), justify="right")] for row in answer.rows]
    if heading == MISSING:
        rows = [[app, len(evidence.seen.get(app, ())), *row] for app, *row in answer.rows]
        return ("app", "callbacks", *answer.columns[1:]), rows
    return answer.columns, answer.rows


def _next_commands(kept: Path | None) -> Mapping[str, str]:
    program = "langtrail" if which("langtrail") else min(os.path.relpath(sys.argv[0]), sys.argv[0], key=len)
    if kept is not None:
        return {
            f"{program} up --detach --dir {kept}": "the demo's stack again, with all that is in it",
            f'eval "$({program} env --dir {kept})"': "for this shell: where it is",
            f"{program} replay {SESSION}": "the session above; `sessions` lists the others",
        }
    return {
        f"{program} up --detach": "a stack that stays, in .langtrail",
        f"{program} run -- python app.py": "your own program, unchanged; every LangChain run in it is recorded",
        f"{program} sessions": "what it did; then: replay SESSION, or sql",
    }
