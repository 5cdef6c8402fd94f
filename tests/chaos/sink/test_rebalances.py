"""Partitions that change hands under load, and a topic that is removed under a running sink."""

from random import Random
from threading import Event
from typing import Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

Place = Any
"""The fixture `place`: its class is in conftest.py."""


def test_three_sinks_come_and_go_under_load(place: Place) -> None:
    """Sinks join, are stopped and are killed, at moments that have nothing to do with batches: every event is there once."""
    chance = Random(11)  # noqa: S311 - a repeatable schedule
    seeds = iter(range(1, 1000))
    for partition in range(3):
        place.produce(1_500, next(seeds), partition)
    running = [place.start(batch_rows=50)]
    for act in ("start", "start", "kill", "start", "stop", "start", "kill"):
        place.wait(lambda: place.is_ready(running[-1]), 40, "the newest sink is well")
        place.produce(600, next(seeds), chance.randrange(3))
        if act == "start":
            running.append(place.start(batch_rows=50))
            continue
        leaving = running.pop(chance.randrange(len(running) - 1))
        if act == "kill":
            place.kill(leaving)
        else:
            place.sinks[leaving].terminate()
            assert place.sinks[leaving].wait(6) == 0
    place.wait(lambda: place.ask("SELECT count() FROM trail") >= len(place.sent), 120, "everything is stored")
    place.assert_exact()


def test_partitions_move_while_an_insert_hangs(place: Place) -> None:
    """A partition is given away in the middle of its insert: the new owner asks the store first, and it counts once."""
    release = Event()
    held = place.proxy.fault(until=release)
    place.proxy.rule = lambda insert: held if insert.number < 3 else None
    for partition in range(3):
        place.produce(400, partition + 1, partition)
    first = place.start()
    place.wait(lambda: len(place.proxy.inserts) == 3, 40, "an insert of each partition hangs")
    second = place.start()
    place.wait(lambda: place.is_ready(second), 40, "the second sink has joined")
    release.set()
    place.wait(lambda: place.ask("SELECT count() FROM trail") >= 1200, 60, "everything is stored")
    assert place.is_ready(first)
    place.assert_exact()
    place.assert_no_copies()


def test_a_topic_that_is_made_anew_under_a_running_sink_is_not_skipped(place: Place) -> None:
    """The sink stops with a sentence, or reads the new topic from its beginning; started again, it has everything."""
    admin = AdminClient({"bootstrap.servers": place.broker, "log_level": "0"})
    place.produce(300, 1)
    running = place.start()
    place.wait(lambda: place.committed()[0] == (300, ""), 40, "the old events are stored")
    admin.delete_topics([place.topic])[place.topic].result()
    place.wait(lambda: place.topic not in admin.list_topics(timeout=10).topics, 20, "the topic is gone")
    admin.create_topics([NewTopic(place.topic, 3, 1)])[place.topic].result()
    place.produce(200, 2)
    process = place.sinks[running]
    place.wait(lambda: process.poll() is not None or place.ask("SELECT count() FROM trail") == 500, 60, "it notices")
    if process.poll() is None:
        place.assert_exact()
        return
    assert process.returncode == 1
    assert "the topic was made anew" in place.said()
    place.wait(lambda: place.committed()[0][0] < 0, 20, "Kafka has forgotten the offsets of the old topic")
    place.start()
    place.wait(lambda: place.ask("SELECT count() FROM trail") == 500, 60, "the new events are stored too")
    place.assert_exact()
