"""The runs that are open in this process, bounded: what an end needs to know of its start, and a child of its parents."""

import asyncio
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from .draft import Shared
from .identity import Identity
from .ids import uuid_text
from .labels import label
from .langchain_context import Origin, origin
from .tool_calls import ToolCallLedger, ToolCalls

MAX_OPEN = 10_000
MAX_CLOSED = 4_096
MAX_EFFECTS_ALIKE: Final = 100
"""How many side effects of one kind on one thing are recorded for one run."""
GRACE_SECONDS: Final = 60
"""How long a run may stay open below one that was cancelled, or that ended in the same thread and task: it was forgotten."""

_SWEEP_SECONDS: Final = 30
KINDS: Final = ("chain", "llm", "tool", "retriever")
_WITHOUT_CONTEXT: Final = ("llm", "retriever")
_NS: Final = 1_000_000_000
_NOBODY: Final["list[Run]"] = []
_NOTHING: Final[dict[str, Any]] = {}
_now_ns: Final = time.time_ns
_monotonic_ns: Final = time.monotonic_ns


class Run:
    """One run between its start and its end. Times: `started_at` microseconds since 1970, `started_ns` monotonic.

    What most runs never have stands at the class: 40 fields set one by one would cost 1 µs a run.
    """

    top: "Run | None" = None
    """The root of the tree, None for the root itself."""
    model: dict[str, Any] = _NOTHING
    tool: dict[str, Any] = _NOTHING
    prompt: tuple[str | None, str | None] | None = None
    """Name and version of the prompt last formatted below it."""
    withheld: dict[str, str] | None = None
    """What was given for facts of the core that must not stand there: it goes to the content."""
    first_token_ns: int | None = None
    defers_inputs: bool = False
    """Whether it is a stream: what goes in comes part by part, and is only known when it ends."""
    interrupted: bool = False
    """Whether it, or something directly below it, waits for a human: it may end without an exception."""
    cancelled: bool = False
    structured: bool = False
    """Whether a model's tool calls are the form of its answer, and no tool is meant to run."""
    attempt: int | None = None
    input_key: int = 0
    failures: dict[tuple[str, int], int] | None = None
    """Attempts that failed among its children, by kind and input."""
    tries: int = 0
    batch: "list[Run] | None" = None
    """The runs that LangChain started with it for one call of a model."""
    calls: ToolCalls | None = None
    children: set[int] | None = None
    effects: Counter[tuple[str, str, str]] | None = None
    """Its side effects, by kind, operation and resource."""
    task: "asyncio.Task[Any] | None" = None
    """The task that started it, where there is no run around it that would be told of a cancellation."""
    shared: Shared | None = None
    """What its events have in common, encoded."""
    copies: int = 1
    """How many times our handler is listed for it."""
    others: "list[Run] | None" = None
    """Further executions that were started under the same id while this one was open."""
    ended: tuple[str, ...] = ()
    """Event types of the ends seen so far."""
    begun: bool = False
    """Whether the trail has its start."""
    told: bool = False
    """Whether the trail has its end."""

    def __init__(
        self,
        kind: str,
        component: str,
        run_id: UUID,
        parent: "Run | None",
        parent_run_id: UUID | None,
        identity: Identity,
        place: dict[str, Any],
        context: Mapping[Any, Any],
        named: tuple[Any, ...],
        flags: tuple[str, ...],
    ) -> None:
        """Begin a run now. `context`: the audit_context around it; `named`: what it was given that names somebody."""
        self.kind, self.component, self.label = kind, component, label(component)
        self.key = run_id.int
        self.run_id = own_id = uuid_text(run_id.int)
        self.parent = parent
        self.parent_run_id: str | None
        self.root_run_id: str
        if parent is not None:
            self.parent_run_id = parent.run_id
            self.root_run_id = parent.root_run_id
            self.top = parent.top or parent
            if parent.prompt is not None:
                self.prompt = parent.prompt
        else:
            self.parent_run_id = None if parent_run_id is None else str(parent_run_id)
            self.root_run_id = own_id
        self.identity, self.place, self.context, self.named, self.flags = identity, place, context, named, flags
        self.origin = origin()
        self.started_at, self.started_ns = _now_ns() // 1000, _monotonic_ns()

    def streams(self) -> bool:
        """Tell whether it has handed parts over: a generator that waits is told of its end later than who used it."""
        return self.defers_inputs or self.first_token_ns is not None

    def effects_left_out(self) -> int:
        """Return how many of its side effects were not recorded, because they were like a hundred others."""
        return sum(max(0, count - MAX_EFFECTS_ALIKE) for count in self.effects.values()) if self.effects else 0

    def latency_us(self) -> int:
        """Return the microseconds since the start, by the monotonic clock."""
        return (_monotonic_ns() - self.started_ns) // 1000


class Overdue(NamedTuple):
    """A run that is given up: how it is taken to have ended, and what tells so."""

    run: Run
    outcome: str
    closed_by: str


class Runs:
    """Open runs, and the last closed ones, so that a late child still finds its root and a second end is known.

    They are kept by the integer of their id: hashing a UUID is Python code.
    """

    def __init__(self, max_open: int = MAX_OPEN, max_closed: int = MAX_CLOSED) -> None:
        self._open: OrderedDict[int, Run] = OrderedDict()
        self._closed: OrderedDict[int, Run] = OrderedDict()
        self._bereft: deque[tuple[int, Run]] = deque()
        self._tasks: dict[int, Run] = {}
        self._lock = threading.RLock()
        self._max_open, self._max_closed = max_open, max_closed
        self._sweep_at_ns = 0
        self.tool_calls = ToolCallLedger()

    def __len__(self) -> int:
        return len(self._open)

    def find_open(self, run_id: UUID) -> Run | None:
        """Return a run that has started and not ended."""
        return self._open.get(run_id.int)

    def find(self, run_id: UUID | None) -> Run | None:
        """Return an open or lately closed run."""
        if run_id is None:
            return None
        key = run_id.int
        return self._open.get(key) or self._closed.get(key)

    def open(self, run: Run) -> list[Run]:
        """Add a run; return those that had to be given up to stay within bounds, oldest first."""
        key = run.key
        with self._lock:
            if key in self._open or key in self._closed:
                return self._open_again(run)
            self._open[key] = run
            if (parent := run.parent) is not None:
                if parent.children is None:
                    parent.children = {key}
                else:
                    parent.children.add(key)
            if run.task is not None:
                self._tasks[key] = run
            surplus = len(self._open) - self._max_open
            return [self._evict() for _ in range(surplus)] if surplus > 0 else _NOBODY

    def close(self, run_id: UUID, event_type: str) -> tuple[Run | None, bool]:
        """End a run. Return it, None when it never started here, and whether this very end was seen before."""
        with self._lock:
            run = self._open.get(run_id.int)
            if run is None or run.others is not None:
                return self._close_oddly(run, run_id.int, event_type)
            run.ended = (*run.ended, event_type)
            self._settle(run)
            if run.children:
                self._bereft.append((_monotonic_ns(), run))
            return run, False

    def _open_again(self, run: Run) -> list[Run]:
        """Add a run whose id was used before."""
        run.flags = (*run.flags, "run_id_reused")
        if known := self._open.get(run.key):
            known.others = [*(known.others or ()), run]
            return []
        del self._closed[run.key]
        return self.open(run)

    def _close_oddly(self, run: Run | None, key: int, event_type: str) -> tuple[Run | None, bool]:
        """End a run that is not open, or one of several under one id."""
        if run is not None:
            return self._one_of(run, origin()), False
        run = self._closed.get(key)
        if run is None:
            return None, False
        if event_type in run.ended:
            return run, True
        run.ended = (*run.ended, event_type)
        return run, False

    def give_up(self, run: Run) -> None:
        """End a run whose end will not come; should it come all the same, it is known as a second end."""
        with self._lock:
            run.ended = (*run.ended, "abandoned")
            self._settle(run)

    def mend(self, run_id: UUID, *, goes_on: bool) -> None:
        """Put right a run whose hook was broken off: by a signal handler that raised, or by a fault of ours.

        One whose start is not in the trail has not begun; if it goes on all the same, what comes of it says so. One whose end
        is not there is open again, and is given up at the latest when the process ends.
        """
        with self._lock:
            run = self.find(run_id)
            if run is None:
                return
            if run.begun:
                if run.ended and not run.told:
                    self.reopen(run)
            elif goes_on:
                run.begun, run.flags = True, (*run.flags, "start_not_seen")
            else:
                self._remove(run)

    def reopen(self, run: Run) -> None:
        """Take back the end of a run: it was not recorded."""
        with self._lock:
            run.ended = ()
            self._closed.pop(run.key, None)
            self._open[run.key] = run
            self._open.move_to_end(run.key, last=False)  # where the oldest are, and parents before their children
            if run.parent is not None and run.parent.children is not None:
                run.parent.children.add(run.key)

    def below(self, run: Run) -> list[Run]:
        """Return the open runs below a run, the deepest first."""
        found: list[Run] = []
        for child_id in list(run.children or ()):
            if child := self._open.get(child_id):
                found += [*self.below(child), child]
        return found

    def sweep_is_due(self, now_ns: int) -> bool:
        """Tell, about twice a minute, that it is time to look for overdue runs: there may be no heartbeat to do it."""
        if now_ns < self._sweep_at_ns:
            return False
        self._sweep_at_ns = now_ns + _SWEEP_SECONDS * _NS
        return True

    def running_below(self, run: Run, origin: Origin) -> Run | None:
        """Return the model or retriever that runs here directly below a run: LangChain's context variable never names these.

        A model that streams may be waiting while its caller does something else: it is not taken for who runs.
        """
        with self._lock:
            children = [self._open.get(child) for child in run.children or ()]
        found = [c for c in children if c and c.origin == origin and c.kind in _WITHOUT_CONTEXT and c.first_token_ns is None]
        return max(found, key=lambda child: child.started_ns, default=None)

    def overdue(self, now_ns: int, deadline_seconds: float) -> list[Overdue]:
        """Give up, and return, the runs whose end will not come any more: past the deadline, or their caller is gone."""
        with self._lock:
            before_ns = now_ns - int(deadline_seconds * _NS)
            found = (*self._forgotten(now_ns), *self._of_cancelled_tasks(), *self._too_old(before_ns))
            given_up = {item.run.key: item for item in reversed(found)}
            for item in given_up.values():
                self.give_up(item.run)
            return [item for item in found if given_up[item.run.key] is item]

    def all_open(self) -> list[Run]:
        """Return the open runs, the latest first: children before their parents."""
        with self._lock:
            return list(reversed(self._open.values()))

    def forked(self) -> None:
        """In a forked child: the parent process ends its runs itself, but what runs on here still knows where it belongs.

        How they end here, too, is flagged: the trail has the same run's end from two processes.
        """
        for run in self._open.values():
            run.flags = (*run.flags, "forked")
        self.forget_threads()

    def forget_threads(self) -> None:
        """Let go of what threads had that are gone: locks, and runs that they do not end any more."""
        self._lock = threading.RLock()
        self.tool_calls.forget_threads()
        for run in self._open.values():
            self._keep_closed(run)
        self._open.clear()
        self._bereft.clear()
        self._tasks.clear()

    def _forgotten(self, now_ns: int) -> list[Overdue]:
        found: list[Overdue] = []
        while self._bereft and self._bereft[0][0] <= now_ns - GRACE_SECONDS * _NS:
            _, parent = self._bereft.popleft()
            outcome = "cancelled" if parent.cancelled else "abandoned"
            below = self.below(parent)
            found += [Overdue(run, outcome, "parent") for run in below if parent.cancelled or run.origin == parent.origin]
        return found

    def _of_cancelled_tasks(self) -> list[Overdue]:
        found: list[Overdue] = []
        for run in [run for run in self._tasks.values() if run.task is None or run.task.done()]:
            if run.task is not None and run.task.cancelled():
                found += [Overdue(each, "cancelled", "task") for each in (*self.below(run), run)]
            self._forget_task(run)
        return found

    def _forget_task(self, run: Run) -> None:
        """Let go of a task: it keeps its result, and is not held for longer than it tells something."""
        self._tasks.pop(run.key, None)
        run.task = None

    def _too_old(self, before_ns: int) -> list[Overdue]:
        found: list[Overdue] = []
        for run in self._open.values():
            if run.started_ns > before_ns:
                break
            found.append(Overdue(run, "abandoned", "deadline"))
        return found[::-1]

    def _one_of(self, run: Run, origin: Origin) -> Run:
        """Take, of several executions under one id, the one that began where its end is told; the others stay open."""
        everyone = [run, *(run.others or ())]
        chosen = next((each for each in everyone if each.origin == origin), run)
        heir, *rest = [each for each in everyone if each is not chosen]
        chosen.others, heir.others = None, rest or None
        self._open[run.key] = heir
        return chosen

    def _evict(self) -> Run:
        oldest = next(iter(self._open.values()))
        self.give_up(oldest)
        return oldest

    def _settle(self, run: Run) -> None:
        self._keep_closed(run)  # first: an interrupt may come between any two lines, and the run must be found
        self._remove(run)

    def _remove(self, run: Run) -> None:
        key, parent = run.key, run.parent
        self._open.pop(key, None)
        if run.task is not None:
            self._forget_task(run)
        if parent is not None and parent.children is not None:
            parent.children.discard(key)

    def _keep_closed(self, run: Run) -> None:
        closed = self._closed
        closed[run.key] = run
        if len(closed) > self._max_closed:
            closed.popitem(last=False)
