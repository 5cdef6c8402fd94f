"""Hooks that are broken off: by Ctrl-C, by a signal handler that raises, by a fault of ours. Starts and ends still agree."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler
from langtrail.producer.pipeline import pipeline
from langtrail.producer.spool import streams
from tests.unit.producer.trail import Trail, config, ext


class Interrupting:
    """Whatever is asked of it, it is as if a signal handler raised just then."""

    def __getattr__(self, name: str) -> Any:
        raise SystemExit(name)

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


class InterruptingError(Exception):
    """An exception in whose text Ctrl-C is pressed."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


def begun() -> tuple[Any, UUID]:
    """Return our handler, and a tool's run that began."""
    handler, run_id = AuditCallbackHandler(), uuid4()
    handler.on_tool_start({"name": "look"}, "x", run_id=run_id, name="look")
    return handler, run_id


def types(trail: Trail) -> list[str]:
    """Return what is in the trail once the process has ended."""
    pipeline().close(0)
    return [event["event_type"] for event in trail.events()]


def test_a_run_whose_end_was_interrupted_is_given_up_at_the_exit(trail: Trail) -> None:
    """What a signal handler raised goes on to the application."""
    handler, run_id = begun()
    with pytest.raises(SystemExit):
        handler.on_tool_end(Interrupting(), run_id=run_id)
    assert types(trail) == ["stream_open", "tool_start", "abandoned", "stream_close"]
    assert trail.one("abandoned")["run_id"] == str(run_id)
    assert ext(trail.one("abandoned"))["closed_by"] == "exit"


def test_a_run_whose_end_was_interrupted_may_end_all_the_same(trail: Trail) -> None:
    """Nothing was recorded of the first try."""
    handler, run_id = begun()
    with pytest.raises(SystemExit):
        handler.on_tool_end(Interrupting(), run_id=run_id)
    handler.on_tool_end("found", run_id=run_id)
    assert types(trail) == ["stream_open", "tool_start", "tool_end", "stream_close"]
    assert trail.one("tool_end")["flags"] == []


def test_an_interrupt_below_a_chain_ends_what_is_below_with_it(trail: Trail) -> None:
    """The step whose end was interrupted is cancelled with the chain, whose end LangChain tells of next."""

    def fail(_: Any) -> None:
        raise InterruptingError

    with pytest.raises(KeyboardInterrupt):
        (RunnableLambda(lambda value: value) | RunnableLambda(fail, name="fail")).invoke(1, config())
    given_up, root = trail.events("abandoned", "chain_error")
    assert (given_up["component"], given_up["outcome"], root["outcome"]) == ("fail", "cancelled", "cancelled")
    assert len(pipeline().runs) == 0


def test_a_run_whose_start_was_interrupted_never_was(trail: Trail) -> None:
    """It has no start in the trail, and no end."""
    with pytest.raises(SystemExit):
        AuditCallbackHandler().on_chain_start(None, 1, run_id=uuid4(), name="step", tags=[Interrupting()])  # type: ignore[list-item] # as said
    begun()
    assert len(pipeline().runs) == 1
    assert types(trail) == ["stream_open", "tool_start", "abandoned", "stream_close"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_run_whose_start_could_not_be_recorded_says_so_at_its_end(trail: Trail, ended: bool) -> None:
    """A fault of ours is an event, and the run goes on."""
    handler, run_id = AuditCallbackHandler(), uuid4()
    odd: Any = 5
    handler.on_chain_start(None, 1, run_id=run_id, name="step", tags=odd)
    if ended:
        handler.on_chain_end(2, run_id=run_id)
    assert types(trail)[1:-1] == ["custom", "chain_end" if ended else "abandoned"]
    assert "start_not_seen" in trail.events("chain_end", "abandoned")[0]["flags"]


def test_a_run_whose_end_could_not_be_recorded_is_given_up_at_the_exit(trail: Trail) -> None:
    """A fault of ours is an event, and the start is not left alone."""
    handler: Any = AuditCallbackHandler()
    run_id = uuid4()
    handler.on_llm_start(None, ["hi"], run_id=run_id, name="model")
    handler.on_llm_end(None, run_id=run_id)
    assert types(trail) == ["stream_open", "llm_start", "custom", "abandoned", "stream_close"]


def test_a_start_that_another_thread_is_recording_at_the_exit_is_in_the_next_stream_with_its_end(trail: Trail) -> None:
    """It is not given up before it has begun."""
    handler, run_id = AuditCallbackHandler(), uuid4()

    class Closing:
        def __str__(self) -> str:
            pipeline().close(0)
            return "tag"

    odd: Any = [Closing()]
    begun()
    handler.on_chain_start(None, 1, run_id=run_id, name="step", tags=odd)
    handler.on_chain_end(2, run_id=run_id)
    assert types(trail) == [
        *("stream_open", "tool_start", "abandoned", "stream_close"),
        *("stream_open", "chain_start", "chain_end", "stream_close"),
    ]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_first_write_that_was_interrupted_leaves_a_stream_that_can_be_read(
    trail: Trail, interrupt_a_write: Callable[[], None], at: int
) -> None:
    """Also while a new file is begun, whose first lines tell whose it is."""
    handler: Any = AuditCallbackHandler()
    for number in range(3):
        if number == at:
            interrupt_a_write()
            with pytest.raises(KeyboardInterrupt):
                handler.on_chain_start(None, number, run_id=uuid4(), name="step")
        else:
            handler.on_chain_start(None, number, run_id=uuid4(), name="step")
    pipeline().close(0)
    assert len(trail.events("chain_start")) == len(trail.events("abandoned")) == (2 if at == 0 else 3)
    for files in streams(trail.spool):
        numbers = [event["seq"] for event in trail.events() if event["stream_id"] == files.stream_id]
        assert numbers == list(range(len(numbers)))
        assert numbers
