"""ClickHouse as the sink needs it: insert once, say what is stored, tell errors that pass from errors that someone must mend.

StoreError
├── StoreUnavailable  it may work later: the network, a restart, too many parts. Also every error that is not known.
├── StoreRefused      it will not work until someone mends it: no table, wrong password, no such column
└── StoreUnreadable   the records are not what the table can hold

None of the texts quotes what the server said about data: that may be content.
"""

import logging
import re
from collections.abc import Sequence
from threading import Lock
from typing import Final, cast
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.httputil import default_pool_manager

from .avro_container import Pieces

HASH_BYTES: Final = 32
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

_INSERT_SETTINGS: Final = {
    # The reply means: stored. ClickHouse 26.2 made asynchronous inserts the default.
    "async_insert": 0,
    "wait_for_async_insert": 1,
    # A token stands for one block. These keep a batch one block, whatever a server's profile says, and must never change
    # between two tries of one batch: the same token with other blocks loses rows.
    "max_insert_block_size": 1_048_449,
    "min_insert_block_size_rows": 1_048_449,
    "min_insert_block_size_bytes": 268_402_944,
    "max_insert_threads": 1,
    "input_format_parallel_parsing": 0,
    # A repeated block must not reach the materialised views' tables either.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # Events with wild clocks may lie in any month; refusing the block would stop the partition for ever.
    "max_partitions_per_insert_block": 0,
    # Readers use FINAL, and collapsing each block before it is written takes a third of the engine's time.
    "optimize_on_insert": 0,
    # The text index is built by the first merge, seconds later: a fifth of an insert's time. Until then search reads the rows.
    "exclude_materialize_skip_indexes_on_insert": "by_text",
}
_READ_SETTINGS: Final = {"select_sequential_consistency": 1}
"""On a replicated table: only a replica that has every acknowledged insert may answer. Elsewhere without effect."""
_VIEW_OF_EVENTS: Final = "_of_events"
"""How the names of langtrail's views of events end; before it stands the table that they fill."""
_VIEWS: Final = """
SELECT t.name, any(t.as_select), arrayMap(c -> c.2, arraySort(groupArray((c.position, c.name))))
FROM system.tables AS t
JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
WHERE t.database = currentDatabase() AND t.engine = 'MaterializedView' AND endsWith(t.name, {ending:String})
GROUP BY t.name ORDER BY t.name
"""
_FROM_EVENTS: Final = re.compile(r"\bFROM (?:(?:\w+|`[^`]+`)\.)?events\b")
_RANGE: Final = "_topic = {topic:String} AND _partition = {partition:Int32} AND _offset BETWEEN {lo:Int64} AND {hi:Int64}"
_FROM_RANGE: Final = f"FROM (SELECT * FROM events WHERE {_RANGE})"  # noqa: S608 - all of it stands here

_UNREADABLE: Final = {3, 6, 26, 27, 32, 33, 38, 41, 72, 117, 128, 131, 349, 376, 1001}
_REFUSED: Final = {
    10: "a column of the records is not in the table",
    16: "a column of the records is not in the table",
    20: "a column of the records is not in the table",
    44: "a column of the table has another type than the records",
    47: "a column of the records is not in the table",
    53: "a column of the table has another type than the records",
    60: "a table is missing",
    81: "the database is missing",
    115: "it does not know a setting that langtrail needs; it is older than 26.2",
    192: "the user is unknown",
    193: "the password is wrong",
    194: "a password is required",
    497: "the user may not do this",
    516: "the user or the password is wrong",
}
_ACCESS = {192, 193, 194, 497, 516}


class StoreError(Exception):
    """The store did not do what was asked. `code` is ClickHouse's error code, None when it did not answer."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class StoreUnavailable(StoreError):
    """It may work later; nothing has to be mended here. Whether an insert was done is not known."""


class StoreRefused(StoreError):
    """It will not work until someone mends it; the text says what."""


class StoreUnreadable(StoreError):
    """The records are not what the table can hold; nothing of them was stored."""


def connect(dsn: str, *, database: str | None = None, timeout_seconds: float = 120) -> Client:
    """Return a client that several threads may use. `database` replaces the one in the DSN. Raises StoreError.

    HTTP_PROXY and HTTPS_PROXY are for servers elsewhere: one on loopback is never looked for behind a proxy.
    """
    for repeats in ("clickhouse_connect", "urllib3.connectionpool"):  # with its address, what is said here in a sentence
        logging.getLogger(repeats).setLevel(logging.ERROR)
    try:
        return clickhouse_connect.get_client(
            dsn=dsn,
            database=database or database_of(dsn),
            compress=False,
            connect_timeout=5,
            send_receive_timeout=int(timeout_seconds),
            autogenerate_session_id=False,
            client_name="langtrail",
            pool_mgr=default_pool_manager() if urlsplit(dsn).hostname in _LOOPBACK else None,
        )
    except ClickHouseError as error:
        raise store_error(error, dsn) from None


def store_error(error: ClickHouseError, dsn: str) -> StoreError:
    """Return what an error of the driver means for who asked, without anything that the server said about data."""
    code = error.code if isinstance(error, Error) else None
    where = f"ClickHouse at {address(dsn)}"
    if code in _REFUSED:
        what_to_do = "check LANGTRAIL_CLICKHOUSE_DSN" if code in _ACCESS else "run `langtrail migrate`"
        return StoreRefused(f"{where} refuses: {_REFUSED[code]} (code {code}); {what_to_do}", code)
    if code in _UNREADABLE:
        return StoreUnreadable(f"{where} cannot read the records (code {code})", code)
    if code is None:
        return StoreUnavailable(f"{where} does not answer; check LANGTRAIL_CLICKHOUSE_DSN and that it runs")
    return StoreUnavailable(
        f"{where} cannot do it now (code {code}{f', {name}' if (name := getattr(error, 'name', None)) else ''})", code
    )


def database_of(dsn: str) -> str:
    """Return the database that a DSN names, `langtrail` when it names none."""
    return unquote(urlsplit(dsn).path.strip("/")) or "langtrail"


def address(dsn: str) -> str:
    """Return host and port of a DSN, without user and password."""
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'localhost'}:{parts.port or (8443 if parts.scheme == 'https' else 8123)}"


class Store:
    """The table events. Connects when it is first used, and again after an error; safe to use from several threads."""

    def __init__(self, dsn: str, timeout_seconds: float) -> None:
        self._dsn = dsn
        self._timeout_seconds = timeout_seconds
        self._client: Client | None = None
        self._lock = Lock()

    def insert(self, columns: Sequence[str], container: bytes | Pieces, token: str) -> None:
        """Store the records of an Avro container, unless a container with this token was stored before. Raises StoreError.

        What comes in pieces is sent as it is made. The driver would put the statement before a container that is whole, which
        copies it, and would send that again by itself when the connection ends.
        """
        settings = {**_INSERT_SETTINGS, "insert_deduplication_token": token}
        try:
            # The driver says `Generator` and takes whatever gives bytes when it is iterated.
            self._connected().raw_insert("events", columns, cast("bytes", container), settings, "Avro")
        except ClickHouseError as error:
            raise store_error(error, self._dsn) from None

    def stored(self, topic: str, partition: int, lo: int, hi: int) -> set[bytes]:
        """Return the event hashes stored from offsets lo to hi, both included, of a partition. Raises StoreError.

        A set, not a count: the range may hold an event twice, of which the engine keeps one.
        """
        query = f"SELECT DISTINCT event_hash FROM events WHERE {_RANGE}"  # noqa: S608 - as above
        parameters = {"topic": topic, "partition": partition, "lo": lo, "hi": hi}
        try:
            found = self._connected().raw_query(query, parameters, settings=_READ_SETTINGS, fmt="RowBinary")
        except ClickHouseError as error:
            raise store_error(error, self._dsn) from None
        return {found[at : at + HASH_BYTES] for at in range(0, len(found), HASH_BYTES)}

    def complete_views(self, topic: str, partition: int, lo: int, hi: int) -> None:
        """Write what the views of events make of the stored offsets lo to hi into their tables once more. Raises StoreError.

        A server that dies, or a view that fails, leaves the events of an insert without the rows of the views that come after.
        These tables take a row twice without harm: that is their contract. A view of anybody else's is left alone.
        """
        parameters = {"topic": topic, "partition": partition, "lo": lo, "hi": hi}
        try:
            client = self._connected()
            for view, select, columns in client.query(_VIEWS, {"ending": _VIEW_OF_EVENTS}, _READ_SETTINGS).result_rows:
                of_range = _FROM_EVENTS.sub(_FROM_RANGE, select, count=1)
                statement = f"INSERT INTO {view.removesuffix(_VIEW_OF_EVENTS)} ({', '.join(columns)}) {of_range}"
                client.command(statement, parameters, settings={"async_insert": 0, "insert_deduplicate": 0})
        except ClickHouseError as error:
            raise store_error(error, self._dsn) from None

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = connect(self._dsn, timeout_seconds=self._timeout_seconds)
            return self._client
