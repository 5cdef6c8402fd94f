"""Questions to the store: each a method that returns plain data, ready for a table or for JSON."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from langtrail.schemas.statements import migrations, question

from .errors import CannotRun
from .output import visible
from .servers import environ

_SECONDS: Final = 300
_READ_ONLY: Final = {"readonly": 1}
_MIGRATE: Final = "; the tables are missing, or older than this langtrail: run `langtrail migrate`"
_PARSED: Final = ("input", "output", "params", "metadata")
_MESSAGE = re.compile(r"DB::Exception: (?:Code: \d+\. DB::Exception: )*(.*?)\s*(?:\(([A-Z_0-9]{3,})\)\.?\s*)*$", re.DOTALL)
_AFTER_MESSAGE = re.compile(r"\s*(?:\(version [^()]*(?:\([^()]*\)[^()]*)*\)|\(for url .*|Stack trace:.*)", re.DOTALL)
_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*;?\s*$", re.IGNORECASE)
_NOT_FOR_PEOPLE = re.compile(r"\s*(?:FORMAT Native|Expected one of: .*)", re.DOTALL)


class AskError(CannotRun):
    """A question cannot be answered; the text is one sentence that says why."""


@dataclass(frozen=True)
class Answer:
    """A table of plain values: None, bool, int, float, str (ISO-8601 for times, hex for bytes), lists and dicts of these."""

    columns: tuple[str, ...]
    rows: list[list[Any]]

    def objects(self) -> list[dict[str, Any]]:
        """Return each row as a dict by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Trail:
    """The trail in a ClickHouse server, for reading."""

    def __init__(self, dsn: str) -> None:
        """Connect. Raises AskError when the server does not answer, refuses user, password or database, or has newer tables."""
        from langtrail.processors.clickhouse import StoreError, connect  # noqa: PLC0415 - its driver is an extra, and slow to import

        _check(dsn)
        self._dsn = dsn
        try:
            self._client = connect(dsn, timeout_seconds=_SECONDS)
        except StoreError as error:
            raise AskError(str(error)) from None
        self._is_old = self._compare_versions()

    @property
    def user(self) -> str:
        """The user that the server let in, by name and password."""
        return unquote(urlsplit(self._dsn).username or "default")

    def sql(self, statement: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """Return the answer to a statement, run with readonly = 1. Raises AskError with ClickHouse's message."""
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - as above

        try:
            result = self._client.query(
                statement, dict(parameters) if parameters else None, _READ_ONLY, query_tz="UTC", tz_mode="aware"
            )
        except ClickHouseError as error:
            hint = "; leave FORMAT out, --json prints JSON" if _FORMAT.search(statement) else ""
            raise AskError(self._sentence(error) + hint) from None
        return Answer(tuple(result.column_names), [[_plain(value) for value in row] for row in result.result_rows])

    def formatted(self, statement: str, parameters: Mapping[str, object], output_format: str, **settings: object) -> bytes:
        """Return the answer to a statement in a format of ClickHouse's, whole or not at all. Raises AskError."""
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - as above

        whole = {**settings, **_READ_ONLY, "wait_end_of_query": 1}
        try:
            return self._client.raw_query(statement, dict(parameters), whole, output_format)
        except ClickHouseError as error:
            raise AskError(self._sentence(error)) from None

    def ask(self, name: str, **given: object) -> Answer:
        """Return the answer to a named question; what is not given has its default. Raises AskError."""
        asked = question(name)
        try:
            return self.sql(asked.sql, asked.bind(given))
        except AskError as error:
            raise AskError(f"{error}{_MIGRATE if self._is_old and 'UNKNOWN' in str(error) else ''}") from None

    def sessions(self, tenant: str | None = None, limit: int | None = None) -> Answer:
        """Return the sessions, the one that was active last first, at most `limit` of them. Raises AskError."""
        return self.ask("sessions", tenant=tenant, **({} if limit is None else {"limit": limit}))

    def replay(self, session: str, tenant: str | None = None, at: str | None = None) -> list[dict[str, Any]]:
        """Return the events of a session in order (occurred_at, stream_id, seq), content parsed where it is JSON.

        With `at`, a time as ClickHouse takes it, only what had happened by then.
        Raises AskError when there is no such session, or when two tenants used its id and `tenant` says not which.
        """
        events = self.ask("replay", session=session, tenant=tenant, at=at).objects()
        tenants = sorted({event["tenant_id"] for event in events})
        if not events:
            of_tenant = "" if tenant is None else f" of tenant {visible(tenant)}"
            by_then = "" if at is None else f" by {at} UTC"
            raise AskError(f"there is no session {visible(session)}{of_tenant}{by_then}; `langtrail sessions` lists them")
        if len(tenants) > 1:
            names = ", ".join(visible(name) or "'' (unknown)" for name in tenants)
            raise AskError(f"the session id {visible(session)} was used by the tenants {names}: say which with --tenant")
        return [with_content(event) for event in events]

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _compare_versions(self) -> bool:
        """Tell whether the tables are older than this langtrail, or not there. Raises AskError when they are newer."""
        found, newest = _version(self._client), migrations()[-1].version
        if found is not None and found > newest:
            raise AskError(
                f"the tables of the store are of version {found}, newer than {newest}, "
                "the newest that this langtrail knows: upgrade langtrail"
            )
        return found is None or found < newest

    def _sentence(self, error: Exception) -> str:
        from clickhouse_connect.driver.exceptions import OperationalError  # noqa: PLC0415 - as above

        from langtrail.processors.clickhouse import store_error  # noqa: PLC0415 - as above

        if said := message(str(error)):
            return f"ClickHouse says: {said}"
        if isinstance(error, OperationalError):
            return str(store_error(error, self._dsn))
        return f"this cannot be asked: {visible(str(error))}"


def connect(variables: Mapping[str, str] | None = None) -> Trail:
    """Return the trail that LANGTRAIL_CLICKHOUSE_DSN names, or else the local stack's. Raises AskError when there is none."""
    dsn = (environ() if variables is None else variables).get("LANGTRAIL_CLICKHOUSE_DSN", "")
    if not dsn:
        raise AskError("no ClickHouse server is known: start one with `langtrail up`, or set LANGTRAIL_CLICKHOUSE_DSN")
    return Trail(dsn)


def with_content(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its content as values: what redaction made into other text than JSON stays text."""
    return row | {name: _parsed(row[name]) for name in _PARSED if name in row}


def message(text: str) -> str:
    """Return ClickHouse's message as one line, without version, trace and lists of tokens; empty when it said nothing."""
    found = _MESSAGE.search(_AFTER_MESSAGE.sub("", text))
    if found is None:
        return ""
    said = re.sub(r"\s+", " ", _NOT_FOR_PEOPLE.sub("", found[1])).strip().rstrip(".:")
    return visible(f"{said} ({found[2]})" if found[2] else said)


def _version(client: Any) -> int | None:
    """Return the number of the newest migration that was applied; None when there is none, or the user may not know."""
    from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - as above

    try:
        ((version,),) = client.query("SELECT max(version) FROM migrations", settings=_READ_ONLY).result_rows
    except ClickHouseError:
        return None
    return int(version)


def _check(dsn: str) -> None:
    """Raise AskError, without the password in its text, for what is no DSN."""
    try:
        parts = urlsplit(dsn)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise AskError("LANGTRAIL_CLICKHOUSE_DSN: expected http://user:password@host:port/langtrail")


def _parsed(value: Any) -> Any:
    """Return the value of a JSON text; what redaction made into other text stays as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    """Return a value of ClickHouse's as JSON has it."""
    if value is None or isinstance(value, (str, int)):
        return value
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return plain(value)
    return str(value)


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


_PLAIN: Final[tuple[tuple[Any, Any], ...]] = (
    (float, _number),
    (datetime, _time),
    (date, date.isoformat),
    (bytes, bytes.hex),
    (Decimal, float),
    (timedelta, timedelta.total_seconds),
    (Mapping, lambda pairs: {str(key): _plain(value) for key, value in pairs.items()}),
    ((list, tuple, set), lambda values: [_plain(value) for value in values]),
)
"""How each kind of value becomes plain; the first that fits. What is not here (UUIDs, IP addresses) is written as text."""
