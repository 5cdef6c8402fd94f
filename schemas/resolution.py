"""Avro's rules for reading with one schema what was written with another (specification 1.12, "Schema Resolution")."""

from collections.abc import Iterator
from typing import Any, Final

import fastavro

_PROMOTIONS: Final = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
_PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


def unreadable(reader: dict[str, Any], writer: dict[str, Any]) -> list[str]:
    """Return why code that has the record schema `reader` cannot read all that was written with `writer`; empty when it can.

    Stricter than Avro in two ways: a logical type must stay what it was, and enums and maps are no part of the contract.
    Each item is a clause that begins with the path of the field.
    """
    return list(_mismatches(expanded(reader), expanded(writer), writer["name"]))


def expanded(schema: dict[str, Any]) -> Any:
    """Return a schema with full names, and each named type in full wherever it is used.

    Raises SchemaParseException or UnknownType of fastavro, or KeyError, when it is no Avro schema.
    """
    return fastavro.parse_schema(schema, expand=True)


def kind(schema: Any) -> str:
    """Return the name of an Avro type, such as string, array or fixed."""
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _mismatches(reader: Any, writer: Any, path: str) -> Iterator[str]:
    if isinstance(writer, list):
        for branch in writer:
            yield from _mismatches(reader, branch, path)
        return
    if isinstance(reader, list):
        if all(any(_mismatches(branch, writer, path)) for branch in reader):
            yield f"{path} was written as {_called(writer)} and is read as {' or '.join(_called(branch) for branch in reader)}"
        return
    new, old = kind(reader), kind(writer)
    if (new != old and new not in _PROMOTIONS.get(old, ())) or _logical(reader) != _logical(writer):
        yield f"{path} was written as {_called(writer)} and is read as {_called(reader)}"
    elif new not in _PRIMITIVES:
        yield from _inside(reader, writer, path)


def _inside(reader: Any, writer: Any, path: str) -> Iterator[str]:
    match reader["type"]:
        case "array":
            yield from _mismatches(reader["items"], writer["items"], f"{path}[]")
        case "fixed" | "record" if not _same_name(reader, writer):
            yield f"{path} was written as {writer['name']} and is read as {reader['name']}"
        case "fixed":
            if reader["size"] != writer["size"]:
                yield f"{path} was written with {writer['size']} bytes and is read with {reader['size']}"
        case "record":
            yield from _fields(reader, writer, path)
        case other:
            yield f"{path} is {other}, which the contract does not use"


def _fields(reader: Any, writer: Any, path: str) -> Iterator[str]:
    written = {field["name"]: field["type"] for field in writer["fields"]}
    for field in reader["fields"]:
        name = next((name for name in (field["name"], *field.get("aliases", ())) if name in written), None)
        if name is not None:
            yield from _mismatches(field["type"], written[name], f"{path}.{field['name']}")
        elif "default" not in field:
            yield f"{path}.{field['name']} was not written and has no default"


def _same_name(reader: Any, writer: Any) -> bool:
    names = (reader["name"], *reader.get("aliases", ()))
    return writer["name"].rpartition(".")[2] in {name.rpartition(".")[2] for name in names}


def _called(schema: Any) -> str:
    logical = _logical(schema)
    return f"{kind(schema)} ({logical})" if logical else kind(schema)


def _logical(schema: Any) -> str | None:
    return schema.get("logicalType") if isinstance(schema, dict) else None
