"""What holds for every test: no LANGTRAIL_* variable of the developer's own, and no network in unit tests."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

_WITH_NETWORK = {"integration", "contract", "chaos", "benchmarks"}


class UndeclaredNetwork(AssertionError):
    """A unit test opened a connection: test what it calls, or move it to tests/integration."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of this suite."""
    config.addinivalue_line("markers", "network: a unit test that talks to a server of its own on loopback")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
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
