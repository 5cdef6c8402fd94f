"""What the producer's tests share: a process's pipeline on a spool of its own, and what it recorded."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from langchain_core.runnables import Runnable, RunnableConfig

from langtrail.producer import pipeline as pipeline_module
from langtrail.producer.entry import Position
from langtrail.producer.spool import streams
from langtrail.producer.spool_reader import SpoolReader
from langtrail.schemas import RAW_EVENT, PrivateKeys, associated_data, decode, generate_private_key, public_key_of, registry
from langtrail.schemas.codec import join_raw


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


@pytest.fixture
def run_by() -> Callable[[str, Runnable[Any, Any], Any, RunnableConfig], None]:
    """Return a function that runs a runnable in one of LangChain's ways, by the name of the method."""

    def run(how: str, runnable: Runnable[Any, Any], given: Any, config: RunnableConfig) -> None:
        async def collect() -> None:
            async for _ in runnable.astream(given, config):
                pass

        if how == "batch":
            runnable.batch([given], config)
        elif how == "stream":
            list(runnable.stream(given, config))
        elif how == "ainvoke":
            asyncio.run(runnable.ainvoke(given, config))
        elif how == "astream":
            asyncio.run(collect())
        else:
            runnable.invoke(given, config)

    return run


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    """Give the process a pipeline of its own, without a broker: its spool is the log."""
    private_key = generate_private_key()
    monkeypatch.setenv("LANGTRAIL_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("LANGTRAIL_PUBLIC_KEY", public_key_of(private_key))
    monkeypatch.setenv("LANGTRAIL_APP", "tests")
    monkeypatch.setattr(pipeline_module, "_pipeline", None)
    yield Trail(tmp_path / "spool", private_key)
    if pipeline_module._pipeline is not None:
        pipeline_module._pipeline.close(0)
