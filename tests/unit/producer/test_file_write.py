"""Writes to a file: like os.write, and so that a disk that stalls holds up nobody but who writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from langtrail.producer.file_write import write

SLOW_THEN_SHARED = """
import os, subprocess, sys, threading
from langtrail.producer.file_write import write

more_than_a_pipe_holds = bytes(1 << 20)
slow = subprocess.Popen(["sh", "-c", "sleep 0.2; cat > /dev/null"], stdin=subprocess.PIPE)
print(write(slow.stdin.fileno(), more_than_a_pipe_holds))

receive, send = os.pipe()
def read():
    while os.read(receive, 1 << 16):
        pass
reader = threading.Thread(target=read)
reader.start()
print(write(send, more_than_a_pipe_holds))
os.close(send)
reader.join()
slow.stdin.close()
slow.wait()
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


def test_after_a_slow_write_other_threads_run_during_the_next() -> None:
    """A write that only a thread of the same process can bring to an end comes to one: it does not hold the interpreter."""
    ended = subprocess.run([sys.executable, "-c", SLOW_THEN_SHARED], check=True, timeout=60, capture_output=True, text=True)
    assert ended.stdout.split() == [str(1 << 20)] * 2


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
