"""Personal data planted in every place that an application can write to is in no table, topic, log, metric or header."""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from confluent_kafka import Consumer, TopicPartition

from langtrail.deploy.ask import Trail, connect
from langtrail.deploy.process import wait_for
from langtrail.deploy.stack import environment, status
from langtrail.schemas import topic, topics

APPLICATION = Path(__file__).parent / "applications" / "planted.py"
DOMAIN = "people-example.org"
SECRETS = (
    "4012888888881881",
    "4012 8888 8888 1881",
    "NO93 8601 1117 947",
    "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
    "hunter2-planted",
)
FEWEST_PLACES = 45


def forms(value: str) -> Iterator[bytes]:
    """Yield a text as it may be written: plain, escaped, percent-encoded, in hexadecimal, in base64 at each of three places."""
    plain = value.encode()
    yield from (plain, value.replace("@", "\\u0040").encode(), quote(value, safe="").encode(), value.encode("utf-16-le"))
    yield from (plain.hex().encode(), plain.hex().upper().encode())
    for shift in range(3):
        # What the neighbours of a value do not change: whole groups of three bytes.
        inner = plain[(3 - shift) % 3 :]
        yield base64.b64encode(inner[: len(inner) // 3 * 3])


LOOKED_FOR = [*(form for value in SECRETS for form in forms(value)), *forms(f"@{DOMAIN}"), *forms(DOMAIN)]


def found_in(data: bytes) -> set[bytes]:
    """Return what of the planted data is there."""
    return {form for form in LOOKED_FOR if form in data} | set(re.findall(rb"planted\d\d(?:@|%40|\\u0040)", data))


@pytest.fixture(scope="module")
def trail(stack: Path) -> Iterator[Trail]:
    """Return the trail of a stack on which the application has run, when all of its events are there."""
    variables = environment(stack)
    environ = {**os.environ, **variables, "LANGTRAIL_APP": "planted", "LANGTRAIL_SIDE_EFFECTS": "1"}
    done = subprocess.run([sys.executable, str(APPLICATION)], env=environ, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    trail = connect(variables)
    closed = "SELECT count() FROM trail WHERE app = 'planted' AND event_type = 'stream_close'"
    whole = "SELECT max(seq) + 1 - uniqExact(seq) FROM events WHERE app = 'planted'"
    assert wait_for(lambda: trail.sql(closed).rows == [[1]] and trail.sql(whole).rows == [[0]], 40)
    yield trail
    trail.close()


def test_every_place_was_reached(trail: Trail) -> None:
    """The application has its events with content, and so many addresses in them were replaced."""
    asked = (
        "SELECT sum(arraySum(arrayMap((t, c) -> if(t = 'EMAIL', c, 0), redaction_types, redaction_counts))) AS found, count()"
    )
    ((found, events),) = trail.sql(f"{asked} FROM trail WHERE app = 'planted'").rows
    assert events > 20
    assert found > FEWEST_PLACES
    rows = json.dumps(trail.sql("SELECT * FROM trail WHERE app = 'planted'").objects())
    assert rows.count("[EMAIL]") > FEWEST_PLACES
    kinds = {row[0] for row in trail.sql("SELECT DISTINCT event_type FROM trail WHERE app = 'planted'").rows}
    assert kinds >= {"chain_start", "chain_error", "llm_end", "llm_error", "tool_end", "tool_error", "retriever_end", "custom"}


def test_no_table_has_any_of_it(trail: Trail) -> None:
    """Every column of every row of every table and materialised view, as the engine reads it back."""
    tables = [row[0] for row in trail.sql("SELECT name FROM system.tables WHERE database = currentDatabase()").rows]
    assert {"events", "usage", "session_index", "dead_letters", "migrations"} <= set(tables)
    for table in tables:
        answer = trail.sql(f"SELECT * FROM `{table}`")
        text = repr(answer.rows).encode() + json.dumps(answer.objects(), ensure_ascii=False, default=str).encode()
        assert found_in(text) == set(), table


@pytest.mark.parametrize("short", sorted(topics()))
def test_no_topic_has_any_of_it(stack: Path, trail: Trail, short: str) -> None:
    """Keys, values and headers of all records, dead letters too: the files of the broker are compressed."""
    servers, declared = environment(stack)["LANGTRAIL_BOOTSTRAP_SERVERS"], topic(short)
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "planted", "enable.partition.eof": "true"})
    places = [TopicPartition(declared.name, partition, 0) for partition in range(declared.partitions)]
    consumer.assign(places)
    ends, records = 0, 0
    while ends < len(places):
        message = consumer.poll(20)
        assert message is not None, "Kafka does not answer"
        if message.error():
            ends += 1
            continue
        records += 1
        given = message.headers() or []
        pairs = given.items() if isinstance(given, dict) else given
        headers = b" ".join(value for _, value in pairs if isinstance(value, bytes))
        assert found_in(b" ".join((message.key() or b"", message.value() or b"", headers))) == set()
    consumer.close()
    assert records > 0 or short not in ("raw", "events")


def test_no_file_log_or_metric_has_any_of_it(stack: Path, trail: Trail) -> None:
    """What lies in the stack's directory, and what its services answer who asks for metrics."""
    for path in (path for path in stack.rglob("*") if path.is_file()):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # merged away; every table was read as a whole
        assert found_in(data) == set(), path
    ports = {service.name: service.port for service in status(stack).services}
    for name in ("worker", "sink", "watch"):
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[name]}/metrics", timeout=20) as answer:
            text = answer.read()
        assert text
        assert found_in(text) == set()
