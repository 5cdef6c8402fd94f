"""What the producer's tests share: a process's pipeline on a spool of its own, and what it recorded."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableConfig

from langtrail.producer import pipeline as pipeline_module
from langtrail.producer import spool_writer
from langtrail.schemas import generate_private_key, public_key_of
from tests.unit.producer.trail import Trail


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


@pytest.fixture
def interrupt_a_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which Ctrl-C is pressed as soon as the next event is in the file."""
    real = spool_writer._write

    def interrupted(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(spool_writer, "_write", real)
        real(descriptor, data)
        raise KeyboardInterrupt

    return lambda: monkeypatch.setattr(spool_writer, "_write", interrupted)
