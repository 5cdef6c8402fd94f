"""From a LangChain application to SQL: what an independent recorder saw is in the trail, and nothing personal is anywhere."""

import ast
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from langtrail.deploy.dead_letter_reader import OperatorSettings, read
from langtrail.deploy.process import wait_for
from langtrail.deploy.stack import environment
from langtrail.schemas import DeadLetterHeader, topic

APPLICATION = Path(__file__).parent / "applications" / "recorded.py"
EVENT_OF_HOOK = {"on_chat_model_start": "llm_start", "on_custom_event": "custom"}
FROM_RECORDED = "FROM trail WHERE run_id IS NOT NULL AND app = 'recorded'"
COLUMNS = (
    *("event_type", "run_id", "parent_run_id", "tenant_id", "session_id", "principal_id", "trigger_id", "outcome"),
    *("input", "output", "metadata", "redaction_status"),
)
WaitUntil = Callable[[Callable[[], object], float, str], None]
Event = dict[str, Any]


@pytest.fixture(scope="module")
def variables(stack: Path) -> dict[str, str]:
    """Return what a producer and a client of the stack need."""
    return environment(stack)


@pytest.fixture(scope="module")
def client(variables: dict[str, str]) -> Iterator[Client]:
    """Return an unmodified ClickHouse client, as anyone has it."""
    client = clickhouse_connect.get_client(dsn=variables["LANGTRAIL_CLICKHOUSE_DSN"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def seen(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str | None]]:
    """Run the application and return what its own recorder saw: event type, run, parent."""
    output = tmp_path_factory.mktemp("recorded") / "seen.jsonl"
    environ = {**os.environ, **variables, "LANGTRAIL_APP": "recorded"}
    command = [sys.executable, str(APPLICATION), str(output)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    calls = [json.loads(line) for line in output.read_text().splitlines()]
    return [(EVENT_OF_HOOK.get(hook, hook.removeprefix("on_")), run, parent) for hook, run, parent in calls]


@pytest.fixture(scope="module")
def events(client: Client, seen: list[Any]) -> list[Event]:
    """Return the application's events from the trail, once all of them are there."""
    assert wait_for(lambda: _count(client, FROM_RECORDED) >= len(seen), 30), "the events are not in the trail"
    rows = client.query(f"SELECT {', '.join(COLUMNS)} {FROM_RECORDED}").named_results()
    return [{name: str(value) if name.endswith("run_id") and value else value for name, value in row.items()} for row in rows]


def _count(client: Client, from_where: str) -> int:
    row = client.query(f"SELECT count() {from_where}").first_row
    assert row is not None
    return int(row[0])


def test_every_callback_is_in_the_trail_once_under_its_parent(
    seen: list[tuple[str, str, str | None]], events: list[Event]
) -> None:
    """Whatever LangChain told the recorder is stored exactly once, with the run and the parent that it had."""
    parents = {event["run_id"]: event["parent_run_id"] for event in events}
    told = Counter((kind, run, parents[run] if kind == "custom" else parent) for kind, run, parent in seen)
    assert Counter((event["event_type"], event["run_id"], event["parent_run_id"]) for event in events) == told


def test_two_tenants_at_once_do_not_mix(events: list[Event]) -> None:
    """Every event of a session has the tenant and the principal that its application named, whatever ran beside it."""
    by_session: dict[str, set[tuple[str, str]]] = {}
    for event in events:
        by_session.setdefault(event["session_id"], set()).add((event["tenant_id"], event["principal_id"]))
    assert {len(identities) for identities in by_session.values()} == {1}
    for number in range(12):
        tenant = ("acme", "globex")[number % 2]
        assert by_session[f"s-thread-{number}"] == {(tenant, f"user of {tenant}")}
    assert {event["trigger_id"] for event in events if event["session_id"] == "s-async-3"} == {"request-3"}


@pytest.mark.parametrize(
    ("session", "outcomes"),
    [("s-invoke", {"success"}), ("s-cancelled", {"cancelled"}), ("s-broken-tool", {"failure"}), ("s-graph", {"success"})],
)
def test_outcomes_are_what_happened(events: list[Event], session: str, outcomes: set[str]) -> None:
    """Failures, cancellations and successes end as such."""
    assert {event["outcome"] for event in events if event["session_id"] == session and event["outcome"]} == outcomes


def test_content_is_there_and_nothing_personal_in_it(events: list[Event]) -> None:
    """Texts are readable, their personal data is replaced by what it was, and every field was judged."""
    start = next(event for event in events if event["session_id"] == "s-invoke" and event["event_type"] == "chain_start")
    assert "I am [EMAIL], phone [PHONE], card [CREDIT_CARD], IBAN [IBAN]" in start["input"]
    assert {event["redaction_status"] for event in events} == {"ok"}


def test_no_file_of_the_stack_holds_what_was_planted(stack: Path, events: list[Event]) -> None:
    """Kafka's logs, ClickHouse's parts, the spool, every log file: none has the personal data of the application."""
    planted = [text.encode() for text in _planted()]
    files = {path: path.read_bytes() for path in stack.rglob("*") if path.is_file()}
    assert sum(map(len, files.values())) > 100_000
    assert {(path.name, text) for path, data in files.items() for text in planted if text in data} == set()


def _planted() -> tuple[str, ...]:
    """Return the application's planted values without running it."""
    assigned = [node for node in ast.parse(APPLICATION.read_text()).body if isinstance(node, ast.Assign)]
    (values,) = (node.value for node in assigned if ast.unparse(node.targets[0]) == "PLANTED")
    planted: tuple[str, ...] = ast.literal_eval(values)
    assert len(planted) == 8
    return planted


@pytest.mark.parametrize(("short", "field"), [("raw", "content"), ("events", "redaction_status")])
def test_a_confluent_consumer_decodes_our_topics(
    variables: dict[str, str], events: list[Event], short: str, field: str
) -> None:
    """A consumer that knows nothing of langtrail reads raw and redacted events with the schemas that the stack serves."""
    name = topic(short).name
    message = _first(variables["LANGTRAIL_BOOTSTRAP_SERVERS"], name)
    with SchemaRegistryClient({"url": variables["LANGTRAIL_SCHEMA_REGISTRY_URL"]}) as registry:
        record = AvroDeserializer(registry)(message.value(), SerializationContext(name, MessageField.VALUE))
    assert isinstance(record, dict)
    assert record["event_type"]
    assert field in record


def _first(servers: str, name: str) -> Message:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "a-tool", "enable.auto.commit": False})
    consumer.assign([TopicPartition(name, 0, 0), TopicPartition(name, 1, 0)])
    (message,) = consumer.consume(1, timeout=20)
    consumer.close()
    return message


def test_plain_http_reads_the_trail(variables: dict[str, str], events: list[Event]) -> None:
    """ClickHouse's HTTP parameters are answered, as curl sends them."""
    dsn = urlsplit(variables["LANGTRAIL_CLICKHOUSE_DSN"])
    asked = {"database": "langtrail", "user": dsn.username, "password": dsn.password, "query": "SELECT count() FROM trail"}
    with urllib.request.urlopen(f"http://{dsn.hostname}:{dsn.port}/?{urlencode(asked)}", timeout=20) as answer:
        assert int(answer.read()) >= len(events)


def test_poison_goes_to_the_dead_letters_and_the_pipeline_goes_on(
    variables: dict[str, str], client: Client, wait_until: WaitUntil
) -> None:
    """Bytes that are no event are kept with reason and origin, and an event sent after them arrives."""
    servers = variables["LANGTRAIL_BOOTSTRAP_SERVERS"]
    producer = Producer({"bootstrap.servers": servers})
    for partition in (0, 1):
        producer.produce(topic("raw").name, b"garbage", b"poison-key", partition=partition)
    assert producer.flush(10) == 0
    script = (
        "from langchain_core.runnables import RunnableLambda; from langtrail.producer import AuditCallbackHandler as H\n"
        "RunnableLambda(lambda x: x).invoke(1, {'callbacks': [H()]}); raise SystemExit(H().flush(20))"
    )
    environ = {**os.environ, **variables, "LANGTRAIL_APP": "after-poison"}
    assert subprocess.run([sys.executable, "-c", script], env=environ, timeout=60, check=False).returncode == 0
    arrived = "FROM trail WHERE app = 'after-poison' AND event_type = 'chain_end'"
    wait_until(lambda: _count(client, arrived) == 1, 30, "the event after the poison")
    letters = _dead_letters(servers, b"garbage")
    assert len(letters) == 2
    assert {letter[DeadLetterHeader.PARTITION] for letter in letters} == {b"0", b"1"}
    assert {letter[DeadLetterHeader.REASON] for letter in letters} == {b"malformed_record"}


def _dead_letters(servers: str, value: bytes) -> list[dict[str, str | bytes | None]]:
    """Return the headers of the dead letters that have this value."""
    letters = read(OperatorSettings(bootstrap_servers=servers))
    return [dict(letter.headers() or []) for letter in letters if letter.value() == value]
