"""Where a worker's CPU time goes, without a broker: `python tests/benchmarks/worker_stages.py`.

The records of the benchmark of workers go through the worker's own handler in one process, in batches as they come from Kafka;
each step's time is taken. What fetching from Kafka costs, and librdkafka's own threads, only `worker.py` can say.
"""

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from aiokafka.structs import ConsumerRecord  # type: ignore[import-untyped]  # it has no type hints

from langtrail.deploy.sample_raw_events import sample_raw_records
from langtrail.processors.app import BATCH_RUNS, incoming
from langtrail.processors.batch import BatchHandler
from langtrail.processors.dead_letter import MAX_DEAD_LETTER_BYTES, Breaker
from langtrail.processors.deaths import Deaths
from langtrail.processors.delivery import Delivery, Outgoing
from langtrail.processors.event import Event
from langtrail.processors.faust_tuning import RUN_RECORDS
from langtrail.processors.metrics import Metrics
from langtrail.processors.pipeline import Step, pipeline
from langtrail.processors.pseudonym import Pseudonyms
from langtrail.processors.tenants import Tenants
from langtrail.schemas import DataKey, PrivateKeys, generate_private_key, public_key_of, topic

EVENTS = 5_000
ROUNDS = 5
NOWHERE = {"bootstrap.servers": "127.0.0.1:9", "log_level": "0"}
STAGES = ("take up", "open", "redact, nothing found", "redact, something found", "enrich", "seal", "count", "hand over")


class HandOver(Delivery):
    """What is handed to librdkafka is thrown away at the end of a batch; the time of it is taken."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, 60, MAX_DEAD_LETTER_BYTES)
        self.taken = 0

    async def begin(self, records: Iterable[Outgoing]) -> None:
        """Hand over, and note how long it took."""
        began = time.thread_time_ns()
        await super().begin(records)
        self.taken += time.thread_time_ns() - began

    async def deliver(self, records: Iterable[Outgoing]) -> None:
        """End a batch: Kafka is not there to acknowledge it."""
        await self.begin(records)
        self._producer.purge()
        self._producer.poll(0)


def main() -> None:
    """Print the microseconds of each stage for an average event: the best of a few rounds."""
    private_key = generate_private_key()
    records = fetched(public_key_of(private_key))
    steps = pipeline(PrivateKeys([private_key]), {}, Pseudonyms(os.urandom(32)))
    with tempfile.TemporaryDirectory() as directory:
        rounds = [in_one_round(records, steps, Path(directory)) for _ in range(ROUNDS)]
    best = {stage: min(taken[stage] for taken in rounds) for stage in STAGES}
    for stage, taken in best.items():
        print(f"{stage:25} {taken:6.1f} µs")
    print(f"{'together':25} {sum(best.values()):6.1f} µs")


def fetched(public_key: str) -> list[ConsumerRecord]:
    """Return records as Kafka's client has them."""
    made = sample_raw_records(EVENTS, data_key=DataKey.generate([public_key]))
    return [
        ConsumerRecord(topic("raw").name, 0, number, 0, 0, raw.key, raw.value, None, len(raw.key), len(raw.value), raw.headers)
        for number, raw in enumerate(made)
    ]


def in_one_round(records: Sequence[ConsumerRecord], steps: Sequence[Step], directory: Path) -> dict[str, float]:
    """Return the microseconds of each stage for an average event."""
    taken: dict[str, int] = defaultdict(int)
    timed = tuple(timed_step(step, name, taken) for step, name in zip(steps, ("open", "redact", "enrich", "seal"), strict=True))
    delivery, metrics = HandOver(), Metrics()
    handler = BatchHandler(timed, delivery, Breaker(), Deaths(directory), Tenants(NOWHERE, metrics), metrics)
    whole = time.thread_time_ns()
    for first in range(0, len(records), BATCH_RUNS * RUN_RECORDS):
        began = time.thread_time_ns()
        batch = [incoming(record) for record in records[first : first + BATCH_RUNS * RUN_RECORDS]]
        taken["take up"] += time.thread_time_ns() - began
        asyncio.run(handler(batch))
    whole = time.thread_time_ns() - whole
    taken["hand over"] = delivery.taken
    taken["count"] = whole - sum(taken.values())
    return {stage: taken[stage] / len(records) / 1000 for stage in STAGES}


def timed_step(step: Step, name: str, taken: dict[str, int]) -> Callable[[Event], None]:
    """Return the step with its time taken."""

    def timed(event: Event) -> None:
        began = time.thread_time_ns()
        step(event)
        spent = time.thread_time_ns() - began
        found = f"{name}, {'something' if event.head['redaction_types'] else 'nothing'} found" if name == "redact" else name
        taken[found] += spent

    return timed


if __name__ == "__main__":
    main()
