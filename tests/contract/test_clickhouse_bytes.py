"""The table events holds an AuditEvent so exactly that the engine gives back the bytes that were on Kafka."""

import io
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import clickhouse_connect
import fastavro
import pytest
from clickhouse_connect.driver.client import Client

from langtrail.processors.avro_container import AvroContainer
from langtrail.schemas import AUDIT_EVENT, CORE_GROUPS, encode, encode_group, event_hash, record_hash, registry
from langtrail.schemas.statements import migrations

RECORDS = 2000
SCHEMA = registry().latest(AUDIT_EVENT)
FIELDS = [field["name"] for field in SCHEMA.avro["fields"]]
TEXTS = ("", "a", "é", "日本語", "\x00", "\U0001f9ff\n\t'\\\"", '{"a": [1, null]}', "x" * 3000)
LONGS = (0, 1, -1, 63, -64, 64, 8191, -8193, 2**31, -(2**53), 2**63 - 1, -(2**63))
TIMES = (0, 1, 1_790_000_000_000_000, 1_790_000_000_000_001, 4_102_444_800_000_000, -1_000_000)
HASH = {"type": "fixed", "name": "langtrail.Hash", "size": 32}


def any_value(random: Random, kind: Any) -> Any:
    """Return a value of an Avro type, its edges more often than chance would have them."""
    if isinstance(kind, list):
        return None if random.random() < 0.4 else any_value(random, kind[1])
    if isinstance(kind, str):
        kind = HASH if kind == HASH["name"] else {"type": kind}
    return MAKERS[kind.get("logicalType", kind["type"])](random, kind)


MAKERS: dict[str, Callable[[Random, Any], Any]] = {
    "fixed": lambda random, kind: random.choice((bytes(kind["size"]), random.randbytes(kind["size"]))),
    "uuid": lambda random, _: "-".join(random.randbytes(n).hex() for n in (4, 2, 2, 2, 6)),
    "timestamp-micros": lambda random, _: random.choice((*TIMES, random.randrange(2 * 10**15))),
    "array": lambda random, kind: [any_value(random, kind["items"]) for _ in range(random.choice((0, 0, 0, 1, 1, 2, 2, 70)))],
    "record": lambda random, kind: {field["name"]: any_value(random, field["type"]) for field in kind["fields"]},
    "long": lambda random, _: random.choice((*LONGS, random.randrange(1000), random.randrange(-(2**63), 2**63))),
    "boolean": lambda random, _: random.random() < 0.5,
    "string": lambda random, _: random.choice((*TEXTS, f"text {random.randrange(10**6)}")),
}


def any_record(random: Random) -> dict[str, Any]:
    """Return a record with any value in each field and hashes that are right."""
    record = {field["name"]: any_value(random, field["type"]) for field in SCHEMA.avro["fields"]}
    record["event_hash"] = event_hash(b"".join(encode_group(group, record) for group in CORE_GROUPS))
    record["record_hash"] = record_hash(encode(SCHEMA, record)[32:])
    return record


def encode_again(client: Client, columns: list[str]) -> list[bytes]:
    """Encode columns of all rows by the engine, in the order of the offsets, and take its container apart.

    The engine ends a block as soon as it holds the 32 bytes of the interval: each record is a block.
    """
    query = f"SELECT {', '.join(columns)} FROM events ORDER BY _offset"
    container = client.raw_query(
        query, settings={"output_format_avro_codec": "null", "output_format_avro_sync_interval": 32}, fmt="Avro"
    )
    blocks = fastavro.block_reader(io.BytesIO(container))
    return [block.bytes_.read() for block in blocks if block.num_records == 1]  # type: ignore[attr-defined]  # missing in the stubs


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """Return records that differ in every field."""
    random = Random(20)  # noqa: S311 - the same records in every run
    return [any_record(random) for _ in range(RECORDS)]


@pytest.fixture(scope="module")
def client(records: list[dict[str, Any]]) -> Iterator[Client]:
    """Return the real engine, in this process, with all records stored the way the sink stores them."""
    client = clickhouse_connect.get_client(interface="chdb")
    client.command("CREATE DATABASE bytes")
    client.command("USE bytes")
    client.database = "bytes"
    for migration in migrations():
        for statement in migration.statements:
            client.command(statement)
    container = AvroContainer("langtrail.events", 3, SCHEMA)
    body = container.encode(enumerate(encode(SCHEMA, record) for record in records))
    client.raw_insert("events", container.columns, body, {"max_partitions_per_insert_block": 0}, "Avro")
    yield client
    client.close()


def test_the_table_has_one_column_for_each_field(client: Client) -> None:
    """The table has the fields of AuditEvent under their names and in their order, then where the row came from."""
    columns = [
        row[0]
        for row in client.query(
            "SELECT name FROM system.columns WHERE database = 'bytes' AND table = 'events' ORDER BY position"
        ).result_rows
    ]
    assert columns == [*FIELDS, "_topic", "_partition", "_offset", "_schema_id", "_ingested_at"]


def test_whole_records_come_back_byte_for_byte(client: Client, records: list[dict[str, Any]]) -> None:
    """The engine encodes each row to the very bytes that were on Kafka, so the record hash can be checked from the table."""
    stored = encode_again(client, FIELDS)
    assert stored == [encode(SCHEMA, record) for record in records]
    assert [datum[:32] for datum in stored] == [record_hash(datum[32:]) for datum in stored]


def test_the_core_alone_gives_the_event_hash(client: Client, records: list[dict[str, Any]]) -> None:
    """The core columns encode to the bytes that the producer hashed."""
    stored = encode_again(client, FIELDS[SCHEMA.head_length :])
    assert [event_hash(core) for core in stored] == [record["event_hash"] for record in records]


def test_origin_is_stored(client: Client) -> None:
    """Each row says which topic, partition, offset and schema it came from."""
    origins = client.query("SELECT DISTINCT _topic, _partition, _schema_id FROM events").result_rows
    assert list(origins) == [("langtrail.events", 3, SCHEMA.id)]
    assert client.command("SELECT uniqExact(_offset) FROM events") == RECORDS
