"""Run a command that never outlives the process which started it: `python child.py PARENT_PID COMMAND…`.

A script, not a module: started as `python -I -S child.py` it costs a few milliseconds and imports nothing of langtrail.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def main() -> None:
    """Run the command. On Linux the kernel kills it with the parent's thread; elsewhere this process watches the parent."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew whom to watch
            sys.exit(1)
        os.execvp(command[0], command)  # noqa: S606 - the command is the caller's own
    sys.exit(_watch(parent, command))


def _watch(parent: int, command: list[str]) -> int:
    process = subprocess.Popen(command)  # noqa: S603 - the command is the caller's own
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while process.poll() is None:
        if os.getppid() != parent:
            process.kill()
        time.sleep(POLL_SECONDS)
    return process.returncode


if __name__ == "__main__":
    main()
