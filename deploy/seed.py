"""Fills a store with made-up sessions: the same rows for the same seed, in bounded memory.

Up to half a million events go through the sink's own writer, and their event and record hashes are right. Of more, those of
the first day do; the days after it are copies of it, made by the engine (see seed_copies).
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from langtrail.processors.avro_container import AvroContainer
from langtrail.processors.clickhouse import Store, StoreError, connect, store_error
from langtrail.schemas import AUDIT_EVENT, RegisteredSchema, encode, event_hash, record_hash, registry

from .errors import CannotRun
from .migrate import migrate
from .seed_copies import Copy, copies, store_copies
from .seed_events import Period, stream_events
from .store_size import table_size

TOPIC: Final = "langtrail.bench"
"""What made-up rows have for their topic: no record of Kafka is ever taken for one of them."""
ORIGINALS: Final = 500_000
"""The most events that are made one by one."""
ROWS_A_BATCH: Final = 10_000
_SESSIONS_A_BATCH: Final = 10_000
_HASH_BYTES: Final = 32
_NO_HASHES: Final = {"record_hash": bytes(_HASH_BYTES), "event_hash": bytes(_HASH_BYTES)}
"""The first two fields of the head, of a fixed length."""
_INSERT_SECONDS: Final = 300
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True)
class _Batch:
    """One insert, which any process can make without the others."""

    dsn: str
    seed: int
    number: int
    rows: int
    period: Period


def seed(dsn: str, events: int, *, days: int, number: int = 1, jobs: int = 2) -> Iterator[int]:
    """Store `events` made-up events of the last `days` days; yield how many rows each finished batch had.

    `number` is the seed. Started again on the same day with the same values it stores what is missing and nothing twice.
    Raises CannotRun when the database holds other events: measuring must not spoil a trail.
    """
    migrate(dsn)
    _refuse_recorded(dsn)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = Period(int(midnight.timestamp()) * 1_000_000 - (days - 1) * _DAY_US, days)
    if events <= ORIGINALS:
        yield from _store_originals(dsn, events, number, period, jobs)
        return
    originals = min(ORIGINALS, -(-events // days))
    yield from _store_originals(dsn, originals, number, replace(period, days=1), jobs)
    yield from _store_copies(dsn, copies(originals, events, days), f"{TOPIC}:{number}:{originals}:{period.begin_us}", jobs)


def sizes(dsn: str) -> str:
    """Return how much room the events take, as a line. Raises CannotRun."""
    client = _client(dsn)
    try:
        return table_size(client, "events")
    except ClickHouseError as error:
        raise CannotRun(str(store_error(error, dsn))) from None
    finally:
        client.close()


def encode_seeded(record: dict[str, Any]) -> bytes:
    """Return the Avro datum of a made-up event, with its event and record hash. Raises MalformedRecord."""
    head, core = _schemas()
    core_bytes = encode(core, record)
    rest = event_hash(core_bytes) + encode(head, record | _NO_HASHES)[2 * _HASH_BYTES :] + core_bytes
    return record_hash(rest) + rest


@cache
def _schemas() -> tuple[RegisteredSchema, RegisteredSchema]:
    """Return the head and the core of the newest AuditEvent, each as a schema of its own."""
    whole = registry().latest(AUDIT_EVENT)
    return replace(whole, core=None), replace(whole, head=str(whole.core), core=None)


def _store_originals(dsn: str, events: int, number: int, period: Period, jobs: int) -> Iterator[int]:
    batches = [
        _Batch(dsn, number, at // ROWS_A_BATCH, min(ROWS_A_BATCH, events - at), period) for at in range(0, events, ROWS_A_BATCH)
    ]
    # Not forked: a client of ClickHouse has threads and locks that a fork would leave in an unknown state.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            for done in as_completed([pool.submit(_store, batch) for batch in batches]):
                yield done.result()
        except StoreError as error:
            raise CannotRun(str(error)) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _store_copies(dsn: str, made: list[Copy], name: str, jobs: int) -> Iterator[int]:
    client = _client(dsn)
    try:
        yield from store_copies(client, made, name, jobs)
    except ClickHouseError as error:
        raise CannotRun(str(store_error(error, dsn))) from None
    finally:
        client.close()


def _store(batch: _Batch) -> int:
    container = _container()
    first = batch.number * _SESSIONS_A_BATCH
    events = stream_events(batch.seed, batch.number, batch.period, batch.rows, range(first, first + _SESSIONS_A_BATCH))
    offset = batch.number * ROWS_A_BATCH
    data = container.encode((offset + at, encode_seeded(event)) for at, event in enumerate(events))
    token = f"{TOPIC}:{batch.seed}:{batch.number}:{batch.rows}:{batch.period.begin_us}:{batch.period.days}"
    _connected(batch.dsn).insert(container.columns, data, token)
    return batch.rows


@cache
def _container() -> AvroContainer:
    return AvroContainer(TOPIC, 0, registry().latest(AUDIT_EVENT))


@cache
def _connected(dsn: str) -> Store:
    return Store(dsn, _INSERT_SECONDS)


def _refuse_recorded(dsn: str) -> None:
    client = _client(dsn)
    try:
        found = client.query("SELECT 1 FROM events WHERE _topic != {topic:String} LIMIT 1", {"topic": TOPIC}).result_rows
    finally:
        client.close()
    if found:
        raise CannotRun("the database holds recorded events; name another one in LANGTRAIL_CLICKHOUSE_DSN, it will be created")


def _client(dsn: str) -> Client:
    try:
        return connect(dsn, timeout_seconds=_INSERT_SECONDS)
    except StoreError as error:
        raise CannotRun(str(error)) from None
