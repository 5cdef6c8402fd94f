"""Avro's rules for reading, held against an ordinary reader: what is called readable is read, the rest is refused."""

import copy
import io
import json
from random import Random
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_one

from langtrail.schemas import AUDIT_EVENT, registry
from langtrail.schemas.registry import strip
from langtrail.schemas.resolution import unreadable


def record(*fields: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """Return a record schema."""
    return {"type": "record", "name": "n.R", "fields": list(fields), **attributes}


FIXED = {"type": "fixed", "name": "n.F", "size": 2}
READABLE = [
    (record({"name": "a", "type": "long"}), record({"name": "a", "type": "int"}), {"a": 5}),
    (record({"name": "a", "type": "double"}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "a", "type": "bytes"}), record({"name": "a", "type": "string"}), {"a": "x"}),
    (record({"name": "a", "type": ["null", "long"]}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "a", "type": ["null", "long"]}), record({"name": "a", "type": "int"}), {"a": 5}),
    (record({"name": "a", "type": "long"}), record({"name": "a", "type": ["long", "int"]}), {"a": 5}),
    (record({"name": "a", "type": FIXED}), record({"name": "a", "type": FIXED}), {"a": b"xy"}),
    (record({"name": "b", "type": "long", "aliases": ["a"]}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "b", "type": "long", "default": 7}), record({"name": "a", "type": "long"}), {"a": 5}),
    (
        record({"name": "a", "type": {"type": "array", "items": "long"}}),
        record({"name": "a", "type": {"type": "array", "items": "int"}}),
        {"a": [1]},
    ),
    (
        record({"name": "b", "type": "string"}, {"name": "a", "type": "long"}),
        record({"name": "a", "type": "long"}, {"name": "b", "type": "string"}),
        {"a": 5, "b": "x"},
    ),
    (record({"name": "a", "type": "long"}, name="m.R"), record({"name": "a", "type": "long"}), {"a": 5}),
]
UNREADABLE = [
    (record({"name": "a", "type": "int"}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "a", "type": "long"}), record({"name": "a", "type": "double"}), {"a": 0.5}),
    (record({"name": "a", "type": "long"}), record({"name": "a", "type": ["null", "long"]}), {"a": None}),
    (record({"name": "a", "type": ["null", "string"]}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "b", "type": "long"}), record({"name": "a", "type": "long"}), {"a": 5}),
    (record({"name": "a", "type": "string"}), record({"name": "a", "type": FIXED}), {"a": b"xy"}),
    (record({"name": "a", "type": {**FIXED, "size": 3}}), record({"name": "a", "type": FIXED}), {"a": b"xy"}),
    (record({"name": "a", "type": {**FIXED, "name": "n.G"}}), record({"name": "a", "type": FIXED}), {"a": b"xy"}),
    (
        record({"name": "a", "type": {"type": "array", "items": "string"}}),
        record({"name": "a", "type": {"type": "array", "items": "long"}}),
        {"a": [1]},
    ),
    (record({"name": "a", "type": "long"}, name="n.S"), record({"name": "a", "type": "long"}), {"a": 5}),
]


def read(reader: dict[str, Any], writer: dict[str, Any], value: dict[str, Any]) -> Any:
    """Write a value with one schema and read it with another, by fastavro."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(writer), value)
    buffer.seek(0)
    return fastavro.schemaless_reader(buffer, fastavro.parse_schema(writer), fastavro.parse_schema(reader))


@pytest.mark.parametrize(("reader", "writer", "value"), READABLE)
def test_what_the_gate_calls_readable_is_read(reader: dict[str, Any], writer: dict[str, Any], value: dict[str, Any]) -> None:
    """The gate finds nothing, and fastavro reads the bytes."""
    assert unreadable(reader, writer) == []
    assert len(read(reader, writer, value)) == len(reader["fields"])


@pytest.mark.parametrize(("reader", "writer", "value"), UNREADABLE)
def test_what_the_gate_calls_unreadable_is_not_read(
    reader: dict[str, Any], writer: dict[str, Any], value: dict[str, Any]
) -> None:
    """The gate names the field, and fastavro refuses the bytes."""
    assert len(unreadable(reader, writer)) == 1
    with pytest.raises(fastavro.read.SchemaResolutionError):
        read(reader, writer, value)


def test_random_changes_that_pass_are_read_by_fastavro() -> None:
    """Over random changes of the real records: whatever the gate lets through, an ordinary reader reads; some is stopped."""
    random = Random(7)  # noqa: S311 - the same changes in every run
    passed = stopped = 0
    writer = strip(registry().latest(AUDIT_EVENT).avro, {"logicalType"})
    for _ in range(60):
        reader = changed(copy.deepcopy(writer), random)
        if unreadable(reader, writer):
            stopped += 1
        else:
            passed += 1
            read(reader, writer, generate_one(writer))
    assert passed > 10
    assert stopped > 10


def changed(schema: dict[str, Any], random: Random) -> dict[str, Any]:
    """Change a few fields of a record schema at random."""
    fields = schema["fields"]
    for _ in range(random.choice((1, 2, 3))):
        field = random.choice([field for field in fields if "langtrail." not in json.dumps(field)])
        match random.randrange(5):
            case 0:
                fields.remove(field)
            case 1:
                fields.append({"name": f"new_{len(fields)}", "type": "long"} | random.choice(({}, {"default": 1})))
            case 2:
                fields.remove(field)
                fields.append(field)
            case 3 if not isinstance(field["type"], list):
                field["type"] = ["null", field["type"]]
                field.pop("default", None)
            case _:
                field["aliases"], field["name"] = [field["name"]], f"{field['name']}_renamed"
    return schema
