"""langtrail retain: what is over goes, from everything made of it, and what proves it stays, whatever ends a run."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from langtrail.deploy.ask import Trail
from langtrail.deploy.errors import NotRecorded
from langtrail.deploy.removal import DONE, Removal
from langtrail.deploy.retain import Retention
from langtrail.deploy.retention_policy import RetentionPolicy
from langtrail.deploy.watch_queries import EXPLAINED
from langtrail.processors.clickhouse import connect
from langtrail.schemas import chain_hash

START = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
"""When the streams of `store_events` begin."""
NOW = START + timedelta(days=400)
POLICY = RetentionPolicy({"standard": 365, "short": 30}, "ab" * 32)
COUNTS = """
SELECT tenant_id, retention_class, count() FROM events FINAL WHERE event_type != 'retention' GROUP BY ALL ORDER BY ALL
"""

StoreEvents = Callable[..., None]
Command = Callable[..., Any]


def micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return int(moment.timestamp() * 1e6)


@pytest.fixture
def aged(empty_store: str, store_events: StoreEvents) -> str:
    """Return the DSN of a store of two tenants: events of two classes that are over, in two months, and events that are not.

    Sessions: old (all over), mixed (some), new (none).
    """
    late = {"processed_at": micros(NOW - timedelta(days=2))}
    offset = 0
    for hours, arrival in ((0, {"processed_at": micros(START)}), (24 * 20, {"processed_at": micros(START)}), (24 * 30, late)):
        events: list[dict[str, Any]] = []
        for tenant in ("acme", "globex"):
            for kept in ("standard", "regulated"):
                session = "mixed" if hours == 24 * 20 else "old" if hours == 0 else "new"
                facts = {"tenant_id": tenant, "retention_class": kept, "session_id": session, "principal_id": f"p-{session}"}
                call = {"provider": "openai", "request_model": "m", "outcome": "success", "total_tokens": 5}
                events += [
                    {**facts, **arrival, "event_type": "chain_start"},
                    {**facts, **arrival, **call, "event_type": "llm_end"},
                ]
            if hours == 24 * 20:
                events.append({
                    "tenant_id": tenant, "retention_class": "standard", "session_id": "mixed", "principal_id": "p-later", **late
                })  # fmt: skip
        store_events(empty_store, events, hours, offset=offset)
        offset += len(events)
    return empty_store


@pytest.fixture
def client(aged: str) -> Iterator[Client]:
    """Return a client of that store."""
    client = connect(aged)
    yield client
    client.close()


class Recorder:
    """Keeps what removals recorded, and refuses to when it is told so."""

    def __init__(self) -> None:
        self.events: list[tuple[Removal, str | None]] = []
        self.refuses = False

    def __call__(self, removal: Removal, outcome: str | None) -> None:
        """Record."""
        if self.refuses:
            raise NotRecorded("Kafka is away")
        self.events.append((removal, outcome))


def retention(client: Any, aged: str, holds: set[str] | None = None, policy: RetentionPolicy = POLICY) -> Retention:
    """Return the retention of the store, with these tenants under legal hold."""
    return Retention(client, aged, policy, holds or set(), NOW)


def identities(client: Client, tenant: str) -> set[tuple[Any, ...]]:
    """Return the identity and hashes of a tenant's events of class standard that are over."""
    over = f"tenant_id = '{tenant}' AND retention_class = 'standard' AND processed_at < '2027-01-01 00:00:00'"
    return set(map(tuple, client.query(f"SELECT stream_id, seq, event_hash, record_hash FROM events WHERE {over}").result_rows))


def test_what_is_over_goes_and_its_proof_stays(client: Client, aged: str) -> None:
    """Events, usage and sessions of the class are gone, other classes and later arrivals stay; the hashes of all are kept."""
    expected = identities(client, "acme") | identities(client, "globex")
    key, record = Ed25519PrivateKey.generate(), Recorder()
    done = list(retention(client, aged).remove("operator", key, record))
    assert [(each.tenant_id, each.retention_class, each.month, each.events, each.step) for each in done] == [
        (tenant, "standard", month, 2, DONE) for tenant in ("acme", "globex") for month in (202609, 202610)
    ]
    expected_counts = [(tenant, kept, n) for tenant in ("acme", "globex") for kept, n in (("regulated", 6), ("standard", 3))]
    assert [tuple(row) for row in client.query(COUNTS).result_rows] == expected_counts
    assert client.query("SELECT count() FROM usage FINAL").result_rows == [(8,)]
    kept = client.query("SELECT stream_id, seq, event_hash, record_hash FROM removed_events FINAL").result_rows
    assert set(map(tuple, kept)) == expected
    assert [(removal.removal_id, outcome) for removal, outcome in record.events] == [
        (each.removal_id, outcome) for each in done for outcome in (None, "success")
    ]
    assert retention(client, aged).over() == []


def test_sessions_say_what_their_events_say(client: Client, aged: str) -> None:
    """A session of which something is left begins later and forgets who is gone; one of which nothing is left is no session."""
    before = (
        "SELECT session_id, tenant_id, min(first), max(last), arraySort(groupUniqArrayArray(principal_ids)) FROM session_index"
    )
    derived = (
        "SELECT session_id, tenant_id, min(occurred_at), max(occurred_at), arraySort(groupUniqArray(principal_id)) FROM events"
    )
    list(
        retention(client, aged, policy=RetentionPolicy({"standard": 365, "regulated": 365}, "")).remove(
            "operator", None, Recorder()
        )
    )
    index = client.query(f"{before} GROUP BY 1, 2 ORDER BY ALL").result_rows
    assert index == client.query(f"{derived} GROUP BY 1, 2 ORDER BY ALL").result_rows
    assert {row[0]: row[4] for row in index} == {"mixed": ["p-later"], "new": ["p-new"]}


def test_the_proof_can_be_computed_by_anyone(client: Client, aged: str) -> None:
    """The digest follows from the kept hashes, the signature from the row and the public key; another fact or key does not."""
    key, record = Ed25519PrivateKey.generate(), Recorder()
    first, *_ = retention(client, aged).remove("operator", key, record)
    rows = client.query(
        f"SELECT stream_id, seq, event_hash, record_hash FROM removed_events FINAL WHERE removal_id = '{first.removal_id}'"
    ).result_rows
    digest = sha256()
    for stream_id, seq, event_hash, record_hash in sorted(rows, key=lambda row: (row[0].bytes, row[1], row[2])):
        digest.update(UUID(str(stream_id)).bytes + seq.to_bytes(8, "big") + event_hash + record_hash)
    assert (first.events, first.digest) == (len(rows), digest.digest())
    (stored,) = client.query(
        f"SELECT digest, signature, public_key, removed_by, policy FROM removals FINAL WHERE removal_id = '{first.removal_id}'"
    ).result_rows
    assert stored == (first.digest, first.signature, first.public_key, "operator", POLICY.digest)
    assert first.is_signed_by(first.public_key)
    assert b64decode(first.public_key) == key.public_key().public_bytes_raw()
    assert isinstance(key.public_key(), Ed25519PublicKey)
    assert not replace(first, events=first.events - 1).is_signed_by(first.public_key)
    other = replace(first).signed(Ed25519PrivateKey.generate())
    assert not other.is_signed_by(first.public_key)


def test_a_tenant_under_legal_hold_loses_nothing(client: Client, aged: str) -> None:
    """It is in the plan, marked; nothing of it goes, not even when the hold came after a run was broken off."""
    plan = retention(client, aged, {"acme"}).over()
    assert {(each.tenant_id, each.held) for each in plan} == {("acme", True), ("globex", False)}
    record = Recorder()
    record.refuses = True
    with pytest.raises(NotRecorded):
        list(retention(client, aged).remove("operator", None, record))
    (begun,) = retention(client, aged).unfinished()
    assert (begun.tenant_id, begun.events) == ("acme", 2)
    record.refuses = False
    held = identities(client, "acme")
    done = list(retention(client, aged, {"acme"}).remove("operator", None, record))
    assert {each.tenant_id for each in done} == {"globex"}
    assert identities(client, "acme") == held
    assert retention(client, aged).unfinished() == [begun]


def test_nothing_goes_that_is_not_recorded_first(client: Client, aged: str) -> None:
    """When the event that tells of it is not kept, no event is removed."""
    before = client.query(COUNTS).result_rows
    record = Recorder()
    record.refuses = True
    with pytest.raises(NotRecorded):
        list(retention(client, aged).remove("operator", None, record))
    assert client.query(COUNTS).result_rows == before


class Dying:
    """A client whose process dies right after its n-th change of the store."""

    def __init__(self, client: Client, at: int) -> None:
        self._client, self._left = client, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def command(self, *arguments: Any, **settings: Any) -> Any:
        """Run a statement."""
        return self._do(self._client.command, arguments, settings)

    def insert(self, *arguments: Any, **settings: Any) -> Any:
        """Insert rows."""
        return self._do(self._client.insert, arguments, settings)

    def _do(self, function: Callable[..., Any], arguments: Any, settings: Any) -> Any:
        self._left -= 1
        function(*arguments, **settings)
        if not self._left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", range(2, 10))  # the first statement takes the lease
def test_a_run_that_is_killed_at_any_step_is_finished_by_the_next(client: Client, aged: str, at: int) -> None:
    """Nothing is lost of the record and nothing is left half removed: the end is the same as without the kill."""
    expected = identities(client, "acme") | identities(client, "globex")
    key, record = Ed25519PrivateKey.generate(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        list(retention(Dying(client, at), aged).remove("operator", key, record))
    gone = expected - identities(client, "acme") - identities(client, "globex")
    assert not gone or record.events, "what has gone was told before"
    list(retention(client, aged).remove("operator", key, record))
    assert identities(client, "acme") | identities(client, "globex") == set()
    kept = client.query("SELECT stream_id, seq, event_hash, record_hash FROM removed_events FINAL").result_rows
    assert sorted(map(tuple, kept)) == sorted(expected)
    assert client.query("SELECT sum(events), uniqExact(step), min(step) FROM removals FINAL").result_rows == [(8, 1, DONE)]
    index = "SELECT arraySort(groupUniqArray((tenant_id, session_id))) FROM "
    assert client.query(f"{index} session_index").result_rows == client.query(f"{index} events").result_rows
    finished = {removal.removal_id for removal, outcome in record.events if outcome == "success"}
    assert len(finished) == 4


def test_the_records_of_removals_are_never_removed(client: Client, aged: str, store_events: StoreEvents) -> None:
    """Neither class nor age makes a retention or an erasure event go."""
    told = [
        {"event_type": kind, "retention_class": "short", "processed_at": micros(START)} for kind in ("retention", "erasure")
    ]
    store_events(aged, told, hours=1, offset=1000)
    list(retention(client, aged).remove("operator", None, Recorder()))
    assert client.query("SELECT count() FROM events WHERE retention_class = 'short'").result_rows == [(2,)]


def test_the_partitions_add_up(client: Client, aged: str) -> None:
    """Every offset is stored or removed, and none is anything else, before and after."""
    trail = Trail(aged)
    for removed in (0, 8):
        (row,) = trail.ask("accounting").objects()
        assert (row["offsets"], row["stored"], row["removed"], row["other"], row["rejected"]) == (
            26,
            26 - removed,
            removed,
            0,
            0,
        )
        list(retention(client, aged).remove("operator", None, Recorder()))
    trail.close()


def test_a_chain_is_checked_with_the_hash_in_place_of_the_event(client: Client, aged: str) -> None:
    """What is left and what was removed give each stream's numbers and hashes whole: its chain is what it was before."""

    def chains(table: str) -> dict[str, bytes]:
        links: dict[str, bytes] = {}
        for stream_id, seq, event_hash in client.query(
            f"SELECT stream_id, seq, event_hash FROM {table} ORDER BY ALL"
        ).result_rows:
            before = links.get(str(stream_id), bytes(32))
            links[str(stream_id)] = chain_hash(UUID(str(stream_id)).bytes, seq, before, event_hash)
        return links

    whole = chains("events")
    list(retention(client, aged).remove("operator", None, Recorder()))
    both = (
        "(SELECT stream_id, seq, event_hash FROM events UNION DISTINCT SELECT stream_id, seq, event_hash FROM removed_events)"
    )
    assert chains("events") != whole
    assert chains(both) == whole


def test_the_holes_are_explained(client: Client, aged: str) -> None:
    """`missing` counts what was removed apart: nothing is unexplained, and a stream whose end was removed is not silent."""
    list(retention(client, aged).remove("operator", None, Recorder()))
    trail = Trail(aged)
    rows = trail.ask("missing").objects()
    trail.close()
    assert sum(row["removed"] for row in rows) > 0
    assert [row["unexplained"] for row in rows] == [0] * len(rows)
    removed = set(map(tuple, client.query("SELECT stream_id, seq FROM removed_events").result_rows))
    ranges = client.query(EXPLAINED, {"streams": [stream for stream, _ in removed]}).result_rows
    assert {(stream, seq) for stream, first, last in ranges for seq in range(first, last + 1)} == removed
