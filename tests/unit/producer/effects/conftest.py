"""What the tests of side effects share: recording switched on, a tool to do things in, and a database to do them to."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool

from langtrail.producer import AuditCallbackHandler, side_effects
from tests.unit.producer.trail import Trail


@pytest.fixture(autouse=True)
def _recording(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Record side effects for one test."""
    monkeypatch.setenv("LANGTRAIL_SIDE_EFFECTS", "1")
    monkeypatch.setattr(side_effects._state, "window_ends", 0.0)
    AuditCallbackHandler()
    yield
    side_effects.disable()


@pytest.fixture
def use() -> Callable[[Any], None]:
    """Return a function that runs a function, or a coroutine function, as a tool."""

    def use(work: Any) -> None:
        config: RunnableConfig = {"callbacks": [AuditCallbackHandler()], "metadata": {"tenant_id": "acme"}}
        asked = {"name": "work", "args": {}, "id": "c1", "type": "tool_call"}
        if asyncio.iscoroutinefunction(work):
            made = StructuredTool.from_function(coroutine=work, name="work", description="Work.")
            asyncio.run(made.ainvoke(asked, config))
        else:
            StructuredTool.from_function(work, name="work", description="Work.").invoke(asked, config)

    return use


@pytest.fixture
def told(trail: Trail) -> Callable[..., list[tuple[str, str, str, str]]]:
    """Return a function that returns the side effects of some kinds: kind, operation, effect, resource."""

    def told(*kinds: str) -> list[tuple[str, str, str, str]]:
        events = trail.events("side_effect")
        found = [({item["key"]: item["value"] for item in event["ext"]}, event) for event in events]
        return [
            (facts["kind"], facts["operation"], event["tool_effect"], event["resource"])
            for facts, event in found
            if not kinds or facts["kind"] in kinds
        ]

    return told


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Make a database with one table."""
    path = tmp_path / "crm.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT, country TEXT)")
        connection.execute("INSERT INTO customers VALUES ('ann', 'NO'), ('bob', 'SE')")
        connection.commit()
    return path
