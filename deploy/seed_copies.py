"""More made-up events than Python could make in a moment: the engine copies sessions, under other names and at other times.

A copy is another session: of the same person on another day, with ids and an event hash of its own and other numbers in its
texts. It is as long and says as much as the one it comes from, so sizes, times and plans are those of a store of single
sessions, and the days are stored one after the other, as they would come. What a copy is not: its hashes and commitments are
not of its fields, so nothing of it can be verified.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from random import Random
from typing import Final

from clickhouse_connect.driver.client import Client

ROWS_A_COPY: Final = 100_000
_DIGITS: Final = "0123456789"
_FORGET: Final = "DROP TABLE IF EXISTS seed_originals"
_KEEP: Final = """
CREATE TABLE seed_originals ENGINE = MergeTree ORDER BY _offset SETTINGS index_granularity = 2048
AS SELECT * FROM events FINAL WHERE _offset < {originals:Int64}
"""
_COPY: Final = """
INSERT INTO events
SELECT * REPLACE
(
    SHA256(concat(o.event_hash, {copy:String})) AS event_hash,
    translate(o.input, '0123456789', {digits:String}) AS input,
    translate(o.output, '0123456789', {digits:String}) AS output,
    reinterpretAsUUID(sipHash128(o.event_id, {copy:String})) AS event_id,
    reinterpretAsUUID(sipHash128(o.stream_id, {copy:String})) AS stream_id,
    if(o.run_id IS NULL, NULL, reinterpretAsUUID(sipHash128(o.run_id, {copy:String}))) AS run_id,
    if(o.parent_run_id IS NULL, NULL, reinterpretAsUUID(sipHash128(o.parent_run_id, {copy:String}))) AS parent_run_id,
    if(o.root_run_id IS NULL, NULL, reinterpretAsUUID(sipHash128(o.root_run_id, {copy:String}))) AS root_run_id,
    o.occurred_at + toIntervalDay({days:Int64}) AS occurred_at,
    o.processed_at + toIntervalDay({days:Int64}) AS processed_at,
    concat(o.session_id, '-', {copy:String}) AS session_id,
    concat(o.thread_id, '-', {copy:String}) AS thread_id,
    o._offset + {shift:Int64} AS _offset,
    now64(6) AS _ingested_at
)
FROM seed_originals AS o
WHERE o._offset >= {lo:Int64} AND o._offset < {hi:Int64}
"""
_SETTINGS: Final = {
    "async_insert": 0,
    "max_threads": 1,
    "max_insert_threads": 1,
    # One block for a statement: its table parts are as large as they can be, and its token stands for all of it.
    "min_insert_block_size_rows": 1_048_449,
    "min_insert_block_size_bytes": 1_073_741_824,
    "optimize_on_insert": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_partitions_per_insert_block": 0,
}


@dataclass(frozen=True)
class Copy:
    """The originals of offsets lo to hi (not included), copied for the `number`th time: so many days and offsets later."""

    number: int
    lo: int
    hi: int
    days: int
    shift: int


def copies(originals: int, events: int, days: int) -> list[Copy]:
    """Return what has to be copied so that `originals` events of one day become `events` of `days` days, in order of time."""
    found, times = [], -(-events // originals)
    for number in range(1, times):
        end, later = min(originals, events - number * originals), number * days // times
        found += [Copy(number, lo, min(lo + ROWS_A_COPY, end), later, number * originals) for lo in range(0, end, ROWS_A_COPY)]
    return found


def store_copies(client: Client, wanted: list[Copy], name: str, jobs: int) -> Iterator[int]:
    """Make copies of the events of the offsets below the first copy's; yield how many rows each finished copy had.

    `name` is part of the tokens: the same copy of the same name is stored once.
    """
    client.command(_FORGET)
    client.command(_KEEP, {"originals": wanted[0].shift})
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for done in as_completed([pool.submit(_store, client, copy, name) for copy in wanted]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)
            client.command(_FORGET)


def _store(client: Client, copy: Copy, name: str) -> int:
    digits = list(_DIGITS)
    Random(copy.number).shuffle(digits)  # noqa: S311 - made-up data, not secrets
    values = {**vars(copy), "copy": str(copy.number), "digits": "".join(digits)}
    token = f"{name}:{copy.number}:{copy.lo}-{copy.hi}"
    client.command(_COPY, values, settings={**_SETTINGS, "insert_deduplication_token": token})
    return copy.hi - copy.lo
