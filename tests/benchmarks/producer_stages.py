"""Timers around the producer's stages: what a hook spends in each, and what the sender spends on an event."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Self

from confluent_kafka import Producer

from langtrail.producer import AuditCallbackHandler, capture, handler, recording, stream
from langtrail.producer.core import CoreWriter, drafted
from langtrail.producer.event_log import EventLog
from langtrail.producer.identity import Identity
from langtrail.producer.pipeline import pipeline
from langtrail.producer.serialise import snapshot
from langtrail.producer.shipper import Shipper, identify
from langtrail.producer.sources import LogSource
from langtrail.producer.spool import Watermark
from langtrail.producer.stream import Stream
from langtrail.schemas import DataKey

HOOKS = ("on_chain_start", "on_chain_end", "on_chat_model_start", "on_llm_end", "on_tool_start", "on_tool_end")
_CAPTURE = "capture: the run, who is behind it, where it is"
_STAGES: dict[str, list[tuple[Any, str]]] = {
    "serialise, and look for secrets": [
        (handler, "snapshot"),
        (recording, "snapshot"),
        (capture, "snapshot"),
        (capture, "snapshot_repeated"),
    ],
    "commitments, and the document of the content": [(stream, "content_of")],
    "encode the core": [(capture, "shared_by"), (CoreWriter, "core")],
    "seal": [(DataKey, "seal")],
    "spool": [(EventLog, "append")],
    "number the event": [(Stream, "record")],
    _CAPTURE: [(AuditCallbackHandler, hook) for hook in HOOKS],
}
_EVENTS = 2000
_ROUNDS = 5
_BATCH_BYTES = 256 * 1024


class Stages:
    """While it is entered, the CPU time of each stage is taken, without that of the stages within it."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = dict.fromkeys(_STAGES, 0)
        self._within = [0]
        self._events = 0
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        for stage, places in _STAGES.items():
            for owner, name in places:
                self._undo.append(_replace(owner, name, self._timed(stage, getattr(owner, name))))
        return self

    def __exit__(self, *_: object) -> None:
        for undo in self._undo:
            undo()

    def per_event(self) -> list[tuple[str, float]]:
        """Return the microseconds an event of each stage, in the order that an event takes."""
        order = [_CAPTURE, *(stage for stage in _STAGES if stage != _CAPTURE)]
        return [(stage, self._taken[stage] / max(self._events, 1) / 1000) for stage in order]

    def _timed(self, stage: str, real: Callable[..., Any]) -> Callable[..., Any]:
        taken, within = self._taken, self._within

        @wraps(real)
        def timed(*args: Any, **kwargs: Any) -> Any:
            within.append(0)
            begin = time.thread_time_ns()
            try:
                return real(*args, **kwargs)
            finally:
                whole = time.thread_time_ns() - begin
                taken[stage] += whole - within.pop()
                within[-1] += whole
                self._events += stage == _CAPTURE

        return timed


@contextmanager
def hook_times() -> Iterator[dict[str, list[float]]]:
    """Take the microseconds of every call of a hook."""
    times: dict[str, list[float]] = defaultdict(list)
    undo = [_replace(AuditCallbackHandler, hook, _noted(getattr(AuditCallbackHandler, hook), times[hook])) for hook in HOOKS]
    try:
        yield times
    finally:
        for step in undo:
            step()


def sender_costs() -> list[tuple[str, float]]:
    """Return what the sender's thread spends on an event that is in the spool: the best of a few rounds."""
    ours = Stream(pipeline().settings)
    run_id = ours.stream_id
    for _ in range(_EVENTS):
        content = {"input": snapshot({"question": "audit trail policy customer transfer invoice " * 20})}
        ours.record(drafted("chain_start", "RunnableSequence", Identity(), run_ids=(run_id, None, run_id), content=content))
    producer = Producer({"bootstrap.servers": "127.0.0.1:9", "enable.idempotence": True, "log_level": 0})
    read, chained, handed = (min(column) for column in zip(*(_shipped(ours, producer) for _ in range(_ROUNDS)), strict=True))
    ours.close()
    ours.end()
    return [
        ("sender: read from the spool", read),
        ("sender: chain and frame", chained),
        ("sender: hand over to librdkafka", handed),
    ]


def _shipped(ours: Stream, producer: Producer) -> tuple[float, float, float]:
    source = LogSource(ours.log, identify(ours.facts)[2])
    shipper = Shipper(source, ours.facts, Watermark(), lambda _: None)
    taken = [0.0, 0.0, 0.0]
    while True:
        marks = [time.thread_time()]
        size = shipper.load(_BATCH_BYTES)
        marks.append(time.thread_time())
        messages = list(shipper.messages())
        marks.append(time.thread_time())
        for key, value in messages:
            producer.produce("benchmark", value, key, headers=shipper.headers)
        marks.append(time.thread_time())
        if not size:
            break
        taken = [spent + after - before for spent, before, after in zip(taken, marks, marks[1:], strict=False)]
        shipper.settle()
    producer.purge()
    producer.poll(0)
    read, chained, handed = (spent / _EVENTS * 1e6 for spent in taken)
    return read, chained, handed


def _noted(real: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    @wraps(real)
    def noted(*args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter_ns()
        try:
            return real(*args, **kwargs)
        finally:
            times.append((time.perf_counter_ns() - begin) / 1000)

    return noted


def _replace(owner: Any, name: str, replacement: Any) -> Callable[[], None]:
    """Put a replacement in place, and return what takes it out again."""
    real = owner.__dict__[name]
    setattr(owner, name, replacement)
    return lambda: setattr(owner, name, real)
