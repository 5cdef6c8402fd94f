"""What Python itself tells of effects: its audit events, read by one hook that is put in when it is first needed."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .effect import Effect, Record
from .effect_http import watch_request
from .effect_sql import opened_otherwise
from .scrub import SECRET, is_secret_name

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_LOOKUP_SECONDS = 5.0
_SPAWN_SECONDS = 1.0


class _Hook:
    """Python keeps an audit hook for ever: this one can at least be silent."""

    added = False
    record: Record | None = None
    spool = ""


class _Local(threading.local):
    """What this thread told last: the host it looked up, since a connection only tells the address; the program it starts."""

    host = ""
    port: Any = None
    until = 0.0
    program = ""
    program_until = 0.0


_local = _Local()


def watch(record: Record, spool: str = "") -> None:
    """Hand effects to `record` from now on."""
    _Hook.record, _Hook.spool = record, spool
    if not _Hook.added:
        _Hook.added = True
        sys.addaudithook(_hook)


def silence() -> None:
    """Hand over no more effects."""
    _Hook.record = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    reader = _READERS.get(event)
    record = _Hook.record
    if reader is None or record is None:
        return
    with suppress(Exception):  # what an audit hook raises would end the application's own operation
        reader(record, args)


def _connect(record: Record, args: tuple[Any, ...]) -> None:
    address = args[1]
    if isinstance(address, tuple) and len(address) >= 2:
        host, port = str(address[0]), address[1]
        named = _local.host if port == _local.port and time.monotonic() < _local.until else ""
        resource = f"{named or host}:{port}"
        record(Effect("connection", "connect", "external", resource, {"address": host, "host": named or host, "port": port}))
    elif isinstance(address, (str, bytes)):
        path = os.fsdecode(address)
        record(Effect("connection", "connect", "external", path, {"path": path}))


def _looked_up(_: Record, args: tuple[Any, ...]) -> None:
    host = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else args[0]
    _local.host, _local.port, _local.until = str(host or ""), args[1], time.monotonic() + _LOOKUP_SECONDS


def _program(record: Record, args: tuple[Any, ...]) -> None:
    executable, given = args[0], args[1] if len(args) > 1 else ()
    parts = [given] if isinstance(given, (str, bytes)) else list(given or ())
    words = without_secrets([os.fsdecode(part) if isinstance(part, (str, bytes, os.PathLike)) else str(part) for part in parts])
    name = os.fsdecode(executable or (parts[0] if parts else "unknown"))
    record(Effect("process", "start", "external", Path(name.split(" ", 1)[0]).name, {"executable": name, "arguments": words}))


def _shell(record: Record, args: tuple[Any, ...]) -> None:
    _program(record, ("sh", ["sh", "-c", os.fsdecode(args[0])]))


def _started(record: Record, args: tuple[Any, ...]) -> None:
    _program(record, args)
    _local.program, _local.program_until = Path(os.fsdecode(args[0])).name, time.monotonic() + _SPAWN_SECONDS


def _spawned(record: Record, args: tuple[Any, ...]) -> None:
    path, given = (args[1], args[2]) if isinstance(args[0], int) else (args[0], args[1])
    if Path(os.fsdecode(path)).name != _local.program or time.monotonic() >= _local.program_until:
        _program(record, (path, given))  # else subprocess told it already
    _local.program = ""


def _opened(record: Record, args: tuple[Any, ...]) -> None:
    path, mode, flags = args
    writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITES)
    if writes and isinstance(path, (str, bytes, os.PathLike)):
        _file(record, "write", "write", path)


def _removed(record: Record, args: tuple[Any, ...]) -> None:
    _file(record, "delete", "delete", args[0])


def _renamed(record: Record, args: tuple[Any, ...]) -> None:
    _file(record, "rename", "write", args[0], to=os.fsdecode(args[1]))


def _file(record: Record, operation: str, effect: str, path: Any, **more: str) -> None:
    text = os.fsdecode(path)
    if "__pycache__" in text or text.startswith(("/dev/", "/proc/")) or (_Hook.spool and text.startswith(_Hook.spool)):
        return
    record(Effect("file", operation, effect, text, {"path": text, **more}))


def _mail(record: Record, args: tuple[Any, ...]) -> None:
    record(Effect("mail", "connect", "external", f"{args[1]}:{args[2]}", {"host": str(args[1]), "port": args[2]}))


def without_secrets(words: list[str]) -> list[str]:
    """Return a command line without what follows an option that names a secret."""
    found: list[str] = []
    hide_next = False
    for word in words:
        option, equals, _ = word.partition("=")
        secret = word.startswith("-") and is_secret_name(option.lstrip("-"))
        found.append(SECRET if hide_next else f"{option}={SECRET}" if secret and equals else word)
        hide_next = secret and not equals
    return found


_READERS: dict[str, Callable[[Record, tuple[Any, ...]], None]] = {
    "socket.connect": _connect,
    "socket.getaddrinfo": _looked_up,
    "http.client.send": lambda record, args: watch_request(record, *args[:2]),
    "sqlite3.connect": lambda record, args: opened_otherwise(record, args[0]),
    "subprocess.Popen": _started,
    "os.system": _shell,
    "os.posix_spawn": _spawned,
    "os.spawn": _spawned,
    "os.exec": _spawned,
    "open": _opened,
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.truncate": lambda record, args: _file(record, "truncate", "delete", args[0]) if not isinstance(args[0], int) else None,
    "os.rename": _renamed,
    "shutil.rmtree": _removed,
    "smtplib.connect": _mail,
    "ftplib.connect": _mail,
    "imaplib.open": _mail,
    "poplib.connect": _mail,
}
"""What each audit event tells; https://docs.python.org/3/library/audit_events.html has its arguments."""
