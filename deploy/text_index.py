"""The text index of search: a migration makes it; who would rather have the space it takes can remove it, and make it again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from langtrail.processors.clickhouse import StoreError, connect, store_error
from langtrail.schemas.statements import migrations

from .errors import CannotRun
from .migrate import TOO_OLD
from .search import INDEX

T = TypeVar("T")
_POLL_SECONDS: Final = 0.2
_NEEDS_CODES: Final = dict.fromkeys(TOO_OLD, "ClickHouse 26.2 or newer is needed for a text index")
_SIZE: Final = (
    "SELECT sum(data_compressed_bytes) FROM system.data_skipping_indices "
    "WHERE database = currentDatabase() AND table = 'events' AND name = {name:String} HAVING count() > 0"
)
_LEFT: Final = (
    "SELECT sum(parts_to_do), anyIf(latest_fail_reason, latest_fail_reason != '') FROM system.mutations "
    "WHERE database = currentDatabase() AND table = 'events' AND NOT is_done AND command LIKE '%MATERIALIZE INDEX%by_text%'"
)


class TextIndexError(CannotRun):
    """The text index cannot be made or removed; the text says why."""


@dataclass(frozen=True)
class TextIndex:
    """What there is of the index: compressed bytes, None without one, and how many parts have yet to be indexed."""

    size_bytes: int | None
    parts_left: int


def status(dsn: str) -> TextIndex:
    """Return what there is of the index. Raises TextIndexError."""
    return _with_client(dsn, _status)


def add(dsn: str, tell: Callable[[TextIndex], None]) -> TextIndex:
    """Make the index over all that is stored, and return when it is whole; `tell` is told how far it is.

    Safe to call again, and to break off: the server goes on. Raises TextIndexError.
    """

    def make(client: Client) -> TextIndex:
        first, materialise = next(each.statements for each in migrations() if each.name == "text_index")
        client.command(first)
        if not _status(client).parts_left:
            client.command(materialise)
        while (found := _status(client)).parts_left:
            tell(found)
            time.sleep(_POLL_SECONDS)
        return found

    return _with_client(dsn, make)


def drop(dsn: str) -> None:
    """Remove the index; nothing else is changed. Raises TextIndexError."""
    _with_client(dsn, lambda client: client.command(f"ALTER TABLE events DROP INDEX IF EXISTS {INDEX}"))


def _status(client: Client) -> TextIndex:
    size = client.query(_SIZE, {"name": INDEX}).result_rows
    ((left, failure),) = client.query(_LEFT).result_rows
    if failure:
        raise TextIndexError("ClickHouse cannot build the text index; system.mutations says why")
    return TextIndex(int(size[0][0]) if size else None, int(left))


def _with_client(dsn: str, use: Callable[[Client], T]) -> T:
    try:
        client = connect(dsn)
    except StoreError as error:
        raise TextIndexError(str(error)) from None
    try:
        return use(client)
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        raise TextIndexError(_NEEDS_CODES.get(code or 0) or str(store_error(error, dsn))) from None
    finally:
        client.close()
