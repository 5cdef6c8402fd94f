"""The whole pipeline under kill -9: nothing lost, nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.process import wait_for
from langtrail.deploy.stack import environment, status

LOAD = """
import sys, time
from langchain_core.runnables import RunnableLambda
from langtrail.producer import AuditCallbackHandler
step = RunnableLambda(lambda text: text) | RunnableLambda(lambda text: text + "!")
until, runs = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < until:
    config = {"callbacks": [AuditCallbackHandler()], "metadata": {"session_id": f"load-{runs % 50}", "tenant_id": "acme"}}
    step.invoke(f"mail to bob{runs}@example.com", config)
    runs += 1
    time.sleep(0.002)
print(runs * 6)
sys.exit(AuditCallbackHandler().flush(30))
"""
EVENTS_OF = "FROM langtrail.{table} WHERE app = 'chaos-load' AND run_id IS NOT NULL"


@pytest.fixture
def client(stack: Path) -> Iterator[Client]:
    """Return a client of the stack's ClickHouse."""
    client = clickhouse_connect.get_client(dsn=environment(stack)["LANGTRAIL_CLICKHOUSE_DSN"])
    yield client
    client.close()


def _pid(stack: Path, service: str) -> int | None:
    (found,) = [one for one in status(stack).services if one.name == service]
    return found.pid if found.state == "healthy" else None


def _number(client: Client, what: str, table: str) -> int:
    row = client.query(f"SELECT {what} {EVENTS_OF.format(table=table)}").first_row
    assert row is not None
    return int(row[0])


def test_a_killed_worker_and_a_killed_sink_lose_nothing_and_repeat_nothing(stack: Path, client: Client) -> None:
    """While an application works, worker and sink are killed in turn, several times; afterwards every event is there once."""
    environ = {**os.environ, **environment(stack), "LANGTRAIL_APP": "chaos-load"}
    load = subprocess.Popen([sys.executable, "-c", LOAD, "20"], env=environ, stdout=subprocess.PIPE, text=True)
    chance = random.Random(7)  # noqa: S311 - a repeatable schedule
    killed = 0
    for service in ("worker", "sink", "worker", "sink"):
        assert wait_for(lambda name=service: _pid(stack, name) is not None, 60), f"{service} is not healthy again"  # type: ignore[misc]
        time.sleep(chance.uniform(1.0, 2.5))  # the schedule: kills fall anywhere in the life of a batch
        pid = _pid(stack, service)
        if pid:
            os.kill(pid, signal.SIGKILL)
            killed += 1
    output, _ = load.communicate(timeout=90)
    assert load.returncode == 0, "the application could not ship all of its events"
    assert killed >= 3
    expected = int(output)
    assert wait_for(lambda: _number(client, "count()", "trail") >= expected, 120), (
        f"{_number(client, 'count()', 'trail')} of {expected} events are in the trail"
    )
    assert _number(client, "count()", "trail") == expected
    assert _number(client, "uniqExact(event_hash)", "trail") == expected
    assert _number(client, "uniqExact(stream_id, seq)", "trail") == expected
