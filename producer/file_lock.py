"""A lock on a file that ends with the process that holds it, however it ends, and that a forked child does not inherit."""

import fcntl
import os
import threading
from pathlib import Path

from .descriptors import close

_held: dict[int, os.stat_result] = {}
_table = threading.RLock()


def lock_file(path: Path) -> int | None:
    """Lock a file, made when missing, and return its descriptor; None when a living process has it, or its directory is gone.

    Raises OSError when the file system does not let us.
    """
    with _table:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed it between our open and our lock: then it guards nothing any more.
            if os.path.samestat(file := os.fstat(descriptor), path.stat()):
                _held[descriptor] = file
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None


def unlock_file(descriptor: int) -> None:
    """Let go of a lock. Does nothing in a forked child, which never had it."""
    with _table:
        file = _held.pop(descriptor, None)
        if file is not None:
            close(descriptor, file)


def forget_threads() -> None:
    """While the interpreter finalises: another thread may have been stopped with the table in its hands."""
    global _table  # noqa: PLW0603 - as said
    _table = threading.RLock()


def _let_go_in_child() -> None:
    """Close all that was inherited: a child's copy of a descriptor would keep the lock for as long as the child lives."""
    for descriptor, file in _held.items():
        close(descriptor, file)
    _held.clear()
    _table.release()


# The table is held during a fork, so that the child sees each lock either in it or not taken.
os.register_at_fork(
    before=lambda: _table.acquire(),  # noqa: PLW0108 - it may be another table by then
    after_in_parent=lambda: _table.release(),  # noqa: PLW0108 - as said
    after_in_child=_let_go_in_child,
)
