"""A lease in the store: of all that ask for one name, on whatever host, one at a time does its work. See 0013_leases.sql."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from .errors import CannotRun

LEASE_SECONDS: Final = 60.0
"""How long what a process held stays taken after it died."""
_RENEWALS: Final = 4
"""How often a lease is renewed before it would end."""
_READ: Final = {"select_sequential_consistency": 1}
_NEWEST: Final = """
SELECT generation, holder_id, holder, formatDateTime(taken_at, '%FT%TZ', 'UTC'), formatDateTime(until, '%FT%TZ', 'UTC'),
    until > now64(6) AS is_held
FROM leases FINAL WHERE name = {name:String} ORDER BY generation DESC, holder_id LIMIT 1
"""
_COLUMNS: Final = ("name", "generation", "holder_id", "holder", "taken_at", "until")
_NOW: Final = "SELECT now64(6, 'UTC')"


class LeaseHeld(CannotRun):
    """Another process does what the lease is for; the text says which, and until when it is waited for if it died."""


class LeaseLost(CannotRun):
    """The lease could not be renewed in time, so another process may have taken it."""


@dataclass
class Lease:
    """A lease that is held. `check` before each step that another process must not do at the same time."""

    client: Client
    name: str
    generation: int
    holder: str
    seconds: float
    holder_id: UUID = field(default_factory=uuid4)
    taken_at: datetime | None = None
    _good_until: float = 0.0

    def check(self) -> None:
        """Raise LeaseLost when it was not renewed in time."""
        if monotonic() >= self._good_until:
            raise LeaseLost(f"the lease {self.name} could not be renewed in time; what was begun is finished by the next run")

    def write(self, seconds: float, settings: dict[str, Any]) -> None:
        """Hold it for so many seconds from now, 0 to give it back. Raises ClickHouseError."""
        asked = monotonic()  # before the store's clock is read: it is never thought to be held for longer than it is
        ((now,),) = self.client.query(_NOW, query_tz="UTC", tz_mode="aware").result_rows
        self.taken_at = self.taken_at or now
        row = [self.name, self.generation, self.holder_id, self.holder, self.taken_at, now + timedelta(seconds=seconds)]
        self.client.insert("leases", [row], _COLUMNS, settings={"async_insert": 0, **settings})
        self._good_until = asked + seconds


@contextmanager
def leased(client: Client, name: str, holder: str, seconds: float = LEASE_SECONDS) -> Iterator[Lease]:
    """Hold a lease for as long as the block runs; a thread renews it. Raises LeaseHeld, ClickHouseError.

    `holder` is for people. A process that is killed holds it for at most `seconds` more.
    """
    newest = _newest(client, name)
    if newest and newest[-1]:
        raise _held(name, *newest[2:5])
    who = f"{holder} on {socket.gethostname()}, process {os.getpid()}"
    lease = Lease(client, name, newest[0] + 1 if newest else 1, who, seconds)
    lease.write(seconds, {"insert_deduplication_token": f"{name}:{lease.generation}"})
    newest = _newest(client, name)
    if newest is None or newest[1] != lease.holder_id:
        raise _held(name, *(newest[2:5] if newest else ("somebody", "this moment", "a minute")))
    over = Event()
    renewing = Thread(target=_renew, args=(lease, over), name="langtrail-lease", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        over.set()
        renewing.join()
        with suppress(ClickHouseError):  # it is over by itself soon
            lease.write(0.0, {"insert_deduplicate": 0})


def _renew(lease: Lease, over: Event) -> None:
    while not over.wait(lease.seconds / _RENEWALS):
        with suppress(ClickHouseError):  # `check` tells when it has failed for too long
            lease.write(lease.seconds, {"insert_deduplicate": 0})


def _newest(client: Client, name: str) -> Any:
    rows = client.query(_NEWEST, {"name": name}, _READ).result_rows
    return rows[0] if rows else None


def _held(name: str, holder: str, since: str, until: str) -> LeaseHeld:
    return LeaseHeld(
        f"another `langtrail {name}` is at work: of {holder}, since {since}; wait until it is done. "
        f"If it was killed, this can be run after {until}"
    )
