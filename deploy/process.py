"""Processes, ports and log files: what the local stack needs of the operating system."""

import errno
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # it has no type hints

from .errors import CannotRun

LOOPBACK: Final = "127.0.0.1"
_CHILD = Path(__file__).with_name("child.py")
_POLL_SECONDS = 0.05
_FULL_BYTES = 4 * 1024 * 1024


class StackError(CannotRun):
    """The local stack cannot do what was asked; the text is one sentence that says what to do."""


def free_port() -> int:
    """Return a TCP port that nothing listens on at loopback."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed connection's remains do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def listening(port: int) -> bool:
    """Say whether something accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def answers_ok(port: int, path: str) -> bool:
    """Say whether a server on this port of loopback answers a GET with 200 within two seconds; no proxy is asked."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def without_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep HTTP clients from asking a proxy for servers on loopback."""
    names = ("no_proxy", "NO_PROXY")
    listed = ",".join(filter(None, [next(filter(None, map(environ.get, names)), ""), LOOPBACK, "localhost"]))
    return dict.fromkeys(names, listed)


def bound_to_us(argv: Sequence[str]) -> list[str]:
    """Return the command that runs another one, and ends it when the calling thread is gone, even when that is killed."""
    return [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), *argv]


def spawn(argv: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command that dies with the calling thread, even when that is killed; its output is appended to `log`.

    It runs in a session of its own, so that Ctrl-C reaches the caller alone, who then stops things in order.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the command is the caller's own
            bound_to_us(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, start_new_session=True
        )


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a child to end (SIGTERM); after `seconds` end it (SIGKILL). Returns when it is gone."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it has not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def rotate(log: Path) -> None:
    """Keep a log as NAME.1 and begin it anew, under the eyes of a process that goes on appending to it.

    On a full disk it is not kept: the room is needed for what is said next.
    """
    if log.exists() and log.stat().st_size:
        kept = log.with_name(log.name + ".1")
        try:
            shutil.copyfile(log, kept)
        except OSError as error:
            if not is_disk_full(error):
                raise
            kept.unlink(missing_ok=True)
        os.truncate(log, 0)


def last_lines(log: Path, count: int = 10) -> list[str]:
    """Return the last lines of a log, empty when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-count:]


def stop_all(processes: Sequence[psutil.Process], seconds: float = 10) -> None:
    """End processes that may be no children of this one: SIGTERM, after `seconds` SIGKILL. Returns when they are gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, seconds)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, seconds)


def has_full_disk(directory: Path) -> bool:
    """Say whether next to nothing can be written in a directory any more."""
    return shutil.disk_usage(directory).free < _FULL_BYTES


def is_disk_full(error: OSError) -> bool:
    """Say whether an operating system error means that the disk or the quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
