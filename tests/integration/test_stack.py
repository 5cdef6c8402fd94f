"""The local stack: real parts, started, watched over and stopped; what its users are told when something is wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import clickhouse_connect
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from langtrail.deploy import stack as local_stack
from langtrail.deploy.clickhouse_server import clickhouse_service, dsn
from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, StackError, free_port, port_is_free
from langtrail.deploy.registry_server import serving
from langtrail.deploy.service import running
from langtrail.deploy.stack_files import make_directory, prepare
from langtrail.deploy.stack_state import Process, ServiceState, write_state
from langtrail.deploy.supervisor import end_leftovers
from langtrail.deploy.topics import TopicError, create_topics
from langtrail.schemas import TENANT, encode, frame, registry, topic, topics

Wait = Callable[[Callable[[], object], float, str], None]
SERVERS = ("kafka", "clickhouse")


def in_background(directory: Path, *only: str) -> "subprocess.Popen[bytes]":
    """Start a supervisor as `langtrail up` does, with its output in a file beside the directory."""
    argv = [sys.executable, "-m", "langtrail.deploy.supervisor", str(directory), "--only", *only]
    with directory.with_suffix(".out").open("ab") as output:
        return subprocess.Popen(argv, stdout=output, stderr=output)


def pids(directory: Path) -> dict[str, int]:
    return {service.name: service.pid for service in local_stack.status(directory).services if service.pid}


def states(directory: Path) -> dict[str, str]:
    return {service.name: service.state for service in local_stack.status(directory).services}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Return where a stack can be started; it is stopped in the end, whatever happened."""
    yield tmp_path / "stack"
    local_stack.down(tmp_path / "stack")


def test_a_broker_keeps_its_data_when_it_is_killed_and_moved_to_other_ports(tmp_path: Path) -> None:
    """What was acknowledged is there after kill -9, under new ports."""
    with running(kafka_service(tmp_path / "kafka", (port := free_port()), free_port()), tmp_path) as process:
        create_topics(f"{LOOPBACK}:{port}")
        producer = Producer({"bootstrap.servers": f"{LOOPBACK}:{port}", "acks": "all", "log_level": 0})
        for number in range(100):
            producer.produce(topic("raw").name, b"x" * number, partition=0)
        assert producer.flush(30) == 0
        process.kill()
        process.wait()
    with running(kafka_service(tmp_path / "kafka", (port := free_port()), free_port()), tmp_path) as process:
        consumer = Consumer({"bootstrap.servers": f"{LOOPBACK}:{port}", "group.id": "x", "log_level": 0})
        assert consumer.get_watermark_offsets(TopicPartition(topic("raw").name, 0), timeout=30) == (0, 100)
        consumer.close()
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM


def test_topics_are_created_once_and_never_changed(kafka_broker: str) -> None:
    """Partitions, retention and sizes are the contract's; what is there is left alone, and said when it differs."""
    admin = AdminClient({"bootstrap.servers": kafka_broker, "log_level": 0})
    assert set(create_topics(kafka_broker)) <= {topic.name for topic in topics().values()}
    there = admin.list_topics(timeout=10).topics
    assert {name: len(there[name].partitions) for name in there if name.startswith("langtrail.")} == {
        topic.name: topic.partitions for topic in topics().values()
    }
    said: list[str] = []
    assert create_topics(kafka_broker, warn=said.append) == []
    assert said == []


def test_a_broker_that_is_not_there_is_said_in_one_sentence() -> None:
    """Who asks for topics of a broker that does not answer is told so."""
    with pytest.raises(TopicError, match=r"Kafka at 127\.0\.0\.1:1 did not create the topics"):
        create_topics("127.0.0.1:1", timeout_seconds=1)


def test_confluents_deserialiser_reads_our_records() -> None:
    """Kafka tools find the schema of a record by its id, in the registry that the stack serves."""
    schema = registry().latest(TENANT)
    record = {"tenant_id": "acme", "revision": 1, "updated_at": 0, "policy_revision": "p", "retention_class": "standard"}
    value = frame(schema.id, encode(schema, {**record, "legal_hold": False}))
    with serving(free_port()) as url, SchemaRegistryClient({"url": url}) as client:
        read = AvroDeserializer(client)
        found = read(value, SerializationContext(topic("tenants").name, MessageField.VALUE))
    assert (found["tenant_id"], found["retention_class"]) == ("acme", "standard")


def test_clickhouse_keeps_its_data_and_ends_cleanly(tmp_path: Path) -> None:
    """Rows survive kill -9; SIGTERM ends it with status 0; a second server on the same data is refused."""
    service = clickhouse_service(tmp_path / "data", free_port(), "secret")
    with running(service, tmp_path) as process:
        client = clickhouse_connect.get_client(dsn=dsn(service.port, "secret"))
        client.command("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
        client.insert("t", [[number] for number in range(1000)], column_names=["a"])
        client.close()
        with (
            pytest.raises(StackError, match="ClickHouse cannot open"),
            running(clickhouse_service(tmp_path / "data", free_port(), "secret"), tmp_path),
        ):
            pass
        process.kill()
        process.wait()
    with running(service, tmp_path) as process:
        client = clickhouse_connect.get_client(dsn=dsn(service.port, "secret"))
        assert client.query("SELECT count() FROM t").result_rows == [(1000,)]
        client.close()
        process.terminate()
        assert process.wait(10) == 0


def test_a_port_in_use_and_a_missing_password_are_said_in_one_sentence(tmp_path: Path) -> None:
    """The server's own mistakes of start have one line each."""
    with socket.create_server((LOOPBACK, 0)) as other:
        service = clickhouse_service(tmp_path / "data", other.getsockname()[1], "secret")
        ended = subprocess.run(service.argv, env={**os.environ, **service.environ}, capture_output=True, check=False)
        assert ended.returncode == 1
        assert b"is in use: choose another one" in ended.stderr.splitlines()[-1]
    ended = subprocess.run(service.argv, capture_output=True, check=False)
    assert ended.stderr.startswith(b"LANGTRAIL_CLICKHOUSE_PASSWORD is not set")
    assert ended.stderr.count(b"\n") == 1


def test_a_stack_in_the_background(directory: Path) -> None:
    """It is healthy when `up` returns, `up` again succeeds, `down` stops all, and the next start has the same addresses."""
    said: list[str] = []
    assert local_stack.up(directory, detach=True, echo=said.append, only=SERVERS) == 0
    assert [line.split()[:2] for line in said] == [["kafka", "healthy"], ["clickhouse", "healthy"]]
    told = local_stack.environment(directory)
    running_pids = pids(directory)
    assert set(running_pids) == set(SERVERS)
    assert create_topics(told["LANGTRAIL_BOOTSTRAP_SERVERS"]) == []
    with clickhouse_connect.get_client(dsn=told["LANGTRAIL_CLICKHOUSE_DSN"]) as client:
        assert client.query("SELECT count() FROM events").result_rows == [(0,)]
    with SchemaRegistryClient({"url": told["LANGTRAIL_SCHEMA_REGISTRY_URL"]}) as schemas:
        assert schemas.get_subjects() == registry().subjects()

    assert local_stack.up(directory, detach=True, echo=said.append, only=SERVERS) == 0
    assert pids(directory) == running_pids
    assert any("running already" in line for line in said)

    assert local_stack.down(directory) is True
    assert local_stack.down(directory) is False
    assert set(states(directory).values()) == {"stopped"}
    assert not any(is_alive(pid) for pid in running_pids.values())
    assert local_stack.environment(directory) == told


def test_two_ups_at_once_start_one_stack(directory: Path) -> None:
    """Both return when it is healthy, and the second one starts nothing."""
    program = (
        "import sys; from pathlib import Path; from langtrail.deploy import stack;"
        "sys.exit(stack.up(Path(sys.argv[1]), detach=True, echo=print, only=('clickhouse',)))"
    )
    command = [sys.executable, "-c", program, str(directory)]
    ups = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [up.communicate(timeout=60)[0] for up in ups]
    assert [up.returncode for up in ups] == [0, 0]
    (pid,) = pids(directory).values()
    assert all(f"pid {pid}" in text for text in said)


def test_two_stacks_run_side_by_side_and_a_dead_child_is_named(tmp_path: Path, wait_until: Wait) -> None:
    """Each has ports of its own; a killed child is named with what its log ends with, and started again."""
    first, second = tmp_path / "first", tmp_path / "second"
    supervisors = [in_background(path, "clickhouse") for path in (first, second)]
    try:
        wait_until(lambda: [states(path)["clickhouse"] for path in (first, second)] == ["healthy"] * 2, 60, "both are healthy")
        assert local_stack.environment(first) != local_stack.environment(second)
        killed = pids(first)["clickhouse"]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: pids(first).get("clickhouse") not in (None, killed), 30, "it has a new process")
        wait_until(lambda: states(first)["clickhouse"] == "healthy", 60, "it is healthy again")
        said = first.with_suffix(".out").read_text()
        assert "clickhouse was killed by signal 9 and is started again in 0.5 s" in said
        supervisors[0].send_signal(signal.SIGINT)
        assert supervisors[0].wait(30) == 0
        assert states(second)["clickhouse"] == "healthy"
    finally:
        for supervisor in supervisors:
            supervisor.terminate()
            supervisor.wait(30)


def test_nothing_outlives_a_killed_supervisor(directory: Path, wait_until: Wait) -> None:
    """After kill -9 of the supervisor its children are gone, the state says so, and `up` begins anew."""
    supervisor = in_background(directory, "clickhouse")
    wait_until(lambda: states(directory)["clickhouse"] == "healthy", 60, "it is healthy")
    child = pids(directory)["clickhouse"]
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not is_alive(child), 10, "the child is gone")
    assert states(directory)["clickhouse"] == "stopped"
    assert local_stack.up(directory, detach=True, echo=lambda _: None, only=("clickhouse",)) == 0
    assert pids(directory)["clickhouse"] != child


def test_a_leftover_is_ended_and_a_stranger_is_not(directory: Path) -> None:
    """Only the very process that stack.json names is ended: not another one that has its id now."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        record(directory, other.pid, started_before=60)
        end_leftovers(directory)
        assert other.poll() is None
        record(directory, other.pid, started_before=0)
        end_leftovers(directory)
        other.wait(10)


def record(directory: Path, pid: int, started_before: float) -> None:
    """Write a stack.json that names a process as ClickHouse's."""
    make_directory(directory)
    process = Process(pid, Process.of(pid).started_at - started_before)
    write_state(directory, replace(prepare(directory, {}), services=(ServiceState("clickhouse", "healthy", 1, process),)))


def test_a_port_that_was_asked_for_and_is_in_use_is_said(directory: Path) -> None:
    """Nothing is started, in the foreground or in the background, and one sentence names the port."""
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        for detach in (False, True):
            with pytest.raises(StackError, match=f"^port {port} for clickhouse is in use by another program: stop it") as said:
                local_stack.up(directory, detach=detach, echo=print, only=("clickhouse",), ports={"clickhouse": port})
            assert "\n" not in str(said.value)
    assert set(states(directory).values()) == {"stopped"}


def test_a_port_that_was_taken_meanwhile_is_replaced(directory: Path) -> None:
    """A port that nobody asked for is given up when another program has it at the next start."""
    write_state_of(directory)
    before = local_stack.status(directory).services[1].port
    assert before is not None
    with socket.create_server((LOOPBACK, before)):
        local_stack.up(directory, detach=True, echo=lambda _: None, only=("clickhouse",))
        assert local_stack.status(directory).services[1].port != before


def write_state_of(directory: Path) -> None:
    """Leave behind what a stack that ran once leaves behind."""
    make_directory(directory)
    write_state(directory, prepare(directory, {}))


def test_a_stack_that_does_not_become_healthy_leaves_nothing_running(directory: Path) -> None:
    """Past its deadline `up` says what was not healthy, and stops what it started."""
    make_directory(directory)
    (directory / "clickhouse").write_text("no directory")
    with pytest.raises(StackError, match="clickhouse ended with status 1 and is started again in"):
        local_stack.up(directory, detach=True, echo=print, only=("clickhouse",), deadline_seconds=4)
    assert set(states(directory).values()) == {"stopped"}
    assert pids(directory) == {}


def test_no_network_at_the_first_start_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Without Kafka's files and without a network, what to do is said; nothing half downloaded is left."""
    program = "from pathlib import Path; from langtrail.deploy import stack; stack.up(Path('s'), detach=False, echo=print)"
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "NO_PROXY": "", "no_proxy": ""}
    environ = {**os.environ, **nowhere, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert "could not be downloaded from Maven Central" in ended.stderr.splitlines()[-1]
    assert "connect to the network for the first start" in ended.stderr.splitlines()[-1]
    assert list((tmp_path / "cache" / "langtrail").iterdir()) == []


def test_the_whole_stack_is_healthy(stack: Path) -> None:
    """Broker, ClickHouse, worker and sink run, and the status has the shape that scripts rely on."""
    status = local_stack.status(stack).as_json()
    assert [service["name"] for service in status["services"]] == ["kafka", "clickhouse", "worker", "sink", "watch"]
    for service in status["services"]:
        assert set(service) == {"name", "pid", "state", "port"}
        assert service["state"] == "healthy"
        assert is_alive(service["pid"])
        assert not port_is_free(service["port"])
    assert status["bootstrap_servers"] == local_stack.environment(stack)["LANGTRAIL_BOOTSTRAP_SERVERS"]
    assert status["clickhouse_dsn"].endswith("/langtrail")
