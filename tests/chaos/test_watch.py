"""The watch on the real stack: what nobody sends is found, once, whoever looks and whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import clickhouse_connect
import pytest
from confluent_kafka import Producer

from langtrail.deploy.ask import Trail, connect
from langtrail.deploy.errors import CannotRun
from langtrail.deploy.process import free_port, wait_for
from langtrail.deploy.stack import environment
from langtrail.deploy.watch import Watcher, watch_once
from langtrail.deploy.watch_metrics import WatchMetrics
from langtrail.deploy.watch_settings import WatchSettings
from langtrail.schemas import CORE_GROUPS, RAW_EVENT, encode_group, frame, registry, topic
from langtrail.schemas.codec import join_raw
from langtrail.schemas.example import examples
from langtrail.schemas.settings import load_settings

APPLICATION = Path(__file__).parent / "applications" / "killed.py"
LANGTRAIL = [sys.executable, "-m", "langtrail.deploy.cli"]
FAST = {"LANGTRAIL_WATCH_SILENT_SECONDS": "3", "LANGTRAIL_WATCH_SETTLE_SECONDS": "1", "LANGTRAIL_WATCH_SECONDS": "1"}
SECOND = 1_000_000
Wait = Callable[[Callable[[], object], float, str], None]


@pytest.fixture(scope="module")
def variables(stack: Path) -> dict[str, str]:
    """Return what a client of the stack needs."""
    return environment(stack)


@pytest.fixture
def trail(variables: dict[str, str]) -> Iterator[Trail]:
    """Return the stack's trail."""
    trail = connect(variables)
    yield trail
    trail.close()


def settings(variables: dict[str, str], **other: str) -> WatchSettings:
    """Return settings of an impatient watch."""
    return load_settings(WatchSettings, {**variables, **FAST, "LANGTRAIL_WATCH_PORT": str(free_port()), **other})


def now_us() -> int:
    """Return the time, microseconds since 1970."""
    return time.time_ns() // 1000


class Application:
    """The application that waits in its tool."""

    def __init__(self, variables: dict[str, str], directory: Path) -> None:
        """Start it, and return when its tool runs."""
        self.session, self.directory = f"watched-{uuid4().hex[:8]}", directory
        environ = {**os.environ, **variables, "LANGTRAIL_APP": self.session, "LANGTRAIL_HEARTBEAT_SECONDS": "1"}
        command = [sys.executable, str(APPLICATION), self.session, str(directory)]
        self.process = subprocess.Popen(command, env=environ)
        assert wait_for((directory / "inside").exists, 30)

    def events(self, trail: Trail) -> list[dict[str, Any]]:
        """Return what is derived of it: each row of the store."""
        return trail.sql(
            "SELECT * FROM trail WHERE session_id = {s:String} AND app = 'langtrail-watch' ORDER BY event_type, component",
            {"s": self.session},
        ).objects()


@pytest.fixture
def application(variables: dict[str, str], trail: Trail, tmp_path: Path) -> Iterator[Application]:
    """Return an application within its tool, all of whose events so far are in the trail."""
    made = Application(variables, tmp_path)
    started = "SELECT count() FROM trail WHERE session_id = {s:String} AND event_type = 'tool_start'"
    assert wait_for(lambda: trail.sql(started, {"s": made.session}).rows == [[1]], 30)
    yield made
    made.process.kill()
    made.process.wait()


def test_a_killed_process_leaves_abandoned_runs_and_calls_that_never_ran(
    variables: dict[str, str], trail: Trail, application: Application, wait_until: Wait
) -> None:
    """Two watches look at once, both are killed, a third finds nothing to add: each run ends once, each call is told once."""
    watches = [
        subprocess.Popen(
            [*LANGTRAIL, "watch"], env={**os.environ, **variables, **FAST, "LANGTRAIL_WATCH_PORT": str(free_port())}
        )
        for _ in range(2)
    ]
    application.process.kill()
    expected = [("abandoned", "agent"), ("abandoned", "archive"), ("tool_not_executed", "GenericFakeChatModel")]
    found: list[dict[str, Any]] = []

    def told() -> bool:
        found[:] = application.events(trail)
        return len(found) >= len(expected)

    try:
        wait_until(told, 40, "the ends of its runs")
    finally:
        for watch in watches:
            watch.send_signal(signal.SIGKILL)
            watch.wait()
    assert watch_once(settings(variables), 30).get("abandoned", 0) == 0
    found = application.events(trail)
    assert [(event["event_type"], event["component"]) for event in found] == expected
    assert {event["principal_id"] for event in found} == {"archiver"}
    assert {event["redaction_status"] for event in found} == {"none"}
    assert found[2]["tool_call_id"] == f"{application.session}-2020"
    assert {"key": "closed_by", "value": "silence"} in found[0]["ext"]
    assert trail.ask("tool-calls-never-executed", older_than_seconds=0).objects()[0]["noticed"]
    assert [run["state"] for run in trail.ask("open-runs", tenant="watched").objects()].count("abandoned") >= 2
    asked = [row["stream_id"] for name in ("missing", "stream-stops") for row in trail.ask(name, silent_seconds=0).objects()]
    assert not {event["stream_id"] for event in found} & set(asked)


def test_a_run_that_ends_after_all_has_ended(
    variables: dict[str, str], trail: Trail, application: Application, wait_until: Wait
) -> None:
    """A process that was frozen for too long is given up; when it goes on, both are in the trail, and replay shows its end."""
    os.kill(application.process.pid, signal.SIGSTOP)
    watcher = Watcher(settings(variables), WatchMetrics())

    def given_up() -> bool:
        watcher.look()
        return len(application.events(trail)) >= 2

    wait_until(given_up, 30, "the frozen process to be given up")
    watcher.close()
    (application.directory / "go").touch()
    os.kill(application.process.pid, signal.SIGCONT)
    assert application.process.wait(30) == 0
    ended = "SELECT count() FROM trail WHERE session_id = {s:String} AND event_type = 'chain_end'"
    wait_until(lambda: trail.sql(ended, {"s": application.session}).rows == [[1]], 30, "its end")
    shown = subprocess.run(
        [*LANGTRAIL, "replay", application.session], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    ).stdout
    assert "was given up before its end came" in shown
    assert "OPEN" not in shown
    assert application.session not in {run["session_id"] for run in trail.ask("open-runs", tenant="watched").objects()}
    assert watch_once(settings(variables), 30).get("abandoned", 0) == 0


def test_what_was_written_and_not_seen_yet_is_not_written_again(variables: dict[str, str], application: Application) -> None:
    """A watch that dies right after Kafka has what it found is followed by one that waits until the store has it."""
    application.process.kill()
    first, second = WatchMetrics(), WatchMetrics()
    watcher = Watcher(settings(variables), first)
    assert wait_for(lambda: bool(watcher.look() and first.written["abandoned"]), 30)
    restarted = Watcher(settings(variables), second)  # the first is never closed, nor asked again
    assert wait_for(restarted.look, 30)
    assert second.written["abandoned"] == 0
    restarted.close()
    watcher.close()


def test_a_later_boot_that_finds_the_process_gone_is_enough(
    variables: dict[str, str], trail: Trail, application: Application, tmp_path: Path, wait_until: Wait
) -> None:
    """The application is started again, and the runs of the process before it are given up without waiting for silence."""
    application.process.kill()
    application.process.wait()
    script = "from langtrail.producer.pipeline import pipeline; pipeline()._open(); raise SystemExit(pipeline().flush(20))"
    environ = {**os.environ, **variables, "LANGTRAIL_APP": application.session}
    assert subprocess.run([sys.executable, "-c", script], env=environ, timeout=60, check=False).returncode == 0
    watcher = Watcher(settings(variables, LANGTRAIL_WATCH_SILENT_SECONDS="3600"), WatchMetrics())

    def given_up() -> bool:
        watcher.look()
        return len(application.events(trail)) >= 2

    wait_until(given_up, 30, "the runs of the process before")
    watcher.close()
    ends = [event for event in application.events(trail) if event["event_type"] == "abandoned"]
    assert all({"key": "closed_by", "value": "later_boot"} in event["ext"] for event in ends)


class Made:
    """Raw events of a made-up tenant, as a producer would send them, written to Kafka."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.tenant, self.stream_id = f"made-{uuid4().hex[:8]}", str(uuid4())
        self._producer = Producer({"bootstrap.servers": variables["LANGTRAIL_BOOTSTRAP_SERVERS"]})
        self._at = now_us()

    def send(self, event_type: str, seq: int, **fields: Any) -> None:
        """Send one event of the stream; its core is the example's but for what is given."""
        example = examples()[event_type]
        core = {name: None if name.endswith("_commit") else value for name, value in example.core.items()}
        core |= {
            "content_bytes": 0,
            "event_id": str(uuid4()),
            "stream_id": self.stream_id,
            "seq": seq,
            "tenant_id": self.tenant,
        }
        core |= {"occurred_at": self._at + seq, "session_id": self.stream_id, **fields}
        encoded = b"".join(encode_group(group, core) for group in CORE_GROUPS)
        value = frame(registry().latest(RAW_EVENT).id, join_raw(bytes(32), b"", encoded))
        self._producer.produce(topic("raw").name, value, self.stream_id.encode())
        assert self._producer.flush(10) == 0

    def derived(self, trail: Trail, event_type: str) -> list[dict[str, Any]]:
        """Return what was derived from it."""
        asked = "SELECT * FROM trail WHERE tenant_id = {t:String} AND app = 'langtrail-watch' AND event_type = {e:String}"
        return trail.sql(asked, {"t": self.tenant, "e": event_type}).objects()


def look_until(variables: dict[str, str], done: Callable[[], object], **other: str) -> None:
    """Look every half second until something is found."""
    watcher = Watcher(settings(variables, **other), WatchMetrics())
    deadline = time.monotonic() + 40
    while not done():
        assert time.monotonic() < deadline, "it was not found"
        watcher.look()
        time.sleep(0.5)
    watcher.close()


def test_a_hole_that_nothing_explains_is_a_gap(variables: dict[str, str], trail: Trail) -> None:
    """What was dropped, or removed by retention, is explained; what never came is told once, also when it comes later."""
    made = Made(variables)
    made.send("stream_open", 0)
    made.send("chain_start", 1, run_id=str(uuid4()))
    made.send("dropped", 5, first_seq=4, last_seq=4, count=1)
    made.send("stream_close", 9)
    removed = [[uuid4(), UUID(made.stream_id), number, uuid4(), bytes(32), bytes(32)] for number in (6, 7, 8)]
    client = clickhouse_connect.get_client(dsn=variables["LANGTRAIL_CLICKHOUSE_DSN"])
    client.insert("removed_events", removed, ["removal_id", "stream_id", "seq", "event_id", "event_hash", "record_hash"])
    client.close()
    look_until(variables, lambda: made.derived(trail, "gap"))
    (gap,) = made.derived(trail, "gap")
    assert (gap["first_seq"], gap["last_seq"], gap["count"]) == (2, 3, 2)
    assert gap["ext"] == [{"key": "stream_id", "value": made.stream_id}]
    made.send("chain_end", 3, run_id=str(uuid4()))
    watch_once(settings(variables), 30)
    assert len(made.derived(trail, "gap")) == 1


def test_bursts_are_one_event_for_each_tenant_kind_and_window(variables: dict[str, str], trail: Trail) -> None:
    """Errors, denials and spend beyond their limits are told once, however many more come, and not below the limit."""
    made, quiet = Made(variables), Made(variables)
    made.send("stream_open", 0)
    quiet.send("stream_open", 0)
    window = {"LANGTRAIL_WATCH_WINDOW_SECONDS": "86400", "LANGTRAIL_WATCH_ERRORS": "3", "LANGTRAIL_WATCH_DENIALS": "2"}
    noon = int(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * SECOND

    def send(first: int, count: int) -> None:
        for seq in range(first, first + count):
            run = str(uuid4())
            made.send("llm_error", seq, run_id=run, root_run_id=run, occurred_at=noon + seq)
        made.send("policy_denied", first + count, run_id=str(uuid4()), tool_call_id=None, occurred_at=noon + first + count)
        tokens = {"input_tokens": 2_000_000, "output_tokens": 1, "total_tokens": 2_000_001, "cache_read_tokens": None}
        model = {"provider": "openai", "request_model": "gpt-4o", "response_model": "gpt-4o", "cache_write_tokens": None}
        at = {"occurred_at": noon + first + count + 1, "run_id": str(uuid4()), "reasoning_tokens": None}
        made.send("llm_end", first + count + 1, **tokens, **model, **at)

    send(1, 2)
    quiet.send("llm_error", 1, run_id=str(uuid4()), occurred_at=noon)
    send(5, 2)
    limits = {**window, "LANGTRAIL_WATCH_SPEND_USD": "9"}
    look_until(variables, lambda: len(made.derived(trail, "burst")) == 3, **limits)
    found = {burst["component"]: burst for burst in made.derived(trail, "burst")}
    assert {kind: burst["count"] for kind, burst in found.items()} == {"errors": 3, "denials": 2, "spend": 9}
    send(9, 4)
    watch_once(settings(variables, **limits), 30)
    assert len(made.derived(trail, "burst")) == 3
    assert quiet.derived(trail, "burst") == []


def test_a_run_past_the_deadline_of_its_own_process_is_given_up(variables: dict[str, str], trail: Trail) -> None:
    """The process lives and should have said so itself: after its deadline and two heartbeats, it is said for it."""
    made, run = Made(variables), str(uuid4())
    ext = [{"key": "heartbeat_seconds", "value": "1"}, {"key": "run_deadline_seconds", "value": "1"}]
    made.send("stream_open", 0, ext=ext)
    made.send("chain_start", 1, run_id=run, root_run_id=run)
    look_until(variables, lambda: made.derived(trail, "abandoned"), LANGTRAIL_WATCH_SILENT_SECONDS="3600")
    (end,) = made.derived(trail, "abandoned")
    assert {"key": "closed_by", "value": "deadline"} in end["ext"]


def test_a_server_that_is_away_is_waited_for_and_said_once(variables: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """The watch does not end, and is not ready; --once says in one sentence what is wrong."""
    away = replace(settings(variables), clickhouse_dsn=f"http://u:p@127.0.0.1:{free_port()}/langtrail", every_seconds=1)
    with pytest.raises(CannotRun, match="does not answer; check LANGTRAIL_CLICKHOUSE_DSN"):
        watch_once(away, 1)
    command = [*LANGTRAIL, "watch"]
    environ = {**os.environ, **variables, **FAST, "LANGTRAIL_CLICKHOUSE_DSN": away.clickhouse_dsn}
    environ["LANGTRAIL_WATCH_PORT"] = str(away.port)
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    time.sleep(4)  # long enough for several tries
    process.terminate()
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said.count("waits: ClickHouse") == 1
