"""What the worker reads from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from langtrail.schemas import PrivateKeys
from langtrail.schemas.settings import kafka_config, path, servers, setting, whole

from .pseudonym import Pseudonyms, read_pseudonyms


def private_keys(value: str) -> PrivateKeys:
    """Parse: the path of a file with one X25519 private key a line, base64, the newest first, # for comments."""
    try:
        lines = Path(value).expanduser().read_text().splitlines()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise ValueError("names a file without a key")
    return PrivateKeys(keys)


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """Connection and limits of one worker process."""

    bootstrap_servers: str = setting(
        "LANGTRAIL_BOOTSTRAP_SERVERS", servers, doc="host:port of Kafka, several separated by commas"
    )
    kafka_config: tuple[tuple[str, str], ...] = setting(
        "LANGTRAIL_KAFKA_CONFIG_FILE", kafka_config, default=(), doc="properties file with more librdkafka settings (TLS, SASL)"
    )
    private_keys: PrivateKeys = setting(
        "LANGTRAIL_PRIVATE_KEY_FILE",
        private_keys,
        default=PrivateKeys([]),
        doc="file of X25519 private keys, one a line, newest first",
    )
    pseudonyms: Pseudonyms | None = setting(
        "LANGTRAIL_PSEUDONYM_KEY_FILE",
        read_pseudonyms,
        default=None,
        doc="file with the secret of the pseudonyms, the base64 of 32 bytes; without it no event has subject tokens",
    )
    port: int = setting(
        "LANGTRAIL_WORKER_PORT", whole(1, 65535), default=9701, doc="port of 127.0.0.1 for /ready, /live and /metrics"
    )
    state_dir: Path | None = setting(
        "LANGTRAIL_WORKER_STATE_DIR", path, default=None, doc="directory that remembers which record a worker died of"
    )
    session_seconds: int = setting(
        "LANGTRAIL_WORKER_SESSION_SECONDS",
        whole(6, 300),
        default=10,
        doc="seconds after which Kafka gives the partitions of a silent worker to another",
    )
    delivery_seconds: int = setting(
        "LANGTRAIL_WORKER_DELIVERY_SECONDS", whole(1, 600), default=60, doc="longest wait for Kafka to acknowledge an event"
    )

    def state(self) -> Path:
        """Return the state directory: the given one, else one in the user's state directory."""
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return self.state_dir or Path(home) / "langtrail" / "worker"

    def librdkafka(self, client_id: str) -> dict[str, str]:
        """Return the connection as librdkafka properties; the given ones win over ours."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "client.id": client_id,
            "log_level": "0",
            **dict(self.kafka_config),
        }
