"""The demo's story: runs the sample applications as a user's programs run, kills one of them, and knows what they did."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from .process import StackError, last_lines, spawn, stop, wait_for

KILLED: Final = "archive-job"
BESIDE_IT: Final = ("crm-sync", "refund-agent")
AFTERWARDS: Final = ("support-chat", "quarterly-report")
"""They start once the process is dead: one of them finds its spool, and ships what is left in it."""

APPLICATIONS: Final = (*BESIDE_IT, *AFTERWARDS, KILLED)

_OF_THE_KILLED: Final = {"LANGTRAIL_HEARTBEAT_SECONDS": "1"}
"""It says every second that it lives, so that a few seconds of silence mean something."""
_SECONDS: Final = 60
_QUIET: Final = {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}


class Callback(NamedTuple):
    """One callback, as an application's own recorder saw it."""

    run_id: str
    event_type: str


def run_story(directory: Path, variables: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Run all applications in `directory`, with the variables of a local stack; `tell` is told what happens.

    Raises StackError, with the last lines of its log, when an application fails.
    """
    with ExitStack() as ends:
        tell("a job that nobody remembers, a chat, two agents and a report")
        killed = _start(KILLED, directory, variables, ends)
        beside = {name: _start(name, directory, variables, ends) for name in BESIDE_IT}
        wait_for(lambda: _has_ended(killed)() or _is_inside_tool(directory), _SECONDS)
        if _has_ended(killed)() or not _is_inside_tool(directory):
            raise _failure(KILLED, directory)
        tell(f"kill -9 of {KILLED}, in the middle of its tool")
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        afterwards = {name: _start(name, directory, variables, ends) for name in AFTERWARDS}
        _finish({**beside, **afterwards}, directory, tell)


def callbacks(directory: Path, application: str) -> list[Callback]:
    """Return what the recorder of an application saw, in order."""
    path = directory / f"{application}.callbacks"
    if not path.exists():
        return []
    return [Callback(**json.loads(line)) for line in path.read_text().splitlines()]


def _start(name: str, directory: Path, variables: Mapping[str, str], ends: ExitStack) -> subprocess.Popen[bytes]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("LANGTRAIL_")}
    environ = {**own, **variables, **_QUIET, "LANGTRAIL_APP": name, "LANGTRAIL_ENVIRONMENT": "demo"}
    environ |= _OF_THE_KILLED if name == KILLED else {}
    argv = (sys.executable, "-m", "langtrail.deploy.demo_app", name, str(directory))
    process = spawn(argv, directory / f"{name}.log", environ)
    ends.callback(stop, process, 5)
    return process


def _is_inside_tool(directory: Path) -> bool:
    return any(seen.event_type == "tool_start" for seen in callbacks(directory, KILLED))


def _finish(processes: Mapping[str, "subprocess.Popen[bytes]"], directory: Path, tell: Callable[[str], None]) -> None:
    """Wait until all have ended well. Raises StackError for the first that has not."""
    deadline = time.monotonic() + _SECONDS
    for name, process in processes.items():
        tell(f"waiting for {name} to end")
        if not wait_for(_has_ended(process), deadline - time.monotonic()) or process.returncode:
            raise _failure(name, directory)


def _has_ended(process: "subprocess.Popen[bytes]") -> Callable[[], bool]:
    return lambda: process.poll() is not None


def _failure(name: str, directory: Path) -> StackError:
    said = "\n".join(last_lines(directory / f"{name}.log"))
    return StackError(f"the sample application {name} failed; its log ends with:\n{said}")
