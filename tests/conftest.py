"""What tests share: an environment of nobody's own, no network in unit tests, and the real servers.

One broker, one ClickHouse and one whole stack serve a session, each started by the first test that asks for it, on free ports,
with their files outside the tree. They die with pytest, even when that is killed.
"""

import http.client
import os
import secrets
import socket
import struct
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

_WITH_NETWORK = {"integration", "contract", "chaos", "benchmarks"}
_STACK_SECONDS = 120.0
_POLL_SECONDS = 0.02
_PROXY_SECONDS: Final = 60
_RESET: Final = struct.pack("ii", 1, 0)
_PASSED_ON: Final = ("content-type", "content-encoding")


class UndeclaredNetwork(AssertionError):
    """A unit test opened a connection: test what it calls, or move it to tests/integration."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks of this suite, and refuse to test what was compiled of sources that have changed since."""
    config.addinivalue_line("markers", "network: a unit test that talks to a server of its own on loopback")
    for compiled in Path(__file__).parents[1].glob("*/*.so"):
        source = compiled.with_name(f"{compiled.name.partition('.')[0]}.py")
        if source.exists() and source.stat().st_mtime > compiled.stat().st_mtime:
            raise pytest.UsageError(f"{source} is newer than what was compiled of it: run make pure, or make test")


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


class _Stores:
    """Databases with all tables. Making one takes longer than most tests do: one that is free is emptied and taken again."""

    def __init__(self, server_dsn: str) -> None:
        from langtrail.processors.clickhouse import connect

        self._server = server_dsn.rpartition("/")[0]
        self._client = connect(server_dsn, database="default")
        self._left: list[str] = []
        self._made: dict[str, list[tuple[Any, ...]]] = {}

    def take(self) -> str:
        """Return the name of a database that has all tables and no row."""
        from langtrail.deploy.migrate import migrate

        if not self._left:
            name = f"empty_{uuid.uuid4().hex[:8]}"
            migrate(self.dsn(name))
            self._made[name] = self._tables(name)
            return name
        name = self._left.pop()
        for table, engine, *_ in self._made[name]:
            if engine.endswith("MergeTree") and table != "migrations":
                self._client.command(f"TRUNCATE TABLE {name}.{table}")  # the tokens of its inserts are forgotten, too
        return name

    def give_back(self, name: str) -> None:
        """Let another test have the database, unless its tables are not what they were."""
        if self._tables(name) == self._made[name]:
            self._left.append(name)

    def dsn(self, name: str) -> str:
        """Return the DSN of a database."""
        return f"{self._server}/{name}"

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _tables(self, name: str) -> list[tuple[Any, ...]]:
        facts = "name, engine, uuid, create_table_query, metadata_modification_time"
        found = self._client.query(f"SELECT {facts} FROM system.tables WHERE database = '{name}' ORDER BY name")
        return [tuple(row) for row in found.result_rows]


@pytest.fixture(scope="session")
def _stores(clickhouse_server: str) -> Iterator[_Stores]:
    stores = _Stores(clickhouse_server)
    yield stores
    stores.close()


@pytest.fixture
def empty_store(_stores: _Stores) -> Iterator[str]:
    """Return the DSN of a database that has all tables and no row, and that no other test uses."""
    name = _stores.take()
    yield _stores.dsn(name)
    _stores.give_back(name)


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


@dataclass(frozen=True)
class Fault:
    """What happens to an insert: it waits for an event, is executed or not, and is answered with an error or cut off."""

    until: Event | None = None
    executed: bool = False
    half: bool = False
    """Half of it reaches the server, then the connection ends."""
    code: int | None = None
    """ClickHouse's error code that is answered; None: the connection is reset."""


@dataclass(frozen=True)
class Insert:
    """An insert that the proxy sees: how many came before it, its token, the partition in it, and its settings."""

    number: int
    token: str
    partition: int
    settings: dict[str, str]


class StoreProxy:
    """A proxy before ClickHouse. `rule` says of each insert what happens to it: a fault, or None to pass it on."""

    fault = Fault

    def __init__(self, server_dsn: str) -> None:
        parts = urlsplit(server_dsn)
        self.server = (parts.hostname or "", parts.port or 0)
        self.rule: Callable[[Insert], Fault | None] = lambda _: None
        self.inserts: list[Insert] = []
        """The inserts that came, in order, whatever became of them."""
        self.passed_on = 0
        """How many inserts the server has answered."""
        self.is_away = False
        """Whether every connection is reset, as when the server is gone."""
        self._lock = Lock()
        proxy = self

        class Handler(_ProxyHandler):
            owner = proxy

        self._listener = _ProxyServer(("127.0.0.1", 0), Handler)
        Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def dsn(self, server_dsn: str) -> str:
        """Return a DSN of the server as one that leads through this proxy."""
        parts = urlsplit(server_dsn)
        return f"http://{parts.username}:{parts.password}@127.0.0.1:{self._listener.server_port}{parts.path}"

    def each_once(self, *faults: Fault) -> None:
        """Let these happen to the next inserts, one to each; what comes after is passed on."""
        left = list(faults)
        self.rule = lambda _: left.pop(0) if left else None

    def always(self, fault: Fault | None) -> None:
        """Let this happen to every insert from now on; None: each is passed on."""
        self.rule = lambda _: fault

    def meet(self, token: str, settings: dict[str, str]) -> Fault | None:
        """Note an insert and return what happens to it."""
        with self._lock:
            insert = Insert(len(self.inserts), token, int(token.split(":")[2]), settings)
            self.inserts.append(insert)
            return self.rule(insert)

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown()
        self._listener.server_close()


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed are what the tests are about."""


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: StoreProxy

    def do_GET(self) -> None:
        """Pass on a query."""
        self.do_POST()

    def do_POST(self) -> None:
        """Pass on a query or an insert, or let its fault happen."""
        body = self._body()
        settings = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        token = settings.get("insert_deduplication_token")
        fault = self.owner.meet(token, settings) if token else None
        if fault and fault.until:
            fault.until.wait(_PROXY_SECONDS)
        if self.owner.is_away or (fault and not (fault.executed or fault.half or fault.until) and fault.code is None):
            self._reset()
            return
        if fault and fault.half:
            self._pass_on_half(body)
            return
        if fault is None or fault.executed or fault.until:
            reply = self._passed_on(body)
            self.owner.passed_on += token is not None
            if fault is None or (fault.until and fault.code is None):
                self._answer(*reply)
                return
        if fault.code is None:
            self._reset()
        else:
            text = f"Code: {fault.code}. DB::Exception: as the test wants it. (INJECTED)".encode()
            self._answer(500, [("X-ClickHouse-Exception-Code", str(fault.code))], text)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.owner.server, timeout=_PROXY_SECONDS)
        try:
            connection.request(self.command, self.path, body, self._headers())
            reply = connection.getresponse()
            kept = [pair for pair in reply.getheaders() if pair[0].lower().startswith("x-") or pair[0].lower() in _PASSED_ON]
            return reply.status, kept, reply.read()
        finally:
            connection.close()

    def _pass_on_half(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(*self.owner.server, timeout=_PROXY_SECONDS)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self._headers().items():
            connection.putheader(name, value)
        connection.putheader("Transfer-Encoding", "chunked")  # as the sink sends it
        connection.endheaders(b"%x\r\n" % len(body) + body[: len(body) // 2])
        connection.close()
        self._reset()

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "transfer-encoding")}

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def store_proxy(clickhouse_server: str) -> Iterator[StoreProxy]:
    """Return a proxy before the ClickHouse server that does to inserts what a test wants."""
    proxy = StoreProxy(clickhouse_server)
    yield proxy
    proxy.close()
