"""Events that a worker emitted several times: no question counts one twice, or shows what a later revision replaced."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.ask import Trail
from langtrail.deploy.sample_events import encode_audit_event
from langtrail.processors.avro_container import AvroContainer
from langtrail.processors.clickhouse import connect
from langtrail.schemas import AUDIT_EVENT, registry
from langtrail.schemas.statements import Question, questions

SCHEMA = registry().latest(AUDIT_EVENT)
RAW = {"accounting", "tail", "tail-positions", "dead-letters"}
"""They are about what was delivered, or about no events."""
OF_THE_ROW = ("stored", "to_store", "_ingested_at", "_offset", "now", "revision", "record_hash")
GIVEN: dict[str, object] = {
    "principal": "maria",
    "id": "call-1",
    "run_id": str(uuid5(NAMESPACE_URL, "read")),
    "session": "s-chat",
    "text": "order",
    "phrases": [],
    "width": 60,
}
REPLACED: dict[str, Any] = {
    "input": '"order replaced"',
    "output": '"order replaced"',
    "redaction_status": "withheld",
    "subject_tokens": ["call-1"],
    "redaction_types": ["REPLACED"],
    "cost_nanousd": 999_000_000_000,
    "policy_revision": "replaced",
    "data_class": "replaced",
}
ASKED = [question for question in questions().values() if question.name not in RAW]


@pytest.fixture(scope="module")
def once(one_tenant: str) -> Iterator[Trail]:
    """Return the store that has each event once."""
    trail = Trail(one_tenant)
    yield trail
    trail.close()


@pytest.fixture(scope="module")
def often(database: Callable[[str], str], told_by_acme: list[dict[str, Any]]) -> Iterator[Trail]:
    """Return a store that has each event as a replaced revision and twice as it is, in parts that are not merged."""
    dsn = database("stored_twice")
    client = connect(dsn)
    client.command("SYSTEM STOP MERGES events")
    insert(client, [{**record, **REPLACED} for record in told_by_acme], 0)
    for offset in (10_000, 20_000):
        insert(client, [{**record, "revision": 1} for record in told_by_acme], offset)
    assert client.query("SELECT count() FROM events").result_rows[0][0] == 3 * len(told_by_acme)
    client.close()
    trail = Trail(dsn)
    yield trail
    trail.close()


def insert(client: Client, records: list[dict[str, Any]], offset: int) -> None:
    """Put records into the table events, in one part."""
    container = AvroContainer("langtrail.events", 0, SCHEMA)
    body = container.encode(enumerate(map(encode_audit_event, records), offset))
    client.raw_insert("events", container.columns, body, {"async_insert": 0}, "Avro")


def asked(trail: Trail, question: Question) -> list[dict[str, Any]]:
    """Return the answer, without what differs from row to row of one event."""
    needed = {p.name: GIVEN[p.name] for p in question.parameters if p.default in (None, "[]")}
    rows = trail.ask(question.name, **needed).objects()
    return [{name: value for name, value in row.items() if not name.startswith(OF_THE_ROW)} for row in rows]


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.name)
def test_the_answer_is_that_of_a_store_without_copies(once: Trail, often: Trail, question: Question) -> None:
    """Whatever is asked: sums, counts, texts and lists are those of the newest revision, each event once."""
    assert asked(often, question) == asked(once, question)


def test_what_a_later_revision_replaced_is_not_found(often: Trail) -> None:
    """Neither its text, nor who it was about."""
    assert often.ask("search", text="order replaced", phrases=[]).rows == []
    assert len(often.ask("search", text="customers", phrases=[]).rows) > 0
    assert often.ask("which-prompt", id="call-1").objects()[0]["input"] != REPLACED["input"]
