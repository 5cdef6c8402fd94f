"""How long the store takes to answer, and how large it is: `python tests/benchmarks/store.py`.

Asks the database that LANGTRAIL_CLICKHOUSE_DSN names and changes nothing in it. `langtrail bench seed --events N` fills one.
Each time is from sending the question to having read the answer, over HTTP, after one answer that does not count.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from clickhouse_connect.driver.client import Client

from langtrail.processors.clickhouse import connect
from langtrail.schemas.statements import question

WEEK = """
SELECT * FROM trail
WHERE tenant_id = {tenant:String} AND principal_id = {principal:String}
  AND occurred_at >= (SELECT max(occurred_at) FROM events) - INTERVAL 7 DAY
ORDER BY occurred_at
"""
USAGE = """
SELECT tenant_id, model, day, sum(requests), sum(tokens), sum(cost_usd) FROM usage_daily
GROUP BY tenant_id, model, day ORDER BY tenant_id, model, day
"""
USAGE_OF_A_TENANT = USAGE.replace("GROUP BY", "WHERE tenant_id = {tenant:String} GROUP BY")
SIZES = """
SELECT sum(rows), sum(data_compressed_bytes), sum(data_uncompressed_bytes), sum(bytes_on_disk), count() FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}
"""
Ask = Mapping[str, object]


def main(dsn: str, samples: int) -> None:
    """Print a line for each question, then the sizes."""
    client = connect(dsn, timeout_seconds=300)
    random = Random(1)  # noqa: S311 - which sessions are asked for is no secret
    sessions = client.query("SELECT DISTINCT session_id, tenant_id FROM session_index ORDER BY session_id").result_rows
    if not sessions:
        sys.exit("the store is empty: fill it with `langtrail bench seed --events 1000000`")
    some = random.sample(list(sessions), min(samples, len(sessions)))
    users = random.sample(list(client.query("SELECT DISTINCT tenant_id, principal_id FROM usage ORDER BY ALL").result_rows), 30)
    replay, search = question("replay"), question("search")
    measure(client, "a session, its tenant known", replay.sql, [replay.bind({"session": s, "tenant": t}) for s, t in some])
    measure(client, "a session by its id alone", replay.sql, [replay.bind({"session": s}) for s, _ in some])
    measure(client, "a user's last week", WEEK, [{"tenant": t, "principal": p} for t, p in users])
    busiest = client.query("SELECT tenant_id, principal_id FROM usage GROUP BY ALL ORDER BY count() DESC LIMIT 5").result_rows
    measure(client, "a busy user's last week", WEEK, [{"tenant": t, "principal": p} for t, p in busiest])
    rare = client.query(
        "SELECT extract(ifNull(input, ''), 'ORD[0-9]{8}') AS word FROM events "
        "WHERE event_type = 'chain_start' AND word != '' LIMIT 10"
    ).result_rows
    measure(client, "search, a word that hardly occurs", search.sql, [bound(search.bind, text=w[0]) for w in rare])
    measure(
        client, "search, the same, one tenant", search.sql, [bound(search.bind, text=w[0], tenant="tenant-03") for w in rare]
    )
    words = ("customer refund late", "invoice region", "please balance")
    measure(client, "search, words that occur everywhere", search.sql, [bound(search.bind, text=w) for w in words])
    measure(client, "usage by tenant, model and day", USAGE, [{}] * 10)
    measure(client, "usage of one tenant by model and day", USAGE_OF_A_TENANT, [{"tenant": t} for t, _ in busiest])
    for table in ("events", "usage", "session_index"):
        print(size(client, table))


def bound(bind: Callable[[Mapping[str, object]], dict[str, object]], **given: object) -> dict[str, object]:
    """Return the parameters of a search; the phrases, whose default is a text of SQL, as a list."""
    return bind({"phrases": [], **given})


def measure(client: Client, name: str, sql: str, asked: Sequence[Ask]) -> None:
    """Print the median and the 95th percentile of the times of a question, and the rows of its answers."""
    answer(client, sql, asked[0])
    times, rows = [], []
    for parameters in asked:
        began = time.perf_counter()
        rows.append(answer(client, sql, parameters))
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    slow = times[min(len(times) - 1, int(len(times) * 0.95))]
    middle = statistics.median(times)
    print(f"{name:<38} median {middle:7.0f} ms  95 % {slow:7.0f} ms  {statistics.mean(rows):8.0f} rows  {len(times)} times")


def answer(client: Client, sql: str, parameters: Ask) -> int:
    """Ask, read the whole answer, and return its number of rows."""
    values: dict[str, Any] = dict(parameters)
    lines = client.raw_query(sql.rstrip().rstrip(";"), values, fmt="JSONEachRow", settings={"readonly": 1})
    return lines.count(b"\n")


def size(client: Client, table: str) -> str:
    """Return the size of a table as a line."""
    rows, packed, plain, disk, parts = client.query(SIZES, {"table": table}).result_rows[0]
    if not rows:
        return f"{table}: empty"
    smaller = f"columns {plain / packed:.1f} times smaller than unpacked"
    return f"{table}: {rows:,} rows in {parts} parts, {disk / rows:.0f} bytes each on disk, {smaller}"


if __name__ == "__main__":
    if "LANGTRAIL_CLICKHOUSE_DSN" not in os.environ:
        sys.exit("LANGTRAIL_CLICKHOUSE_DSN is not set: name the database to measure")
    main(os.environ["LANGTRAIL_CLICKHOUSE_DSN"], int(sys.argv[1]) if len(sys.argv) > 1 else 100)
