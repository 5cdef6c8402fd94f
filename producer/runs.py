"""The runs that are open in this process, bounded: what an end needs to know of its start, and a child of its root."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .identity import Identity

MAX_OPEN = 10_000
MAX_CLOSED = 4_096


@dataclass(slots=True)
class Run:
    """One run between its start and its end. Times: `started_at` microseconds since 1970, `started_ns` monotonic."""

    kind: str
    run_id: str
    parent_run_id: str | None
    root_run_id: str
    component: str
    identity: Identity
    started_at: int
    started_ns: int
    model: dict[str, Any] = field(default_factory=dict)
    place: dict[str, Any] = field(default_factory=dict)
    tool: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    first_token_ns: int | None = None
    defers_inputs: bool = False
    ended: tuple[str, ...] = ()
    """Event types of the ends seen so far."""

    @classmethod
    def now(cls) -> tuple[int, int]:
        """Return the two clocks of a start: microseconds since 1970, and monotonic nanoseconds."""
        return time.time_ns() // 1000, time.monotonic_ns()

    def latency_us(self) -> int:
        """Return the microseconds since the start, by the monotonic clock."""
        return (time.monotonic_ns() - self.started_ns) // 1000


class Runs:
    """Open runs by id, and the last closed ones, so that a late child still finds its root and a second end is known."""

    def __init__(self, max_open: int = MAX_OPEN, max_closed: int = MAX_CLOSED) -> None:
        self._open: OrderedDict[UUID, Run] = OrderedDict()
        self._closed: OrderedDict[UUID, Run] = OrderedDict()
        self._lock = threading.RLock()
        self._max_open, self._max_closed = max_open, max_closed

    def __len__(self) -> int:
        return len(self._open)

    def is_open(self, run_id: UUID) -> bool:
        """Tell whether the run has started and not ended: the same handler listed twice starts a run twice."""
        return run_id in self._open

    def forget_lock(self) -> None:
        """In a forked child: another thread of the parent may have held the lock, and never lets go of it here."""
        self._lock = threading.RLock()

    def find(self, run_id: UUID | None) -> Run | None:
        """Return an open or lately closed run."""
        if run_id is None:
            return None
        return self._open.get(run_id) or self._closed.get(run_id)

    def open(self, run_id: UUID, run: Run) -> list[Run]:
        """Add a run; return those that had to be given up to stay within bounds, oldest first."""
        with self._lock:
            self._closed.pop(run_id, None)
            self._open[run_id] = run
            given_up = []
            while len(self._open) > self._max_open:
                oldest, evicted = self._open.popitem(last=False)
                self._keep_closed(oldest, evicted)
                given_up.append(evicted)
            return given_up

    def close(self, run_id: UUID, event_type: str) -> tuple[Run | None, bool]:
        """End a run. Return it, None when it never started here, and whether this very end was seen before."""
        with self._lock:
            run = self._open.pop(run_id, None) or self._closed.get(run_id)
            if run is None:
                return None, False
            if event_type in run.ended:
                return run, True
            run.ended = (*run.ended, event_type)
            self._keep_closed(run_id, run)
            return run, False

    def _keep_closed(self, run_id: UUID, run: Run) -> None:
        self._closed[run_id] = run
        while len(self._closed) > self._max_closed:
            self._closed.popitem(last=False)
