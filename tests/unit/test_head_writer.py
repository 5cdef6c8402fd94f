"""The quick writer of heads: the bytes are those of the Avro library, and what it refuses is refused."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from langtrail.processors.head_writer import HeadWriter
from langtrail.schemas import AUDIT_EVENT, MalformedRecord, encode, registry

SCHEMA = registry().latest(AUDIT_EVENT)
HEAD_SCHEMA = replace(SCHEMA, core=None)
NULLABLE = {field["name"] for field in HEAD_SCHEMA.avro["fields"] if isinstance(field["type"], list)}
NUMBERS = (0, 1, 63, 64, 8191, 8192, 2**40, 2**63 - 1, -1)
TEXTS = ("", "ok", "é日🙂", "x" * 70, '{"a": "' + "y" * 9000 + '"}')


def heads(count: int) -> Iterator[dict[str, Any]]:
    """Yield heads at random, many fields of them alike."""
    chance = random.Random(7)  # noqa: S311 - always the same ones
    for _ in range(count):
        kinds = chance.sample(("EMAIL", "IBAN", "PHONE"), k=chance.randrange(3))
        head: dict[str, Any] = {field["name"]: chance.choice(TEXTS) for field in HEAD_SCHEMA.avro["fields"]}
        head |= {name: chance.choice(NUMBERS) for name in ("revision", "processed_at", "cost_nanousd", "model_context_window")}
        head |= {"tags": [chance.choice(TEXTS)], "redaction_types": kinds, "redaction_counts": [3 for _ in kinds]}
        head |= {"subject_tokens": [f"{kind}:abc" for kind in kinds], "clock_skewed": chance.random() < 0.5}
        head |= {name: None for name in NULLABLE if chance.random() < 0.3}
        yield head | {name: chance.randbytes(32) for name in ("record_hash", "event_hash", "chain_hash")}


def test_it_writes_what_the_library_writes() -> None:
    """All but the record hash, byte for byte, first time and again."""
    writer = HeadWriter(SCHEMA)
    for head in [*heads(500)] * 2:
        assert writer.write(head) == encode(HEAD_SCHEMA, head)[32:]


def by_the_library(head: dict[str, Any]) -> bytes | None:
    """Return what the Avro library writes; None when it refuses."""
    try:
        return encode(HEAD_SCHEMA, head)[32:]
    except MalformedRecord:
        return None


def by_the_writer(head: dict[str, Any]) -> bytes | None:
    """Return what the quick writer writes; None when it refuses."""
    try:
        return HeadWriter(SCHEMA).write(head)
    except MalformedRecord:
        return None


@pytest.mark.parametrize("field", [field["name"] for field in HEAD_SCHEMA.avro["fields"][1:]])
@pytest.mark.parametrize("value", [1.5, b"x", {"a": 1}, ["x", 1], "\ud800", object()], ids=repr)
def test_it_refuses_what_the_library_refuses(field: str, value: object) -> None:
    """A value that the library does not write for a field is no value here either."""
    head = next(heads(1)) | {field: value}
    assert by_the_writer(head) == by_the_library(head)


def test_there_is_something_to_refuse() -> None:
    """The library refuses a number with a fraction everywhere: what is compared with it is no refusal of all or of nothing."""
    fields = [field["name"] for field in HEAD_SCHEMA.avro["fields"][1:]]
    assert [field for field in fields if by_the_library(next(heads(1)) | {field: 1.5}) is not None] == []
    assert by_the_library(next(heads(1))) is not None


@pytest.mark.parametrize("field", [name for name in next(heads(1)) if name not in (*NULLABLE, "record_hash")])
def test_a_field_that_is_missing_is_a_fault(field: str) -> None:
    """Unless it has a default, which is then written."""
    head = next(heads(1))
    del head[field]
    assert by_the_writer(head) == by_the_library(head)
