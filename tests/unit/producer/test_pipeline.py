"""One pipeline of a process: heartbeats, the stream before, damage of the stream's own files, keys of several workers."""

import base64
import errno
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler, SpoolDamaged, notices, spool_writer
from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.adopted import Adopted
from langtrail.producer.entry import Position
from langtrail.producer.notices import Notices
from langtrail.producer.own_events import Hole
from langtrail.producer.pipeline import pipeline
from langtrail.producer.settings import ProducerSettings
from langtrail.producer.spool import streams
from langtrail.producer.spool_reader import SpoolReader
from langtrail.schemas import PrivateKeys, UnknownKey, associated_data, generate_private_key, public_key_of
from tests.unit.producer.trail import Trail, ext

Wait = Callable[[Callable[[], object], float, str], None]


def run(value: Any = 1) -> None:
    """Run a chain of one step: two events."""
    RunnableLambda(lambda _: value).invoke(value, {"callbacks": [AuditCallbackHandler()]})


def test_a_heartbeat_says_how_far_the_stream_is(trail: Trail) -> None:
    """Events kept, runs that are open, events that Kafka does not have, numbers that were dropped, the chain's head."""

    def beat_within(_: Any) -> None:
        stream = pipeline()._stream
        assert stream is not None
        stream.record_hole(Hole(90, 91, "a test"))
        pipeline()._beat(stream, "ab" * 32)

    RunnableLambda(beat_within).invoke(1, {"callbacks": [AuditCallbackHandler()]})
    beat = trail.one("heartbeat")
    assert beat["count"] == 4
    assert ext(beat) == {"chain_head": "ab" * 32, "open_runs": "1", "spooled": "4", "dropped": "2"}
    assert beat["key"] == beat["stream_id"] == beat["session_id"]
    assert beat["run_id"] is None


def test_threads_that_begin_at_once_share_one_pipeline(trail: Trail) -> None:
    """Those that waited while another made it get the same one, and no error."""
    begun = threading.Barrier(9)
    found: list[object] = []

    def begin() -> None:
        begun.wait(10)
        found.append(pipeline())

    threads = [threading.Thread(target=begin) for _ in range(8)]
    with pipeline_module._making:
        for thread in threads:
            thread.start()
        begun.wait(10)
        made = pipeline()
    for thread in threads:
        thread.join(10)
    assert found == [made] * 8


def test_a_hook_that_runs_while_the_stream_is_opened_opens_it(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finaliser or a signal handler that ends a run just then is recorded, and so is the run that was to begin."""
    nested: list[bool] = []

    def name_of_host() -> str:
        if not nested:
            nested.append(True)
            run("nested")
        return "a-host"

    monkeypatch.setattr(socket, "gethostname", name_of_host)
    run()
    recorded = trail.events("chain_start", "chain_end")
    assert [event["content"]["input"] for event in recorded if event["event_type"] == "chain_start"] == ["nested", 1]
    assert len(recorded) == 4
    assert len({event["stream_id"] for event in recorded}) == 1


def test_heartbeats_come_by_themselves(trail: Trail, monkeypatch: pytest.MonkeyPatch, wait_until: Wait) -> None:
    """Also without a broker: who imports the spool later sees that the process lived."""
    monkeypatch.setenv("LANGTRAIL_HEARTBEAT_SECONDS", "1")
    run()
    wait_until(lambda: trail.events("heartbeat"), 10, "a heartbeat")
    first, *_, last = trail.events()
    assert (first["event_type"], last["event_type"]) == ("stream_open", "heartbeat")
    assert last["stream_id"] == first["stream_id"]


def test_content_opens_with_the_old_and_the_new_workers_key(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """While keys are rotated LANGTRAIL_PUBLIC_KEY names both; a worker that has neither is told so."""
    old, new, other = (generate_private_key() for _ in range(3))
    monkeypatch.setenv("LANGTRAIL_PUBLIC_KEY", f"{public_key_of(old)}, {public_key_of(new)}")
    run("secret")
    (files,) = streams(trail.spool)
    header = base64.b64decode(files.facts()["key"])
    entry = SpoolReader(files, Position()).read(1 << 20)[1]
    bound_to = associated_data(UUID(files.stream_id).bytes, entry.seq)
    assert b"secret" not in entry.content
    opened = {PrivateKeys([key]).open(header, entry.content, bound_to) for key in (old, new)}
    assert len(opened) == 1
    assert b"secret" in opened.pop()
    with pytest.raises(UnknownKey):
        PrivateKeys([other]).open(header, entry.content, bound_to)


def test_without_a_key_it_is_said_once_that_content_travels_in_clear(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start, however many streams a process opens; with a key nothing is said."""
    monkeypatch.setattr(notices, "_said", set())
    run()
    assert caplog.messages == []
    pipeline().close(0)
    monkeypatch.delenv("LANGTRAIL_PUBLIC_KEY")
    monkeypatch.setattr(pipeline_module, "_pipeline", None)
    for _ in range(2):
        run()
        pipeline().close(0)
    assert caplog.messages == ["LANGTRAIL_PUBLIC_KEY is not set: content travels to Kafka, and lies in the spool, in clear"]


class _RunsChains(logging.Handler):
    """A logging handler that uses LangChain, in a thread of its own, and waits for it."""

    def emit(self, record: logging.LogRecord) -> None:
        run(record.getMessage())
        thread = threading.Thread(target=run, args=["elsewhere"])
        thread.start()
        thread.join(10)
        assert not thread.is_alive(), "a lock is held while we log"


def test_what_is_logged_while_a_stream_opens_may_itself_be_recorded(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A logging handler that runs a chain opens no second stream, and waits for nobody."""
    monkeypatch.setattr(notices, "_said", set())
    monkeypatch.delenv("LANGTRAIL_PUBLIC_KEY")
    handler = _RunsChains()
    logging.getLogger("langtrail.producer").addHandler(handler)
    try:
        run()
    finally:
        logging.getLogger("langtrail.producer").removeHandler(handler)
    (files,) = streams(trail.spool)
    assert len(SpoolReader(files, Position()).read(1 << 20)) == 7


@pytest.mark.parametrize("named", [True, False])
def test_an_application_that_changes_its_directory_keeps_its_spool(
    trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """The one that is named by a relative path, and the one that the environment implies."""
    monkeypatch.chdir(tmp_path)
    if named:
        monkeypatch.setenv("LANGTRAIL_SPOOL_DIR", "spool")
    else:
        monkeypatch.delenv("LANGTRAIL_SPOOL_DIR")
        monkeypatch.setenv("XDG_STATE_HOME", "relative to what is not said")
        monkeypatch.setenv("HOME", str(tmp_path))
    run()
    spool = pipeline().settings.spool()
    assert spool.is_relative_to(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(elsewhere))
    run()
    pipeline().close(0)
    run()
    assert len(streams(spool)) == 2
    assert list(elsewhere.iterdir()) == []


def test_each_stream_has_a_key_of_its_own(trail: Trail) -> None:
    """Producers cannot read one another."""
    headers = set()
    for _ in range(2):
        run()
        pipeline().close(0)
    for files in streams(trail.spool):
        headers.add(files.facts()["key"])
    assert len(headers) == 2


def test_a_wrong_key_is_refused_at_construction(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its variable; its value is not repeated."""
    from langtrail.producer import SettingsError  # noqa: PLC0415 - for this alone

    monkeypatch.setenv("LANGTRAIL_PUBLIC_KEY", "c2VjcmV0")
    with pytest.raises(SettingsError, match="LANGTRAIL_PUBLIC_KEY") as refused:
        AuditCallbackHandler()
    assert "c2VjcmV0" not in str(refused.value)


@pytest.fixture
def abandoned(trail: Trail) -> Callable[[], Adopted]:
    """Return a way to take over the stream of a process that recorded two runs and is gone."""
    run()
    run()
    pipeline().close(0)
    (files,) = streams(trail.spool)

    def adopt() -> Adopted:
        assert files.lock()
        return Adopted(files, ProducerSettings(app="heir"))

    return adopt


def drain(adopted: Adopted) -> list[bytes]:
    """Ship all of a stream to nowhere; return the values."""
    values = []
    assert adopted.shipper is not None
    while not adopted.done():
        assert adopted.shipper.load(1 << 20)
        values += [value for _, value in adopted.shipper.messages()]
        adopted.shipper.settle()
    adopted.files.unlock()
    return values


def test_a_stream_that_is_taken_over_twice_has_the_same_bytes(abandoned: Callable[[], Adopted]) -> None:
    """Also when the first heir dies before it wrote down how far it was."""
    first, second = drain(abandoned()), drain(abandoned())
    assert first == second
    assert len(first) == 6


def test_damage_is_named_in_the_damaged_stream(trail: Trail, abandoned: Callable[[], Adopted]) -> None:
    """By an event of its own application, with the next free number and a later time."""
    (log,) = trail.spool.rglob("*.log")
    data = bytearray(log.read_bytes())
    data[-10] ^= 1
    log.write_bytes(data)
    first, second = drain(abandoned()), drain(abandoned())
    dropped = trail.events("dropped")
    assert (dropped[0]["first_seq"], dropped[0]["last_seq"], dropped[0]["seq"]) == (5, 5, 6)
    assert dropped[0]["app"] == "tests"
    assert dropped[0]["occurred_at"] > trail.events("chain_end")[-1]["occurred_at"]
    assert second[: len(first)] == first


def test_a_stream_without_events_is_removed(trail: Trail) -> None:
    """Its process died before it wrote anything."""
    from langtrail.producer.spool import create_stream  # noqa: PLC0415 - for this alone

    files = create_stream(trail.spool, "01a20302-9ca0-7641-8857-606240232968")
    assert Adopted(files, ProducerSettings()).done()


def test_a_stream_that_nobody_can_read_is_not_taken_over(trail: Trail, abandoned: Callable[[], Adopted]) -> None:
    """It stays where it is, for someone to look at."""
    (log,) = trail.spool.rglob("*.log")
    log.write_bytes(b"nothing")
    with pytest.raises(SpoolDamaged):
        abandoned()


def test_a_process_that_is_forked_while_it_ships_ends_at_once() -> None:
    """The child's interpreter ends whole, without waiting for threads of librdkafka that it does not have."""
    code = """if True:
        import os, sys, tempfile
        os.environ.update(LANGTRAIL_BOOTSTRAP_SERVERS="127.0.0.1:1", LANGTRAIL_SPOOL_DIR=tempfile.mkdtemp(),
                          LANGTRAIL_EXIT_SECONDS="0")
        from langchain_core.runnables import RunnableLambda
        from langtrail.producer import AuditCallbackHandler
        step, config = RunnableLambda(lambda x: x), {"callbacks": [AuditCallbackHandler()]}
        for _ in range(10):
            step.invoke(1, config)
            child = os.fork()
            if child == 0:
                step.invoke(2, config)
                sys.exit(7)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    """
    ended = subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True, text=True)
    assert ended.stdout.split() == ["7"] * 10


def test_a_spool_that_cannot_be_written_is_said_at_once(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wait_until: Wait
) -> None:
    """A process that is killed before it can say so at its exit has said it: where, why, and what to do."""
    monkeypatch.setenv("LANGTRAIL_SPOOL_DIR", "/dev/null/spool")
    run()
    wait_until(lambda: caplog.messages, 10, "a line in the log")
    (said,) = caplog.messages
    assert said.startswith("the spool /dev/null/spool cannot be written (Not a directory): events wait in memory")
    assert said.endswith("set LANGTRAIL_SPOOL_DIR to another directory")


def test_what_is_lost_is_counted_once(trail: Trail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """At the exit: what memory had no room for, and what waited there for a disk that takes nothing but the last words."""
    monkeypatch.setenv("LANGTRAIL_MEMORY_MAX_BYTES", str(1 << 16))
    monkeypatch.setenv("LANGTRAIL_HEARTBEAT_SECONDS", "3600")
    run()
    real = spool_writer._write

    def write(descriptor: int, data: bytes) -> int:
        if b"dropped" in data or b"stream_close" in data:
            return real(descriptor, data)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool_writer, "_write", write)
    for _ in range(20):
        run("x" * 10_000)
    stream = pipeline()._stream
    assert stream is not None
    assert stream.dropped > 20
    pipeline().close(0)
    dropped = trail.one("dropped")
    assert any(message.startswith(f"{dropped['count']} events of stream ") for message in caplog.messages)
    assert ext(trail.one("stream_close"))["dropped"] == str(dropped["count"])
    assert (dropped["first_seq"], dropped["last_seq"] + 1) == (3, dropped["seq"])


def test_losses_are_said_when_they_begin_and_then_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes and goes within a minute is said at its end, as it is then."""
    losses, now = notices.Losses(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    said = []
    looks = [
        (0, "", 0),
        (1, "full", 0),
        (2, "full", 5),
        (3, "", 5),
        (4, "full", 7),
        (61, "full", 9),
        (120, "", 9),
        (121, "", 9),
    ]
    for second, refusal, dropped in looks:
        now[0] = second
        losses.look(refusal, dropped)
        said.append([message.partition(" ")[0] for message in caplog.messages])
        caplog.clear()
    assert said == [[], ["full:"], [], [], [], ["9", "full:"], [], ["the"]]


def test_a_trouble_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    """However long it lasts; another trouble of the same subject is said again."""
    notices = Notices()
    for sentence in ("a", "a", "b", "b"):
        notices.trouble("Kafka", sentence)
    for _ in range(2):
        notices.well("Kafka", "well")
    assert caplog.messages == ["a", "b", "well"]
