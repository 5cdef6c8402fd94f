"""The sink before a store that refuses, hangs, breaks off or answers too late: every event is stored once."""

import time
from threading import Event
from typing import Any

import pytest

Place = Any
"""The fixture `place`: its class is in conftest.py."""


@pytest.fixture
def release() -> Any:
    """Return an event that inserts may wait for; nothing waits for it after the test."""
    event = Event()
    yield event
    event.set()


@pytest.mark.parametrize("executed", [False, True], ids=["refused", "executed"])
@pytest.mark.parametrize("code", [None, 252, 241, 319, 1001])
def test_every_second_insert_fails(place: Place, code: int | None, executed: bool) -> None:
    """Whether it was done or not, and whatever is answered: in the end each event is there once, and offsets are marked."""
    fault = place.proxy.fault(executed=executed, code=code)
    place.proxy.rule = lambda insert: fault if insert.number % 2 == 0 and insert.number < 8 else None
    for partition in (0, 1):
        place.produce(400, partition + 1, partition)
    place.start()
    place.wait(lambda: place.committed()[0] == place.committed()[1] == (400, ""), 60, "everything is stored and marked")
    place.assert_exact()
    place.assert_no_copies()
    assert "dead letters" not in place.said()


def test_a_sink_that_dies_between_poll_and_insert_loses_nothing(place: Place, release: Event) -> None:
    """Its intent is on Kafka and its insert never arrived: the next sink stores the range, and goes on."""
    place.proxy.always(place.proxy.fault(until=release, half=True))
    place.produce(300, 1)
    first = place.start()
    place.wait(lambda: place.proxy.inserts, 30, "an insert is on its way")
    place.kill(first)
    assert place.committed()[0][0] == 0
    assert place.committed()[0][1].startswith('{"v":1,"lo":0,"hi":99')
    place.proxy.always(None)
    place.start()
    place.wait(lambda: place.committed()[0] == (300, ""), 60, "everything is stored")
    place.assert_exact()
    place.assert_no_copies()


@pytest.mark.parametrize("window", [10_000, 1], ids=["known", "forgotten"])
def test_an_insert_that_lands_after_its_sink_was_replaced_counts_once(place: Place, release: Event, window: int) -> None:
    """A zombie's insert: its token drops it; if the engine has forgotten the token by then, readers collapse its rows."""
    place.client.command(f"ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = {window}")
    held = place.proxy.fault(until=release)
    place.proxy.rule = lambda insert: held if insert.number == 0 else None
    place.produce(500, 1)
    first = place.start()
    place.wait(lambda: place.proxy.inserts, 30, "an insert is on its way")
    place.kill(first)
    place.start()
    place.wait(lambda: place.committed()[0] == (500, ""), 60, "another sink has stored everything")
    place.assert_no_copies()
    release.set()
    if window == 1:
        place.wait(lambda: place.count() == 600, 20, "the late insert has landed")
    else:
        place.wait(lambda: place.proxy.passed_on > len(place.proxy.inserts) - 1, 20, "the late insert was answered")
        place.assert_no_copies()
    place.assert_exact()


def test_an_insert_that_hangs_longer_than_the_poll_interval_keeps_its_partition(place: Place, release: Event) -> None:
    """While it waits, the sink goes on polling: it stays in the group, and others of its partitions are stored."""
    held = place.proxy.fault(until=release)
    place.proxy.rule = lambda insert: held if insert.partition == 0 else None
    place.produce(200, 1, 0)
    place.produce(300, 2, 1)
    port = place.start(kafka_config=[["max.poll.interval.ms", "6000"]], insert_seconds=60)
    place.wait(lambda: place.count() == 300, 30, "the other partition is stored")
    began = time.monotonic()
    place.wait(lambda: time.monotonic() - began > 9, 15, "the poll interval is over")
    assert place.is_ready(port)
    release.set()
    place.wait(lambda: place.committed()[0] == (200, ""), 30, "the insert that hung is stored")
    assert "gave this sink's partitions to another one" not in place.said()
    assert place.said().count("stores ") == 1, "there was no rebalance"
    place.assert_exact()
    place.assert_no_copies()


def test_too_many_parts_slow_the_sink_down_and_stop_nothing(place: Place) -> None:
    """Under 252 it tries again ever less often, reads no further than it can hold, stays in the group, and then catches up."""
    place.proxy.always(place.proxy.fault(code=252))
    place.produce(9_000, 1)
    port = place.start(kafka_config=[["max.poll.interval.ms", "6000"], ["queued.max.messages.kbytes", "1024"]])
    place.wait(lambda: len(place.proxy.inserts) > 4, 40, "it has tried several times")
    began = time.monotonic()
    place.wait(lambda: time.monotonic() - began > 8, 15, "the poll interval is over")
    assert len(place.proxy.inserts) <= 12
    assert len({insert.token for insert in place.proxy.inserts}) == 1, "nothing overtakes the batch that waits"
    assert not place.is_ready(port)
    place.proxy.always(None)
    place.wait(lambda: place.committed()[0] == (9_000, ""), 90, "everything is stored")
    assert place.said().count("stores ") == 1, "there was no rebalance"
    place.assert_exact()
    place.assert_no_copies()


def test_an_outage_loses_nothing(place: Place) -> None:
    """The store is gone for twenty seconds while events arrive: they wait on Kafka, and all of them are stored afterwards."""
    port = place.start()
    place.produce(300, 1)
    place.wait(lambda: place.count() == 300, 30, "the sink stores")
    place.proxy.is_away = True
    began = time.monotonic()
    seed = 2
    while time.monotonic() - began < 20:
        place.produce(200, seed, seed % 3)
        seed += 1
        time.sleep(0.5)  # a stream of events, not a wait
    assert not place.is_ready(port)
    place.proxy.is_away = False
    place.wait(lambda: place.count() >= len(place.sent), 90, "everything is stored")
    place.wait(lambda: place.is_ready(port), 10, "the sink says that it is well")
    place.assert_exact()
    place.assert_no_copies()


def test_a_partition_that_must_stall_does_not_keep_the_others(place: Place) -> None:
    """What the store refuses of one partition waits, with a sentence that says what to do; the others go on."""
    refused = place.proxy.fault(code=60)
    place.proxy.rule = lambda insert: refused if insert.partition == 1 else None
    for partition in range(3):
        place.produce(300, partition + 1, partition)
    port = place.start()
    place.wait(lambda: place.committed()[0] == place.committed()[2] == (300, ""), 60, "the other partitions are stored")
    assert place.committed()[1][0] == 0
    assert not place.is_ready(port)
    assert f"{place.topic}[1]: ClickHouse at" in place.said()
    assert "a table is missing (code 60); run `langtrail migrate`" in place.said()
    place.proxy.always(None)
    place.wait(lambda: place.committed()[1] == (300, ""), 30, "the partition goes on once it is mended")
    place.assert_exact()
    place.assert_no_copies()


def test_a_view_that_fails_stalls_nothing_for_ever_and_its_table_is_complete_in_the_end(place: Place) -> None:
    """The events were written and a view's rows were not: when the view is mended, usage and sessions are exact."""
    place.client.command("CREATE MATERIALIZED VIEW fails TO usage AS SELECT tenant_id FROM events WHERE throwIf(1)")
    place.produce(300, 1)
    place.start()
    place.wait(lambda: "code 395" in place.said(), 30, "the sink says that the store cannot do it")
    place.client.command("DROP VIEW fails")
    place.wait(lambda: place.committed()[0] == (300, ""), 60, "everything is stored")
    place.assert_exact()
    place.assert_no_copies()
