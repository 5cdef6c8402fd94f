"""Appends to a file as the threads of a busy application bear it best: quick writes keep the interpreter's lock.

os.write lets go of it. While another thread waits for the lock, as the sender does most of the time beside an application that
never pauses, each call then wakes that thread, which finds the lock taken again: 20 to 30 µs for a write of 3.
"""

import os
from time import monotonic_ns
from typing import Any, Final

_SMALL_BYTES: Final = 128 * 1024
"""What a disk that does not stall takes within some 50 µs."""
_SLOW_NS: Final = 1_000_000
_WARY_NS: Final = 1_000_000_000


def _keeping_lock() -> Any:
    """Return the C library's write, called without letting go of the lock; None where Python was built without ctypes."""
    try:
        from ctypes import PyDLL, c_char_p, c_int, c_size_t, c_ssize_t  # noqa: PLC0415 - as said
    except ImportError:
        return None
    function = PyDLL(None).write
    function.argtypes, function.restype = (c_int, c_char_p, c_size_t), c_ssize_t
    return function


_now_ns: Final = monotonic_ns
_write_keeping_lock: Final = _keeping_lock()
_wary_until_ns = 0


def write(descriptor: int, data: bytes) -> int:
    """Write to a file, as os.write does: return how many bytes it took. Raises OSError.

    A long write, and for a second those after one that took over 1 ms, let other threads run: nobody but who writes waits for a
    disk that goes on stalling.
    """
    global _wary_until_ns  # noqa: PLW0603 - what is known of the disk, whoever writes
    begun_ns = _now_ns()
    if begun_ns < _wary_until_ns or len(data) > _SMALL_BYTES or _write_keeping_lock is None:
        return os.write(descriptor, data)
    written: int = _write_keeping_lock(descriptor, data, len(data))
    ended_ns = _now_ns()
    if ended_ns - begun_ns > _SLOW_NS:
        _wary_until_ns = ended_ns + _WARY_NS
    return written if written >= 0 else os.write(descriptor, data)  # which says what is wrong
