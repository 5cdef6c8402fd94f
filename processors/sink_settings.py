"""What the sink reads from the environment."""

from dataclasses import dataclass

from langtrail.schemas import topic
from langtrail.schemas.settings import kafka_config, servers, setting, text, whole

from .sink_batch import Limits

_MIB = 1024 * 1024


def _dsn(value: str) -> str:
    """Parse: a ClickHouse DSN."""
    if not value.startswith(("http://", "https://")):
        raise ValueError("expected http://user:password@host:port/database")
    return value


@dataclass(frozen=True, kw_only=True)
class SinkSettings:
    """Connection and limits of one sink process."""

    bootstrap_servers: str = setting(
        "LANGTRAIL_BOOTSTRAP_SERVERS", servers, doc="host:port of Kafka, several separated by commas"
    )
    clickhouse_dsn: str = setting("LANGTRAIL_CLICKHOUSE_DSN", _dsn, doc="http://user:password@host:port/langtrail")
    kafka_config: tuple[tuple[str, str], ...] = setting(
        "LANGTRAIL_KAFKA_CONFIG_FILE", kafka_config, default=(), doc="properties file with more librdkafka settings (TLS, SASL)"
    )
    port: int = setting("LANGTRAIL_SINK_PORT", whole(1, 65535), default=9702, doc="port of 127.0.0.1 for /ready and /metrics")
    batch_rows: int = setting("LANGTRAIL_SINK_BATCH_ROWS", whole(1, 100_000), default=50_000, doc="most records of an insert")
    batch_mib: int = setting(
        "LANGTRAIL_SINK_BATCH_MIB",
        whole(1, 64),
        default=32,
        doc="most MiB of an insert, but for a single record that is larger",
    )
    batch_ms: int = setting(
        "LANGTRAIL_SINK_BATCH_MS",
        whole(0, 60_000),
        default=200,
        doc="how long an insert may wait for more records, milliseconds",
    )
    insert_seconds: int = setting(
        "LANGTRAIL_SINK_INSERT_SECONDS", whole(1, 3600), default=120, doc="longest wait for ClickHouse's answer to an insert"
    )
    instance: str = setting(
        "LANGTRAIL_SINK_INSTANCE",
        text,
        default="",
        doc="name of this sink, unlike every other's: started again under it, it has its partitions back at once",
    )
    session_seconds: int = setting(
        "LANGTRAIL_SINK_SESSION_SECONDS",
        whole(6, 300),
        default=10,
        doc="seconds after which Kafka gives the partitions of a silent sink to another",
    )
    delivery_seconds: int = setting(
        "LANGTRAIL_SINK_DELIVERY_SECONDS", whole(1, 600), default=60, doc="longest wait for Kafka to acknowledge a dead letter"
    )
    generation: int = setting(
        "LANGTRAIL_SINK_GENERATION",
        whole(0, 2**31 - 1),
        default=0,
        doc="to be raised before Kafka is read again after rows were deleted, or ClickHouse drops them as known",
    )

    topic: str = topic("events").name
    group: str = "langtrail-sink"

    def limits(self) -> Limits:
        """Return when a batch is full."""
        return Limits(self.batch_rows, self.batch_mib * _MIB)

    def librdkafka(self) -> dict[str, str]:
        """Return the connection as librdkafka properties."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": self.group,
            "log_level": "0",
            **dict(self.kafka_config),
        }

    def consumer(self) -> dict[str, str]:
        """Return the consumer's properties; those that exactly-once rests on cannot be overridden."""
        return {
            "session.timeout.ms": str(self.session_seconds * 1000),
            "topic.metadata.refresh.interval.ms": "10000",
            "check.crcs": "true",
            # What is read ahead is memory, and read again after a pause. When there is enough of it, look again soon.
            "queued.max.messages.kbytes": "16384",
            "fetch.queue.backoff.ms": "10",
            **self.librdkafka(),
            "group.id": self.group,
            **({"group.instance.id": self.instance} if self.instance else {}),
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "auto.offset.reset": "error",
            "enable.partition.eof": "true",
            "allow.auto.create.topics": "false",
        }
