"""Bytes and records: pieces equal the whole, cutting and joining are inverse, and garbage is an error of one kind."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from random import Random
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_one

from langtrail.schemas import (
    AUDIT_EVENT,
    CORE_GROUPS,
    RAW_EVENT,
    TENANT,
    MalformedRecord,
    RegisteredSchema,
    decode,
    encode,
    encode_group,
    frame,
    registry,
    split_raw,
    unframe,
)
from langtrail.schemas.codec import core_groups, encode_long, join_raw
from langtrail.schemas.example import examples

RAW = registry().latest(RAW_EVENT)
AUDIT = registry().latest(AUDIT_EVENT)
SCHEMAS = [RAW, AUDIT, registry().latest(TENANT)]
LONGS = (0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))
TEXTS = ("", "a", "é", "日本語", "\x00", "\U0001f9ff", 'quote " and \\', "x" * 300)

every_schema = pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.subject)


@pytest.fixture
def random() -> Random:
    """Return a source of the same values in every run."""
    return Random(11)  # noqa: S311 - test data


def any_value(random: Random, avro_type: Any) -> Any:
    """Return a value of an Avro type, edges more often than chance would have them."""
    if isinstance(avro_type, list):
        return random.choice((None, any_value(random, avro_type[-1])))
    schema = avro_type if isinstance(avro_type, dict) else {"type": avro_type}
    makers: dict[str, Callable[[], Any]] = {
        "long": lambda: random.choice((*LONGS, random.getrandbits(40))),
        "string": lambda: random.choice(TEXTS),
        "boolean": lambda: random.random() < 0.5,
        "bytes": lambda: random.randbytes(random.choice((0, 1, 63, 64, 5000))),
        "array": lambda: [any_value(random, schema["items"]) for _ in range(random.choice((0, 1, 3)))],
        "record": lambda: {field["name"]: any_value(random, field["type"]) for field in schema["fields"]},
    }
    # Everything else is langtrail.Hash, in full or by its name.
    return makers.get(schema["type"], lambda: random.randbytes(32))()


def any_record(random: Random, schema: RegisteredSchema) -> dict[str, Any]:
    """Return a record with a value in every field."""
    return {field["name"]: any_value(random, field["type"]) for field in schema.avro["fields"]}


@every_schema
def test_decode_is_the_inverse_of_encode(schema: RegisteredSchema, random: Random) -> None:
    """Random records come back as they were."""
    for _ in range(100):
        record = any_record(random, schema)
        assert decode(schema, encode(schema, record)) == record


@every_schema
def test_encode_is_ordinary_avro(schema: RegisteredSchema) -> None:
    """What fastavro generates from the wire schema decodes, and encodes to the same bytes again."""
    record: Any = generate_one(schema.wire)
    assert decode(schema, encode(schema, record)) == record


def test_pieces_equal_the_whole(random: Random) -> None:
    """Over random records the groups, encoded one by one, are the bytes of the core at the tail of both events."""
    for _ in range(200):
        audit = any_record(random, AUDIT)
        raw = {**audit, "content": random.randbytes(20)}
        core = b"".join(encode_group(group, audit) for group in CORE_GROUPS)
        assert encode(RAW, raw) == raw["chain_hash"] + encode_long(20) + raw["content"] + core
        assert encode(AUDIT, audit).endswith(core)
        assert split_raw(encode(RAW, raw)) == (raw["chain_hash"], raw["content"], core)


def test_groups_stand_alone() -> None:
    """Each group is a schema of its own; together they have the fields of the core, in its order."""
    groups = core_groups(RAW.id)
    names = [field["name"] for group in groups.values() for field in group["fields"]]  # type: ignore[call-overload, index]  # it is a record
    assert tuple(groups) == CORE_GROUPS
    assert names == [field["name"] for field in RAW.avro["fields"][RAW.head_length :]]


def test_absent_nullable_fields_are_null() -> None:
    """A group without any of its nullable fields is a zero for each."""
    assert encode_group("model", {}) == bytes(12)
    assert encode_group("rest", {}) == bytes(2)


def test_split_and_join_are_inverse(random: Random) -> None:
    """Any chain hash, content and core can be joined and cut again, and the other way round."""
    for size in (0, 1, 63, 64, 8191, 8192, 70_000):
        parts = (random.randbytes(32), random.randbytes(size), random.randbytes(1 + size % 7))
        assert split_raw(join_raw(*parts)) == parts
        assert join_raw(*split_raw(join_raw(*parts))) == join_raw(*parts)


def test_long_numbers_are_avro() -> None:
    """Our encoding of a long is fastavro's, at every edge."""
    for number in LONGS:
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, {"type": "long"}, number)
        assert encode_long(number) == buffer.getvalue()


@pytest.mark.parametrize("name", ["llm_end", "chain_start", "heartbeat"])
def test_a_record_cut_anywhere_is_malformed(name: str) -> None:
    """At every offset at which a record can be torn, decode says so by MalformedRecord and nothing else."""
    for schema, datum in ((RAW, examples()[name].raw_event()), (AUDIT, examples()[name].audit_event())):
        for end in range(len(datum)):
            with pytest.raises(MalformedRecord):
                decode(schema, datum[:end])


def test_a_head_cut_anywhere_is_malformed() -> None:
    """split_raw never returns a part that is not there: it cuts a torn head by MalformedRecord."""
    datum = examples()["llm_end"].raw_event()
    head = len(datum) - len(examples()["llm_end"].core_bytes())
    for end in range(head + 1):
        with pytest.raises(MalformedRecord):
            split_raw(datum[:end])
    assert split_raw(datum[: head + 1]).core == datum[head : head + 1]


def only_malformed(function: Callable[[], object]) -> bool:
    """Call a function; tell whether it raised MalformedRecord. Any other exception passes through and fails the test."""
    try:
        function()
    except MalformedRecord:
        return True
    return False


@every_schema
def test_garbage_is_malformed_and_nothing_else(schema: RegisteredSchema, random: Random) -> None:
    """Random bytes raise MalformedRecord; no other exception comes out, and by far most are refused."""
    refused = sum(only_malformed(lambda: decode(schema, random.randbytes(random.randrange(600)))) for _ in range(10_000))
    assert refused > 9900


def test_garbage_after_a_good_start_is_malformed_and_nothing_else(random: Random) -> None:
    """A record of which some bytes are changed, added or lost is decoded or is MalformedRecord: no other exception."""
    datum = examples()["llm_end"].raw_event()
    refused = 0
    for _ in range(10_000):
        at = random.randrange(len(datum))
        broken = datum[:at] + random.randbytes(random.randrange(4)) + datum[at + random.randrange(4) :]
        refused += only_malformed(partial(decode, RAW, broken))
        only_malformed(partial(split_raw, broken))
        only_malformed(partial(unframe, broken))
    assert 5_000 < refused < 10_000


def test_a_length_that_lies_is_malformed() -> None:
    """Lengths below zero, above the record, or without an end are refused before anything is read by them."""
    for length in (-1, -(2**63), 2, 2**40, 2**63 - 1):
        with pytest.raises(MalformedRecord):
            split_raw(bytes(32) + encode_long(length) + b"x")
        with pytest.raises(MalformedRecord):
            decode(RAW, bytes(32) + encode_long(length) + b"x")
    with pytest.raises(MalformedRecord, match="end within a number"):
        split_raw(bytes(32) + b"\xff" * 40)


@every_schema
def test_decode_leaves_no_bytes(schema: RegisteredSchema, random: Random) -> None:
    """A byte too many is a record of another schema, and how many are left is said."""
    datum = encode(schema, any_record(random, schema))
    with pytest.raises(MalformedRecord, match=f"2 bytes are left over after a record of schema id {schema.id}"):
        decode(schema, datum + b"ab")


WRONG = {
    "text for a number": {"seq": "1"},
    "a fraction for a number": {"seq": 1.5},
    "a switch for a number": {"pid": True},
    "a number too large": {"seq": 2**63},
    "a number for text": {"component": 5},
    "bytes for text": {"component": b"x"},
    "half a surrogate pair": {"component": "\ud800"},
    "null for text": {"tenant_id": None},
    "null for a switch": {"truncated": None},
    "text for a switch": {"truncated": "no"},
    "text for an array": {"roles": "admin"},
    "null for an array": {"flags": None},
    "an array of numbers": {"roles": [1]},
    "a short hash": {"input_commit": b"x"},
    "text for a hash": {"input_commit": "x" * 32},
    "a number for nullable text": {"provider": 5},
    "a fraction for a nullable number": {"input_tokens": 1.5},
    "a pair that is no record": {"ext": ["key"]},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused(wrong: dict[str, Any], random: Random) -> None:
    """A value that is not of its field's type is never written as another."""
    record = any_record(random, AUDIT)
    encode(AUDIT, record)
    with pytest.raises(MalformedRecord):
        encode(AUDIT, record | wrong)


def test_a_missing_field_is_refused(random: Random) -> None:
    """Every field that is neither nullable nor an array has to be there."""
    record = any_record(random, AUDIT)
    for field in AUDIT.avro["fields"]:
        missing = {name: value for name, value in record.items() if name != field["name"]}
        assert only_malformed(partial(encode, AUDIT, missing)) == ("default" not in field)


def test_errors_quote_no_content(random: Random) -> None:
    """What was wrong is said without the value: it may be personal data or a secret."""
    record = any_record(random, AUDIT)
    for wrong in ({"roles": "hunter2"}, {"input": b"hunter2"}, {"component": ["hunter2"]}):
        with pytest.raises(MalformedRecord) as error:
            encode(AUDIT, record | wrong)
        assert "hunter2" not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__ or error.value.__context__ is None


def test_frames_are_confluents() -> None:
    """A value is a zero byte, four bytes of schema id, and the datum."""
    assert frame(258, b"datum") == b"\x00\x00\x00\x01\x02datum"
    assert unframe(frame(2**32 - 1, b"")) == (2**32 - 1, b"")


@pytest.mark.parametrize("value", [None, b"", b"\x00", b"\x00\x00\x00\x01", b"\x01\x00\x00\x00\x01x", b"{}      "])
def test_what_is_no_frame_is_malformed(value: bytes | None) -> None:
    """A tombstone, a torn prefix and other formats are refused."""
    with pytest.raises(MalformedRecord, match="not Avro in the Confluent wire format"):
        unframe(value)


def test_the_wire_schema_gives_plain_values() -> None:
    """Decoding gives UUIDs as text and times as whole microseconds, so that encoding again gives the same bytes."""
    datum = examples()["llm_end"].audit_event()
    record = decode(AUDIT, datum)
    assert isinstance(record["event_id"], str)
    assert isinstance(record["occurred_at"], int)
    assert encode(AUDIT, record) == datum
    assert fastavro.parse_schema(AUDIT.wire) == AUDIT.wire
