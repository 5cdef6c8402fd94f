"""topics.toml as values: which topics there are, and how each is created."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

_MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. `value` is the registry subject of its values, None when they are no Avro records."""

    name: str
    description: str
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int
    retention_days: int
    max_message_bytes: int
    cleanup_policy: Literal["delete", "compact"]
    timestamp_type: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    value: str | None = None

    def config(self) -> dict[str, str]:
        """Return the topic's configuration under Kafka's names."""
        retention_ms = -1 if self.retention_days < 0 else self.retention_days * _MS_PER_DAY
        return {
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": self.timestamp_type,
        }


@cache
def topics() -> dict[str, Topic]:
    """Return all topics by their short name (raw, events, dead_letters, tenants, checkpoints)."""
    tables = tomllib.loads(files(__package__).joinpath("topics.toml").read_text())
    return {short: _topic(table) for short, table in tables.items()}


def topic(short: str) -> Topic:
    """Return one topic by its short name. Raises KeyError for a name that topics.toml does not have."""
    return topics()[short]


def _topic(table: dict[str, Any]) -> Topic:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return Topic(**values)
