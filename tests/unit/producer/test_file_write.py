"""Writes to a file: like os.write, and so that a disk that goes on stalling holds up nobody but who writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from langtrail.producer.file_write import write

READ_BY_OURSELVES = """
import os, subprocess, sys, threading
from langtrail.producer.file_write import write

more_than_a_pipe_holds = bytes(int(sys.argv[1]))
if sys.argv[2] == "slow before":
    slow = subprocess.Popen(["sh", "-c", "sleep 0.2; cat > /dev/null"], stdin=subprocess.PIPE)
    write(slow.stdin.fileno(), more_than_a_pipe_holds)
    slow.stdin.close()
    slow.wait()

receive, send = os.pipe()
def read():
    while os.read(receive, 1 << 12):
        pass
reader = threading.Thread(target=read)
reader.start()
print(write(send, more_than_a_pipe_holds))
os.close(send)
reader.join()
"""


def test_it_appends_and_says_how_much(tmp_path: Path) -> None:
    """Zeros are bytes like others."""
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    assert [write(descriptor, data) for data in (b"ab\0c", b"", b"d" * 100_000)] == [4, 0, 100_000]
    os.close(descriptor)
    assert path.read_bytes() == b"ab\0c" + b"d" * 100_000


def test_what_cannot_be_written_raises_as_ever(tmp_path: Path) -> None:
    """The error says what is wrong."""
    path = tmp_path / "file"
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        write(descriptor, b"a")
    os.close(descriptor)


@pytest.mark.parametrize(("size", "before"), [(100_000, "slow before"), (1_000_000, "none before")])
def test_a_write_that_may_take_long_lets_other_threads_run(size: int, before: str) -> None:
    """Into a pipe that only a thread of the same process reads it comes to an end: after a slow one, and when it is long."""
    command = [sys.executable, "-c", READ_BY_OURSELVES, str(size), before]
    ended = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert ended.stdout == f"{size}\n"


def test_a_python_without_ctypes_writes_as_well(tmp_path: Path) -> None:
    """Not every build of Python has it."""
    code = f"""if True:
        import sys
        sys.modules["_ctypes"] = None
        from langtrail.producer.file_write import write
        with open({str(tmp_path / "file")!r}, "wb") as file:
            print(write(file.fileno(), b"abc"))
    """
    ended = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert (ended.stdout, (tmp_path / "file").read_bytes()) == ("3\n", b"abc")
