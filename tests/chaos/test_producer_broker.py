"""Applications and a broker that is absent, hung, refused, blackholed, restarted or strict: nothing waits, nothing is lost."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, port_is_free, wait_for
from langtrail.deploy.service import running
from langtrail.deploy.spool_import import SpoolImport
from langtrail.deploy.topics import create_topics
from langtrail.producer import ProducerSettings

APPLICATIONS = Path(__file__).parent / "applications"
SCHEMAS = Path(__file__).parents[2] / "schemas" / "avro"

Streams = dict[str, dict[str, Any]]


def quiet_port() -> int:
    """Return a free port that the system gives to no outgoing connection: it has to stay free while nothing listens."""
    return next(port for port in random.sample(range(20_000, 32_000), 1000) if port_is_free(port))


class Broker:
    """A broker of one's own, on a port that stays the same."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port, self._controller_port = directory, quiet_port(), quiet_port()
        self.servers = f"{LOOPBACK}:{self.port}"
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it is ready."""
        service = kafka_service(self.directory, self.port, self._controller_port)
        self._process = self._running.enter_context(running(service, self.directory))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it with -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        self._running.close()

    def limit(self, max_message_bytes: int) -> None:
        """Set the largest message of langtrail.raw."""
        entry = ConfigEntry("max.message.bytes", str(max_message_bytes), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, "langtrail.raw", incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": self.servers})
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(20)


class Application:
    """An application that does what it is told."""

    def __init__(self, servers: str, spool: Path, *, name: str = "chaos", **variables: str) -> None:
        self.spool = spool
        environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": servers, "LANGTRAIL_SPOOL_DIR": str(spool)}
        environ.update(LANGTRAIL_APP=name, **variables)
        command = [sys.executable, str(APPLICATIONS / "delivered.py"), "on_command"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environ, text=True, stdin=pipe, stdout=pipe, stderr=pipe)

    def do(self, line: str) -> dict[str, Any]:
        """Let it do something, and return what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def end(self) -> str:
        """Let it come to its end, and return what it logged."""
        _, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        return err

    def kill(self) -> None:
        """End it at once, if it runs."""
        self.process.kill()
        self.process.communicate()


def arrived(servers: str, name: str = "chaos") -> Streams:
    """Return what arrived, by stream; all of it has to be whole."""
    command = [sys.executable, str(APPLICATIONS / "raw_reader.py"), servers, str(SCHEMAS), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    streams: Streams = json.loads(done.stdout)
    for stream in streams.values():
        assert [stream[name] for name in ("conflicting", "broken_links", "missing")] == [[], [], []]
    return streams


def types(stream: dict[str, Any]) -> list[str]:
    """Return the event types of a stream in order."""
    return [event["event_type"] for event in stream["events"]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Return a broker that is not started yet."""
    broker = Broker(tmp_path / "kafka")
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def steady_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Return a broker that runs, with its topics."""
    broker = Broker(tmp_path_factory.mktemp("broker") / "kafka")
    broker.start()
    create_topics(broker.servers)
    yield broker
    broker.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Application]]:
    """Return a way to start applications on one spool."""
    started: list[Application] = []

    def start(servers: str, **variables: str) -> Application:
        started.append(Application(servers, tmp_path / "spool", **variables))
        return started[-1]

    yield start
    for application in started:
        application.kill()


def test_a_broker_that_comes_later_gets_all(broker: Broker, start: Callable[..., Application]) -> None:
    """Absent, then there without its topics, then with them: the application goes on each time, and at last all is there."""
    application = start(broker.servers)
    application.do("run 100")
    said = application.do("flush 1")
    assert said["left"] == 201
    assert said["seconds"] < 2
    broker.start()
    application.do("run 100")
    assert application.do("flush 2")["left"] == 401
    create_topics(broker.servers)
    application.do("run 100")
    assert application.do("flush 60")["left"] == 0
    application.end()
    (stream,) = arrived(broker.servers).values()
    assert types(stream) == ["stream_open", *["chain_start", "chain_end"] * 300, "stream_close"]


def test_mode_drop_names_what_did_not_fit(broker: Broker, start: Callable[..., Application]) -> None:
    """Memory is full before the broker comes: the oldest events and the newest arrive, an event names those between."""
    application = start(broker.servers, LANGTRAIL_DELIVERY="drop", LANGTRAIL_MEMORY_MAX_BYTES=str(1 << 16))
    application.do("run 500")
    broker.start()
    create_topics(broker.servers)
    assert application.do("flush 60")["left"] == 0
    application.do("run 10")
    assert application.do("flush 60")["left"] == 0
    application.end()
    assert not application.spool.exists()
    (stream,) = arrived(broker.servers).values()
    (dropped,) = [event for event in stream["events"] if event["event_type"] == "dropped"]
    assert dropped["ext"] == {"reason": "LANGTRAIL_MEMORY_MAX_BYTES is reached"}
    assert dropped["last_seq"] == 1000
    assert types(stream)[-21:] == [*["chain_start", "chain_end"] * 10, "stream_close"]
    assert len(stream["events"]) == 1 + dropped["first_seq"] - 1 + 1 + 20 + 1


def test_a_broker_that_is_killed_under_load_gets_all(broker: Broker, start: Callable[..., Application]) -> None:
    """Killed twice while applications run, it has every event of both in the end."""
    broker.start()
    create_topics(broker.servers)
    applications = [start(broker.servers) for _ in range(2)]
    for _ in range(2):
        for application in applications:
            application.do("run 500")
        broker.kill()
        for application in applications:
            application.do("run 500")
        broker.start()
    for application in applications:
        assert application.do("flush 60")["left"] == 0
        application.end()
    streams = arrived(broker.servers)
    assert [types(stream).count("chain_end") for stream in streams.values()] == [2000, 2000]


def test_a_hung_broker_delays_nobody(broker: Broker, start: Callable[..., Application]) -> None:
    """Flush and exit meet their deadlines, and the next process ships what was left."""
    broker.start()
    create_topics(broker.servers)
    application = start(broker.servers, LANGTRAIL_EXIT_SECONDS="1")
    application.do("run 10")
    assert application.do("flush 20")["left"] == 0
    broker.signal(signal.SIGSTOP)
    application.do("run 500")
    said = application.do("flush 1")
    assert said["left"] == 1000
    assert said["seconds"] < 2
    application.end()
    broker.signal(signal.SIGCONT)
    heir = start(broker.servers)
    heir.do("run 1")
    assert heir.do("flush 30")["left"] == 0
    heir.end()
    assert sorted(types(stream).count("chain_end") for stream in arrived(broker.servers).values()) == [1, 510]


def silent_server() -> socket.socket:
    """Return a server that takes connections and never answers."""
    server = socket.create_server((LOOPBACK, 0))
    server.listen(16)
    return server


@pytest.mark.parametrize("kind", ["refused", "silent", "blackholed", "unknown"])
def test_a_broker_that_cannot_be_had_delays_nobody(kind: str, start: Callable[..., Application]) -> None:
    """Its port refuses, says nothing, swallows every packet, or its name does not exist: deadlines hold, the spool has all."""
    with silent_server() as server:
        servers = {
            "refused": f"{LOOPBACK}:{quiet_port()}",
            "silent": f"{LOOPBACK}:{server.getsockname()[1]}",
            "blackholed": "192.0.2.1:9092",
            "unknown": "kafka.invalid:9092",
        }[kind]
        application = start(servers, LANGTRAIL_EXIT_SECONDS="1")
        application.do("run 500")
        said = application.do("flush 1")
        assert said["left"] == 1001
        assert said["seconds"] < 2
        application.end()
    (stream,) = [path for path in application.spool.iterdir() if path.is_dir()]
    assert (stream / f"{0:020d}.log").exists()


def test_what_kafka_refuses_for_its_size_does_not_stop_the_stream(steady_broker: Broker, tmp_path: Path) -> None:
    """It is set aside and named by a `dropped` event, all else arrives, and an import ships it once Kafka takes it."""
    broker, spool = steady_broker, tmp_path / "spool"
    broker.limit(100_000)
    environ = {**os.environ, "LANGTRAIL_BOOTSTRAP_SERVERS": broker.servers, "LANGTRAIL_APP": "too-large"}
    environ["LANGTRAIL_SPOOL_DIR"] = str(spool)
    sizes = ["1000"] * 100 + ["300000"] + ["1000"] * 100
    command = [sys.executable, str(APPLICATIONS / "delivered.py"), "sized", *sizes]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["left"] == 0
    (stream,) = arrived(broker.servers, "too-large").values()
    dropped = [event for event in stream["events"] if event["event_type"] == "dropped"]
    assert [(event["first_seq"], event["last_seq"], event["count"]) for event in dropped] == [(201, 201, 1), (202, 202, 1)]
    assert {event["ext"]["reason"] for event in dropped} == {"Kafka refuses it (MSG_SIZE_TOO_LARGE)"}
    assert types(stream).count("chain_end") == 200
    kept = [spool / event["ext"]["kept_in"] for event in dropped]
    assert all(path.stat().st_size > 300_000 for path in kept)
    assert [path.name for path in spool.iterdir() if path.is_dir()] == ["refused"]
    broker.limit(16_777_216)
    report = SpoolImport(spool, ProducerSettings(bootstrap_servers=broker.servers), 20).run(lambda _: None)
    assert [one["state"] for one in report.refused] == ["shipped", "shipped"]
    (stream,) = arrived(broker.servers, "too-large").values()
    assert types(stream).count("chain_end") == 201
    assert not any(path.exists() for path in kept)


def test_a_batch_that_is_refused_for_its_size_is_sent_in_parts(
    steady_broker: Broker, start: Callable[..., Application]
) -> None:
    """A topic with a small limit refuses many events at once, but none of them: all arrive."""
    steady_broker.limit(4_000)
    application = start(steady_broker.servers, name="small")
    application.do("run 300")
    assert application.do("flush 60")["left"] == 0
    application.end()
    steady_broker.limit(16_777_216)
    (stream,) = arrived(steady_broker.servers, "small").values()
    assert types(stream) == ["stream_open", *["chain_start", "chain_end"] * 300, "stream_close"]


def test_a_spool_without_a_broker_is_shipped_by_the_first_process_that_has_one(
    steady_broker: Broker, start: Callable[..., Application]
) -> None:
    """Without LANGTRAIL_BOOTSTRAP_SERVERS the spool alone is the log; it can still be shipped later."""
    for _ in range(2):
        application = start("", name="alone")
        application.do("run 10")
        application.end()
    heir = start(steady_broker.servers, name="alone")
    heir.do("run 1")
    assert heir.do("flush 30")["left"] == 0
    heir.end()
    streams = arrived(steady_broker.servers, "alone").values()
    assert sorted(types(stream).count("chain_end") for stream in streams) == [1, 10, 10]
    assert wait_for(lambda: not [path for path in heir.spool.iterdir() if path.is_dir()], 5)
