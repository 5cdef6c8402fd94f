"""The local ClickHouse server, spoken to as clients do: unmodified clickhouse-connect, and plain HTTP."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Answer:
    """What came back over plain HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> int:
        """ClickHouse's error code; 0 without one."""
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))


class Http:
    """Plain HTTP, a connection for each request."""

    def __init__(self, dsn: str) -> None:
        self.url = urlsplit(dsn)
        self.credentials = {"X-ClickHouse-User": self.url.username or "", "X-ClickHouse-Key": self.url.password or ""}

    def __call__(
        self, body: bytes | Iterator[bytes] = b"", method: str = "POST", headers: dict[str, str] | None = None, **params: str
    ) -> Answer:
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=30)
        sent = self.credentials if headers is None else headers
        connection.request(method, f"/?{urlencode({'database': 'langtrail', **params})}", body, sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def with_headers(self, **headers: str) -> dict[str, str]:
        """Return the credentials and further headers."""
        return {**self.credentials, **{name.replace("_", "-"): value for name, value in headers.items()}}


@pytest.fixture
def client(clickhouse_server: str) -> Iterator[Client]:
    """Return an unmodified clickhouse-connect client."""
    connected = clickhouse_connect.get_client(dsn=clickhouse_server)
    yield connected
    connected.close()


@pytest.fixture
def http_call(clickhouse_server: str) -> Http:
    """Return a caller over plain HTTP."""
    return Http(clickhouse_server)


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """Return a table (a Int64, b String) that deduplicates inserts."""
    name = f"t{time.monotonic_ns()}"
    deduplicated = "SETTINGS non_replicated_deduplication_window = 100"
    client.command(f"CREATE TABLE {name} (a Int64, b String) ENGINE = MergeTree ORDER BY a {deduplicated}")
    yield name
    client.command(f"DROP TABLE {name}")
