"""What a part of the local stack is: a command, a port and a way to ask it whether it is ready."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .process import StackError, last_lines, spawn, stop, wait_for


@dataclass(frozen=True)
class Service:
    """One process of the local stack. `environ` is added to the caller's environment; the seconds are deadlines."""

    name: str
    argv: tuple[str, ...]
    port: int
    ready: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 60
    stop_seconds: float = 10

    def spawn(self, logs: Path) -> subprocess.Popen[bytes]:
        """Start the process; its output goes to NAME.log in `logs`. It dies with the calling thread."""
        return spawn(self.argv, logs / f"{self.name}.log", {**os.environ, **self.environ})


@contextmanager
def running(service: Service, logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one service until the block is left; the block is entered when it is ready.

    Raises StackError, with the last lines of its log, when it ends or is not ready within its start_seconds.
    """
    process = service.spawn(logs)
    try:
        wait_for(lambda: process.poll() is not None or service.ready(), service.start_seconds)
        if process.poll() is not None or not service.ready():
            said = "\n".join(last_lines(logs / f"{service.name}.log"))
            raise StackError(f"{service.name} did not start; its log ends with:\n{said}")
        yield process
    finally:
        stop(process, service.stop_seconds)
