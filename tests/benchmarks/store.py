"""How long the store takes to answer, and how large it is: `python tests/benchmarks/store.py [SAMPLES | questions]`.

Asks the database that LANGTRAIL_CLICKHOUSE_DSN names and changes nothing in it. `langtrail bench seed --events N` fills one.
Each time is from sending the question to having read the answer, over HTTP, after one answer that does not count. With
`questions` every named question is asked: of a tenant and its last week, of a tenant, and of all that is stored.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from clickhouse_connect.driver.client import Client

from langtrail.deploy.ask import Trail
from langtrail.deploy.search import is_indexed, search
from langtrail.deploy.store_size import table_size
from langtrail.processors.clickhouse import connect
from langtrail.schemas.statements import question, questions

USAGE = """
SELECT tenant_id, model, day, sum(requests), sum(tokens), sum(cost_usd) FROM usage_daily
GROUP BY tenant_id, model, day ORDER BY tenant_id, model, day
"""
USAGE_OF_A_TENANT = USAGE.replace("GROUP BY", "WHERE tenant_id = {tenant:String} GROUP BY")
Ask = Mapping[str, object]


def main(dsn: str, samples: int) -> None:
    """Print a line for each question, then the sizes."""
    client = connect(dsn, timeout_seconds=300)
    random = Random(1)  # noqa: S311 - which sessions are asked for is no secret
    sessions = client.query("SELECT DISTINCT session_id, tenant_id FROM session_index ORDER BY session_id").result_rows
    if not sessions:
        sys.exit("the store is empty: fill it with `langtrail bench seed --events 1000000`")
    some = random.sample(list(sessions), min(samples, len(sessions)))
    replay = question("replay")
    measure(client, "a session, its tenant known", replay.sql, [replay.bind({"session": s, "tenant": t}) for s, t in some])
    measure(client, "a session by its id alone", replay.sql, [replay.bind({"session": s}) for s, _ in some])
    people(client, random)
    searches(client, dsn)
    measure(client, "usage by tenant, model and day", USAGE, [{}] * 10)
    busiest = client.query("SELECT tenant_id FROM usage GROUP BY ALL ORDER BY count() DESC LIMIT 5").result_rows
    measure(client, "usage of one tenant by model and day", USAGE_OF_A_TENANT, [{"tenant": t} for (t,) in busiest])
    for table in ("events", "usage", "session_index"):
        print(table_size(client, table))


def people(client: Client, random: Random) -> None:
    """Print how long a person's last week takes: of some people, and of those who did most."""
    since = client.query("SELECT toString(max(occurred_at) - INTERVAL 7 DAY) FROM events").result_rows[0][0]
    found = client.query(
        "SELECT tenant_id, principal_id FROM usage GROUP BY ALL ORDER BY count() DESC, tenant_id, principal_id"
    ).result_rows
    groups = {"a user's": random.sample(list(found), min(30, len(found))), "a busy user's": found[:10]}
    for name, what in (("activity", "last week, by session"), ("who-triggered", "last week, 1000 newest runs")):
        for whose, users in groups.items():
            asked = [question(name).bind({"tenant": t, "principal": p, "since": since}) for t, p in users]
            measure(client, f"{whose} {what}", question(name).sql, asked)


def searches(client: Client, dsn: str) -> None:
    """Print how long searching takes: as `langtrail search` does it."""
    trail = Trail(dsn)
    found = client.query(
        "SELECT extract(ifNull(input, ''), 'ORD[0-9]{8}') AS word FROM events "
        "WHERE event_type = 'chain_start' AND word != '' LIMIT 10"
    ).result_rows
    rare = [word for (word,) in found]
    frequent = ("customer refund late", "invoice region", "please balance")
    searched: dict[str, Sequence[tuple[str, str | None]]] = {
        "a word that hardly occurs": [(word, None) for word in rare],
        "the same, one tenant": [(word, "tenant-03") for word in rare],
        "words that occur everywhere": [(word, None) for word in frequent] * 3,
        "the same words, one tenant": [(word, "tenant-03") for word in frequent] * 3,
    }
    print("there is a text index" if is_indexed(trail) else "there is no text index")
    for name, asked in searched.items():
        timed(f"search, {name}", lambda one: len(search(trail, one[0], tenant=one[1]).rows), asked)
    trail.close()


def every_question(dsn: str) -> None:
    """Print the shortest of three times of each named question; `-` where it takes no such parameter."""
    client = connect(dsn, timeout_seconds=300)
    given, since = known(client)
    scopes: dict[str, dict[str, object]] = {
        "a week": {"tenant": given["tenant"], "since": since},
        "a tenant": {"tenant": given["tenant"]},
        "all": {},
    }
    print(f"{'milliseconds':<28}" + "".join(f"{name:>12}" for name in scopes))
    for each in questions().values():
        if each.name != "export":
            names = {parameter.name for parameter in each.parameters}
            needed = {p.name: given[p.name] for p in each.parameters if p.default in (None, "[]")}
            cells = [
                f"{shortest(client, each.sql, each.bind(needed | scope)):12.0f}" if scope.keys() <= names else f"{'-':>12}"
                for scope in scopes.values()
            ]
            print(f"{each.name:<28}" + "".join(cells), flush=True)


def known(client: Client) -> tuple[dict[str, object], str]:
    """Return values that parameters can have, and when the last week of the store begins."""
    ((tenant, principal, session, run, call),) = client.query(
        "SELECT tenant_id, principal_id, session_id, toString(run_id), tool_call_id FROM events "
        "WHERE event_type = 'tool_end' AND tenant_id = 'tenant-03' LIMIT 1"
    ).result_rows
    ((last, since, offset),) = client.query(
        "SELECT toString(toDate(max(occurred_at))), toString(toDate(max(occurred_at)) - 6), max(_offset) - 1000 FROM events"
    ).result_rows
    return {
        "tenant": tenant, "principal": principal, "session": session, "run_id": run, "id": call, "text": "customer refund",
        "phrases": [], "types": [], "width": 3600, "topic": "langtrail.bench", "partition": 0, "after": offset, "began": last,
    }, since  # fmt: skip


def measure(client: Client, name: str, sql: str, asked: Sequence[Ask]) -> None:
    """Print the median and the 95th percentile of the times of a question, and the rows of its answers."""
    timed(name, lambda parameters: answer(client, sql, parameters), asked)


def timed(name: str, ask: Callable[[Any], int], asked: Sequence[Any]) -> None:
    """Print the median and the 95th percentile of the times that asking takes, and the rows of the answers."""
    ask(asked[0])
    took, rows = [], []
    for each in asked:
        began = time.perf_counter()
        rows.append(ask(each))
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    slow = took[min(len(took) - 1, int(len(took) * 0.95))]
    middle = statistics.median(took)
    print(f"{name:<42} median {middle:7.0f} ms  95 % {slow:7.0f} ms  {statistics.mean(rows):8.0f} rows  {len(took)} times")


def shortest(client: Client, sql: str, parameters: Ask) -> float:
    """Return the shortest of three times of a question, in milliseconds."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        answer(client, sql, parameters)
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


def answer(client: Client, sql: str, parameters: Ask) -> int:
    """Ask, read the whole answer, and return its number of rows."""
    values: dict[str, Any] = dict(parameters)
    lines = client.raw_query(sql.rstrip().rstrip(";"), values, fmt="JSONEachRow", settings={"readonly": 1})
    return lines.count(b"\n")


if __name__ == "__main__":
    if "LANGTRAIL_CLICKHOUSE_DSN" not in os.environ:
        sys.exit("LANGTRAIL_CLICKHOUSE_DSN is not set: name the database to measure")
    address = os.environ["LANGTRAIL_CLICKHOUSE_DSN"]
    if sys.argv[1:] == ["questions"]:
        every_question(address)
    else:
        main(address, int(sys.argv[1]) if len(sys.argv) > 1 else 100)
