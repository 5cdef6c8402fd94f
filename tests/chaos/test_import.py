"""`langtrail import DIR`: a spool is shipped as its processes would have shipped it, and what is wrong with it is said."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from langtrail.deploy.topics import create_topics

APPLICATIONS = Path(__file__).parent / "applications"
SCHEMAS = Path(__file__).parents[2] / "schemas" / "avro"
IMPORT = """
import sys, typer
from langtrail.deploy.command_import import import_
from langtrail.deploy.errors import CannotRun
try:
    typer.run(import_)
except CannotRun as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture(scope="module")
def broker(kafka_broker: str) -> str:
    """Return a broker that has the topics."""
    create_topics(kafka_broker)
    return kafka_broker


def record(spool: Path, name: str, *arguments: str) -> None:
    """Let an application record into a spool, without a broker."""
    environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": "", "LANGTRAIL_SPOOL_DIR": str(spool), "LANGTRAIL_APP": name}
    subprocess.run([sys.executable, str(APPLICATIONS / "delivered.py"), *arguments], env=environ, check=True, timeout=60)


def imported(broker: str, directory: Path, *options: str, status: int = 0) -> str:
    """Run the command; return what it printed."""
    environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": broker}
    command = [sys.executable, "-c", IMPORT, str(directory), *options]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False, cwd=directory.parent)
    assert done.returncode == status, done.stderr
    return done.stdout if status != 2 else done.stdout + done.stderr


def arrived(broker: str, name: str) -> dict[str, Any]:
    """Return what arrived, by stream; all of it has to be whole."""
    command = [sys.executable, str(APPLICATIONS / "raw_reader.py"), broker, str(SCHEMAS), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    streams: dict[str, Any] = json.loads(done.stdout)
    for stream in streams.values():
        judgements = ("conflicting", "broken_links", "missing", "out_of_order")
        assert {judgement: stream[judgement] for judgement in judgements} == {name: [] for name in judgements}
    return streams


def test_a_spool_is_shipped_and_removed(broker: str, tmp_path: Path, unique_name: str) -> None:
    """All streams in the order of their opening; the report names each, and a second import finds nothing."""
    for _ in range(2):
        record(tmp_path / "spool", unique_name, "without_flush", "20")
    report = json.loads(imported(broker, tmp_path / "spool", "--json"))
    assert [(s["state"], s["app"], s["shipped"], s["left"], s["lost"]) for s in report["streams"]] == [
        ("shipped", unique_name, 42, 0, []),
        ("shipped", unique_name, 42, 0, []),
    ]
    assert report["shipped"] == 84
    streams = arrived(broker, unique_name)
    assert list(streams) == [stream["stream_id"] for stream in report["streams"]]
    assert imported(broker, tmp_path / "spool") == "0 events shipped\n"


def test_a_copy_from_another_machine_is_shipped(broker: str, tmp_path: Path, unique_name: str) -> None:
    """Without its lock, under another name, and although the original was shipped meanwhile: the same bytes."""
    record(tmp_path / "spool", unique_name, "without_flush", "20")
    (stream,) = [path for path in (tmp_path / "spool").iterdir() if path.is_dir()]
    copy = tmp_path / "evidence" / "case 7" / "the stream"
    shutil.copytree(stream, copy, ignore=shutil.ignore_patterns("lock", "reserve"))
    imported(broker, tmp_path / "spool")
    assert stream.name in imported(broker, tmp_path / "evidence")
    (arrival,) = arrived(broker, unique_name).values()
    assert (len(arrival["events"]), arrival["copies"]) == (42, 84)
    assert not copy.exists()


def test_a_single_stream_is_shipped_by_its_directory(broker: str, tmp_path: Path, unique_name: str) -> None:
    """The other streams of the spool stay where they are."""
    for _ in range(2):
        record(tmp_path / "spool", unique_name, "without_flush", "1")
    one, other = sorted(path for path in (tmp_path / "spool").iterdir() if path.is_dir())
    imported(broker, one)
    assert not one.exists()
    assert other.exists()


def test_the_stream_of_a_living_process_is_left_alone(broker: str, tmp_path: Path, unique_name: str) -> None:
    """It is named with the process that has it; once that is dead the stream can be imported."""
    environ = {**os.environ, "LANGTRAIL_SPOOL_DIR": str(tmp_path / "spool"), "LANGTRAIL_APP": unique_name}
    command = [sys.executable, str(APPLICATIONS / "delivered.py"), "terminated"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        said = imported(broker, tmp_path / "spool")
        assert f"in use by process {process.pid}" in said
        process.send_signal(signal.SIGKILL)
    assert "2 shipped" in imported(broker, tmp_path / "spool")


def test_damage_is_reported(broker: str, tmp_path: Path, unique_name: str) -> None:
    """What is lost is named with its place, all else is shipped, and the exit status says that something was wrong."""
    record(tmp_path / "spool", unique_name, "without_flush", "20")
    (log,) = (tmp_path / "spool").rglob("*.log")
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    report = json.loads(imported(broker, tmp_path / "spool", "--json", status=1))
    (lost,) = report["streams"][0]["lost"]
    assert lost["first_seq"] == lost["last_seq"]
    assert lost["reason"].startswith("the spool was damaged at byte ")
    assert report["streams"][0]["state"] == "shipped"
    assert len(next(iter(arrived(broker, unique_name).values()))["events"]) == 42


def test_a_stream_that_nobody_can_ship_is_named_and_kept(broker: str, tmp_path: Path, unique_name: str) -> None:
    """Files without a word of whose they are; the streams beside it are shipped."""
    for _ in range(2):
        record(tmp_path / "spool", unique_name, "without_flush", "1")
    first, _ = sorted((tmp_path / "spool").rglob("*.log"))
    first.write_bytes(b"not a word")
    said = imported(broker, tmp_path / "spool", status=1)
    assert f"{first.parent.name}  - on -: cannot be shipped: none of its files says whose stream it is" in said
    assert first.exists()
    assert "4 events shipped" in said


def test_an_import_that_was_cut_off_goes_on(broker: str, tmp_path: Path, unique_name: str) -> None:
    """Killed in the middle, the next one ships the rest with the same bytes."""
    record(tmp_path / "spool", unique_name, "without_flush", "3000")
    environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": broker}
    with subprocess.Popen([sys.executable, "-c", IMPORT, str(tmp_path / "spool")], env=environ, cwd=tmp_path) as process:
        (stream,) = [path for path in (tmp_path / "spool").iterdir() if path.is_dir()]
        while process.poll() is None and not (stream / "acknowledged.json").exists():
            pass
        process.kill()
    imported(broker, tmp_path / "spool")
    (arrival,) = arrived(broker, unique_name).values()
    assert len(arrival["events"]) == 6002


def test_two_imports_at_once_share_the_streams(broker: str, tmp_path: Path, unique_name: str) -> None:
    """Each stream is shipped by one of them, once; what the other one has is named and is no fault."""
    for _ in range(2):
        record(tmp_path / "spool", unique_name, "without_flush", "100")
    environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": broker}
    command = [sys.executable, "-c", IMPORT, str(tmp_path / "spool"), "--json"]
    imports = [subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=60)[0]) for process in imports]
    assert [process.returncode for process in imports] == [0, 0]
    assert sum(report["shipped"] for report in reports) == 2 * 202
    streams = arrived(broker, unique_name)
    assert [stream["copies"] for stream in streams.values()] == [202] * 2
    assert not list((tmp_path / "spool").rglob("*.log"))


@pytest.mark.parametrize(
    ("servers", "directory", "sentence"),
    [
        ("", "spool", "LANGTRAIL_BOOTSTRAP_SERVERS is not set"),
        ("127.0.0.1:1", "nowhere", "there is no directory"),
        ("127.0.0.1:1", "spool", "Kafka at 127.0.0.1:1 took nothing for 1 s"),
    ],
)
def test_what_cannot_run_says_so(tmp_path: Path, unique_name: str, servers: str, directory: str, sentence: str) -> None:
    """Exit status 2, one sentence, and the spool stays as it was."""
    record(tmp_path / "spool", unique_name, "without_flush", "1")
    said = imported(servers, tmp_path / directory, "--timeout", "1", status=2)
    assert sentence in said
    assert len(list((tmp_path / "spool").rglob("*.log"))) == 1
