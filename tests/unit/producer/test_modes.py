"""LANGTRAIL_DELIVERY: block refuses to begin what cannot be recorded; drop needs a broker; a wrong word is refused at once."""

import asyncio
from pathlib import Path
from typing import Any, Protocol

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler, AuditUnavailable, SettingsError, SpoolFull
from langtrail.producer.pipeline import pipeline
from langtrail.producer.spool_writer import SpoolWriter

DONE: list[str] = []


class Trail(Protocol):
    """The fixture of conftest.py."""

    spool: Path

    def events(self, *types: str) -> list[dict[str, Any]]: ...


@tool
def transfer(amount: int) -> str:
    """Move money."""
    DONE.append(f"{amount} moved")
    return "done"


class Disk:
    """A disk that can be full."""

    full = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return the disk of the spool."""
    disk, real = Disk(), SpoolWriter._append

    def append(self: SpoolWriter, *args: Any) -> None:
        if disk.full:
            raise SpoolFull("the spool's disk is full")
        real(self, *args)

    monkeypatch.setattr(SpoolWriter, "_append", append)
    return disk


@pytest.fixture
def blocking(trail: Trail, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Trail:
    """Return a trail in mode block, whose hooks wait for nothing."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "block")
    monkeypatch.setenv("LANGTRAIL_BLOCK_SECONDS", "0")
    DONE.clear()
    return trail


def config() -> Any:
    """Return a run's config with our handler."""
    return {"callbacks": [AuditCallbackHandler()]}


def test_what_can_be_recorded_begins(blocking: Trail) -> None:
    """With a disk that works, block is as spool."""
    transfer.invoke({"amount": 1}, config())
    assert DONE == ["1 moved"]
    assert [event["event_type"] for event in blocking.events()] == ["stream_open", "tool_start", "tool_end"]


def test_a_tool_that_cannot_be_recorded_does_not_run(blocking: Trail, disk: Disk) -> None:
    """Its body is not executed, and the caller is told why."""
    disk.full = True
    with pytest.raises(AuditUnavailable, match="the spool's disk is full"):
        transfer.invoke({"amount": 1}, config())
    assert DONE == []
    assert len(pipeline().runs) == 0


def test_a_tool_that_cannot_be_recorded_does_not_run_in_a_loop_either(blocking: Trail, disk: Disk) -> None:
    """Asynchronous runs are refused by the same handler."""
    disk.full = True
    with pytest.raises(AuditUnavailable):
        asyncio.run(transfer.ainvoke({"amount": 1}, config()))
    assert DONE == []


def test_the_end_of_what_has_begun_never_raises(blocking: Trail, disk: Disk) -> None:
    """The side effect is done: its result reaches the caller, and so does its own error."""

    def work(fails: bool) -> str:
        disk.full = True
        if fails:
            raise ValueError("its own")
        return "result"

    step = RunnableLambda(work)
    assert step.invoke(False, config()) == "result"
    disk.full = False
    pipeline()._stream.log._try_at = 0.0  # type: ignore[union-attr] # it is open: it has events
    with pytest.raises(ValueError, match="its own"):
        step.invoke(True, config())


def test_in_mode_spool_nothing_is_refused(trail: Trail, disk: Disk) -> None:
    """The application goes on, whatever the disk does."""
    DONE.clear()
    AuditCallbackHandler()
    disk.full = True
    transfer.invoke({"amount": 2}, config())
    assert DONE == ["2 moved"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LANGTRAIL_DELIVERY": "never"}, "LANGTRAIL_DELIVERY: expected one of spool, block, drop"),
        (
            {"LANGTRAIL_DELIVERY": "drop"},
            "LANGTRAIL_DELIVERY: drop keeps nothing on disk, so it needs LANGTRAIL_BOOTSTRAP_SERVERS",
        ),
        ({"LANGTRAIL_SPOOL_MAX_BYTES": "5"}, "LANGTRAIL_SPOOL_MAX_BYTES: expected a whole number"),
        ({"LANGTRAIL_MEMORY_MAX_BYTES": "x"}, "LANGTRAIL_MEMORY_MAX_BYTES: expected a whole number"),
        ({"LANGTRAIL_BLOCK_SECONDS": "-1"}, "LANGTRAIL_BLOCK_SECONDS: expected a whole number"),
    ],
)
def test_a_wrong_setting_is_refused_at_construction(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    """By the name of its variable, and never at the first event."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        AuditCallbackHandler()


def test_a_property_that_librdkafka_does_not_know_is_refused_at_construction(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file's variable is named, and what is wrong in it."""
    (tmp_path / "kafka.properties").write_text("no.such.property=1\n")
    monkeypatch.setenv("LANGTRAIL_KAFKA_CONFIG_FILE", str(tmp_path / "kafka.properties"))
    monkeypatch.setenv("LANGTRAIL_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(
        SettingsError, match=r"LANGTRAIL_KAFKA_CONFIG_FILE: No such configuration property: \"no.such.property\""
    ):
        AuditCallbackHandler()
