"""Bytes to records and back: Avro in the Confluent wire format, and the pieces a record is made of."""

import struct
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any, Final, NamedTuple

import fastavro
import fastavro.types

from .errors import MalformedRecord
from .registry import RAW_EVENT, RegisteredSchema, registry, strip

CONTENT_FIELDS: Final = {
    "input": "input_commit",
    "output": "output_commit",
    "error_message": "error_commit",
    "params": "params_commit",
    "metadata": "metadata_commit",
    "tags": "tags_commit",
}
"""The content fields, each with the core field that commits to it."""

_PREFIX: Final = struct.Struct(">bI")
PREFIX_BYTES: Final = _PREFIX.size
"""How much of a value comes before its Avro datum."""
_HASH_BYTES: Final = 32
_ONE_BYTE: Final = 63
_TWO_BYTES: Final = 8192
"""The largest long that Avro writes in one byte, and the smallest that takes more than two."""
_EIGHT_BYTES: Final = 1 << 55
"""The smallest long that Avro writes in more than eight bytes."""


class Frame(NamedTuple):
    """A Kafka value taken apart: the id of its schema and its Avro bytes."""

    schema_id: int
    datum: bytes


def frame(schema_id: int, datum: bytes) -> bytes:
    """Return a value in the Confluent wire format: 0x00, the schema id as four bytes, the Avro datum."""
    return _PREFIX.pack(0, schema_id) + datum


def unframe(value: bytes | None) -> Frame:
    """Take a value in the Confluent wire format apart. Raises MalformedRecord when it is none."""
    value = value or b""
    return Frame(schema_id_of(value), value[PREFIX_BYTES:])


def schema_id_of(value: bytes) -> int:
    """Return the id of the schema of a value in the Confluent wire format. Raises MalformedRecord when it is none."""
    if len(value) < PREFIX_BYTES or value[0]:
        raise MalformedRecord("the value is not Avro in the Confluent wire format (0x00, schema id, datum)")
    return int.from_bytes(value[1:PREFIX_BYTES], "big")


def encode(schema: RegisteredSchema, record: dict[str, Any]) -> bytes:
    """Return the Avro datum of a record; absent nullable fields are null. Raises MalformedRecord on a wrong field."""
    return _writer(schema).write(record)


def decode(schema: RegisteredSchema, datum: bytes) -> dict[str, Any]:
    """Return the record of an Avro datum: UUIDs as text, timestamps as integer microseconds.

    Raises MalformedRecord when the bytes are not of this schema, or when any are left over.
    """
    buffer = BytesIO(datum)
    try:
        record: dict[str, Any] = fastavro.schemaless_reader(buffer, schema.wire, None)  # type: ignore[assignment]
    except Exception as error:  # noqa: BLE001 - fastavro has no base class: EOFError, IndexError, ValueError, UnicodeDecodeError …
        raise MalformedRecord(f"the bytes are not a record of schema id {schema.id} ({type(error).__name__})") from None
    if buffer.tell() != len(datum):
        raise MalformedRecord(f"{len(datum) - buffer.tell()} bytes are left over after a record of schema id {schema.id}")
    return record


class RawParts(NamedTuple):
    """A RawEvent cut into its two head fields and its core, nothing decoded."""

    chain_hash: bytes
    content: bytes
    core: bytes


def split_raw(datum: bytes, begin: int = 0) -> RawParts:
    """Cut a RawEvent of any version into chain_hash, content and core without decoding the core.

    `begin` is where it begins in the bytes: with PREFIX_BYTES they are a whole value. Raises MalformedRecord when the head does
    not fit into them.
    """
    size, content = _read_long(datum, begin + _HASH_BYTES)
    core = content + size
    if size < 0 or core >= len(datum):
        raise MalformedRecord("the head of the raw event is longer than its bytes")
    return RawParts(datum[begin : begin + _HASH_BYTES], datum[content:core], datum[core:])


def join_raw(chain: bytes, content: bytes, core: bytes, prefix: bytes = b"") -> bytes:
    """Return the datum of a RawEvent from its parts, the inverse of split_raw, after `prefix`: with frame's, a whole value."""
    return b"".join((prefix, chain, encode_long(len(content)), content, core))


@cache
def core_groups(core_of: int) -> dict[str, fastavro.types.Schema]:
    """Return the core of a registered schema as consecutive records, one for each group of fields."""
    schema = registry().by_id(core_of)
    groups: dict[str, list[Any]] = {}
    for field in schema.avro["fields"][schema.head_length :]:
        groups.setdefault(field["group"], []).append(strip(field, {"logicalType", "doc", "group"}))
    names = {"langtrail.Hash": {"type": "fixed", "name": "langtrail.Hash", "size": _HASH_BYTES}}
    return {
        group: fastavro.parse_schema({"type": "record", "name": f"langtrail.{group}", "fields": _inline(fields, names)})
        for group, fields in groups.items()
    }


def encode_group(group: str, values: dict[str, Any]) -> bytes:
    """Return the bytes of one group of core fields, newest core. The core is the concatenation of CORE_GROUPS."""
    return _NEWEST_GROUPS[group].write(values)


def part_encoder(fields: list[dict[str, Any]]) -> Callable[[dict[str, Any]], bytes]:
    """Return what encodes some consecutive fields of a record: what `encode` does, for a part. It raises MalformedRecord."""
    part = {"type": "record", "name": "langtrail.Part", "fields": strip(fields, {"logicalType", "doc", "group"})}
    return _Writer(fastavro.parse_schema(part)).write


def encode_long(number: int) -> bytes:
    """Return Avro's encoding of a long: zigzag, then base 128 with the low bits first."""
    if 0 <= number < _TWO_BYTES:  # most lengths are as small: without the loop they take half the time
        return bytes((number << 1 & 0x7F | 0x80, number >> 6)) if number > _ONE_BYTE else bytes((number << 1,))
    if 0 <= number < _EIGHT_BYTES:  # any time in microseconds up to the year 3111
        return _up_to_eight_bytes(number << 1)
    return encode_unsigned((number << 1) ^ (number >> 63))


def _up_to_eight_bytes(number: int) -> bytes:
    """Return 56 bits in base 128: halves, then quarters, then eighths of them are moved apart; a third of the loop's time."""
    size = (number.bit_length() + 6) // 7
    number = number & 0x0000_0000_0FFF_FFFF | (number & 0x00FF_FFFF_F000_0000) << 4
    number = number & 0x0000_3FFF_0000_3FFF | (number & 0x0FFF_C000_0FFF_C000) << 2
    number = number & 0x007F_007F_007F_007F | (number & 0x3F80_3F80_3F80_3F80) << 1
    return (number | 0x0080_8080_8080_8080 >> 64 - 8 * size).to_bytes(size, "little")


def encode_unsigned(number: int) -> bytes:
    """Return a whole number from 0 on in base 128, the low bits first."""
    out = bytearray()
    while number & ~0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_long(data: bytes, at: int) -> tuple[int, int]:
    """Return a long that begins at a place, and where it ends."""
    shift = number = 0
    while True:
        if at >= len(data) or shift > 63:
            raise MalformedRecord("the bytes end within a number")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7


class _Writer:
    """Writes records of one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._checks = tuple((f["name"], _TYPES[kind]) for f in schema["fields"] if (kind := _kind(f["type"])) in _TYPES)

    def write(self, record: dict[str, Any]) -> bytes:
        """Return the Avro datum of a record. Raises MalformedRecord."""
        # fastavro writes 1.5 as 1, None as false and the letters of a text as an array, without a word.
        for name, types in self._checks:
            if name in record and type(record[name]) not in types:
                raise MalformedRecord(f"the field {name} has a value of a wrong type ({type(record[name]).__name__})")
        buffer = BytesIO()
        try:
            fastavro.schemaless_writer(buffer, self._schema, record)
        except Exception as error:  # noqa: BLE001 - fastavro has no base class: ValueError, TypeError, KeyError, OverflowError …
            raise MalformedRecord(f"the record does not fit its schema ({type(error).__name__})") from None
        return buffer.getvalue()


@cache
def _writer(schema: RegisteredSchema) -> _Writer:
    return _Writer(schema.wire)


def _kind(avro_type: Any) -> str:
    return str(avro_type["type"]) if isinstance(avro_type, dict) else str(avro_type)


_TYPES: Final[dict[str, tuple[type, ...]]] = {"long": (int,), "boolean": (bool,), "array": (list, tuple)}


def _inline(fields: list[Any], names: dict[str, Any]) -> list[Any]:
    """Define each named type at its first use: a group stands alone, so it may use a type another group defined."""
    defined: set[str] = set()

    def walk(schema: Any) -> Any:
        if isinstance(schema, list):
            return [walk(item) for item in schema]
        if isinstance(schema, dict):
            if schema.get("type") == "fixed":
                defined.add(schema["name"])
            return {key: walk(value) if key in ("type", "items", "fields") else value for key, value in schema.items()}
        if schema in names and schema not in defined:
            defined.add(schema)
            return names[schema]
        return schema

    return [walk(field) for field in fields]


_NEWEST_GROUPS: Final = {group: _Writer(schema) for group, schema in core_groups(registry().latest(RAW_EVENT).id).items()}
CORE_GROUPS: Final = tuple(_NEWEST_GROUPS)
"""Names of the groups of core fields, in the order of their bytes."""
