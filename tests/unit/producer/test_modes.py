"""LANGTRAIL_DELIVERY: block refuses to begin what cannot be recorded; drop needs a broker; a wrong word is refused at once."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler, AuditUnavailable, SettingsError, spool_writer
from langtrail.producer.pipeline import pipeline
from tests.unit.producer.trail import Trail, config

DONE: list[str] = []


RunBy = Callable[[str, Any, Any, Any], None]


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
    disk, real = Disk(), spool_writer._write

    def write(descriptor: int, data: bytes) -> int:
        if disk.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(spool_writer, "_write", write)
    return disk


@pytest.fixture
def blocking(trail: Trail, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Trail:
    """Return a trail in mode block, whose hooks wait for nothing."""
    monkeypatch.setenv("LANGTRAIL_DELIVERY", "block")
    monkeypatch.setenv("LANGTRAIL_BLOCK_SECONDS", "0")
    DONE.clear()
    return trail


def test_what_can_be_recorded_begins(blocking: Trail) -> None:
    """With a disk that works, block is as spool."""
    transfer.invoke({"amount": 1}, config())
    assert DONE == ["1 moved"]
    assert [event["event_type"] for event in blocking.events()] == ["stream_open", "tool_start", "tool_end"]


def test_a_tool_that_cannot_be_recorded_does_not_run(blocking: Trail, disk: Disk) -> None:
    """Its body is not executed, and the caller is told why."""
    disk.full = True
    with pytest.raises(AuditUnavailable, match="No space left on device"):
        transfer.invoke({"amount": 1}, config())
    assert DONE == []
    assert len(pipeline().runs) == 0


def test_a_tool_that_cannot_be_recorded_does_not_run_in_a_loop_either(blocking: Trail, disk: Disk) -> None:
    """Asynchronous runs are refused by the same handler."""
    disk.full = True
    with pytest.raises(AuditUnavailable):
        asyncio.run(transfer.ainvoke({"amount": 1}, config()))
    assert DONE == []


class Acting(GenericFakeChatModel):
    """A model that has an effect."""

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        DONE.append("asked")
        return super()._generate(*args, **kwargs)


class Shelf(BaseRetriever):
    """A retriever that has an effect."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        DONE.append("looked up")
        return []


@tool
async def transfer_later(amount: int) -> str:
    """Move money in a coroutine."""
    DONE.append(f"{amount} moved")
    return "done"


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("kind", ["chain", "model", "retriever", "tool"])
def test_nothing_begins_that_cannot_be_recorded(blocking: Trail, disk: Disk, run_by: RunBy, kind: str, how: str) -> None:
    """Chains, models, retrievers and tools, however they are started: no effect comes before the refusal."""
    steps: dict[str, Any] = {
        "chain": RunnableLambda(lambda _: DONE.append("ran")),
        "model": Acting(messages=iter([AIMessage("x")])),
        "retriever": Shelf(),
        "tool": transfer if how in ("invoke", "stream") else transfer_later,
    }
    disk.full = True
    with pytest.raises(AuditUnavailable):
        run_by(how, steps[kind], {"amount": 1} if kind == "tool" else "hi", config())
    assert DONE == []
    assert len(pipeline().runs) == 0


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_a_fault_of_ours_lets_nothing_begin_either(
    blocking: Trail, run_by: RunBy, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be recorded may not begin, whatever is the reason."""

    def fail() -> str:
        raise UnicodeError

    monkeypatch.setattr(socket, "gethostname", fail)
    with pytest.raises(AuditUnavailable, match="so it must not begin: UnicodeError"):
        run_by(how, RunnableLambda(lambda _: DONE.append("ran")), 1, config())
    assert DONE == []
    assert len(pipeline().runs) == 0


def test_a_step_is_refused_when_the_disk_fills_in_the_middle_of_a_run(blocking: Trail, disk: Disk) -> None:
    """What went before is done; what would come next does not begin, and the trail says so once it can be written again."""

    def work(_: Any) -> str:
        transfer.invoke({"amount": 1})
        disk.full = True
        return str(transfer.invoke({"amount": 2}))

    with pytest.raises(AuditUnavailable):
        RunnableLambda(work).invoke(1, config())
    assert DONE == ["1 moved"]
    disk.full = False
    pipeline().close(0)
    done, refused = blocking.events("tool_start")
    assert (done["content"]["input"], refused["content"]["input"]) == ({"amount": 1}, {"amount": 2})
    end = blocking.one("tool_error")
    assert (end["run_id"], end["outcome"]) == (refused["run_id"], "denied")
    assert end["error_type"] == "langtrail.producer.errors.AuditUnavailable"
    assert blocking.one("tool_end")["run_id"] == done["run_id"]
    assert blocking.one("chain_error")["outcome"] == "failure"


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
        ({"LANGTRAIL_BOOTSTRAP_SERVERS": "http://broker:9092"}, "LANGTRAIL_BOOTSTRAP_SERVERS: expected host:port"),
        ({"LANGTRAIL_SPOOL_DIR": " "}, "LANGTRAIL_SPOOL_DIR: is blank"),
        ({"LANGTRAIL_SPOOL_DIR": os.devnull}, "LANGTRAIL_SPOOL_DIR: is no directory"),
        ({"LANGTRAIL_PUBLIC_KEY": "A" * 43 + "="}, "LANGTRAIL_PUBLIC_KEY: not an X25519 public key: anybody could open"),
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
