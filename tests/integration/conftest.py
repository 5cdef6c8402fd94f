"""What the tests of the store share: a database of their own."""

from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client


@pytest.fixture
def dsn(clickhouse_server: str, unique_name: str) -> str:
    """Return the DSN of a database that does not exist yet."""
    return clickhouse_server.rsplit("/", 1)[0] + "/" + unique_name.replace("-", "_")


@pytest.fixture
def client(clickhouse_server: str) -> Iterator[Client]:
    """Return a client that belongs to no database."""
    client = clickhouse_connect.get_client(dsn=clickhouse_server, database="default", autogenerate_session_id=False)
    yield client
    client.close()
