"""Streams of dead processes: who takes them over, how many at a time, and what is said of those that nobody can ship."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import orjson
import pytest

from langtrail.producer import ProducerSettings
from langtrail.producer import adoption as adoption_module
from langtrail.producer.adoption import Adoption, count_left
from langtrail.producer.ids import uuid7
from langtrail.producer.spool import StreamFiles, create_stream
from langtrail.producer.spool_limit import SpoolLimit
from langtrail.producer.spool_writer import SpoolWriter
from langtrail.schemas import RAW_EVENT, registry

OWN = "01a20302-0000-7641-8857-606240232968"


def written(spool: Path, number: int, events: int = 2) -> StreamFiles:
    """Write a stream of some events, and hold its lock as its process does."""
    stream_id = uuid7(1_790_000_000_000 + number)
    facts = {"version": 1, "stream_id": stream_id, "schema_id": registry().latest(RAW_EVENT).id, "key": "", "app": "dead"}
    files = create_stream(spool, stream_id)
    writer = SpoolWriter(files, orjson.dumps(facts), SpoolLimit(spool, 1 << 30))
    for seq in range(events):
        writer.append(seq, b"key", b"content", b"core %d" % seq)
    writer.close()
    return files


def dead(spool: Path, number: int, events: int = 2) -> StreamFiles:
    """Write a stream whose process is gone."""
    files = written(spool, number, events)
    files.unlock()
    return files


def adopting(spool: Path) -> Adoption:
    """Return what takes over the streams of a spool."""
    return Adoption(ProducerSettings(spool_dir=spool), OWN)


def ship(adoption: Adoption) -> list[str]:
    """Ship all that was taken over to nowhere; return the streams in the order they are shipped in."""
    shipped = []
    for adopted in list(adoption.adopted):
        assert adopted.shipper is not None
        while adopted.shipper.load(1 << 20):
            assert list(adopted.shipper.messages())
            adopted.shipper.settle()
        shipped.append(adopted.stream_id)
    adoption.settle()
    return shipped


def test_dead_streams_are_taken_over_oldest_first(tmp_path: Path) -> None:
    """Those of living processes are left to them; what is shipped to its end is removed."""
    newer, older = dead(tmp_path, 2), dead(tmp_path, 1)
    living = written(tmp_path, 3)
    adoption = adopting(tmp_path)
    adoption.scan()
    assert adoption.left() == 4
    assert ship(adoption) == [older.stream_id, newer.stream_id]
    assert adoption.left() == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [living.stream_id]


def test_a_stream_has_one_heir(tmp_path: Path) -> None:
    """Two that look at once share the streams; what one lets go the other takes."""
    for number in range(3):
        dead(tmp_path, number)
    first, second = adopting(tmp_path), adopting(tmp_path)
    first.scan()
    second.scan()
    assert (len(first.adopted), len(second.adopted)) == (3, 0)
    first.let_go()
    second.scan()
    assert len(second.adopted) == 3


def test_a_stream_is_taken_over_once_however_often_one_looks(tmp_path: Path) -> None:
    """Its own stream is no dead one either, although nobody else has it."""
    dead(tmp_path, 1)
    create_stream(tmp_path, OWN).unlock()
    adoption = adopting(tmp_path)
    for _ in range(3):
        adoption.scan()
    assert len(adoption.adopted) == 1


def test_a_crowd_of_dead_streams_is_taken_over_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at a time; those that wait count as left, and are taken once there is room."""
    monkeypatch.setattr(adoption_module, "_AT_ONCE", 2)
    streams = [dead(tmp_path, number, events=3).stream_id for number in range(5)]
    adoption = adopting(tmp_path)
    shipped = []
    for left in (15, 9, 3):
        adoption.scan()
        assert adoption.left() == left
        shipped += ship(adoption)
    adoption.scan()
    assert shipped == streams
    assert (adoption.more, adoption.left()) == (False, 0)


def test_a_stream_that_cannot_be_read_keeps_nobody_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is named once and stays where it is; the others are shipped."""
    bad, good = dead(tmp_path, 1), dead(tmp_path, 2)
    next(bad.directory.glob("*.log")).write_bytes(b"nothing")
    adoption = adopting(tmp_path)
    for _ in range(2):
        adoption.scan()
    assert ship(adoption) == [good.stream_id]
    assert [bad.stream_id in message for message in caplog.messages] == [True]
    assert bad.directory.exists()
    assert bad.lock()


def test_a_stream_that_is_closed_to_us_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's, on a spool that is shared."""
    theirs, ours = dead(tmp_path, 1), dead(tmp_path, 2)
    lock = StreamFiles.lock

    def locked(files: StreamFiles) -> bool:
        if files.stream_id == theirs.stream_id:
            raise PermissionError(13, "Permission denied")
        return lock(files)

    monkeypatch.setattr(StreamFiles, "lock", locked)
    adoption = adopting(tmp_path)
    adoption.scan()
    assert [adopted.stream_id for adopted in adoption.adopted] == [ours.stream_id]
    adoption.let_go()
    assert count_left(tmp_path, OWN) == 2


def test_a_disk_that_fails_one_stream_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure is told once all was tried, and what failed is tried again the next time."""
    bad, good = dead(tmp_path, 1), dead(tmp_path, 2)
    adoption = adopting(tmp_path)
    adoption.scan()
    remove = StreamFiles.remove

    def removed(files: StreamFiles) -> None:
        if files.stream_id == bad.stream_id:
            raise OSError(5, "Input/output error")
        remove(files)

    with monkeypatch.context() as broken:
        broken.setattr(StreamFiles, "remove", removed)
        with pytest.raises(OSError, match="Input/output"):
            ship(adoption)
        assert (bad.directory.exists(), good.directory.exists()) == (True, False)
    adoption.settle()
    assert not bad.directory.exists()


def test_what_is_left_by_the_dead_is_counted_without_taking_it(tmp_path: Path) -> None:
    """One that cannot be read counts as one: not as none. A living process counts its own."""
    dead(tmp_path, 1, events=3)
    written(tmp_path, 2, events=5)
    bad = dead(tmp_path, 3)  # its first file is gone, and with it the chain
    next(bad.directory.glob("*.log")).rename(bad.directory / f"{7:020d}.log")
    (bad.directory / "acknowledged.json").write_text("nothing")
    assert count_left(tmp_path, OWN) == 4
    assert bad.lock()


def test_what_is_left_is_not_asked_in_the_middle_of_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that wait for their turn are not taken for none while it comes: a flush would end too early."""
    monkeypatch.setattr(adoption_module, "_AT_ONCE", 1)
    dead(tmp_path, 1)
    later = dead(tmp_path, 2)
    adoption, lock, answers = adopting(tmp_path), StreamFiles.lock, list[Future[int]]()
    adoption.scan()
    ship(adoption)
    with ThreadPoolExecutor() as pool:

        def locked(files: StreamFiles) -> bool:
            if files.stream_id == later.stream_id and not answers:
                answers.append(pool.submit(adoption.left))
                wait(answers, 0.2)  # it must not be answered now, however long it has
            return lock(files)

        monkeypatch.setattr(StreamFiles, "lock", locked)
        adoption.scan()
    assert [answer.result() for answer in answers] == [2]


def test_a_spool_that_is_not_there_has_nothing_left(tmp_path: Path) -> None:
    """Nobody has written yet."""
    adoption: Any = adopting(tmp_path / "nowhere")
    adoption.scan()
    assert adoption.left() == count_left(tmp_path / "nowhere", OWN) == 0
