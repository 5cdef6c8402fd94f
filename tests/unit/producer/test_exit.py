"""What is recorded while a process ends: it is kept, or said to be lost, and never keeps the process from ending."""

import os
import subprocess
import sys

import pytest

from tests.unit.producer.trail import Trail

_BEFORE = """
import atexit, sys, threading
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langtrail.producer import AuditCallbackHandler
from langtrail.producer.pipeline import _close_at_exit, pipeline

def after_our_exit(function):
    pipeline()
    atexit.unregister(_close_at_exit)
    atexit.register(function)
    atexit.register(_close_at_exit)

config = {"callbacks": [AuditCallbackHandler()]}
step = RunnableLambda(lambda value: value, name="step")
chain = GenericFakeChatModel(messages=iter([AIMessage("one two three")])) | StrOutputParser()
"""
_LEFT_IN_CYCLE = """
def read():
    parts = chain.stream("x", config)
    try:
        for part in parts:
            raise ValueError
    except ValueError as error:
        kept = error  # its traceback leads to this frame, and the frame to it
read()
"""
_UNFINISHED_IN_MODULE = """
parts = chain.stream("x", config)
next(parts)
"""
_FINALISER = """
class Session:
    def __init__(self):
        self.itself = self
    def __del__(self, step=step, config=config):
        step.invoke("bye", config)
Session()
"""
_STOPPED_THREADS = """
import gc
from langtrail.producer import file_lock
held = threading.Event()
def hold():
    with pipeline().runs._lock, pipeline()._lock, file_lock._table:
        held.set()
        threading.Event().wait()
@after_our_exit
def hold_until_the_end():
    gc.set_threshold(0)  # only the interpreter collects from here on: before it finalises, the thread is not stopped yet
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
"""


def end(trail: Trail, code: str, **environ: str) -> str:
    """Run a program that must end within a minute, in whatever state the code leaves it; return what it says."""
    given = {name: os.environ[name] for name in ("LANGTRAIL_SPOOL_DIR", "LANGTRAIL_PUBLIC_KEY", "LANGTRAIL_APP")}
    command = [sys.executable, "-c", _BEFORE + code]
    ended = subprocess.run(command, env={**given, **environ}, check=True, timeout=60, capture_output=True, text=True)
    return ended.stderr


@pytest.mark.parametrize("code", [_LEFT_IN_CYCLE, _UNFINISHED_IN_MODULE], ids=["in a cycle", "in the module"])
def test_a_stream_that_only_the_interpreter_ends_is_recorded_late(trail: Trail, code: str) -> None:
    """Its runs are given up at the exit; what LangChain tells when their generators are collected comes after it."""
    assert end(trail, code) == ""
    assert {event["component"] for event in trail.events("abandoned")} >= {"RunnableSequence", "GenericFakeChatModel"}
    late = trail.events("chain_end", "llm_end")
    assert {event["component"] for event in late} >= {"RunnableSequence", "GenericFakeChatModel"}
    assert all("late" in event["flags"] for event in late)
    assert len(trail.events("stream_open")) == len(trail.events("stream_close"))


def test_a_finaliser_that_runs_a_chain_at_the_very_end_is_recorded(trail: Trail) -> None:
    """No thread is started any more: the events are in the spool, and their stream is closed."""
    assert end(trail, _FINALISER) == ""
    types = ["stream_open", "chain_start", "chain_end", "stream_close"]
    assert [event["event_type"] for event in trail.events()] == types


def test_a_program_whose_first_run_is_a_finaliser_ends(trail: Trail) -> None:
    """There is no pipeline yet, and there is nobody any more to close it."""
    code = """if True:
        del config
        class Session:
            def __init__(self):
                self.itself = self
            def __del__(self, step=step, handler=AuditCallbackHandler):
                step.invoke("bye", {"callbacks": [handler()]})
        from langtrail.producer import pipeline as module
        module._pipeline = None
        Session()
    """
    assert end(trail, code) == ""
    types = ["stream_open", "chain_start", "chain_end", "stream_close"]
    assert [event["event_type"] for event in trail.events()] == types


def test_threads_that_were_stopped_with_a_lock_do_not_keep_a_process_from_ending(trail: Trail) -> None:
    """The interpreter stops daemon threads wherever they are, and what they hold nobody lets go of."""
    assert end(trail, _STOPPED_THREADS + _FINALISER) == ""
    assert trail.one("chain_end")["outcome"] == "success"


def test_what_runs_after_our_exit_is_recorded_and_closed(trail: Trail) -> None:
    """Functions that were registered with atexit before the first handler was made are called after ours."""
    code = """if True:
        step.invoke("first", config)
        after_our_exit(lambda: (step.invoke("last", config), print(threading.active_count(), file=sys.stderr)))
    """
    assert end(trail, code) == "1\n"
    types = ["stream_open", "chain_start", "chain_end", "stream_close"]
    assert [event["event_type"] for event in trail.events()] == types * 2


def test_what_may_not_begin_unrecorded_does_not_begin_while_the_interpreter_finalises(trail: Trail) -> None:
    """Mode block holds to the end: without a spool the finaliser is refused."""
    code = """if True:
        class Session:
            def __init__(self):
                self.itself = self
            def __del__(self, step=step, config=config, stderr=sys.stderr):
                try:
                    step.invoke("bye", config)
                except Exception as error:
                    print(type(error).__name__, file=stderr)
        Session()
    """
    said = end(trail, code, LANGTRAIL_DELIVERY="block", LANGTRAIL_SPOOL_DIR="/dev/null/spool", LANGTRAIL_BLOCK_SECONDS="0")
    assert said.endswith("AuditUnavailable\n")
