"""What is known of a local stack: one file, stack.json, that its supervisor writes and everyone else reads."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # it has no type hints

from .process import StackError, is_disk_full

_CLOCK_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same id."""

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the running process with this id. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def running(self) -> psutil.Process | None:
        """Return the process when it still runs, None when it is gone or the id is another one's now."""
        try:
            found = psutil.Process(self.pid)
            is_it = abs(found.create_time() - self.started_at) < _CLOCK_SECONDS and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if is_it else None


@dataclass(frozen=True)
class ServiceState:
    """One service: starting, healthy, unhealthy or stopped; `message` says why it is not healthy."""

    name: str
    state: str = "stopped"
    port: int | None = None
    process: Process | None = None
    message: str = ""


@dataclass(frozen=True)
class StackState:
    """Everything in stack.json. It holds the password: its mode is 0600."""

    ports: dict[str, int] = field(default_factory=dict)
    password: str = ""
    public_key: str = ""
    supervisor: Process | None = None
    services: tuple[ServiceState, ...] = ()
    prepared: bool = False
    """Topics and tables are there."""


def read_state(directory: Path) -> StackState | None:
    """Return what is known of the stack in a directory, None when none was ever started there. Raises StackError."""
    try:
        text = _file(directory).read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StackError(f"{_file(directory)} cannot be read: {error.strerror}") from error
    try:
        values = json.loads(text)
        services = tuple(_service(service) for service in values.pop("services"))
        supervisor = _process(values.pop("supervisor"))
        return StackState(**values, services=services, supervisor=supervisor)
    except (ValueError, TypeError, KeyError) as error:
        raise StackError(f"{_file(directory)} is not what langtrail wrote; remove it to begin anew") from error


def write_state(directory: Path, state: StackState) -> None:
    """Replace stack.json at once, so that a reader sees the old or the new. Raises StackError."""
    new = _file(directory).with_suffix(".new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(state), file, indent=2)
        new.replace(_file(directory))
    except OSError as error:
        reason = "the disk is full" if is_disk_full(error) else error.strerror
        raise StackError(f"{_file(directory)} cannot be written: {reason}") from error


@contextmanager
def locked(directory: Path, seconds: float = 1) -> Iterator[bool]:
    """Hold a directory's lock for the block; the value is False when another supervisor has it.

    The kernel lets go of it with the process that holds it, however that ends: who holds the lock is alive.
    """
    with (directory / "lock").open("w") as file:
        deadline = time.monotonic() + seconds  # a status that looks at this moment has it too, for an instant
        while not (taken := _try_lock(file.fileno())) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield taken


def is_supervised(directory: Path) -> bool:
    """Say whether a supervisor runs for this directory."""
    if not (directory / "lock").exists():
        return False
    with locked(directory, seconds=0) as taken:
        return not taken


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(directory: Path) -> Path:
    return directory / "stack.json"


def _process(values: dict[str, float] | None) -> Process | None:
    return Process(int(values["pid"]), values["started_at"]) if values else None


def _service(values: dict[str, object]) -> ServiceState:
    return ServiceState(**{**values, "process": _process(values.get("process"))})  # type: ignore[arg-type]  # checked by its reader
