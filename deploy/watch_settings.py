"""What the watch reads from the environment."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from langtrail.schemas.settings import kafka_config, servers, setting, whole

_MICROSECONDS = 1_000_000


def _dsn(value: str) -> str:
    """Parse: a ClickHouse DSN."""
    if urlsplit(value).scheme not in ("http", "https"):
        raise ValueError("expected http://user:password@host:port/database")
    return value


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """Connection and limits of one watch. A limit of 0 turns its kind of burst off."""

    bootstrap_servers: str = setting(
        "LANGTRAIL_BOOTSTRAP_SERVERS", servers, doc="host:port of Kafka, several separated by commas"
    )
    clickhouse_dsn: str = setting("LANGTRAIL_CLICKHOUSE_DSN", _dsn, doc="http://user:password@host:port/langtrail")
    kafka_config: tuple[tuple[str, str], ...] = setting(
        "LANGTRAIL_KAFKA_CONFIG_FILE", kafka_config, default=(), doc="properties file with more librdkafka settings (TLS, SASL)"
    )
    port: int = setting("LANGTRAIL_WATCH_PORT", whole(1, 65535), default=9703, doc="port of 127.0.0.1 for /ready and /metrics")
    every_seconds: int = setting("LANGTRAIL_WATCH_SECONDS", whole(1, 3600), default=5, doc="seconds from one look to the next")
    silent_seconds: int = setting(
        "LANGTRAIL_WATCH_SILENT_SECONDS",
        whole(1, 86_400),
        default=180,
        doc="seconds without an event after which a process counts as gone; never less than three of its heartbeats",
    )
    settle_seconds: int = setting(
        "LANGTRAIL_WATCH_SETTLE_SECONDS",
        whole(0, 86_400),
        default=300,
        doc="seconds that a hole in a stream's numbers may wait for what fills or explains it",
    )
    window_seconds: int = setting(
        "LANGTRAIL_WATCH_WINDOW_SECONDS", whole(60, 86_400), default=300, doc="seconds in which a burst is counted"
    )
    errors: int = setting(
        "LANGTRAIL_WATCH_ERRORS",
        whole(0, 10**9),
        default=50,
        doc="failed requests of a tenant in a window that are a burst; 0: never",
    )
    denials: int = setting(
        "LANGTRAIL_WATCH_DENIALS",
        whole(0, 10**9),
        default=20,
        doc="denials to a tenant in a window that are a burst; 0: never",
    )
    spend_usd: int = setting(
        "LANGTRAIL_WATCH_SPEND_USD",
        whole(0, 10**9),
        default=100,
        doc="US dollars that a tenant spends in a window that are a burst; 0: never",
    )

    @property
    def silent_us(self) -> int:
        """The limit of silence in microseconds."""
        return self.silent_seconds * _MICROSECONDS

    @property
    def settle_us(self) -> int:
        """The time a hole may wait, in microseconds."""
        return self.settle_seconds * _MICROSECONDS

    @property
    def window_us(self) -> int:
        """The length of a window in microseconds."""
        return self.window_seconds * _MICROSECONDS

    def librdkafka(self) -> dict[str, str]:
        """Return the connection as librdkafka properties; the given ones win over ours."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": "langtrail-watch",
            "log_level": "0",
            **dict(self.kafka_config),
        }
