"""The local stack as the command line and the tests use it: up, down, status, environment."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # it has no type hints

from .kafka_jars import class_path, is_downloaded
from .process import StackError, last_lines, rotate, stop_all, wait_for
from .stack_files import logs, make_directory
from .stack_services import SERVICES
from .stack_services import environment as variables
from .stack_state import StackState, is_supervised, read_state
from .supervisor import ALREADY_RUNNING, AlreadyRunning, end_leftovers, supervise

_DEADLINE_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 45.0
_START_SECONDS: Final = 10.0

Echo = Callable[[str], None]


@dataclass(frozen=True)
class ServiceStatus:
    """One service: state is starting, healthy, unhealthy or stopped; pid is null when it has no process."""

    name: str
    pid: int | None
    state: str
    port: int | None


@dataclass(frozen=True)
class Status:
    """What of a stack runs, and where; the addresses are empty when none was ever started in its directory."""

    bootstrap_servers: str
    clickhouse_dsn: str
    schema_registry_url: str
    services: tuple[ServiceStatus, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the status as `langtrail status --json` prints it."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "clickhouse_dsn": self.clickhouse_dsn,
            "schema_registry_url": self.schema_registry_url,
            "services": [vars(service) for service in self.services],
        }


def up(
    directory: Path,
    *,
    detach: bool,
    echo: Echo,
    only: tuple[str, ...] = SERVICES,
    ports: Mapping[str, int] | None = None,
    deadline_seconds: float = _DEADLINE_SECONDS,
) -> int:
    """Start the stack of a directory and return the exit status, 0. `echo` is told a line for each change of health.

    In the foreground it runs until SIGINT or SIGTERM; detached it returns when all is healthy. When the stack runs already it
    says so and succeeds. `only` names services to start, `ports` asks for ports by name (stack_files.PORTS).
    Raises CannotRun, in one sentence, when it cannot start or is not healthy in time; nothing is left running then.
    """
    directory = directory.resolve()
    make_directory(directory)
    if "kafka" in only and not is_downloaded():
        echo("downloading Apache Kafka from Maven Central (45 MB), this once")
        class_path()
    try:
        if detach:
            _detached(directory, only, ports or {}, echo, deadline_seconds)
        else:
            supervise(directory, only=only, ports=ports or {}, echo=echo)
    except AlreadyRunning as error:
        echo(str(error))
    return 0


def down(directory: Path) -> bool:
    """Stop the stack of a directory; its data stays. Return whether there was something to stop; safe to call again.

    Raises StackError when it cannot be stopped.
    """
    directory = directory.resolve()
    if not directory.is_dir():
        return False
    supervised = is_supervised(directory)
    if supervised:
        _end_supervisor(directory)
    end_leftovers(directory)
    return supervised


def status(directory: Path) -> Status:
    """Return what of the stack in a directory runs. Raises StackError when stack.json cannot be read."""
    directory = directory.resolve()
    state = read_state(directory)
    if state is None:
        return Status("", "", "", tuple(ServiceStatus(name, None, "stopped", None) for name in SERVICES))
    runs = is_supervised(directory)
    told = variables(directory, state)
    return Status(
        told["LANGTRAIL_BOOTSTRAP_SERVERS"],
        told["LANGTRAIL_CLICKHOUSE_DSN"],
        told["LANGTRAIL_SCHEMA_REGISTRY_URL"],
        tuple(_service_status(name, state, runs) for name in SERVICES),
    )


def environment(directory: Path) -> dict[str, str]:
    """Return all that a producer and a client of the stack need, by variable, never a private key.

    Raises StackError when no stack was ever started in the directory.
    """
    directory = directory.resolve()
    state = read_state(directory)
    if state is None:
        raise StackError(f"there is no stack in {directory}; start one with: langtrail up --dir {directory}")
    return variables(directory, state)


def _service_status(name: str, state: StackState, runs: bool) -> ServiceStatus:
    found = next((service for service in state.services if service.name == name), None)
    if found is None or not runs:
        return ServiceStatus(name, None, "stopped", state.ports.get(name))
    return ServiceStatus(name, found.process.pid if found.process else None, found.state, found.port)


def _detached(directory: Path, only: tuple[str, ...], ports: Mapping[str, int], echo: Echo, seconds: float) -> None:
    process = None
    if is_supervised(directory):
        echo(f"the stack in {directory} is running already")
    else:
        process = _spawn(directory, only, ports)

    def is_decided() -> bool:
        gone = process is not None and process.poll() not in (None, ALREADY_RUNNING)  # another `up` may have been faster
        return gone or _healthy(directory, only)

    wait_for(is_decided, seconds)
    if process is not None and process.poll() not in (None, ALREADY_RUNNING):
        raise StackError("\n".join(last_lines(_log(directory), 1)) or f"the supervisor ended with status {process.returncode}")
    already = process is None or process.returncode == ALREADY_RUNNING
    if process is not None:
        process.returncode = 0  # it is meant to outlive us; subprocess warns of children that are forgotten while they run
    if not _healthy(directory, only):
        reason = _reason(directory, only, seconds)
        if not already:
            down(directory)
        raise StackError(reason)
    for service in status(directory).services:
        if service.name in only:
            echo(f"{service.name:<10} {service.state:<10} port {service.port}, pid {service.pid}")


def _spawn(directory: Path, only: tuple[str, ...], ports: Mapping[str, int]) -> subprocess.Popen[bytes]:
    log = _log(directory)
    rotate(log)
    asked = [word for name, port in ports.items() for word in ("--port", name, str(port))]
    argv = [sys.executable, "-m", "langtrail.deploy.supervisor", str(directory), *asked, "--only", *only]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own supervisor
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def _healthy(directory: Path, only: tuple[str, ...]) -> bool:
    state = read_state(directory)
    healthy = [service.name for service in status(directory).services if service.state == "healthy"]
    return state is not None and state.prepared and set(only) <= set(healthy)


def _reason(directory: Path, only: tuple[str, ...], seconds: float) -> str:
    """Return in one sentence, and the end of a log, what is not healthy."""
    state = read_state(directory)
    late = [s for s in (state.services if state else ()) if s.name in only and s.state != "healthy"]
    if not late:
        return f"the stack did not start within {seconds:.0f} s; its log is {_log(directory)}"
    said = "".join(f"\n    {line}" for line in last_lines(logs(directory) / f"{late[0].name}.log"))
    why = late[0].message or f"{late[0].name} is not healthy after {seconds:.0f} s"
    return f"{why}; its log {logs(directory) / late[0].name}.log ends with:{said}" if said else why


def _end_supervisor(directory: Path) -> None:
    def found() -> psutil.Process | None:
        state = read_state(directory)
        return state.supervisor.running() if state and state.supervisor else None

    # It has the lock before it writes its id: until then the file names the last one.
    wait_for(lambda: found() is not None or not is_supervised(directory), _START_SECONDS)
    if process := found():
        stop_all([process], _STOP_SECONDS)
    if is_supervised(directory):
        raise StackError(f"the stack in {directory} does not stop; its log is {_log(directory)}")


def _log(directory: Path) -> Path:
    return logs(directory) / "supervisor.log"
