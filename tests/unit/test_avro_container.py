import io
from collections.abc import Sequence

import fastavro
import pytest

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.avro_container import AvroContainer
from langtrail.schemas import AUDIT_EVENT, decode, registry

SCHEMA = registry().latest(AUDIT_EVENT)
CONTAINER = AvroContainer("langtrail.events", 7, SCHEMA)


def test_any_avro_reader_reads_the_container() -> None:
    """The container is a standard Avro file: the fields of the event after those of its origin."""
    datums = [encode_audit_event(event) for event in sample_events(3)]
    body = CONTAINER.encode(zip((5, 6, 2**40), datums, strict=True))
    records = list(fastavro.reader(io.BytesIO(body)))
    origins = [(r["_topic"], r["_partition"], r["_schema_id"], r["_offset"]) for r in records if isinstance(r, dict)]
    assert origins == [("langtrail.events", 7, SCHEMA.id, offset) for offset in (5, 6, 2**40)]
    assert [r["event_hash"] for r in records if isinstance(r, dict)] == [
        decode(SCHEMA, datum)["event_hash"] for datum in datums
    ]


@pytest.mark.parametrize(
    "offsets",
    [
        range(8190, 8194),
        range(16_383, 16_386),
        range(2**31 - 3, 2**31 + 3),
        (2**40 + 1, 2**40 + 2, 2**40 + 90),
        (2**40 + 8191, 2**40 + 8192),
        range(20_000, 20_700),
        (8192, 3),
    ],
    ids=str,
)
def test_every_offset_is_read_as_it_was_written(offsets: Sequence[int]) -> None:
    """Where the bytes of an offset come from tables, and where a container has many pieces."""
    (datum,) = (encode_audit_event(event) for event in sample_events(1))
    pieces = CONTAINER.pieces(offsets, [b"frame" + datum] * len(offsets), skip=5)
    body = b"".join(pieces)
    assert [r["_offset"] for r in fastavro.reader(io.BytesIO(body)) if isinstance(r, dict)] == list(offsets)
    assert b"".join(pieces) == body == CONTAINER.encode((offset, datum) for offset in offsets)


def test_each_record_is_a_block() -> None:
    """A record that is cut short cannot shift its neighbours, because it is alone in its block."""
    body = CONTAINER.encode(enumerate(encode_audit_event(event) for event in sample_events(4)))
    assert [block.num_records for block in fastavro.block_reader(io.BytesIO(body))] == [1, 1, 1, 1]


def test_the_schema_travels_without_its_docs() -> None:
    """The container of a small batch is not mostly documentation."""
    assert len(CONTAINER.encode([])) < 10_000


def test_the_columns_are_the_fields() -> None:
    """The columns are named as the fields of the container, in the order of their bytes."""
    body = CONTAINER.encode([(0, encode_audit_event(next(sample_events(1))))])
    (record,) = fastavro.reader(io.BytesIO(body))
    assert isinstance(record, dict)
    assert list(record) == CONTAINER.columns
