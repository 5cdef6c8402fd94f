"""The real broker and the real engine for the tests: one of each for a session, on free ports, their files outside the tree."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langtrail.deploy.clickhouse_server import clickhouse_service, dsn
from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, free_port, wait_for
from langtrail.deploy.service import running


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the bootstrap servers of a running Apache Kafka broker."""
    directory = tmp_path_factory.mktemp("kafka")
    service = kafka_service(directory, free_port(), free_port())
    with running(service, directory):
        yield f"{LOOPBACK}:{service.port}"


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the DSN of a running ClickHouse server; its database langtrail is empty."""
    directory = tmp_path_factory.mktemp("clickhouse")
    password = secrets.token_urlsafe(12)
    service = clickhouse_service(directory, free_port(), password)
    with running(service, directory):
        yield dsn(service.port, password)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float, str], None]:
    """Return a function that waits for a condition and fails, saying what was waited for, when its seconds are over."""

    def wait(condition: Callable[[], object], deadline_seconds: float, what: str) -> None:
        assert wait_for(lambda: bool(condition()), deadline_seconds), f"not within {deadline_seconds} s: {what}"

    return wait


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test and no other run has, for topics, groups and tables."""
    return f"{Path(request.node.name).name[:40].replace('[', '-').rstrip(']')}-{uuid.uuid4().hex[:8]}"
