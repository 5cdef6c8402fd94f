"""stack.json, the lock and the files of a stack: what is kept, for whom, and what is said when it is broken."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from langtrail.deploy import stack
from langtrail.deploy.process import StackError, last_lines, rotate, without_proxy
from langtrail.deploy.stack_files import PORTS, make_directory, prepare, private_key_file
from langtrail.deploy.stack_services import environment
from langtrail.deploy.stack_state import Process, ServiceState, StackState, is_supervised, locked, read_state, write_state
from langtrail.schemas import public_key_of


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the directory of a stack that was never started."""
    make_directory(tmp_path / "stack")
    return tmp_path / "stack"


def test_what_is_written_is_read(directory: Path) -> None:
    """Every field of the state survives the file."""
    service = ServiceState("kafka", "healthy", 9092, Process(12, 3.5), "said")
    state = StackState({"kafka": 9092}, "secret", "key", Process(11, 2.5), (service,), prepared=True)
    write_state(directory, state)
    assert read_state(directory) == state


def test_secrets_are_for_the_owner_alone(directory: Path) -> None:
    """The directory is 0700; the files with the password and the private key are 0600."""
    write_state(directory, prepare(directory, {}))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "stack.json", private_key_file(directory))]
    assert modes == [0o700, 0o600, 0o600]


def test_ports_password_and_key_are_kept(directory: Path) -> None:
    """A second start has the ports, the password and the key of the first."""
    first = prepare(directory, {})
    write_state(directory, first)
    assert prepare(directory, {}) == first
    assert len(set(first.ports.values())) == len(PORTS)


def test_the_private_key_is_never_told(directory: Path) -> None:
    """The public key is that of the file; neither key nor file of the private one is in the environment."""
    state = prepare(directory, {})
    key = private_key_file(directory).read_text().splitlines()[-1]
    told = environment(directory, state)
    assert told["LANGTRAIL_PUBLIC_KEY"] == public_key_of(key)
    assert not any(key in value or private_key_file(directory).name in value for value in told.values())


def test_a_broken_state_is_said_in_one_sentence(directory: Path) -> None:
    """A file that langtrail did not write is named, with what to do."""
    (directory / "stack.json").write_text('{"services": 1}')
    with pytest.raises(StackError, match="is not what langtrail wrote; remove it"):
        stack.status(directory)


def test_an_empty_key_file_is_not_overwritten(directory: Path) -> None:
    """A lost key is said, not replaced: old events could never be opened again."""
    private_key_file(directory).write_text("# empty\n")
    with pytest.raises(StackError, match="holds no key"):
        prepare(directory, {})


def test_the_lock_is_one_supervisors(directory: Path) -> None:
    """Who holds the lock is the supervisor; a second one does not get it, and it is free again afterwards."""
    assert not is_supervised(directory)
    with locked(directory) as ours:
        assert ours
        assert is_supervised(directory)
        with locked(directory, seconds=0) as second:
            assert not second
    assert not is_supervised(directory)


def test_a_reused_process_id_is_not_taken_for_the_old_process() -> None:
    """A process is known by its id and its start."""
    mine = Process.of(os.getpid())
    assert mine.running() is not None
    assert replace(mine, started_at=mine.started_at - 60).running() is None
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pid = ended.pid
    assert Process(pid, mine.started_at).running() is None


def test_a_stack_that_never_ran_is_stopped(tmp_path: Path) -> None:
    """Status and down work before the first start; the environment says what to do."""
    status = stack.status(tmp_path / "none").as_json()
    assert [service["state"] for service in status["services"]] == ["stopped"] * 5
    assert [service["name"] for service in status["services"]] == ["kafka", "clickhouse", "worker", "sink", "watch"]
    assert stack.down(tmp_path / "none") is False
    with pytest.raises(StackError, match="langtrail up"):
        stack.environment(tmp_path / "none")


def test_a_log_begins_anew_and_the_last_one_is_kept(tmp_path: Path) -> None:
    """A process that has the log open goes on writing at its new beginning."""
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"first\n\n")
        rotate(log)
        writer.write(b"second\n")
    assert (log.read_text(), (tmp_path / "x.log.1").read_text()) == ("second\n", "first\n\n")
    assert last_lines(tmp_path / "x.log.1", 5) == ["first"]
    assert last_lines(tmp_path / "none.log") == []


def test_no_proxy_is_asked_for_loopback() -> None:
    """What the user excepted stays excepted."""
    assert without_proxy({"no_proxy": "corp"}) == {
        "no_proxy": "corp,127.0.0.1,localhost",
        "NO_PROXY": "corp,127.0.0.1,localhost",
    }
    assert without_proxy({})["NO_PROXY"] == "127.0.0.1,localhost"
