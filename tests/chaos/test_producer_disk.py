"""Applications and a disk that is full, for a while or to the end: what cannot be kept is named, all else arrives."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, free_port, wait_for
from langtrail.deploy.service import running
from langtrail.deploy.topics import create_topics

APPLICATIONS = Path(__file__).parent / "applications"
SCHEMAS = Path(__file__).parents[2] / "schemas" / "avro"

AWAY = "127.0.0.1:1"

Streams = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a broker that has the topics."""
    directory = tmp_path_factory.mktemp("kafka")
    service = kafka_service(directory, free_port(), free_port())
    with running(service, directory):
        create_topics(f"{LOOPBACK}:{service.port}")
        yield f"{LOOPBACK}:{service.port}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """Return a command's beginning: what it runs finds a disk of 2 MiB at `tmp_path/disk`. Needs no root."""
    (tmp_path / "disk").mkdir()
    script = f"mount -t tmpfs -o size=2m none {tmp_path / 'disk'} && echo mounted && read end"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        pytest.skip("this system has no unshare")
    with holder:
        assert holder.stdout is not None
        if holder.stdout.readline() != "mounted\n":
            pytest.skip("this system does not let us mount a small disk")
        yield ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
        holder.communicate("end\n")


class Applications:
    """Starts applications that share a spool and a name. `disk` begins the command of those that find the small disk."""

    def __init__(self, spool: Path, name: str, disk: tuple[str, ...] = (), **variables: str) -> None:
        self._command = [*disk, sys.executable, str(APPLICATIONS / "delivered.py")]
        self._environ = {**os.environ, "LANGTRAIL_SPOOL_DIR": str(spool), "LANGTRAIL_APP": name, **variables}
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def start(self, servers: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one."""
        environ = {**self._environ, "LANGTRAIL_BOOTSTRAP_SERVERS": servers}
        pipe = subprocess.PIPE
        process = subprocess.Popen([*self._command, *arguments], env=environ, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        self._started.append(process)
        return process

    def finish(self, servers: str, *arguments: str) -> dict[str, Any]:
        """Run one to its end, and return what it said last."""
        process = self.start(servers, *arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        said: dict[str, Any] = json.loads(out.splitlines()[-1]) if out else {}
        return said


def do(process: subprocess.Popen[str], line: str) -> dict[str, Any]:
    """Let an application do something, and return what it says."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def arrived(servers: str, name: str) -> Streams:
    """Return what arrived, by stream: every number is there or named."""
    command = [sys.executable, str(APPLICATIONS / "raw_reader.py"), servers, str(SCHEMAS), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    streams: Streams = json.loads(done.stdout)
    for stream in streams.values():
        assert [stream[judgement] for judgement in ("conflicting", "broken_links", "missing")] == [[], [], []]
    return streams


def numbers(stream: dict[str, Any], *types: str) -> list[int]:
    """Return the numbers of a stream's events of these types."""
    return [event["seq"] for event in stream["events"] if event["event_type"] in types]


def named(stream: dict[str, Any]) -> set[int]:
    """Return the numbers that `dropped` events name."""
    dropped = [event for event in stream["events"] if event["event_type"] == "dropped"]
    return {seq for event in dropped for seq in range(event["first_seq"], event["last_seq"] + 1)}


def test_a_full_disk_until_the_end_is_named(servers: str, small_disk: tuple[str, ...], tmp_path: Path) -> None:
    """Broker away, disk full, memory full: the last thing that the process does is to name every number that it lost."""
    spool = tmp_path / "disk" / "spool"
    limits = {"LANGTRAIL_MEMORY_MAX_BYTES": "65536", "LANGTRAIL_EXIT_SECONDS": "0"}
    with Applications(spool, "full-disk", small_disk, **limits) as applications:
        assert 1000 < applications.finish(AWAY, "steady", "2000", "0", "1000")["left"] < 3000
    with Applications(spool, "full-disk", small_disk) as applications:
        assert applications.finish(servers, "steady", "1")["left"] == 0
    (lossy,) = [stream for stream in arrived(servers, "full-disk").values() if named(stream)]
    assert lossy["events"][-1]["event_type"] == "stream_close"
    assert {*numbers(lossy, "stream_open", "chain_start", "chain_end"), *named(lossy)} >= set(range(4001))
    assert "No space left" in lossy["events"][-2]["ext"]["reason"]


def test_what_a_full_disk_refuses_goes_to_kafka_from_memory(servers: str, small_disk: tuple[str, ...], tmp_path: Path) -> None:
    """With a broker nothing is lost; once the disk has room again, the spool goes on where the chain is."""
    spool, ballast = tmp_path / "disk" / "spool", tmp_path / "disk" / "ballast"
    with Applications(spool, "ballast", small_disk) as applications:
        process = applications.start(servers, "on_command")
        do(process, "run 10")
        subprocess.run([*small_disk, "dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True, check=False)
        do(process, "run 200")
        assert do(process, "flush 20")["left"] == 0
        do(process, "run 200")
        subprocess.run([*small_disk, "rm", str(ballast)], check=True)
        spilled_at = do(process, "run 200")["at"]
        assert wait_for(lambda: do(process, "run 1")["at"] > spilled_at + 0.2, 10)
        process.kill()
        process.communicate()
        applications.finish(servers, "steady", "1")
    (dead,) = [stream for stream in arrived(servers, "ballast").values() if not numbers(stream, "stream_close")]
    assert len(numbers(dead, "chain_start", "chain_end", "stream_open")) >= 1221


def test_a_spool_at_its_limit_refuses_new_events_and_keeps_old_ones(servers: str, tmp_path: Path) -> None:
    """LANGTRAIL_SPOOL_MAX_BYTES: what is recorded is never deleted; the newest are named and lost."""
    spool = tmp_path / "spool"
    limits = {"LANGTRAIL_SPOOL_MAX_BYTES": str(1 << 20), "LANGTRAIL_MEMORY_MAX_BYTES": "65536", "LANGTRAIL_EXIT_SECONDS": "0"}
    with Applications(spool, "limit", (), **limits) as applications:
        applications.finish(AWAY, "steady", "1000", "0", "1000")
        size = sum(path.stat().st_size for path in spool.rglob("*.log"))
        assert (1 << 20) - 20_000 < size < (1 << 20) + 20_000
        applications.finish(servers, "steady", "500", "20", "1000")
    with Applications(spool, "limit") as applications:
        assert applications.finish(servers, "steady", "1")["left"] == 0
    streams = arrived(servers, "limit")
    assert sum(len(numbers(stream, "chain_start", "chain_end")) + len(named(stream)) for stream in streams.values()) >= 3000
    (lossy, *_) = sorted(streams.values(), key=lambda stream: -len(named(stream)))
    assert lossy["events"][-2]["ext"]["reason"] == "the spool has reached LANGTRAIL_SPOOL_MAX_BYTES"
    assert min(named(lossy)) > 500


def test_a_limit_on_the_size_of_files_loses_nothing(servers: str, tmp_path: Path) -> None:
    """RLIMIT_FSIZE tears an entry in two: it is taken back, and another file goes on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Applications(tmp_path / "spool", "fsize") as applications:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            limited = applications.start(AWAY, "steady", "500", "0", "1000")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert limited.wait(60) == 0
        applications.finish(servers, "steady", "1")
    streams = arrived(servers, "fsize")
    assert sorted(len(numbers(stream, "chain_end")) for stream in streams.values()) == [1, 500]
    assert not any(named(stream) for stream in streams.values())


def test_a_spool_that_cannot_be_written_at_first(servers: str, tmp_path: Path) -> None:
    """A file lies where the spool should be: events go to Kafka from memory, and to the spool once it can be made."""
    spool = tmp_path / "spool"
    spool.write_text("in the way")
    with Applications(spool, "in-the-way") as applications:
        process = applications.start(servers, "on_command")
        do(process, "run 10")
        assert do(process, "flush 20")["left"] == 0
        spool.unlink()
        more = [do(process, "run 1")["done"]]
        while not any(spool.rglob("*.log")):
            more.append(do(process, "run 1")["done"])
        process.kill()
        process.communicate()
        applications.finish(servers, "steady", "1")
    streams = arrived(servers, "in-the-way")
    assert sorted(len(numbers(stream, "chain_end")) for stream in streams.values()) == [1, 10 + len(more)]


def test_a_damaged_spool_is_shipped_around_the_damage(servers: str, tmp_path: Path) -> None:
    """A changed byte in the middle and a torn end: the stream itself names the two numbers, and has all others."""
    spool = tmp_path / "spool"
    with Applications(spool, "damaged") as applications:
        applications.finish("", "without_flush", "20")
        (log,) = spool.rglob("*.log")
        data = bytearray(log.read_bytes())
        data[len(data) // 2] ^= 1
        log.write_bytes(data[:-10])
        assert applications.finish(servers, "steady", "1")["left"] == 0
    (damaged,) = [stream for stream in arrived(servers, "damaged").values() if named(stream)]
    assert len(named(damaged)) == 2
    assert max(named(damaged)) == 41
    assert all("damaged at byte" in event["ext"]["reason"] for event in damaged["events"][-2:])
    assert not [path for path in spool.iterdir() if path.is_dir()]


def test_mode_drop_touches_no_disk(servers: str, tmp_path: Path) -> None:
    """All arrives while Kafka takes it, from memory alone."""
    spool = tmp_path / "spool"
    with Applications(spool, "drop", LANGTRAIL_DELIVERY="drop") as applications:
        assert applications.finish(servers, "steady", "50")["left"] == 0
    assert not spool.exists()
    (stream,) = arrived(servers, "drop").values()
    assert len(numbers(stream, "chain_end")) == 50


@pytest.mark.parametrize("kafka", ["there", "away"])
def test_mode_block_needs_the_disk_or_kafka(servers: str, tmp_path: Path, kafka: str) -> None:
    """Without a spool a run begins once Kafka has its start; without both it does not begin."""
    spool, name = tmp_path / "spool", f"block-{kafka}"
    spool.write_text("in the way")
    seconds = "10" if kafka == "there" else "1"
    with Applications(spool, name, LANGTRAIL_DELIVERY="block", LANGTRAIL_BLOCK_SECONDS=seconds) as applications:
        process = applications.start(servers if kafka == "there" else AWAY, "steady", "3")
        _, err = process.communicate(timeout=60)
    if kafka == "there":
        assert process.returncode == 0, err
        (stream,) = arrived(servers, name).values()
        assert len(numbers(stream, "chain_end")) == 3
    else:
        assert process.returncode == 1
        assert "AuditUnavailable: the start of this run cannot be recorded, so it must not begin" in err
