"""Which stream came before this one: the newest of the same application on the same machine, also once it is gone.

The file `last-APP` in the spool is read and replaced under a lock, so that every stream but the first names exactly one: the
streams of an application are linked in the order of their opening, and one that vanished as a whole is missed.
"""

import json
import os
import socket
import time
from pathlib import Path
from urllib.parse import quote

from .file_lock import lock_file, unlock_file
from .spool import StreamFiles, is_stream_id

_MAX_BYTES = 1024
_TRIES, _TRY_AGAIN_SECONDS = 20, 0.001


def take_turn(spool: Path, app: str, stream_id: str) -> str | None:
    """Note that `stream_id` is the newest stream, and return the one before it; None when it is not known."""
    path, host = spool / f"last-{quote(app, safe='')[:200]}", socket.gethostname()
    for _ in range(_TRIES):
        descriptor = lock_file(path)
        if descriptor is not None:
            break
        time.sleep(_TRY_AGAIN_SECONDS)
    else:
        return None
    try:
        known = _read(descriptor)
        os.pwrite(descriptor, json.dumps({"stream_id": stream_id, "host": host}).ljust(_MAX_BYTES // 2).encode(), 0)
    except OSError:
        return None
    finally:
        unlock_file(descriptor)
    return known["stream_id"] if known.get("host") == host and is_stream_id(known.get("stream_id", "")) else None


def is_gone(spool: Path, stream_id: str) -> bool:
    """Tell whether the process of a stream is surely gone: its files are there, and nobody holds their lock."""
    files = StreamFiles(spool / stream_id)
    try:
        if not files.segments() or not files.lock():
            return False
    except OSError:
        return False
    files.unlock()
    return True


def _read(descriptor: int) -> dict[str, str]:
    try:
        known = json.loads(os.pread(descriptor, _MAX_BYTES, 0))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in known.items()} if isinstance(known, dict) else {}
