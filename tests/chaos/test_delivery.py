"""Delivery to a real broker: whatever happens to the applications, every event arrives, once numbered and in order."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from langtrail.deploy.topics import create_topics

APPLICATIONS = Path(__file__).parent / "applications"
SCHEMAS = Path(__file__).parents[2] / "schemas" / "avro"

Wait = Callable[[Callable[[], object], float, str], None]
Streams = dict[str, dict[str, Any]]


class Applications:
    """Starts applications that share a spool and a name, and reads what arrived of them."""

    def __init__(self, servers: str, spool: Path, name: str) -> None:
        self.servers, self.spool, self.name = servers, spool, name
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start one application."""
        environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": self.servers, "LANGTRAIL_SPOOL_DIR": str(self.spool)}
        environ.update(LANGTRAIL_APP=self.name, **variables)
        command = [sys.executable, str(APPLICATIONS / "delivered.py"), *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environ, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        self._processes.append(process)
        return process

    def finish(self, *arguments: str, status: int = 0, **variables: str) -> list[dict[str, Any]]:
        """Run one application to its end, and return what it said."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, err
        return [json.loads(line) for line in out.splitlines()]

    def arrived(self) -> Streams:
        """Return what arrived, by stream; all of it has to be whole."""
        command = [sys.executable, str(APPLICATIONS / "raw_reader.py"), self.servers, str(SCHEMAS), self.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        streams: Streams = json.loads(done.stdout)
        for stream in streams.values():
            assert {name: stream[name] for name in ("conflicting", "broken_links", "missing", "out_of_order")} == {
                "conflicting": [],
                "broken_links": [],
                "missing": [],
                "out_of_order": [],
            }
        return streams

    def spooled(self) -> list[str]:
        """Return the names of the streams that are left in the spool."""
        return [path.name for path in self.spool.iterdir() if path.is_dir()] if self.spool.exists() else []

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def broker(kafka_broker: str) -> str:
    """Return a broker that has the topics."""
    create_topics(kafka_broker)
    return kafka_broker


@pytest.fixture
def applications(broker: str, tmp_path: Path, unique_name: str) -> Iterator[Applications]:
    """Return a way to start applications with a spool and a name of their own."""
    started = Applications(broker, tmp_path / "spool", unique_name)
    yield started
    started.end()


def types(stream: dict[str, Any]) -> list[str]:
    """Return the event types of a stream in order."""
    return [event["event_type"] for event in stream["events"]]


def of_children(streams: Streams, parent: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the streams of other processes than this stream's."""
    return [stream for stream in streams.values() if stream["events"][0]["pid"] != parent["events"][0]["pid"]]


def parent_of(streams: Streams, runs: int) -> dict[str, Any]:
    """Return the only stream with so many runs."""
    (found,) = [stream for stream in streams.values() if types(stream).count("chain_start") == runs]
    return found


def test_everything_arrives_numbered_and_chained(applications: Applications) -> None:
    """After a flush Kafka has all, each event once; at the end the stream is closed and its spool gone."""
    (said,) = applications.finish("steady", "200")
    assert said["left"] == 0
    (stream,) = applications.arrived().values()
    assert types(stream) == ["stream_open", *["chain_start", "chain_end"] * 200, "stream_close"]
    assert stream["copies"] == 402
    assert stream["events"][-1]["count"] == 402
    assert applications.spooled() == []


def beats_with_a_head(stream: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the heartbeats that name an event which Kafka has."""
    return [event for event in stream["events"] if event["event_type"] == "heartbeat" and "chain_head" in event["ext"]]


def test_heartbeats_tell_how_far_the_chain_is(applications: Applications, wait_until: Wait) -> None:
    """The head is the chain hash of an event that Kafka has; whoever knows it can tell a stream that was cut short."""
    process = applications.start("on_command", LANGTRAIL_HEARTBEAT_SECONDS="1")
    assert process.stdin is not None
    process.stdin.write("run 5\nflush 20\n")
    process.stdin.flush()
    wait_until(lambda: any(map(beats_with_a_head, applications.arrived().values())), 20, "a heartbeat with a head")
    process.communicate(timeout=30)
    (stream,) = applications.arrived().values()
    beat = beats_with_a_head(stream)[0]
    links = {event["chain_hash"]: event["seq"] for event in stream["events"]}
    acknowledged = links[beat["ext"]["chain_head"]]
    assert beat["count"] == beat["seq"] + 1
    assert {name: value for name, value in beat["ext"].items() if name != "chain_head"} == {
        "open_runs": "0",
        "spooled": str(beat["seq"] - acknowledged),
        "dropped": "0",
    }


def test_the_interpreters_exit_ships_what_is_left(applications: Applications) -> None:
    """Nobody has to call flush."""
    applications.finish("without_flush", "50")
    (stream,) = applications.arrived().values()
    assert types(stream).count("chain_end") == 50
    assert types(stream)[-1] == "stream_close"


def test_a_killed_process_is_completed_by_the_next(applications: Applications) -> None:
    """In order, without a hole, and what was shipped already is shipped with the same bytes if it is shipped again."""
    killed = applications.start("endless", "1000")
    assert killed.stdout is not None
    runs = [json.loads(killed.stdout.readline())["runs"] for _ in range(30)][-1]
    killed.kill()
    killed.wait()
    applications.finish("steady", "1")
    streams = applications.arrived()
    (dead,) = [stream for stream in streams.values() if "stream_close" not in types(stream)]
    (heir,) = [stream for stream in streams.values() if "stream_close" in types(stream)]
    assert types(dead).count("chain_end") >= runs
    assert heir["events"][0]["previous_stream_id"] == dead["events"][0]["stream_id"]
    assert applications.spooled() == []


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_what_a_process_died_of_is_in_kafka_before_it_dies(applications: Applications, end: str) -> None:
    """Killed by -9, or gone by os._exit, in the middle of a tool: the tool's start is there with nothing after it."""
    process = applications.start("in_tool", end)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["left"] == 0
    if end == "kill":
        process.kill()
    assert process.wait(10) == (3 if end == "exit" else -signal.SIGKILL)
    (dead,) = applications.arrived().values()
    assert types(dead) == ["stream_open", "tool_start"]
    assert dead["events"][-1]["component"] == "erase"
    applications.finish("steady", "1")
    assert types(applications.arrived()[dead["events"][0]["stream_id"]]) == types(dead)
    assert applications.spooled() == []


def test_a_full_queue_of_librdkafka_loses_nothing(applications: Applications, tmp_path: Path) -> None:
    """Its BufferError is waited for by the sender, not by the application; all arrives once and in order."""
    config = tmp_path / "kafka.properties"
    config.write_text("queue.buffering.max.messages=7\n")
    (said,) = applications.finish("steady", "300", LANGTRAIL_KAFKA_CONFIG_FILE=str(config))
    assert said["left"] == 0
    (stream,) = applications.arrived().values()
    assert types(stream) == ["stream_open", *["chain_start", "chain_end"] * 300, "stream_close"]
    assert stream["copies"] == 602


def test_several_killed_processes_are_completed_by_two_that_start_at_once(applications: Applications) -> None:
    """Each stream is taken over by one of them; nothing is missing and nothing differs."""
    killed = [applications.start("endless", "2000") for _ in range(6)]
    for process in killed:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["runs"] < 50:
            pass
    for process in killed:
        process.kill()
        process.wait()
    heirs = [applications.start("steady", "20") for _ in range(2)]
    for heir in heirs:
        out, err = heir.communicate(timeout=60)
        assert heir.returncode == 0, err
        assert json.loads(out)["left"] == 0
    streams = applications.arrived()
    assert len(streams) == 8
    assert sum("stream_close" not in types(stream) for stream in streams.values()) == 6
    assert all(types(stream).count("chain_end") >= 50 for stream in streams.values() if "stream_close" not in types(stream))
    assert applications.spooled() == []


def test_streams_are_linked_in_the_order_of_their_opening(applications: Applications) -> None:
    """Also those that were shipped and removed: a stream that vanished as a whole would be missed."""
    for _ in range(3):
        applications.finish("steady", "1")
    firsts = [stream["events"][0] for stream in applications.arrived().values()]
    firsts.sort(key=lambda event: event["occurred_at"])
    assert [event["previous_stream_id"] for event in firsts] == [None, *(event["stream_id"] for event in firsts[:-1])]


def test_sys_exit_in_a_thread_and_in_the_end_lose_nothing(applications: Applications) -> None:
    """The run that was left by SystemExit has its end, and the process its exit status."""
    applications.finish("exit_in_thread", status=4)
    (stream,) = applications.arrived().values()
    assert types(stream) == ["stream_open", "chain_start", "chain_error", "chain_start", "chain_end", "stream_close"]


def test_runs_of_atexit_functions_are_recorded(applications: Applications) -> None:
    """Before the pipeline is closed in its stream, after that in another one, which the next process ships at the latest."""
    applications.finish("hooks_at_exit")
    applications.finish("steady", "1")
    ends = sum(types(stream).count("chain_end") for stream in applications.arrived().values())
    assert ends == 3
    assert applications.spooled() == []


def test_sys_exit_at_exit_loses_nothing(applications: Applications) -> None:
    """One atexit function that leaves does not keep ours from its work."""
    applications.finish("exit_at_exit")
    (stream,) = applications.arrived().values()
    assert types(stream) == ["stream_open", *["chain_start", "chain_end"] * 2, "stream_close"]


def test_sigterm_loses_nothing(applications: Applications) -> None:
    """The start of the run that was under way is there, with nothing after it."""
    process = applications.start("terminated")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM
    applications.finish("steady", "1")
    streams = applications.arrived()
    assert sorted(types(stream) for stream in streams.values()) == [
        ["stream_open", "chain_start"],
        ["stream_open", "chain_start", "chain_end", "stream_close"],
    ]


def test_a_suspended_process_goes_on(applications: Applications, wait_until: Wait) -> None:
    """SIGSTOP and SIGCONT: nobody takes its stream meanwhile, and nothing is lost."""
    process = applications.start("on_command")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("run 100\n")
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    applications.finish("steady", "1")
    assert len(applications.spooled()) == 1
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate("run 100\nflush 20\n", timeout=30)
    assert json.loads(out.splitlines()[-1])["left"] == 0, err
    assert parent_of(applications.arrived(), 200)["copies"] == 402


def test_forked_children_have_streams_of_their_own(applications: Applications) -> None:
    """However they end, their events arrive, and none of their parent's twice."""
    statuses, flushed = applications.finish("forked", "9")
    assert statuses["statuses"] == [0] * 9
    assert flushed["left"] == 0
    streams = applications.arrived()
    parent = parent_of(streams, 50)
    children = of_children(streams, parent)
    assert [types(stream).count("chain_end") for stream in children] == [3] * 9
    assert sorted(stream["events"][1]["component"] for stream in children) == [f"child {number}" for number in range(9)]
    assert parent["copies"] == 102


def test_a_fork_within_a_run_ends_in_both(applications: Applications) -> None:
    """The child's own run is in its stream, and so is how it left the run that it inherited; the parent's run goes on."""
    status, flushed = applications.finish("forked_in_run")
    assert (status["status"], flushed["left"]) == (0, 0)
    streams = applications.arrived()
    (child,) = [stream for stream in streams.values() if stream["events"][1]["component"] == "child"]
    assert types(child) == ["stream_open", "chain_start", "chain_end", "chain_error", "stream_close"]
    (parent,) = [stream for stream in streams.values() if stream is not child]
    assert types(parent) == ["stream_open", "chain_start", "chain_end", "stream_close"]


def test_forks_while_other_threads_record_hang_nobody(applications: Applications) -> None:
    """No lock that another thread held is waited for in a child, and no number is used twice."""
    statuses, flushed = applications.finish("forked_from_threads")
    assert statuses["statuses"] == [0] * 20
    assert flushed["left"] == 0
    streams = applications.arrived()
    assert sum(types(stream).count("chain_end") == 2 for stream in streams.values()) == 20


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_are_recorded(applications: Applications, method: str) -> None:
    """Pools and processes, made by fork and anew: they end without atexit."""
    pids, flushed = applications.finish("multiprocessed", method)
    assert pids["exit_codes"] == [0, 0]
    assert flushed["left"] == 0
    streams = applications.arrived()
    ends = sum(types(stream).count("chain_end") for stream in streams.values())
    assert ends == 2 + 5 * 3 + 1
    assert applications.spooled() == []


def test_workers_of_a_preloaded_application_are_recorded(applications: Applications) -> None:
    """As gunicorn does it: the handler is made before the fork, the workers end by SIGTERM."""
    (said,) = applications.finish("preloaded")
    assert said["statuses"] == [0] * 3
    streams = applications.arrived()
    assert sorted(types(stream).count("chain_end") for stream in streams.values()) == [4, 4, 4]
    assert all(types(stream)[-1] == "stream_close" for stream in streams.values())


def test_an_event_of_8_mebibytes_arrives(applications: Applications) -> None:
    """The largest content there is fits every limit on the way."""
    (said,) = applications.finish("sized", "100", str(8 << 20), "100")
    assert said["left"] == 0
    (stream,) = applications.arrived().values()
    assert types(stream).count("chain_end") == 3
    assert max(event["content_bytes"] for event in stream["events"]) > 4 << 20
