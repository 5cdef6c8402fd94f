"""The process behind `langtrail up`: it starts the services in order, watches over them, and stops them in order.

`python -m langtrail.deploy.supervisor DIRECTORY` is the same in the background, with its output in logs/supervisor.log.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from .errors import CannotRun
from .process import StackError, stop_all, without_proxy
from .registry_server import serving
from .stack_files import logs, make_directory, prepare
from .stack_services import PIPELINE, SERVERS, SERVICES, environment, services
from .stack_state import Process, StackState, locked, read_state, write_state
from .supervised import Supervised

ALREADY_RUNNING: Final = 3
"""Exit status of a supervisor that found another one."""
_POLL_SECONDS: Final = 0.05

Echo = Callable[[str], None]


class AlreadyRunning(StackError):
    """Another supervisor runs for this directory."""


class Supervisor:
    """Runs the services of one directory. Belongs to the thread that made it."""

    def __init__(self, directory: Path, state: StackState, only: tuple[str, ...], echo: Echo) -> None:
        self._directory = directory
        self._echo = echo
        self._state = replace(state, supervisor=Process.of(os.getpid()))
        self._unwritten = ""
        made = services(directory, state, only)
        self._supervised = {name: Supervised(service, logs(directory)) for name, service in made.items()}
        self._ended = False
        self._publish()

    def end(self, *_signal: object) -> None:
        """Make `run` return soon: a handler of signals."""
        self._ended = True

    def run(self) -> None:
        """Start the services and watch over them until `end`; then stop them. Raises CannotRun when they cannot start."""
        try:
            for name in SERVERS:
                self._start(name)
            load_modules()
            while not self._ended:
                self._watch()
                if not self._state.prepared and self._healthy(SERVERS):
                    self._try_to_prepare()
                time.sleep(_POLL_SECONDS)
        finally:
            self._stop()

    def _start(self, name: str) -> None:
        if name in self._supervised:
            self._supervised[name].start()
            self._publish()

    def _watch(self) -> None:
        before = [supervised.state for supervised in self._supervised.values()]
        for supervised in self._supervised.values():
            if sentence := supervised.watch():
                self._echo(sentence)
        if before != [supervised.state for supervised in self._supervised.values()]:
            self._publish()

    def _healthy(self, names: tuple[str, ...]) -> bool:
        return all(self._supervised[name].state.state == "healthy" for name in names if name in self._supervised)

    def _try_to_prepare(self) -> None:
        try:
            self._prepare()
        except CannotRun:
            self._watch()
            if self._healthy(SERVERS):
                raise
            # A server died meanwhile: it is started again, and then this is tried again.

    def _prepare(self) -> None:
        """Create topics and tables, then start what reads and writes them."""
        told = environment(self._directory, self._state)
        if "kafka" in self._supervised:
            from .topics import create_topics  # noqa: PLC0415 - loaded while the servers started

            create_topics(told["LANGTRAIL_BOOTSTRAP_SERVERS"], warn=self._echo)
        if "clickhouse" in self._supervised:
            from .migrate import migrate  # noqa: PLC0415 - as above

            migrate(told["LANGTRAIL_CLICKHOUSE_DSN"])
        self._state = replace(self._state, prepared=True)
        self._publish()
        for name in PIPELINE:
            self._start(name)

    def _stop(self) -> None:
        """Stop readers and writers first: each pair at once, so that neither waits for the other."""
        for names in (PIPELINE, SERVERS):
            for name in names:
                if name in self._supervised:
                    self._supervised[name].ask_to_end()
            for name in names:
                if name in self._supervised:
                    self._supervised[name].stop()
        self._publish()

    def _publish(self) -> None:
        states = tuple(supervised.state for supervised in self._supervised.values())
        try:
            write_state(self._directory, replace(self._state, services=states))
            self._unwritten = ""
        except StackError as error:  # the services are worth more than the file that describes them
            if str(error) != self._unwritten:
                self._echo(str(error))
            self._unwritten = str(error)


def supervise(directory: Path, *, only: tuple[str, ...], ports: Mapping[str, int], echo: Echo) -> None:
    """Run the stack of a directory until SIGINT or SIGTERM. Call it from the main thread.

    Raises AlreadyRunning when it runs already, CannotRun when it cannot start; nothing is left running then.
    """
    make_directory(directory)
    os.environ.update(without_proxy(os.environ))  # the children's too
    with locked(directory) as ours:
        if not ours:
            raise AlreadyRunning(f"the stack in {directory} is running already")
        end_leftovers(directory)
        state = prepare(directory, ports)
        with serving(state.ports["schema_registry"]):
            supervisor = Supervisor(directory, state, only, echo)
            with _signals(supervisor.end):
                supervisor.run()


def load_modules() -> None:
    """Load what will be needed when the servers are up, while they start."""
    from . import migrate, topics  # noqa: F401, PLC0415 - for its effect


def end_leftovers(directory: Path) -> None:
    """End services that outlived their supervisor; a process that merely has the same id is left alone."""
    state = read_state(directory)
    stop_all([process for s in state.services if s.process and (process := s.process.running())] if state else [])


@contextmanager
def _signals(handler: Callable[..., None]) -> Iterator[None]:
    names = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(name, handler) for name in names]
    try:
        yield
    finally:
        for name, old in zip(names, before, strict=True):
            signal.signal(name, old)


def main(argv: list[str]) -> None:
    """Run in the background of `langtrail up --detach`. The last line that is printed says why it could not."""
    parser = argparse.ArgumentParser(prog="python -m langtrail.deploy.supervisor", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", nargs="+", default=SERVICES, choices=SERVICES, help="services to run")
    parser.add_argument("--port", nargs=2, action="append", default=[], metavar=("NAME", "PORT"), help="a port to use")
    given = parser.parse_args(argv)
    ports = {name: int(port) for name, port in given.port}
    supervise(given.directory, only=tuple(given.only), ports=ports, echo=_say)


def _say(sentence: str) -> None:
    with suppress(OSError):  # the disk of the log is full: what was to be said matters less than the services
        print(time.strftime("%Y-%m-%d %H:%M:%S"), sentence, flush=True)  # noqa: T201 - the output is the log


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except AlreadyRunning:
        sys.exit(ALREADY_RUNNING)
    except CannotRun as error:
        sys.exit(str(error))
