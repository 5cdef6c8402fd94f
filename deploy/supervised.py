"""One service under supervision: started, asked for its health, named when it dies, started again with growing pauses."""

import subprocess
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final

from .process import has_full_disk, last_lines, rotate, stop
from .service import Service
from .stack_state import Process, ServiceState

_ASK_SECONDS_STARTING: Final = 0.1
_ASK_SECONDS: Final = 1.0
_FAILURES_UNTIL_UNHEALTHY: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_MANY_DEATHS: Final = 5
_WITHIN_SECONDS: Final = 60.0
_LOG_BYTES: Final = 10 * 1024 * 1024


class Supervised:
    """A service and its process. All methods belong to the thread that made it: the process dies with that thread."""

    def __init__(self, service: Service, logs: Path) -> None:
        self.service = service
        self.state = ServiceState(service.name, port=service.port)
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None
        self._health = _Health(service)
        self._deaths: deque[float] = deque(maxlen=_MANY_DEATHS)
        self._start_at = 0.0
        self._started_at = 0.0

    @property
    def log(self) -> Path:
        """The file of its output."""
        return self._logs / f"{self.service.name}.log"

    def start(self) -> None:
        """Start the process; the log begins anew, the last one is kept beside it."""
        rotate(self.log)
        self._process = self.service.spawn(self._logs)
        self._started_at = time.monotonic()
        self._health.begin()
        self.state = replace(self.state, state="starting", process=Process.of(self._process.pid))

    def watch(self) -> str:
        """Look once; start it again when it is time. Return a sentence for the user when something changed, else nothing."""
        if self._process is None:
            if self._start_at and time.monotonic() >= self._start_at:
                self.start()
            return ""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            rotate(self.log)
        status = self._process.poll()
        return self._look() if status is None else self._died(status)

    def ask_to_end(self) -> None:
        """Ask the process to end, and do not wait for it."""
        self._health.end()
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End the process. Returns when it is gone."""
        self._health.end()
        self._start_at = 0.0
        if self._process is not None:
            stop(self._process, self.service.stop_seconds)
            self._process = None
        self.state = replace(self.state, state="stopped", process=None, message="")

    def _look(self) -> str:
        name, was = self.service.name, self.state.state
        if self._health.failures == 0 and self._health.asked:
            self.state = replace(self.state, state="healthy", message="")
            seconds = f" after {time.monotonic() - self._started_at:.1f} s" if was == "starting" else " again"
            return "" if was == "healthy" else f"{name:<10} healthy    port {self.service.port}{seconds}"
        if was == "healthy" and self._health.failures >= _FAILURES_UNTIL_UNHEALTHY:
            return self._unhealthy(f"{name} runs but does not answer; its log is {self.log}")
        if was == "starting" and time.monotonic() - self._started_at > self.service.start_seconds:
            return self._unhealthy(f"{name} is not ready after {self.service.start_seconds:.0f} s; its log is {self.log}")
        return ""

    def _unhealthy(self, message: str) -> str:
        self.state = replace(self.state, state="unhealthy", message=message)
        return message

    def _died(self, status: int) -> str:
        self._process = None
        self._health.end()
        now = time.monotonic()
        self._deaths.append(now)
        often = len(self._deaths) == _MANY_DEATHS and now - self._deaths[0] < _WITHIN_SECONDS
        recent = sum(now - death < _WITHIN_SECONDS for death in self._deaths)
        pause = _LONGEST_PAUSE_SECONDS if often else _FIRST_PAUSE_SECONDS * 2 ** (recent - 1)
        self._start_at = now + pause
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        why = f": it died {_MANY_DEATHS} times in a minute" if often else ""
        why = ": the disk is full, make room" if has_full_disk(self._logs) else why
        message = f"{self.service.name} {how} and is started again in {pause:g} s{why}"
        self.state = replace(self.state, state="unhealthy" if often else "starting", process=None, message=message)
        said = "".join(f"\n    {line}" for line in last_lines(self.log))
        return message + (f"; its log {self.log} ends with:{said}" if said else "; it logged nothing")


class _Health:
    """Asks a service in a thread of its own whether it is ready: an answer may take seconds."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ended = threading.Event()
        self.failures = 0
        self.asked = False

    def begin(self) -> None:
        """Ask from now on, often until the first yes."""
        self.end()
        self._ended = threading.Event()
        self.failures, self.asked = 0, False
        threading.Thread(target=self._ask, args=(self._ended,), name=f"health-{self._service.name}", daemon=True).start()

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _ask(self, ended: threading.Event) -> None:
        ready = False
        while not ended.wait(_ASK_SECONDS if ready else _ASK_SECONDS_STARTING):
            ready = self._service.ready()
            if not ended.is_set():
                self.failures = 0 if ready else self.failures + 1
                self.asked = True
