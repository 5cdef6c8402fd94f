"""Numbers, times and holes of one process's stream."""

import errno
import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler, spool_writer
from langtrail.producer import stream as stream_module
from langtrail.producer.ids import EventIds, uuid7
from langtrail.producer.pipeline import pipeline
from langtrail.producer.spool import Watermark, streams
from tests.unit.producer.trail import Trail, ext

Wait = Callable[[Callable[[], object], float, str], None]


def run(value: Any = 1) -> None:
    """Run a chain of one step: two events."""
    RunnableLambda(lambda _: value).invoke(value, {"callbacks": [AuditCallbackHandler()]})


def numbers(trail: Trail) -> list[int]:
    """Return the numbers of all events that lie in the spool."""
    return [event["seq"] for event in trail.events()]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return a switch: the disk refuses every event from now on, or takes them again."""
    real = spool_writer._write

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def switch(on: bool) -> None:
        monkeypatch.setattr(spool_writer, "_write", full if on else real)

    return switch


def test_times_rise_strictly_within_a_stream(trail: Trail) -> None:
    """No two events of a stream have the same time, however fast they come."""
    for _ in range(50):
        run()
    times = [event["occurred_at"] for event in trail.events()]
    assert times == sorted(set(times))


def test_times_rise_when_the_clock_is_set_back(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a microsecond an event, until the clock has caught up."""
    run()
    last = trail.events()[-1]["occurred_at"]
    monkeypatch.setattr(stream_module, "_now_ns", lambda: (last - 3_600_000_000) * 1000)
    run()
    assert [event["occurred_at"] - last for event in trail.events()[-2:]] == [1, 2]


def test_event_ids_are_version_7_and_rise_with_time() -> None:
    """An id is a UUIDv7 of its millisecond."""
    ids = [uuid7(millisecond) for millisecond in range(1_000, 2_000)]
    assert ids == sorted(ids)
    assert {(name[14], name[19] in "89ab") for name in ids} == {("7", True)}
    assert {len(name) for name in ids} == {36}


def test_the_ids_of_a_stream_are_version_7_and_no_two_are_the_same() -> None:
    """Also within a millisecond, and beyond the end of what is counted; two streams begin at places of their own."""
    ids, others = EventIds(), EventIds()
    ids._first = (1 << 48) - 500
    made = [ids.of(1_700_000_000_000 + seq // 100, seq) for seq in range(1_000)]
    assert len({*made, *(others.of(1_700_000_000_000, seq) for seq in range(1_000))}) == 2_000
    assert {(str(UUID(name)) == name, UUID(name).version, UUID(name).variant) for name in made} == {(True, 7, RFC_4122)}
    assert {name[:13] for name in made} == {uuid7(1_700_000_000_000 + step)[:13] for step in range(10)}


def test_what_the_disk_refuses_waits_in_memory(trail: Trail, full_disk: Callable[[bool], None]) -> None:
    """Once the disk takes events again they follow in their order, and nothing is missing."""
    run()
    full_disk(True)
    run()
    assert numbers(trail) == [0, 1, 2]
    full_disk(False)
    pipeline()._stream.log._try_at = 0.0  # type: ignore[union-attr] # it is open: it has events
    run()
    assert numbers(trail) == list(range(7))
    assert not trail.events("dropped")


def test_what_neither_disk_nor_memory_takes_is_a_hole_with_a_name(
    trail: Trail, full_disk: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that cannot be kept leave their numbers empty, and the first event after them says which and why."""
    monkeypatch.setenv("LANGTRAIL_MEMORY_MAX_BYTES", "65536")
    run()
    full_disk(True)
    for _ in range(100):
        run("x" * 1000)
    full_disk(False)
    pipeline()._stream.log._try_at = 0.0  # type: ignore[union-attr] # it is open: it has events
    run()
    dropped = trail.one("dropped")
    held = dropped["first_seq"]
    assert 20 < held < 60
    assert (dropped["last_seq"], dropped["count"]) == (202, 203 - held)
    assert dropped["ext"] == [{"key": "reason", "value": "the spool cannot be written (No space left on device)"}]
    assert numbers(trail) == [*range(held), *range(203, 206)]


def test_a_spool_that_cannot_be_written_at_first_is_used_once_it_can(trail: Trail) -> None:
    """Nothing reaches the application meanwhile, and nothing is lost."""
    pipeline()
    trail.spool.write_text("a file where the spool should be")
    run()
    assert not trail.spool.is_dir()
    trail.spool.unlink()
    pipeline()._stream.log._try_at = 0.0  # type: ignore[union-attr] # it is open: it has events
    run()
    assert numbers(trail) == list(range(5))
    assert trail.events()[0]["event_type"] == "stream_open"


def test_a_spool_that_is_removed_while_it_is_used_costs_what_was_in_it(trail: Trail, wait_until: Wait) -> None:
    """That is noticed, named, and the stream goes on in new files."""
    run()
    with pipeline()._stream.log.lock:  # type: ignore[union-attr] # it is open: it has events
        shutil.rmtree(trail.spool)
        run()
    wait_until(lambda: trail.events("dropped"), 10, "a dropped event")
    run()
    dropped = trail.one("dropped")
    assert dropped["first_seq"] == 0
    assert dropped["last_seq"] in (2, 3, 4)  # it is noticed after the first run, or during the second
    assert ext(dropped) == {"reason": "the files of the spool were removed"}
    assert numbers(trail) == list(range(dropped["last_seq"] + 1, 8))


def test_last_words_are_said_on_a_full_disk(
    trail: Trail, full_disk: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends while the disk is full names what it loses, in the room that was reserved for it."""
    run()
    full_disk(True)
    run()
    unlink = Path.unlink

    def make_room(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        full_disk(path.name != "reserve")

    monkeypatch.setattr(Path, "unlink", make_room)
    pipeline().close(0)
    assert [event["event_type"] for event in trail.events()[-2:]] == ["dropped", "stream_close"]
    dropped = trail.one("dropped")
    assert (dropped["first_seq"], dropped["last_seq"]) == (3, 5)
    assert numbers(trail) == [0, 1, 2, 6, 7]
    assert trail.one("stream_close")["ext"] == [{"key": "dropped", "value": "3"}]


def test_an_interrupt_while_an_event_is_written_does_not_break_the_numbers(
    trail: Trail, interrupt_a_write: Callable[[], None]
) -> None:
    """Ctrl-C reaches the application; what was written counts, and its run is given up when the process ends."""
    run()
    interrupt_a_write()
    with pytest.raises(KeyboardInterrupt):
        run()
    run()
    pipeline().close(0)
    assert numbers(trail) == list(range(8))
    assert trail.one("abandoned")["run_id"] == trail.events("chain_start")[1]["run_id"]
    times = [event["occurred_at"] for event in trail.events()]
    assert times == sorted(set(times))


def test_an_application_that_closes_all_descriptors_loses_no_event(trail: Trail) -> None:
    """As a daemon does that was written for what it inherited: the spool is opened anew."""
    run()
    stream = pipeline()._stream
    assert stream is not None
    assert stream.log._writer is not None
    assert stream.log._writer._descriptor is not None
    os.close(stream.log._writer._descriptor)
    run()
    pipeline().close(0)
    assert numbers(trail) == list(range(6))
    assert len(trail.events("chain_end")) == 2


def test_a_file_of_the_applications_that_got_our_descriptor_is_left_alone(trail: Trail, tmp_path: Path) -> None:
    """That is seen with the next look at the files; it is neither written to nor closed."""
    run()
    stream = pipeline()._stream
    assert stream is not None
    assert stream.log._writer is not None
    descriptor = stream.log._writer._descriptor
    assert descriptor is not None
    with (tmp_path / "theirs").open("wb") as theirs:
        os.dup2(theirs.fileno(), descriptor)
        stream.check_files(Watermark())
        run()
        pipeline().close(0)
        os.close(descriptor)
    assert (tmp_path / "theirs").read_bytes() == b""
    assert numbers(trail) == list(range(6))


def test_a_hook_within_a_hook_neither_waits_nor_breaks_the_order(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finaliser that ends a run while another event is written is recorded after it."""
    real = spool_writer._write
    nested: list[bool] = []

    def write(descriptor: int, data: bytes) -> int:
        if not nested:
            nested.append(True)
            run("nested")
        return real(descriptor, data)

    run()
    monkeypatch.setattr(spool_writer, "_write", write)
    run()
    assert numbers(trail) == list(range(7))


def test_a_forked_child_has_a_stream_of_its_own(trail: Trail) -> None:
    """After a fork the child numbers from 0 in a new stream, and the parent's goes on."""
    run()
    child = os.fork()
    if child == 0:
        run("child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run()
    by_stream: dict[str, list[int]] = {}
    for event in trail.events():
        by_stream.setdefault(event["stream_id"], []).append(event["seq"])
    assert sorted(by_stream.values()) == [[0, 1, 2], [0, 1, 2, 3, 4]]


def test_a_run_that_goes_on_in_a_forked_child_ends_twice_and_the_child_says_so(trail: Trail) -> None:
    """The parent tells how its run ends; what the child tells of it is flagged, and what begins there is not."""
    children = []

    def fork(_: int) -> str:
        children.append(os.fork())
        if children[0]:
            assert os.waitpid(children[0], 0)[1] == 0
            return "parent"
        run("begun in the child")
        return "child"

    try:
        RunnableLambda(fork).invoke(1, {"callbacks": [AuditCallbackHandler()]})
    finally:
        if children == [0]:
            os._exit(0)
    ends = {event["content"]["output"]: event for event in trail.events("chain_end")}
    assert {output: event["flags"] for output, event in ends.items()} == {
        "parent": [],
        "child": ["forked"],
        "begun in the child": ["orphan"],
    }
    assert ends["parent"]["run_id"] == ends["child"]["run_id"] == ends["begun in the child"]["parent_run_id"]
    assert ends["parent"]["stream_id"] != ends["child"]["stream_id"]


def test_a_closed_stream_says_how_many_events_it_has(trail: Trail) -> None:
    """The last event of a process counts all of them, itself included."""
    run()
    pipeline().close(0)
    assert trail.one("stream_close")["count"] == len(trail.events()) == 4


def test_what_comes_after_the_end_opens_another_stream(trail: Trail) -> None:
    """It names the one before it, and no event follows a stream_close."""
    run()
    pipeline().close(0)
    run()
    first, second = trail.events("stream_open")
    assert second["previous_stream_id"] == first["stream_id"]
    assert [event["stream_id"] for event in trail.events()] == [first["stream_id"]] * 4 + [second["stream_id"]] * 3


def test_a_stream_names_the_one_before_it_also_when_that_is_gone(trail: Trail) -> None:
    """What Kafka has was removed from the spool; the last one is still known."""
    run()
    (first,) = streams(trail.spool)
    pipeline().close(0)
    shutil.rmtree(first.directory)
    run()
    assert trail.one("stream_open")["previous_stream_id"] == first.stream_id


def test_streams_of_other_applications_are_not_named(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spool may be shared; the first stream of an application has none before it."""
    run()
    pipeline().close(0)
    monkeypatch.setattr("langtrail.producer.pipeline._pipeline", None)
    monkeypatch.setenv("LANGTRAIL_APP", "another/app")
    run()
    assert [event["previous_stream_id"] for event in trail.events("stream_open")] == [None, None]


def test_without_a_broker_the_spool_is_the_log(trail: Trail) -> None:
    """Flush tells how many events no Kafka has, those of dead processes included, and returns at once."""
    run()
    assert AuditCallbackHandler().flush(10) == 3
    pipeline().close(0)
    run()
    assert AuditCallbackHandler().flush(10) == 4 + 3


def test_a_spool_that_can_never_be_written_does_not_reach_the_application(trail: Trail) -> None:
    """The application goes on, and its end says what is lost."""
    pipeline()
    trail.spool.write_text("a file where the spool should be")
    run()
    pipeline().close(0)
    gc.collect()
    assert trail.spool.read_text().startswith("a file")


def test_a_session_id_may_be_long_and_strange(trail: Trail) -> None:
    """The key is cut to what an entry can hold; the core has all of it."""
    session = "\ud800ä" * 50_000
    RunnableLambda(lambda x: x).invoke(1, {"callbacks": [AuditCallbackHandler()], "metadata": {"session_id": session}})
    event = trail.events("chain_start")[0]
    assert event["session_id"] == session.encode("utf-8", "backslashreplace").decode()
    assert len(event["key"].encode()) <= 65_535
