"""What the producer reads from the environment."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from langtrail.schemas import DataKey
from langtrail.schemas.settings import SettingsError, choice, kafka_config, path, servers, setting, switch, text, whole

from .serialise import text_of
from .vocabulary import TRIGGERS

_NO_KEY_SET = "expected an https address or a file"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _public_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    DataKey.generate(list(keys))
    return keys


def _key_set(value: str) -> str:
    try:
        address = urlsplit(value)
        is_remote, host, port = address.scheme in ("http", "https"), address.hostname, address.port
    except ValueError:
        raise ValueError(_NO_KEY_SET) from None
    if not ((host and port != 0) if is_remote else path(value).is_file()):
        raise ValueError(_NO_KEY_SET)
    if address.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("keys are only fetched over https")
    return value if is_remote else str(path(value))


def _spool(value: str) -> Path:
    found = path(value)
    try:
        is_device = found.exists() and not (found.is_dir() or found.is_file())  # a file in the way may be taken away
    except OSError:
        return found  # closed to us: why is said when it cannot be written
    if is_device:
        raise ValueError("is no directory")
    return found


def _default_spool() -> Path:
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / "langtrail" / "spool"


def _default_app() -> str:
    return text_of(Path(sys.argv[0]).stem) or "python" if sys.argv else "python"


@dataclass(frozen=True, kw_only=True, eq=False)  # what was worked out of settings is kept by them: their identity is enough
class ProducerSettings:
    """Connection and identity of one process. Without `bootstrap_servers` the spool alone is the log."""

    bootstrap_servers: str = setting(
        "LANGTRAIL_BOOTSTRAP_SERVERS", servers, default="", doc="host:port of Kafka; without it events stay in the spool"
    )
    kafka_config: tuple[tuple[str, str], ...] = setting(
        "LANGTRAIL_KAFKA_CONFIG_FILE", kafka_config, default=(), doc="properties file with more librdkafka settings (TLS, SASL)"
    )
    spool_dir: Path | None = setting(
        "LANGTRAIL_SPOOL_DIR", _spool, default=None, doc="directory for events that Kafka has not acknowledged yet"
    )
    delivery: str = setting(
        "LANGTRAIL_DELIVERY",
        choice("spool", "block", "drop"),
        default="spool",
        doc="spool: on disk until Kafka has it; block: the same, and what cannot be recorded may not begin; drop: in memory",
    )
    spool_max_bytes: int = setting(
        "LANGTRAIL_SPOOL_MAX_BYTES",
        whole(1 << 20, 1 << 50),
        default=4 << 30,
        doc="most bytes in the spool directory, all processes together; at the limit new events are refused, none is deleted",
    )
    memory_max_bytes: int = setting(
        "LANGTRAIL_MEMORY_MAX_BYTES",
        whole(1 << 16, 1 << 40),
        default=32 << 20,
        doc="most bytes that wait in memory: with drop all of them, else those that the disk refuses",
    )
    block_seconds: int = setting(
        "LANGTRAIL_BLOCK_SECONDS",
        whole(0, 60),
        default=2,
        doc="with block: how long the start of a run waits for Kafka when the spool refuses it",
    )
    public_keys: tuple[str, ...] = setting(
        "LANGTRAIL_PUBLIC_KEY",
        _public_keys,
        default=(),
        doc="X25519 keys of the workers, base64, comma-separated; seals content",
    )
    app: str = setting("LANGTRAIL_APP", text, default="", doc="name of the application; default: the program's name")
    app_version: str = setting("LANGTRAIL_APP_VERSION", text, default="", doc="version of the application")
    environment: str = setting("LANGTRAIL_ENVIRONMENT", text, default="", doc="deployment environment, such as production")
    tenant_id: str = setting("LANGTRAIL_TENANT_ID", text, default="", doc="tenant of runs that name none")
    user_id: str = setting("LANGTRAIL_USER_ID", text, default="", doc="principal of runs that name none; default: the OS user")
    trigger: str = setting(
        "LANGTRAIL_TRIGGER",
        choice(*TRIGGERS),
        default="",
        doc="what starts this process: interactive, api, schedule, event; default: what can be proved",
    )
    trigger_id: str = setting("LANGTRAIL_TRIGGER_ID", text, default="", doc="id of the schedule, job or event")
    heartbeat_seconds: int = setting(
        "LANGTRAIL_HEARTBEAT_SECONDS", whole(1, 3600), default=60, doc="seconds between heartbeat events"
    )
    exit_seconds: int = setting(
        "LANGTRAIL_EXIT_SECONDS",
        whole(0, 60),
        default=2,
        doc="longest wait for Kafka when the process exits; the rest is spooled",
    )

    run_deadline_seconds: int = setting(
        "LANGTRAIL_RUN_DEADLINE_SECONDS",
        whole(1, 30 * 24 * 3600),
        default=3600,
        doc="seconds after which a run that has not ended is given up as abandoned",
    )
    require_identity: bool = setting(
        "LANGTRAIL_REQUIRE_IDENTITY",
        switch,
        default=False,
        doc="1: a run that names nobody, by user_id or token, may not begin",
    )
    oidc_issuer: str = setting("LANGTRAIL_OIDC_ISSUER", text, default="", doc="issuer of the tokens given to audit_context")
    oidc_audience: str = setting(
        "LANGTRAIL_OIDC_AUDIENCE", text, default="", doc="audience that such a token must name; several, comma-separated"
    )
    oidc_jwks: str = setting(
        "LANGTRAIL_OIDC_JWKS", _key_set, default="", doc="https address or file of the issuer's keys (JWKS)"
    )
    side_effects: bool = setting(
        "LANGTRAIL_SIDE_EFFECTS",
        switch,
        default=False,
        doc="1 records what tools do: database queries, network calls, programs",
    )

    def __post_init__(self) -> None:
        """Raise SettingsError when settings contradict one another."""
        if self.delivery == "drop" and not self.bootstrap_servers:
            raise SettingsError("LANGTRAIL_DELIVERY: drop keeps nothing on disk, so it needs LANGTRAIL_BOOTSTRAP_SERVERS")

    def spool(self) -> Path:
        """Return the spool directory: the given one, else one in the user's state directory."""
        return self._found_spool

    @cached_property
    def _found_spool(self) -> Path:
        """Once for all: an application may change its directory and its environment."""
        return self.spool_dir or _default_spool()

    def app_name(self) -> str:
        """Return the application's name: the given one, else the program's."""
        return self.app or _default_app()

    def librdkafka(self) -> dict[str, Any]:
        """Return the configuration of the Kafka producer: the given settings win over ours."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": f"langtrail-{self.app_name()}",
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "message.max.bytes": 16_777_216,
            "message.timeout.ms": 0,
            "reconnect.backoff.max.ms": 2_000,
            "log_level": 0,
            **dict(self.kafka_config),
        }
