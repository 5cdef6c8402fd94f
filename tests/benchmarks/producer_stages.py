"""What the producer's stages cost by themselves, what a hook takes, and what the sender spends on an event."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from confluent_kafka import Producer

from langtrail.producer import AuditCallbackHandler
from langtrail.producer.content import content_of
from langtrail.producer.core import drafted
from langtrail.producer.draft import Draft
from langtrail.producer.fresh import many_fresh
from langtrail.producer.identity import Identity
from langtrail.producer.pipeline import pipeline
from langtrail.producer.serialise import snapshot
from langtrail.producer.shipper import Shipper, identify
from langtrail.producer.sources import LogSource
from langtrail.producer.spool import Watermark
from langtrail.producer.stream import Stream
from langtrail.schemas import associated_data

HOOKS = ("on_chain_start", "on_chain_end", "on_chat_model_start", "on_llm_end", "on_tool_start", "on_tool_end")
_CALLS = 400
_BATCH = 200
_ROUNDS = 9
_BATCH_BYTES = 1024 * 1024


def stage_costs(text: str) -> list[tuple[str, float]]:
    """Return the microseconds of CPU of each stage of an event with this text, in a loop of its own: the best of a few rounds.

    Compiled, the stages call one another where no timer can stand.
    """
    ours = Stream(pipeline().settings)
    questions = itertools.cycle([{"question": text}, {"question": f"{text}?"}])  # the same twice is looked through once
    event, random, numbers = _event(ours, text), itertools.cycle(many_fresh()), itertools.count(1)
    content, facts = content_of(event)
    core = ours._writer.core(event, 1, ours.stream_id, time.time_ns() // 1000, time.monotonic_ns(), facts)
    stages: dict[str, Callable[[], object]] = {
        "serialise, and look for secrets": lambda: snapshot(next(questions)),
        "commitments, and the document of the content": lambda: content_of(event, next(random)),
        "encode the core": lambda: ours._writer.core(
            event, 1, ours.stream_id, time.time_ns() // 1000, time.monotonic_ns(), facts
        ),
        "spool": lambda: ours.log.append(next(numbers), event.shared.key, content, core),
    }
    if (key := ours._key) is not None:
        stages["seal"] = lambda: key.seal(content, associated_data(bytes(16), 1), next(random)[2])
    costs = [(stage, min(_cpu_of(call) for _ in range(_ROUNDS))) for stage, call in stages.items()]
    ours.log.close()
    return costs


def _event(ours: Stream, text: str) -> Draft:
    content = {"input": snapshot({"question": text}), "tags": snapshot(["seq:step:1"])}
    return drafted("chain_start", "RunnableSequence", Identity(), run_ids=(ours.stream_id,) * 3, content=content)


def _cpu_of(call: Callable[[], object]) -> float:
    begin = time.thread_time()
    for _ in range(_CALLS):
        call()
    return (time.thread_time() - begin) / _CALLS * 1e6


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


def sender_costs(text: str) -> list[tuple[str, float]]:
    """Return the microseconds of CPU that the sender's thread spends on an event: the best of a few rounds."""
    ours = Stream(pipeline().settings)
    shipper = Shipper(LogSource(ours.log, identify(ours.facts)[2]), ours.facts, Watermark(), lambda _: None)
    producer = Producer({"bootstrap.servers": "127.0.0.1:9", "enable.idempotence": True, "log_level": 0})
    rounds = []
    for _ in range(_ROUNDS):
        for _ in range(_BATCH):
            ours.record(_event(ours, text))
        rounds.append(_shipped(shipper, producer))
    taken, chained, handed = (min(column) for column in zip(*rounds, strict=True))
    producer.purge()
    producer.poll(0)
    ours.close()
    ours.end()
    return [
        ("sender: take what was just spooled", taken),
        ("sender: chain and frame", chained),
        ("sender: hand over to librdkafka", handed),
    ]


def _shipped(shipper: Shipper, producer: Producer) -> tuple[float, float, float]:
    marks = [time.thread_time()]
    shipper.load(_BATCH_BYTES)
    marks.append(time.thread_time())
    messages = list(shipper.messages())
    marks.append(time.thread_time())
    for key, value in messages:
        producer.produce("benchmark", value, key, headers=shipper.headers)
    marks.append(time.thread_time())
    shipper.settle()
    taken, chained, handed = ((after - before) / _BATCH * 1e6 for before, after in itertools.pairwise(marks))
    return taken, chained, handed


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
