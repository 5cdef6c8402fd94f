"""Workers come and go under load: stopped, killed, joined by others. Nothing is lost, and what comes twice is the same."""

import random
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from langtrail.deploy.process import wait_for
from langtrail.deploy.sample_raw_events import RawRecord
from langtrail.schemas import DeadLetterHeader

if TYPE_CHECKING:
    from tests.integration.worker.conftest import Cluster, Worker

IDENTITY = ("event_id", "event_hash", "chain_hash", "stream_id", "seq", "_partition")


@pytest.mark.parametrize("workers", [2, 3])
def test_rebalances_under_load_lose_nothing(workers: int, cluster: "Cluster", start_worker: "Callable[..., Worker]") -> None:
    """One of several workers ends, by SIGTERM or kill -9, and another one joins, again and again while records arrive."""
    chance = random.Random(workers)  # noqa: S311 - a repeatable schedule
    running = [start_worker(step="time.sleep(0.001)").until_ready() for _ in range(workers)]
    written: list[RawRecord] = []
    bad = 0
    for _ in range(5):
        more = cluster.records(600)
        cluster.produce(more)
        cluster.produce_bytes(b"junk", bad % 2)
        cluster.flush()
        written, bad = [*written, *more], bad + 1
        ending = running.pop(chance.randrange(len(running)))
        if chance.random() < 0.5:
            ending.kill()
        else:
            assert ending.terminate() == 0, ending.said()
        running.append(start_worker(step="time.sleep(0.001)").until_ready())
    assert wait_for(lambda: cluster.committed() == len(written) + bad, 90), running[-1].said()
    events = cluster.events()
    assert Counter(event["event_id"] for event in events).keys() == cluster.ids_of(written).keys()
    assert len({tuple(event[name] for name in IDENTITY) for event in events}) == len(written)
    assert all(event["_partition"] == event["seq"] % 2 for event in events)
    origins = {(why[DeadLetterHeader.PARTITION], why[DeadLetterHeader.OFFSET]) for _, why in cluster.letters()}
    assert len(origins) == bad
