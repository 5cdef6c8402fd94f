"""What the tests of asking share: a store with a known story of two tenants."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest

from langtrail.deploy.migrate import migrate
from langtrail.deploy.sample_events import encode_audit_event
from langtrail.processors.avro_container import AvroContainer
from langtrail.processors.clickhouse import Store, connect
from langtrail.producer.entry import Position
from langtrail.producer.spool import streams
from langtrail.producer.spool_reader import SpoolReader
from langtrail.schemas import AUDIT_EVENT, RAW_EVENT, decode, registry
from langtrail.schemas.codec import join_raw

SCHEMA = registry().latest(AUDIT_EVENT)
START = 1_790_000_000_000_000
"""2026-09-21T14:13:20Z, in microseconds."""
EMPTY: dict[str, Any] = {
    "string": "",
    "long": 0,
    "boolean": False,
    "array": [],
    "fixed": bytes(32),
    "langtrail.Hash": bytes(32),
}

Record = dict[str, Any]


def blank() -> Record:
    """Return a record of which every field is null or empty."""
    kinds = {field["name"]: field["type"] for field in SCHEMA.avro["fields"]}
    names = {name: kind["type"] if isinstance(kind, dict) else kind for name, kind in kinds.items()}
    return {name: None if isinstance(kind, list) else EMPTY[kind] for name, kind in names.items()}


def identity(name: str) -> str:
    """Return a UUID that a name always has."""
    return str(uuid5(NAMESPACE_URL, name))


class Stream:
    """A stream that numbers and times the events of one process."""

    def __init__(self, name: str, began: int, **facts: Any) -> None:
        self.id = identity(name)
        self.records: list[Record] = []
        self._name, self._seq, self._at, self._facts = name, 0, began, facts

    def add(self, event_type: str, **fields: Any) -> Record:
        """Add an event, a second after the one before."""
        self._at += 1_000_000
        record = {
            **blank(),
            **self._facts,
            "event_type": event_type,
            "event_id": identity(f"{self._name} {self._seq}"),
            "stream_id": self.id,
            "seq": self._seq,
            "occurred_at": self._at,
            "processed_at": self._at + 50_000,
            "session_id": self.id,
            "redaction_status": "ok",
            **fields,
        }
        self._seq += 1
        self.records.append(record)
        return record

    def skip(self, numbers: int) -> None:
        """Leave a hole."""
        self._seq += numbers


def job(tenant: str) -> list[Record]:
    """Return a former contractor's job: it reads, deletes, and asks for a tool that never runs. Its process ends in order."""
    who = {"principal_id": "contractor-7", "principal_type": "job", "identity_assurance": "asserted", "trigger": "schedule"}
    facts = {"tenant_id": tenant, "app": "crm-sync", "app_version": "1.0", "environment": "production", "host": "h1", "pid": 11}
    stream = Stream(f"job of {tenant}", START, **facts, **who, trigger_id="crm-sync", retention_class="standard")
    run = {name: identity(name) for name in ("root", "call", "read", "delete")}
    within = {"session_id": "s-job", "root_run_id": run["root"]}
    call = {**within, "run_id": run["call"], "parent_run_id": run["root"], "provider": "openai", "request_model": "gpt-4o-mini"}
    read = {**within, "run_id": run["read"], "parent_run_id": run["root"], "tool_call_id": "call-1", "tool_effect": "read"}
    delete = {
        **within,
        "run_id": run["delete"],
        "parent_run_id": run["root"],
        "tool_call_id": "call-2",
        "tool_effect": "delete",
    }
    asked = [{"name": "read", "id": "call-1"}, {"name": "delete", "id": "call-2"}, {"name": "mail", "id": "call-9"}]
    stream.add("stream_open")
    stream.add("chain_start", **within, run_id=run["root"], component="agent", input='"Copy the customers."')
    stream.add(
        "llm_start",
        **call,
        component="ChatOpenAI",
        input='[{"type":"human","content":"Copy the customers."}]',
        content_bytes=50,
    )
    stream.add(
        "llm_end", **call, component="ChatOpenAI", outcome="success", response_model="gpt-4o-mini-2024", response_id="resp-1",
        prompt_name="sync", prompt_version="v2", input_tokens=100, output_tokens=20, total_tokens=120, cost_nanousd=27_000,
        params='{"temperature":0}', output=json.dumps([{"type": "ai", "content": "", "tool_calls": asked}]),
    )  # fmt: skip
    stream.add("tool_start", **read, component="read", tool_name="read", input='{"country":"DE"}')
    stream.add(
        "tool_end", **read, component="read", tool_name="read", outcome="success", output='["Äpfel & Birnen GmbH\\nStraße 1"]',
        redaction_types=["EMAIL", "IBAN"], redaction_counts=[3, 1],
    )  # fmt: skip
    stream.add("tool_start", **delete, component="delete", tool_name="delete", resource="customers", input='{"id":7}')
    stream.add(
        "tool_end", **delete, component="delete", tool_name="delete", resource="customers", outcome="success", output='"ok"'
    )
    stream.add(
        "side_effect", **{**delete, "tool_effect": "external"}, component="delete", tool_name="delete", resource="crm.example",
        input='"POST /customers"',
    )  # fmt: skip
    stream.add("chain_end", **within, run_id=run["root"], component="agent", outcome="success", output='"3 copied"')
    stream.add("stream_close")
    return stream.records


def chat(tenant: str) -> list[Record]:
    """Return an employee's chat: a failed tool, a denied one that ran, a run that never ends. Its process is killed."""
    who = {
        "principal_id": "maria",
        "principal_type": "human",
        "identity_assurance": "verified",
        "auth_issuer": "https://id.example",
    }
    facts = {"tenant_id": tenant, "app": "chat", "app_version": "2.0", "environment": "test", "host": "h2", "pid": 22}
    stream = Stream(
        f"chat of {tenant}", START + 3_600_000_000, **facts, **who, trigger="interactive", retention_class="regulated"
    )
    run = {name: identity(name) for name in ("talk", "answer", "lookup", "refund", "open", "wait")}
    talk = {"session_id": "s-chat", "root_run_id": run["talk"]}
    lookup = {**talk, "run_id": run["lookup"], "parent_run_id": run["talk"], "component": "lookup", "tool_name": "lookup"}
    refund = {**talk, "run_id": run["refund"], "parent_run_id": run["talk"], "tool_name": "refund", "tool_call_id": "call-3"}
    answer = {**talk, "run_id": run["answer"], "parent_run_id": run["talk"], "provider": "local", "request_model": "house-1"}
    policy = {"policy_id": "refunds", "policy_version": "7", "policy_rule": "over-100", "decision": "deny"}
    stream.add("stream_open")
    stream.add("chain_start", **talk, run_id=run["talk"], component="chat", input='"Where is my order?"')
    stream.add("tool_start", **lookup, tool_call_id="call-4", input='"A-1"')
    stream.add(
        "tool_error", **lookup, tool_call_id="call-4", outcome="failure", error_type="TimeoutError", latency_us=2_000_000,
        error_message="the shop did not answer",
    )  # fmt: skip
    stream.add("policy_denied", **refund, component="refund", outcome="denied", **policy, input='{"eur":150}')
    stream.add("tool_end", **refund, component="refund", outcome="success", output='"150 EUR refunded"')
    stream.add("llm_end", **answer, component="House", outcome="success", output='"It is on its way."', total_tokens=9)
    stream.add("custom", **talk, run_id=run["talk"], component="chat", output="[WITHHELD]", redaction_status="partial")
    stream.skip(2)
    stream.add("dropped", first_seq=8, last_seq=8, count=1)
    stream.add("chain_end", **talk, run_id=run["talk"], component="chat", outcome="success", output='"It is on its way."')
    wait = {"session_id": "s-chat-2", "root_run_id": run["open"]}
    stream.add("chain_start", **wait, run_id=run["open"], component="chat", input='"And now?"')
    stream.add("tool_start", **wait, run_id=run["wait"], parent_run_id=run["open"], component="lookup", tool_name="lookup")
    return stream.records


def housekeeping(tenant: str) -> list[Record]:
    """Return what langtrail did: events removed, a session read."""
    facts = {
        "tenant_id": tenant,
        "app": "langtrail",
        "component": "langtrail",
        "principal_id": "langtrail",
        "trigger": "schedule",
    }
    stream = Stream(f"housekeeping of {tenant}", START + 7_200_000_000, **facts, retention_class="standard")
    stream.add("stream_open")
    stream.add(
        "erasure",
        principal_id="dpo",
        approver_id="chief",
        trigger_id="ticket-1",
        count=11,
        outcome="success",
        metadata='"Art. 17"',
    )
    stream.add("retention", trigger_id="retain", policy_id="standard", policy_version="2", count=500, outcome="success")
    read = {"component": "langtrail", "resource": "trail", "ext": [{"key": "read_id", "value": identity(f"read {tenant}")}]}
    asked = '{"command":"export","format":"csv"}'
    stream.add("audit_read", **{**facts, "principal_id": "auditor", **read}, input=asked)
    stream.add("audit_read", **{**facts, "principal_id": "auditor", **read}, input=asked, outcome="success", count=33)
    stream.add("stream_close")
    return stream.records


def story(tenant: str) -> list[Record]:
    """Return all that happened at a tenant. Sessions, runs and principals have the same ids at every tenant, on purpose."""
    return [*job(tenant), *chat(tenant), *housekeeping(tenant)]


def forged(tenant: str) -> Record:
    """Return another event under a number that the job's stream has used."""
    return {**job(tenant)[0], "event_id": identity(f"forged {tenant}"), "node": "forged"}


def store(dsn: str, records: Sequence[Record], batch: str = "story", partition: int = 0) -> None:
    """Put records into the table events as the sink does."""
    container = AvroContainer("langtrail.events", partition, SCHEMA)
    body = container.encode(enumerate(encode_audit_event(record) for record in records))
    Store(dsn, timeout_seconds=30).insert(container.columns, body, batch)


def spooled(spool: Path) -> list[Record]:
    """Return the events in a spool, the oldest stream first; `asked` is what a reader asked."""
    entries = [entry for files in streams(spool) for entry in SpoolReader(files, Position()).read(1 << 20)]
    found = []
    for entry in entries:
        core = decode(registry().latest(RAW_EVENT), join_raw(bytes(32), b"", entry.core))
        content = orjson.loads(entry.content) if entry.content else {}
        found.append({**core, "asked": orjson.loads(content["input"]) if "input" in content else None})
    return found


@pytest.fixture
def recorded_reads(tmp_path: Path) -> Callable[[], list[Record]]:
    """Return a function that returns what the commands of this test recorded of their reading, in order."""
    return lambda: [event for event in spooled(tmp_path / "spool") if event["event_type"] == "audit_read"]


@pytest.fixture(scope="session")
def database(clickhouse_server: str) -> Iterator[Callable[[str], str]]:
    """Return a function that makes a database of this name, with all tables, and returns its DSN."""
    made = []

    def make(name: str) -> str:
        dsn = f"{clickhouse_server.rpartition('/')[0]}/{name}"
        migrate(dsn)
        made.append(name)
        return dsn

    yield make
    client = connect(clickhouse_server, database="default")
    for name in made:
        client.command(f"DROP DATABASE IF EXISTS {name}")
    client.close()


@pytest.fixture(scope="session")
def store_events() -> Callable[..., None]:
    """Return a function that stores events of one stream, `hours` after the start, with or without their indexes."""

    def put(
        dsn: str,
        events: Sequence[Record],
        hours: float = 0,
        *,
        materialise: bool = True,
        partition: int = 0,
        offset: int = 0,
    ) -> None:
        stream = Stream(f"events {hours}", START + int(hours * 3_600_000_000), tenant_id="acme")
        records = [stream.add(**{"event_type": "text", **fields}) for fields in events]
        container = AvroContainer("langtrail.events", partition, SCHEMA)
        body = container.encode(enumerate((encode_audit_event(record) for record in records), offset))
        client = connect(dsn)
        settings = {"materialize_skip_indexes_on_insert": int(materialise), "async_insert": 0}
        client.raw_insert("events", container.columns, body, settings, "Avro")
        client.close()

    return put


@pytest.fixture(scope="session")
def told_by_acme() -> list[Record]:
    """Return the records of the story of acme."""
    return [*story("acme"), forged("acme")]


@pytest.fixture(scope="session")
def one_tenant(database: Callable[[str], str]) -> str:
    """Return the DSN of a store that has the story of acme alone."""
    dsn = database("one_tenant")
    store(dsn, [*story("acme"), forged("acme")])
    return dsn


@pytest.fixture(scope="session")
def two_tenants(database: Callable[[str], str]) -> str:
    """Return the DSN of a store that has the story of acme, and of globex under the same ids."""
    dsn = database("two_tenants")
    store(dsn, [*story("acme"), forged("acme"), *story("globex"), forged("globex")])
    return dsn
