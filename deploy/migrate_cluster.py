"""The replicated form of the numbered files: the same tables and views, on every replica of a cluster.

A pure change of text, so that there is one set of files: `ON CLUSTER` on every statement, each engine by its Replicated
variant, each window for deduplication by the one of replicated tables. The form is checked by the engine's own parser. It was
not run on a cluster: the engine that the tests have knows neither Keeper nor replicas.

What the cluster has to have: Keeper, one shard (the sink writes to any replica of it), and the macros {shard} and {replica}, or
a `default_replica_path` and `default_replica_name` of its own. Several shards are refused: a repeated batch has to meet its
token on the same shard, which nothing here sees to.
"""

import re
from typing import Final

WINDOW_SECONDS: Final = 604_800
"""How long a replicated table knows a token, counted from its newest insert: as long as Kafka keeps the records."""

_NAME: Final = r"[a-z_][a-z0-9_]*"
_TABLE = re.compile(rf"^CREATE TABLE IF NOT EXISTS {_NAME}(?=\s)")
_OTHERS = (
    re.compile(rf"^CREATE (?:MATERIALIZED )?VIEW IF NOT EXISTS {_NAME}(?=\s)"),
    re.compile(rf"^CREATE OR REPLACE VIEW {_NAME}(?=\s)"),
    re.compile(rf"^ALTER TABLE {_NAME}(?=\s)"),
    re.compile(rf"^DROP (?:TABLE|VIEW) IF EXISTS {_NAME}(?=\s|$)"),
)
_ENGINE = re.compile(r"^ENGINE = ((?:Replacing|Aggregating)?MergeTree)\b", re.MULTILINE)
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window = (\d+)")


class NotReplicable(ValueError):
    """A statement has a form that this module does not know; the text says which."""


def on_cluster(statement: str, cluster: str) -> str:
    """Return a statement of a numbered file for a cluster. Raises NotReplicable."""
    clause = f"ON CLUSTER {quoted(cluster)}"
    if match := _TABLE.match(statement):
        return f"{match[0]} {clause}{_replicated(statement[match.end() :])}"
    for form in _OTHERS:
        if match := form.match(statement):
            return f"{match[0]} {clause}{statement[match.end() :]}"
    raise NotReplicable(f"a statement begins with {statement.splitlines()[0][:60]!r}, which has no form for a cluster")


def create_database(name: str, cluster: str | None = None) -> str:
    """Return the statement that creates a database."""
    clause = f" ON CLUSTER {quoted(cluster)}" if cluster else ""
    return f"CREATE DATABASE IF NOT EXISTS {quoted(name)}{clause}"


def quoted(name: str) -> str:
    """Return a name as an identifier of ClickHouse."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _replicated(definition: str) -> str:
    replaced, engines = _ENGINE.subn(r"ENGINE = Replicated\1", definition)
    if engines != 1:
        raise NotReplicable("a table has no engine that can be replicated")
    return _WINDOW.sub(
        rf"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = {WINDOW_SECONDS}", replaced
    )
