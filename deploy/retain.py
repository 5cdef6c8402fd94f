"""Removes events whose retention period is over, and keeps the proof: what went, when, by which rule, and its hashes.

The period counts from `processed_at`, when a worker had the event: one that waited in a spool arrived late, and a store that is
loaded again keeps it. The records of removals (retention, erasure) stay, and so does every event of a tenant under legal hold.

A removal is of one tenant, class and month. First its row and the hashes of its events are written, then the event that says
so, and only then the events go: from events, usage and session_index. dead_letters has nothing but hashes and numbers, which
explain holes: it stays. Whatever ends a run, the next one goes on where it was: each step can be done again. One run at a
time removes: it holds a lease in the store.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from langtrail.processors.clickhouse import store_error

from .errors import CannotRun
from .lease import Lease, leased
from .migrate_cluster import quoted
from .removal import BEGUN, DONE, LISTED, Removal
from .retention_policy import RetentionPolicy

_KEPT: Final = ("retention", "erasure")
_COLUMNS: Final = (
    *("removal_id", "step", "tenant_id", "retention_class", "month", "before", "events", "digest", "policy", "removed_by"),
    *("public_key", "signature"),
)
_READ: Final = {"select_sequential_consistency": 1}
_WRITE: Final = {"async_insert": 0}
_REMOVE: Final = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1}
"""Wait until every replica has removed the rows; a condition that reads another table has to be allowed on a cluster."""
_OVER: Final = """
SELECT tenant_id, retention_class, toYYYYMM(occurred_at) AS month, count(), min(processed_at), max(processed_at)
FROM events FINAL
WHERE has({classes:Array(String)}, retention_class) AND event_type NOT IN {kept:Array(String)}
  AND processed_at < {cutoffs:Array(DateTime64(6, 'UTC'))}[indexOf({classes:Array(String)}, retention_class)]
GROUP BY tenant_id, retention_class, month ORDER BY tenant_id, retention_class, month
"""
_UNFINISHED: Final = f"SELECT {', '.join(_COLUMNS)} FROM removals FINAL WHERE step < {DONE} ORDER BY changed_at"  # noqa: S608 - names of ours
_LIST: Final = """
INSERT INTO removed_events
SELECT {id:UUID}, stream_id, seq, event_id, event_hash, record_hash, _topic, _partition, _offset
FROM events FINAL
WHERE tenant_id = {tenant:String} AND retention_class = {class:String} AND toYYYYMM(occurred_at) = {month:UInt32}
  AND event_type NOT IN {kept:Array(String)} AND processed_at < {before:DateTime64(6, 'UTC')}
"""
_LISTED: Final = """
SELECT UUIDStringToNum(toString(stream_id)) AS stream, reverse(reinterpretAsFixedString(seq)), event_hash, record_hash
FROM removed_events FINAL WHERE removal_id = {id:UUID} ORDER BY stream, seq, event_hash
"""
_LISTED_BYTES: Final = 16 + 8 + 32 + 32
_LEFT: Final = """
SELECT count() FROM events
WHERE (stream_id, seq, event_hash) IN (SELECT stream_id, seq, event_hash FROM removed_events WHERE removal_id = {id:UUID})
"""
_REMOVED_FROM: Final = {"events": "stream_id, seq, event_hash", "usage": "event_id, event_hash"}
"""How the rows of a table are told to be of a removed event."""

Record = Callable[[Removal, str | None], None]
"""Records a removal as an event and returns when it is kept: with None before it is done, with an outcome after it."""


class RetainError(CannotRun):
    """Events cannot be removed now; the text says why. What was removed is recorded, and the next run goes on."""


@dataclass(frozen=True)
class Over:
    """Events whose period is over: of one tenant, class and month. `held`: the tenant is under legal hold, so they stay."""

    tenant_id: str
    retention_class: str
    month: int
    events: int
    arrived_first: datetime
    arrived_last: datetime
    held: bool


class Retention:
    """A store, how long its classes are kept, and who must not lose anything."""

    def __init__(self, client: Client, dsn: str, policy: RetentionPolicy, holds: Collection[str], now: datetime) -> None:
        self._client = client
        self._dsn = dsn
        self._policy = policy
        self._holds = holds
        whole = now.astimezone(UTC).replace(microsecond=0)
        self._cutoffs = {name: whole - timedelta(days=days) for name, days in policy.days.items()}

    def over(self) -> list[Over]:
        """Return what would go, and what would if it were not held. Raises RetainError."""
        parameters = {"classes": list(self._cutoffs), "cutoffs": list(self._cutoffs.values()), "kept": list(_KEPT)}
        return [Over(*(*row, row[0] in self._holds)) for row in self._rows(_OVER, parameters)]

    def unfinished(self) -> list[Removal]:
        """Return the removals that an earlier run began and did not end, the oldest first. Raises RetainError."""
        return [_removal(row) for row in self._rows(_UNFINISHED, {})]

    def remove(self, removed_by: str, key: Ed25519PrivateKey | None, record: Record) -> Iterator[Removal]:
        """Remove what is over; yield each removal when it is done, those of an earlier run first.

        What `record` raises ends it, before anything of that removal is removed. Raises RetainError; LeaseHeld while another
        run removes events of this store, and LeaseLost when the store was away for so long that another may have begun.
        """
        try:
            with leased(self._client, "retain", removed_by) as lease:
                yield from self._remove(removed_by, key, record, lease)
        except ClickHouseError as error:
            raise RetainError(str(store_error(error, self._dsn))) from None

    def _remove(self, removed_by: str, key: Ed25519PrivateKey | None, record: Record, lease: Lease) -> Iterator[Removal]:
        for removal in self.unfinished():
            if removal.tenant_id not in self._holds:
                yield self._finish(removal, key, record, lease)
        for over in self.over():
            if not over.held:
                lease.check()
                before = self._cutoffs[over.retention_class]
                facts = (over.tenant_id, over.retention_class, over.month, before, 0, bytes(32), self._policy.digest)
                begun = Removal(uuid4(), BEGUN, *facts, removed_by)
                self._write(begun)
                yield self._finish(begun, key, record, lease)

    def _finish(self, removal: Removal, key: Ed25519PrivateKey | None, record: Record, lease: Lease) -> Removal:
        lease.check()
        if removal.step == BEGUN:
            removal = self._listed(removal, key)
        record(removal, None)
        for table in _REMOVED_FROM:
            lease.check()
            self._remove_from(table, removal)
        lease.check()
        self._mend_sessions(removal.tenant_id)
        ((left,),) = self._rows(_LEFT, {"id": removal.removal_id})
        if left:
            raise RetainError(f"{left} events of removal {removal.removal_id} are still in the store; run it again")
        record(removal, "success")
        done = replace(removal, step=DONE)
        self._write(done)
        return done

    def _listed(self, removal: Removal, key: Ed25519PrivateKey | None) -> Removal:
        """Write the hashes of what will go, and then how many they are, their digest and the signature."""
        self._command(_LIST, {
            "id": removal.removal_id, "tenant": removal.tenant_id, "class": removal.retention_class, "month": removal.month,
            "before": removal.before, "kept": list(_KEPT),
        }, _WRITE)  # fmt: skip
        size, digest = 0, sha256()
        try:
            with self._client.raw_stream(_LISTED, {"id": removal.removal_id}, _READ, "RowBinary") as stream:
                while piece := stream.read(1 << 20):
                    size += len(piece)
                    digest.update(piece)
        except ClickHouseError as error:
            raise RetainError(str(store_error(error, self._dsn))) from None
        listed = replace(removal, step=LISTED, events=size // _LISTED_BYTES, digest=digest.digest()).signed(key)
        self._write(listed)
        return listed

    def _remove_from(self, table: str, removal: Removal) -> None:
        identity = _REMOVED_FROM[table]
        removed = f"{quoted(self._client.database or 'langtrail')}.removed_events"
        self._command(
            f"ALTER TABLE {table} DELETE IN PARTITION {removal.month} WHERE ({identity}) IN "  # noqa: S608 - names of ours
            f"(SELECT {identity} FROM {removed} WHERE removal_id = '{removal.removal_id}')",
            {},
            _REMOVE,
        )

    def _mend_sessions(self, tenant: str) -> None:
        """Make the tenant's session_index what its events say: rows that say more go, and are made anew."""
        database = quoted(self._client.database or "langtrail")
        literal = "'" + tenant.replace("\\", "\\\\").replace("'", "\\'") + "'"
        ((select,),) = self._rows(_VIEW, {})
        of_tenant = select.replace(" WHERE ", f" WHERE (tenant_id = {literal}) AND ", 1)
        stale = _STALE.format(database=database, tenant=literal, of_events=of_tenant)
        self._command(
            f"ALTER TABLE session_index DELETE WHERE tenant_id = {literal} AND session_id IN ({stale})",
            {},
            _REMOVE,
        )
        there = f"SELECT session_id FROM {database}.session_index WHERE tenant_id = {literal}"  # noqa: S608 - quoted
        absent = f"SELECT * FROM ({of_tenant}) WHERE session_id NOT IN ({there})"  # noqa: S608 - as above
        self._command(f"INSERT INTO session_index {absent}", {}, _WRITE)

    def _write(self, removal: Removal) -> None:
        try:
            self._client.insert("removals", [list(astuple(removal))], list(_COLUMNS), settings=_WRITE)
        except ClickHouseError as error:
            raise RetainError(str(store_error(error, self._dsn))) from None

    def _rows(self, query: str, parameters: dict[str, Any]) -> Any:
        try:
            return self._client.query(query, parameters, _READ, query_tz="UTC", tz_mode="aware").result_rows
        except ClickHouseError as error:
            raise RetainError(str(store_error(error, self._dsn))) from None

    def _command(self, statement: str, parameters: dict[str, Any], settings: dict[str, Any]) -> None:
        try:
            self._client.command(statement, parameters, settings=settings)
        except ClickHouseError as error:
            raise RetainError(str(store_error(error, self._dsn))) from None


_VIEW: Final = """
SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = 'session_index_of_events'
"""
_STALE: Final = """
SELECT i.session_id FROM
(
    SELECT session_id, min(first) AS first, max(last) AS last, arraySort(groupUniqArrayArray(principal_ids)) AS principals
    FROM {database}.session_index WHERE tenant_id = {tenant} GROUP BY session_id
) AS i
LEFT JOIN ({of_events}) AS e ON e.session_id = i.session_id
WHERE e.first != i.first OR e.last != i.last OR arraySort(e.principal_ids) != i.principals
"""


def _removal(row: Any) -> Removal:
    facts = dict(zip(_COLUMNS, row, strict=True))
    digest = facts["digest"]
    return Removal(**{**facts, "digest": digest if isinstance(digest, bytes) else digest.encode()})
