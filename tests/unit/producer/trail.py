"""What the producer's tests look at: the events of a spool, opened as a worker would; and the config that records a run."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from langchain_core.runnables import RunnableConfig

from langtrail.producer import AuditCallbackHandler
from langtrail.producer.entry import Position
from langtrail.producer.spool import streams
from langtrail.producer.spool_reader import SpoolReader
from langtrail.schemas import RAW_EVENT, PrivateKeys, associated_data, decode, registry
from langtrail.schemas.codec import join_raw


def config(configurable: dict[str, Any] | None = None, **metadata: Any) -> RunnableConfig:
    """Return a run's config with our handler."""
    return {"callbacks": [AuditCallbackHandler()], "metadata": metadata, "configurable": configurable or {}}


def ext(event: dict[str, Any]) -> dict[str, str]:
    """Return an event's further fields."""
    return {item["key"]: item["value"] for item in event["ext"]}


class Trail:
    """What was recorded in one spool, opened as a worker would."""

    def __init__(self, spool: Path, private_key: str) -> None:
        self.spool = spool
        self._keys = PrivateKeys([private_key])

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Return the events of all streams in order: core fields, and `content` as parsed JSON by field."""
        found = [event for files in streams(self.spool) for event in self._stream(files.directory)]
        return [event for event in found if not types or event["event_type"] in types]

    def one(self, event_type: str) -> dict[str, Any]:
        """Return the only event of a type."""
        (event,) = self.events(event_type)
        return event

    def _stream(self, directory: Path) -> Iterator[dict[str, Any]]:
        files = next(files for files in streams(self.spool) if files.directory == directory)
        header = base64.b64decode(files.facts()["key"])
        reader = SpoolReader(files, Position())
        while entries := reader.read(1 << 20):
            for entry in entries:
                event = decode(registry().latest(RAW_EVENT), join_raw(bytes(32), b"", entry.core))
                bound_to = associated_data(UUID(files.stream_id).bytes, entry.seq)
                event["content"] = self._content(header, entry.content, bound_to)
                event["key"] = entry.key.decode()
                yield event

    def _content(self, header: bytes, sealed: bytes, bound_to: bytes) -> dict[str, Any]:
        if not sealed:
            return {}
        texts = orjson.loads(self._keys.open(header, sealed, bound_to))
        del texts["salt"]
        return {name: text if name == "error_message" else orjson.loads(text) for name, text in texts.items()}
