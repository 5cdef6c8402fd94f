"""The lease in the store: one at a time holds it, whoever dies holds it no longer than its time, and retain goes by it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from time import monotonic
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError

from langtrail.deploy.lease import Lease, LeaseHeld, LeaseLost, leased
from langtrail.deploy.process import wait_for
from langtrail.deploy.retain import Retention
from langtrail.deploy.retention_policy import RetentionPolicy
from langtrail.processors.clickhouse import connect

ROUNDS, ASKING = 5, 6
ARRIVED = 1_790_000_000_000_000
POLICY = RetentionPolicy({"standard": 30}, "ab" * 32)

StoreEvents = Callable[..., None]


@pytest.fixture
def store(empty_store: str) -> str:
    """Return the DSN of a store of its own."""
    return empty_store


@pytest.fixture
def client(store: str) -> Iterator[Client]:
    """Return a client of it."""
    client = connect(store)
    yield client
    client.close()


def test_of_many_that_ask_at_once_one_gets_it(store: str) -> None:
    """Each round has one holder, the others are told of it; when it is given back, the next round has one again."""
    start, done = Barrier(ASKING), Barrier(ASKING)

    def ask(number: int) -> list[bool]:
        client, held = connect(store), []
        for _ in range(ROUNDS):
            start.wait(30)
            try:
                with leased(client, "race", f"asker {number}"):
                    held.append(True)
                    done.wait(30)
            except LeaseHeld:
                held.append(False)
                done.wait(30)
            start.wait(30)
        client.close()
        return held

    with ThreadPoolExecutor(ASKING) as pool:
        rounds = zip(*pool.map(ask, range(ASKING)), strict=True)
        assert [sum(held) for held in rounds] == [1] * ROUNDS


def test_what_a_killed_process_held_is_over_at_its_time(client: Client) -> None:
    """Until then others are told who had it and when to come again; after it they get it."""
    Lease(client, "retain", 1, "ann on her-host, process 7", 2).write(2, {})
    with (
        pytest.raises(LeaseHeld, match=r"of ann on her-host, process 7, since 20.*Z; .* can be run after 20.*Z$"),
        leased(client, "retain", "bob"),
    ):
        pass

    def is_taken() -> bool:
        try:
            with leased(client, "retain", "bob") as lease:
                return lease.generation == 2
        except LeaseHeld:
            return False

    assert wait_for(is_taken, 10)


def test_it_is_renewed_while_the_work_goes_on(client: Client) -> None:
    """Work may take many times as long as a lease lasts."""
    with leased(client, "retain", "ann", seconds=1) as lease:
        ends = monotonic() + 2.5
        assert wait_for(lambda: monotonic() > ends, 10)
        lease.check()
        with pytest.raises(LeaseHeld), leased(client, "retain", "bob"):
            pass


class Gone:
    """A client whose store is away once it is told so."""

    def __init__(self, client: Client) -> None:
        self._client, self.is_away = client, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def insert(self, *arguments: Any, **settings: Any) -> Any:
        """Insert, if the store is there."""
        if self.is_away:
            raise OperationalError("away")
        return self._client.insert(*arguments, **settings)


def test_who_could_not_renew_it_knows(client: Client) -> None:
    """A holder that the store did not hear for so long must not go on: another may have begun."""
    gone: Any = Gone(client)
    with leased(gone, "retain", "ann", seconds=1) as lease:
        lease.check()
        gone.is_away = True

        def is_lost() -> bool:
            try:
                lease.check()
            except LeaseLost:
                return True
            return False

        assert wait_for(is_lost, 10)


def test_a_second_retain_is_refused(client: Client, store: str, store_events: StoreEvents) -> None:
    """While one removes events, another is told so and changes nothing; afterwards it may run, and finds nothing left."""
    facts = {"retention_class": "standard", "processed_at": ARRIVED}
    store_events(store, [{**facts, "tenant_id": tenant} for tenant in ("acme", "globex")], hours=1)
    first, second = (Retention(client, store, POLICY, set(), datetime(2030, 1, 1, tzinfo=UTC)) for _ in range(2))
    refused = []

    def meanwhile(*_: Any) -> None:
        with pytest.raises(LeaseHeld, match=r"^another `langtrail retain` is at work: of ann on .*"):
            list(second.remove("bob", None, lambda *_: None))
        refused.append(client.query("SELECT count() FROM removals FINAL").result_rows[0][0])

    assert [removal.events for removal in first.remove("ann", None, meanwhile)] == [1, 1]
    assert refused == [1, 1, 2, 2], "what was refused began nothing"
    assert list(second.remove("bob", None, meanwhile)) == []
    assert client.query("SELECT count() FROM removals FINAL WHERE removed_by != 'ann'").result_rows == [(0,)]
