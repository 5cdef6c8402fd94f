"""Where a worker's CPU time goes, without a broker: `python tests/benchmarks/worker_stages.py`.

The records of the benchmark of workers go through the worker's own handler in one process, in batches as they come from Kafka;
each step's time is taken. What fetching from Kafka costs, and librdkafka's own threads, only `worker.py` can say.
"""

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from aiokafka.structs import ConsumerRecord  # type: ignore[import-untyped]  # it has no type hints

from langtrail.deploy.sample_raw_events import sample_raw_records
from langtrail.processors.app import BATCH_RUNS
from langtrail.processors.batch import BatchHandler
from langtrail.processors.dead_letter import MAX_DEAD_LETTER_BYTES, Breaker
from langtrail.processors.deaths import Deaths
from langtrail.processors.delivery import Delivery
from langtrail.processors.enrich import Enricher
from langtrail.processors.event import Event, Rejected
from langtrail.processors.faust_tuning import RUN_RECORDS
from langtrail.processors.garbage import garbage_seldom_collected
from langtrail.processors.metrics import Metrics
from langtrail.processors.pipeline import Step, pipeline
from langtrail.processors.pseudonym import Pseudonyms
from langtrail.processors.records import Outgoing, incoming
from langtrail.processors.redact import Redactor
from langtrail.processors.seal import SEAL
from langtrail.processors.tenants import Tenants
from langtrail.schemas import DataKey, PrivateKeys, generate_private_key, public_key_of, topic

EVENTS = 5_000
ROUNDS = 5
NOWHERE = {"bootstrap.servers": "127.0.0.1:9", "log_level": "0"}
STAGES = ("take up", "open", "redact", "enrich", "seal", "count", "hand over")


class Clock:
    """The CPU time of each stage: from its beginning to that of the next."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = defaultdict(float)
        self._stage, self._began = "", time.thread_time_ns()

    def begin(self, stage: str) -> None:
        """Note that a stage begins, unless it has begun."""
        if stage != self._stage:
            now = time.thread_time_ns()
            self.taken[self._stage] += now - self._began
            self._stage, self._began = stage, now

    def timed(self, step: Step) -> Step:
        """Return the step as a piece of its stage."""
        stage = {Redactor: "redact", Enricher: "enrich"}.get(type(step), "seal" if step in SEAL else "open")

        def timed(event: Event) -> None:
            self.begin(stage)
            step(event)

        return timed


class Counting(Breaker):
    """What becomes of a record is counted: the stage after all steps."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def record(self, partition: int, whys: Sequence[Rejected | None]) -> None:
        """Begin the stage."""
        self._clock.begin("count")
        super().record(partition, whys)


class HandOver(Delivery):
    """What is handed to librdkafka is thrown away at the end of a batch: Kafka is not there to take it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(NOWHERE, 60, MAX_DEAD_LETTER_BYTES)
        self._clock = clock

    async def begin(self, records: Iterable[Outgoing]) -> None:
        """Hand some over."""
        self._clock.begin("hand over")
        await super().begin(records)
        self._clock.begin("take up")

    async def deliver(self, records: Iterable[Outgoing]) -> None:
        """Hand the last over."""
        await self.begin(records)
        self._producer.purge()
        self._producer.poll(0)


def main() -> None:
    """Print the microseconds of each stage for an average event: the best of a few rounds."""
    private_key = generate_private_key()
    records = fetched(public_key_of(private_key))
    steps = pipeline(PrivateKeys([private_key]), {}, Pseudonyms(os.urandom(32)))
    with tempfile.TemporaryDirectory() as directory, garbage_seldom_collected():
        rounds = [in_one_round(records, steps, Path(directory)) for _ in range(ROUNDS)]
    best = {stage: min(taken[stage] for taken in rounds) / len(records) / 1000 for stage in STAGES}
    for stage, taken in best.items():
        print(f"{stage:12} {taken:6.1f} µs")
    print(f"{'together':12} {sum(best.values()):6.1f} µs, {sum(best.values()) - best['redact']:.1f} of it not for redaction")


def fetched(public_key: str) -> list[ConsumerRecord]:
    """Return records as Kafka's client has them."""
    made = sample_raw_records(EVENTS, data_key=DataKey.generate([public_key]))
    return [
        ConsumerRecord(topic("raw").name, 0, number, 0, 0, raw.key, raw.value, None, len(raw.key), len(raw.value), raw.headers)
        for number, raw in enumerate(made)
    ]


def in_one_round(records: Sequence[ConsumerRecord], steps: Sequence[Step], directory: Path) -> dict[str, float]:
    """Return the nanoseconds of each stage for all records."""
    clock, metrics = Clock(), Metrics()
    timed = tuple(clock.timed(step) for step in steps)
    handler = BatchHandler(timed, HandOver(clock), Counting(clock), Deaths(directory), Tenants(NOWHERE, metrics), metrics)
    for first in range(0, len(records), BATCH_RUNS * RUN_RECORDS):
        clock.begin("take up")
        asyncio.run(handler(incoming(records[first : first + BATCH_RUNS * RUN_RECORDS])))
    clock.begin("")
    return clock.taken


if __name__ == "__main__":
    main()
