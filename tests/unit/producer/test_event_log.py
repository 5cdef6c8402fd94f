"""The log of a stream between memory and disk: order, bounds, and the same bytes whoever ships what is left."""

import errno
import random
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from langtrail.producer import SpoolFull, spool_writer
from langtrail.producer import event_log as event_log_module
from langtrail.producer.event_log import EventLog
from langtrail.producer.own_events import Hole
from langtrail.producer.shipper import Shipper
from langtrail.producer.sources import FileSource, LogSource
from langtrail.producer.spool import Watermark, streams

STREAM = "01a20302-9ca0-7641-8857-606240232968"
FACTS = {"stream_id": STREAM, "schema_id": 1, "key": ""}
BIG = 1 << 30

Switch = Callable[[bool], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Switch:
    """Return a switch of the disk. What it refused is tried again at once."""
    monkeypatch.setattr(event_log_module, "_TRY_AGAIN_SECONDS", 0.0)
    works, real = [True], spool_writer._write

    def write(descriptor: int, data: bytes) -> int:
        if not works[0]:
            raise OSError(errno.EIO, "the disk is off")
        return real(descriptor, data)

    monkeypatch.setattr(spool_writer, "_write", write)

    def switch(on: bool) -> None:
        works[0] = on

    return switch


def a_log(spool: Path | None, memory: int = BIG) -> EventLog:
    """Return an empty log."""
    return EventLog(STREAM, orjson.dumps(FACTS), spool, BIG, memory)


def fail(hole: Hole) -> None:
    """Take no hole for granted."""
    raise AssertionError(hole)


def put(log: EventLog, *numbers: int) -> None:
    """Append events."""
    for number in numbers:
        log.append(number, b"key", b"content", b"core %d" % number)


class Kafka:
    """What was delivered: every copy of every event."""

    def __init__(self) -> None:
        self.values: dict[int, set[bytes]] = {}
        self.order: list[int] = []

    def ship(self, shipper: Shipper, max_bytes: int = BIG, *, loses_answer: bool = False) -> bool:
        """Deliver a batch; with `loses_answer` the sender does not learn of it, and goes back."""
        if not shipper.load(max_bytes):
            return False
        for _, value in shipper.messages():
            number = int(value.rpartition(b"core ")[2])
            self.values.setdefault(number, set()).add(value)
            self.order.append(number)
        if loses_answer:
            shipper.rewind()
        else:
            shipper.settle()
        return True


def test_events_come_from_disk_and_memory_in_their_order(tmp_path: Path, disk: Switch) -> None:
    """Those on disk are older."""
    log = a_log(tmp_path)
    kafka, shipper = Kafka(), Shipper(LogSource(log, []), FACTS, Watermark(), fail)
    put(log, 0, 1)
    disk(False)
    put(log, 2, 3)
    assert log.in_memory
    while kafka.ship(shipper):
        pass
    assert kafka.order == [0, 1, 2, 3]
    assert not log.in_memory


def test_what_waits_goes_to_the_disk_before_anything_newer(tmp_path: Path, disk: Switch) -> None:
    """Once the disk takes events again."""
    log = a_log(tmp_path)
    disk(False)
    put(log, 0, 1)
    disk(True)
    put(log, 2)
    (files,) = streams(tmp_path)
    source = FileSource(files, Watermark(), [])
    assert [entry.seq for entry in source.read(BIG)] == [0, 1, 2]
    assert not log.in_memory


def test_what_is_at_hand_is_what_the_files_hold(tmp_path: Path) -> None:
    """Entry by entry, with its place; nothing before somebody asked for it, and no more than a bound."""
    log = a_log(tmp_path)
    assert log._limit is not None
    log._limit.segment_bytes = 400
    put(log, 0)
    assert log.take_at_hand() == []
    put(log, *range(1, 4000))
    at_hand = log.take_at_hand()
    (files,) = streams(tmp_path)
    source, read = FileSource(files, Watermark(), []), []
    while entries := source.read(BIG):
        read += entries
    assert at_hand == read[1 : 1 + len(at_hand)]
    assert 1000 < len(at_hand) < 3000


def test_an_event_whose_write_was_interrupted_is_not_passed_over(tmp_path: Path, interrupt_a_write: Callable[[], None]) -> None:
    """It is in the file, so it is in the chain, whoever ships it."""
    log = a_log(tmp_path)
    kafka, shipper = Kafka(), Shipper(LogSource(log, []), FACTS, Watermark(), fail)
    put(log, 0)
    kafka.ship(shipper)
    put(log, 1)
    interrupt_a_write()
    with pytest.raises(KeyboardInterrupt):
        put(log, 2)
    put(log, 3)
    while kafka.ship(shipper):
        pass
    assert kafka.order == [0, 1, 2, 3]


def test_memory_is_bounded(disk: Switch) -> None:
    """What it has no room for is refused, with a word on the setting."""
    log = a_log(None, 10_000)
    with pytest.raises(SpoolFull, match="LANGTRAIL_MEMORY_MAX_BYTES"):
        put(log, *range(100))
    kept = [entry.seq for entry in log.waiting(BIG)]
    assert kept == list(range(len(kept)))
    assert 10 < len(kept) < 25
    log.acknowledge(Watermark(seq=4, events=5))
    put(log, 100)
    assert [entry.seq for entry in log.waiting(BIG)] == [*kept[5:], 100]


def test_what_was_acknowledged_from_memory_is_bridged_on_disk(tmp_path: Path, disk: Switch) -> None:
    """It never reaches the disk; who ships the files later goes on with the same chain."""
    log = a_log(tmp_path)
    kafka, shipper = Kafka(), Shipper(LogSource(log, []), FACTS, Watermark(), fail)
    put(log, 0)
    disk(False)
    put(log, 1, 2)
    while kafka.ship(shipper):
        pass
    disk(True)
    put(log, 3)
    while kafka.ship(shipper):
        pass
    log.close()
    (files,) = streams(tmp_path)
    heir = Shipper(FileSource(files, Watermark(), []), FACTS, Watermark(), fail)
    while kafka.ship(heir):
        pass
    assert kafka.order == [0, 1, 2, 3, 0, 3]
    assert heir.acknowledged.events == 4
    assert all(len(values) == 1 for values in kafka.values.values())


def test_giving_up_names_what_was_only_in_memory(tmp_path: Path, disk: Switch) -> None:
    """First and last number, and how many; nothing when the disk takes it after all."""
    log = a_log(tmp_path)
    disk(False)
    put(log, 0, 1, 2)
    assert log.give_up() == (0, 2, 3)
    put(log, 3)
    disk(True)
    assert log.give_up() is None


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens_each_event_has_one_value(tmp_path: Path, disk: Switch, seed: int) -> None:
    """Disk on and off, answers lost, the process killed: nothing is missing but what was in memory alone."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable course of events
    log = a_log(tmp_path)
    assert log._limit is not None
    log._limit.segment_bytes = 400
    source = LogSource(log, [])
    kafka, shipper, number = Kafka(), Shipper(source, FACTS, Watermark(), fail), 0
    for _ in range(200):
        act = chance.random()
        if act < 0.5:
            put(log, number)
            number += 1
        elif act < 0.6:
            disk(chance.random() < 0.6)
        elif act < 0.9:
            kafka.ship(shipper, chance.randrange(1, 300), loses_answer=chance.random() < 0.2)
        elif act < 0.95:
            log.spill()
        else:
            source.save()
    in_memory = {entry.seq for entry in log.waiting(BIG)}
    disk(True)
    log.close()
    for files in streams(tmp_path):
        heir = Shipper(FileSource(files, files.watermark(), []), FACTS, files.watermark(), fail)
        while kafka.ship(heir, chance.randrange(1, 300)):
            pass
    assert set(range(number)) - set(kafka.values) <= in_memory
    assert {number: len(values) for number, values in kafka.values.items() if len(values) > 1} == {}
