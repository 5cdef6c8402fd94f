"""Dead letters on the whole stack: an operator looks without seeing content, puts back, and the event is whole, once."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from langtrail.deploy.migrate import migrate
from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import RawRecord, raw_record
from langtrail.deploy.stack import environment
from langtrail.deploy.stack_files import private_key_file
from langtrail.processors import redact
from langtrail.processors.batch import BatchHandler
from langtrail.processors.dead_letter import MAX_DEAD_LETTER_BYTES, Breaker
from langtrail.processors.dead_letter_loader import dead_letters_loaded
from langtrail.processors.deaths import Deaths
from langtrail.processors.delivery import Delivery
from langtrail.processors.metrics import Metrics
from langtrail.processors.pipeline import pipeline
from langtrail.processors.records import Incoming
from langtrail.processors.sink_settings import SinkSettings
from langtrail.processors.tenants import Tenants
from langtrail.processors.worker_settings import WorkerSettings
from langtrail.producer.job import os_user
from langtrail.schemas import DataKey, DeadLetterHeader, frame, split_raw, topic, unframe
from langtrail.schemas.codec import join_raw
from langtrail.schemas.settings import load_settings
from langtrail.schemas.statements import question
from tests.broken_detector import broken_scanner
from tests.integration.said import Command

CONTENT = "the plan is called Bluebird, ask jane.doe@example.com"
REDACTED = "the plan is called Bluebird, ask [EMAIL]"
FROM_LETTERS = "FROM dead_letters FINAL WHERE offset = {at:Int64}"
WaitUntil = Callable[[Callable[[], object], float, str], None]


@dataclass(frozen=True)
class Stack:
    """The running stack: its directory, its variables, a client of its store, and the command line."""

    directory: Path
    variables: dict[str, str]
    client: Client
    command: Command

    def run(self, *arguments: str, status: int = 0) -> Any:
        """Run a command of the dead letters with --json and return what it printed."""
        said = self.command("dead-letters", *arguments, "--json")
        assert said.status == status, said.err[-2000:]
        assert "Bluebird" not in said.out + said.err
        return said.json if said.out else said.err

    def ask(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a question to the store."""
        return [tuple(row) for row in self.client.query(sql, parameters).result_rows]


@pytest.fixture
def running(stack: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Return the stack; commands are run by olga, with its variables."""
    variables = environment(stack)
    for name, value in {**variables, "LANGTRAIL_USER_ID": "olga"}.items():
        monkeypatch.setenv(name, value)
    client = clickhouse_connect.get_client(dsn=variables["LANGTRAIL_CLICKHOUSE_DSN"])
    yield Stack(stack, variables, client, command)
    client.close()


def made(variables: dict[str, str], **core: Any) -> RawRecord:
    """Return a finished model call whose sealed input is the secret."""
    data_key = DataKey.generate(variables["LANGTRAIL_PUBLIC_KEY"].split(","))
    event = next(event for event in sample_events(8) if event["event_type"] == "llm_end")
    ids = {name: str(uuid.uuid4()) for name in ("event_id", "stream_id", "root_run_id")}
    return raw_record(event | ids | core, {"input": json.dumps(CONTENT)}, data_key)


def processed_by_a_worker_with_a_broken_detector(
    stack: Stack, record: RawRecord, partition: int, deaths: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do with the record what a worker does, on the stack's topics, but with detectors that fail."""
    settings = load_settings(
        WorkerSettings, {**stack.variables, "LANGTRAIL_PRIVATE_KEY_FILE": str(private_key_file(stack.directory))}
    )
    connection = settings.librdkafka("a-worker")
    metrics = Metrics()
    tenants = Tenants(connection, metrics)
    tenants.start()
    assert tenants.ready.wait(20)
    with monkeypatch.context() as broken:
        broken.setattr(redact, "_scanner", lambda: broken_scanner("Bluebird"))
        steps = pipeline(settings.private_keys, tenants)
    delivery = Delivery(connection, 20, MAX_DEAD_LETTER_BYTES)
    handler = BatchHandler(steps, delivery, Breaker(), Deaths(deaths), tenants, metrics)
    headers = [(name, value) for name, value in record.headers if isinstance(value, bytes)]
    incoming = [Incoming(partition, 10**9, record.key, record.value, [*headers], 1_790_000_000_123)]
    asyncio.run(handler(incoming))


def states(stack: Stack) -> dict[str | None, str]:
    """Return what the question dead-letters says of each event."""
    asked = question("dead-letters")
    rows = stack.client.query(asked.sql, asked.bind({})).named_results()
    return {row["event_id"]: row["event"] for row in rows}


def test_a_withheld_event_is_whole_after_its_replay(
    running: Stack, wait_until: WaitUntil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector failed; it is mended; the operator puts the dead letter back: the event is there once, with its content."""
    record = made(running.variables, tenant_id="replayed")
    event_id = record.event["event_id"]
    processed_by_a_worker_with_a_broken_detector(running, record, 1, tmp_path, monkeypatch)
    found = "SELECT revision, redaction_status, input, _partition FROM trail WHERE event_id = {id:UUID}"
    wait_until(lambda: running.ask(found, id=event_id), 30, "the withheld event")
    assert running.ask(found, id=event_id) == [(0, "withheld", '"[WITHHELD]"', 1)]

    (letter,) = [one for one in running.run("list", "--reason", "withheld") if one["key"] == record.event["session_id"]]
    name = f"{letter['partition']}:{letter['offset']}"
    shown = running.run("show", name)
    assert shown["core"]["event_id"] == event_id
    wait_until(lambda: states(running).get(event_id) == "withheld", 30, "the answer that the event is not whole")
    assert shown["core"]["input_commit"] == record.event["input_commit"].hex()
    looked = "SELECT count() FROM reads WHERE resource = 'langtrail.dead-letters' AND input LIKE {shown:String}"
    wait_until(lambda: running.ask(looked, shown=f'%"dead-letters show"%"{name}"%') == [(1,)], 30, "the event of the reading")
    done = running.run("replay", name)
    assert done["replayed"] == [{"letter": name, "topic": topic("raw").name, "partition": 1, "revision": 1}]
    wait_until(lambda: running.ask(found, id=event_id)[0][0] == 1, 30, "the replayed event")
    assert running.ask(found, id=event_id) == [(1, "ok", json.dumps(REDACTED), 1)]
    explained = (
        "SELECT reason, event_id, stream_id, seq, bytes FROM dead_letters FINAL WHERE partition = 1 AND offset = {at:Int64}"
    )
    expected = ("withheld", *(uuid.UUID(record.event[name]) for name in ("event_id", "stream_id")), record.event["seq"])
    wait_until(lambda: running.ask(explained, at=letter["offset"]), 30, "the row of the dead letter")
    assert running.ask(explained, at=letter["offset"]) == [(*expected, len(record.value))]
    assert states(running)[event_id] == "whole"
    usage = "SELECT sum(requests) FROM usage_daily WHERE tenant_id = 'replayed'"
    assert running.ask(usage) == [(1,)]

    assert running.run("replay", name)["replayed"][0]["revision"] == 2
    wait_until(lambda: running.ask(found, id=event_id)[0][0] == 2, 30, "the event, replayed once more")
    assert running.ask(usage) == [(1,)]
    by = "SELECT principal_id, count, resource FROM trail WHERE component = 'dead-letters replay' AND input LIKE {name:String}"
    wait_until(lambda: len(running.ask(by, name=f'%"{name}"%')) == 2, 30, "the events of the replays")
    assert running.ask(by, name=f'%"{name}"%') == [(os_user(), 1, topic("dead_letters").name)] * 2
    (again,) = [one for one in running.run("list", "--reason", "withheld") if one["key"] == record.event["session_id"]]
    assert letter["replayed_at"] is None
    assert again["replayed_at"] > again["rejected_at"]


def test_a_record_with_two_dead_letters_is_put_back_once(running: Stack, wait_until: WaitUntil) -> None:
    """What is rejected again after its replay has a second dead letter; both stand for one record, its revision goes up."""
    key = f"poison-{uuid.uuid4()}"
    producer = Producer({"bootstrap.servers": running.variables["LANGTRAIL_BOOTSTRAP_SERVERS"]})
    producer.produce(topic("raw").name, CONTENT.encode(), key, partition=0, headers=[("x-application", CONTENT.encode())])
    assert producer.flush(10) == 0

    def letters() -> list[dict[str, Any]]:
        return [one for one in running.run("list", "--since", "10m") if one["key"] == key]

    wait_until(lambda: len(letters()) == 1, 30, "the dead letter")
    first = letters()[0]
    name = f"0:{first['offset']}"
    assert (first["origin_topic"], first["origin_partition"], first["bytes"]) == (topic("raw").name, 0, len(CONTENT))
    assert (first["reason"], first["stage"], first["revision"]) == ("malformed_record", "open", 0)
    shown = running.run("show", name)
    assert (shown["schema_id"], shown["core"]) == (None, None)
    assert ["x-application", f"{len(CONTENT)} bytes"] in shown["headers"]
    row = (
        "SELECT reason, origin_offset, event_id, schema_id FROM dead_letters FINAL WHERE partition = 0 AND offset = {at:Int64}"
    )
    wait_until(lambda: running.ask(row, at=first["offset"]), 30, "the row of the dead letter")
    assert running.ask(row, at=first["offset"]) == [("malformed_record", first["origin_offset"], None, None)]
    assert states(running)[None] == "none"
    running.run("replay", name)
    wait_until(lambda: len(letters()) == 2, 30, "the second dead letter")
    second = letters()[0]
    assert (second["revision"], second["replayed_from"]) == (1, name)
    done = running.run("replay", "--reason", "malformed_record")
    (mine,) = [one for one in done["replayed"] if one["letter"] in (name, f"0:{second['offset']}")]
    assert (mine["letter"], mine["revision"]) == (f"0:{second['offset']}", 2)


def test_the_hole_that_a_rejected_event_leaves_is_explained(running: Stack, wait_until: WaitUntil) -> None:
    """An event whose content was cut away is rejected; the store has its stream, its number and the reason."""
    record = made(running.variables)
    framed = unframe(record.value)
    parts = split_raw(framed.datum)
    value = frame(framed.schema_id, join_raw(parts.chain_hash, b"", parts.core))
    producer = Producer({"bootstrap.servers": running.variables["LANGTRAIL_BOOTSTRAP_SERVERS"]})
    producer.produce(topic("raw").name, value, record.key, partition=1)
    assert producer.flush(10) == 0
    wait_until(lambda: record.event["event_id"] in states(running), 30, "the dead letter in the store")
    assert states(running)[record.event["event_id"]] == "missing"
    found = "SELECT reason, seq FROM dead_letters FINAL WHERE stream_id = {stream:UUID}"
    assert running.ask(found, stream=record.event["stream_id"]) == [("broken_commitment", record.event["seq"])]


def test_loading_goes_on_where_the_table_ends(running: Stack, wait_until: WaitUntil, unique_name: str) -> None:
    """A second sink and its successor load every dead letter, and none twice."""
    producer = Producer({"bootstrap.servers": running.variables["LANGTRAIL_BOOTSTRAP_SERVERS"]})
    database = unique_name.replace("-", "_")
    dsn = running.variables["LANGTRAIL_CLICKHOUSE_DSN"].rsplit("/", 1)[0] + "/" + database
    migrate(dsn)
    settings = load_settings(SinkSettings, {**running.variables, "LANGTRAIL_CLICKHOUSE_DSN": dsn})
    loaded = f"SELECT count(), uniqExact(partition, offset), countIf(error = 'test') FROM {database}.dead_letters"

    def are_loaded(number: int) -> bool:
        return bool(running.ask(loaded)[0][2] == number)

    for number in (1, 2):
        producer.produce(topic("dead_letters").name, b"x", partition=0, headers=[(DeadLetterHeader.ERROR, b"test")])
        assert producer.flush(10) == 0
        with dead_letters_loaded(settings):
            wait_until(partial(are_loaded, number), 30, "the dead letter in the table")
    (rows, places, _) = running.ask(loaded)[0]
    assert rows == places


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "0:999999999"), "there is no dead letter 0:999999999"),
        (("show", "nonsense"), "PARTITION:OFFSET"),
        (("replay",), "--all"),
        (("replay", "0:1", "--all"), "one of the three"),
        (("list", "--since", "yesterday"), "expected a time"),
    ],
)
def test_what_cannot_be_done_is_said(running: Stack, arguments: tuple[str, ...], said: str) -> None:
    """A name that is none, a letter that is not there, two ways to choose at once: exit status 2, and what to do."""
    assert said in running.run(*arguments, status=2)


def test_putting_back_what_is_not_there_changes_nothing(running: Stack) -> None:
    """Exit status 1, and the answer names what was not found."""
    done = running.run("replay", "0:999999999", status=1)
    assert done == {"replayed": [], "not_there": ["0:999999999"], "without_origin": []}


def test_a_dead_letter_is_shown_to_people(running: Stack) -> None:
    """What a terminal would obey is escaped, and every header has its line."""
    producer = Producer({"bootstrap.servers": running.variables["LANGTRAIL_BOOTSTRAP_SERVERS"]})
    at: list[int | None] = []
    producer.produce(
        topic("dead_letters").name,
        b"x",
        "k\x1b[31m",
        partition=0,
        headers=[("x", b"1"), ("x", b"22"), (DeadLetterHeader.REASON, b"\x1b[31m")],
        on_delivery=lambda _, message: at.append(message.offset()),
    )
    assert producer.flush(10) == 0
    command = [sys.executable, "-m", "langtrail.deploy.cli", "dead-letters", "show", f"0:{at[0]}"]
    environ = {**os.environ, **running.variables}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["x", "1 bytes"] in lines
    assert ["x", "2 bytes"] in lines
    assert ["reason", "\\x1b[31m"] in lines
    assert "\x1b" not in done.stdout
    assert "core" not in done.stdout


def test_without_kafka_it_is_said_which_one_does_not_answer(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is named, and the variable to look at."""
    away = {"LANGTRAIL_BOOTSTRAP_SERVERS": "127.0.0.1:1", "LANGTRAIL_KAFKA_SECONDS": "1", "LANGTRAIL_EXIT_SECONDS": "0"}
    for name, value in away.items():
        monkeypatch.setenv(name, value)
    assert "check LANGTRAIL_BOOTSTRAP_SERVERS" in running.run("list", status=2)
