"""What tests share: an environment of nobody's own, no network in unit tests, and the real servers.

One broker, one ClickHouse and one whole stack serve a session, each started by the first test that asks for it, on free ports,
with their files outside the tree. They die with pytest, even when that is killed.
"""

import os
import secrets
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_WITH_NETWORK = {"integration", "contract", "chaos", "benchmarks"}
_STACK_SECONDS = 120.0
_POLL_SECONDS = 0.02


class UndeclaredNetwork(AssertionError):
    """A unit test opened a connection: test what it calls, or move it to tests/integration."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of this suite."""
    config.addinivalue_line("markers", "network: a unit test that talks to a server of its own on loopback")


@pytest.fixture(scope="session")
def _state_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where what tests record lies when they name no spool: asking leaves an event, too."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _clean_environment(_state_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(_state_directory))
    for name in [name for name in os.environ if name.startswith("LANGTRAIL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(str(request.node.path)).relative_to(Path(__file__).parent).parts[0]
    if folder in _WITH_NETWORK or request.node.get_closest_marker("network"):
        return

    def refuse(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            raise UndeclaredNetwork(f"a unit test connects to {address}")
        return connect(sock, address)

    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the bootstrap servers of a running Apache Kafka broker without topics."""
    from langtrail.deploy.kafka import kafka_service
    from langtrail.deploy.process import LOOPBACK, free_port
    from langtrail.deploy.service import running

    directory = tmp_path_factory.mktemp("kafka")
    service = kafka_service(directory, free_port(), free_port())
    with running(service, directory):
        yield f"{LOOPBACK}:{service.port}"


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the DSN of a running ClickHouse server; its database langtrail is empty."""
    from langtrail.deploy.clickhouse_server import clickhouse_service, dsn
    from langtrail.deploy.process import free_port
    from langtrail.deploy.service import running

    directory = tmp_path_factory.mktemp("clickhouse")
    password = secrets.token_urlsafe(12)
    service = clickhouse_service(directory, free_port(), password)
    with running(service, directory):
        yield dsn(service.port, password)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the directory of a running local stack, worker and sink included: langtrail.deploy.stack tells all about it."""
    from langtrail.deploy import stack as local_stack
    from langtrail.deploy.process import last_lines, spawn, stop, wait_for

    directory = tmp_path_factory.mktemp("stack")
    log = directory.with_name(f"{directory.name}.log")
    supervisor = spawn([sys.executable, "-m", "langtrail.deploy.supervisor", str(directory)], log)

    def is_healthy() -> bool:
        return all(service.state == "healthy" for service in local_stack.status(directory).services)

    try:
        wait_for(lambda: supervisor.poll() is not None or is_healthy(), _STACK_SECONDS)
        assert is_healthy(), "the stack did not start:\n" + "\n".join(last_lines(log, 40))
        yield directory
    finally:
        stop(supervisor, 60)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float, str], None]:
    """Return a function that waits for a condition and fails, saying what was waited for, when its seconds are over."""

    def wait(condition: Callable[[], object], deadline_seconds: float, what: str) -> None:
        ends = time.monotonic() + deadline_seconds
        while not condition():
            assert time.monotonic() < ends, f"not within {deadline_seconds} s: {what}"
            time.sleep(_POLL_SECONDS)

    return wait


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test and no other run has, for topics, groups and tables."""
    test = request.node.name.partition("[")[0]
    return f"{test[:40]}-{uuid.uuid4().hex[:8]}"
