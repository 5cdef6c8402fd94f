"""Kafka's Avro bytes as one Avro container that ClickHouse reads: nothing is decoded.

An Avro record is the concatenation of its fields, so fields are prepended by prepending bytes. Each record is a block of its
own: in a larger block a record that is cut short would shift its neighbours without an error, in its own it fails the insert.
The format is Avro's object container file, https://avro.apache.org/docs/1.12.0/specification/#object-container-files.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from langtrail.schemas import RegisteredSchema
from langtrail.schemas.codec import encode_long
from langtrail.schemas.registry import strip

_MAGIC = b"Obj\x01"
_ONE_RECORD = encode_long(1)
_ORIGIN = (("_topic", "string"), ("_partition", "int"), ("_schema_id", "int"), ("_offset", "long"))
_LOW_BITS = 13
_LOW_MASK = 2**_LOW_BITS - 1
_SHORT = tuple(map(encode_long, range(2**_LOW_BITS)))
"""The offsets of one or two bytes."""
_LOW_PARTS = tuple(bytes((offset << 1 & 127 | 128, offset >> 6 | 128)) for offset in range(2**_LOW_BITS))
"""The first two bytes of any longer offset; its others are the same for all 8192 offsets of a block."""


class AvroContainer:
    """Makes containers for the records of one partition and one schema, each record led by where it came from."""

    def __init__(self, topic: str, partition: int, schema: RegisteredSchema) -> None:
        origin = [{"name": name, "type": kind} for name, kind in _ORIGIN]
        record = strip(schema.avro, {"doc", "group", "default"})
        text = json.dumps({**record, "fields": origin + record["fields"]}).encode()
        name = topic.encode()
        self._sync = sha256(text).digest()[:16]
        self._header = _header(text, self._sync)
        prefix = encode_long(len(name)) + name + encode_long(partition) + encode_long(schema.id)

        def lead(size: int) -> bytes:
            return _ONE_RECORD + encode_long(len(prefix) + size) + prefix

        self._lead = lru_cache(maxsize=65_536)(lead)
        self.columns = [name for name, _ in _ORIGIN] + [field["name"] for field in schema.avro["fields"]]
        """The table columns that the records fill, in the order of their bytes."""

    def encode(self, records: Iterable[tuple[int, bytes]]) -> bytes:
        """Return a container file of (offset, Avro datum) pairs."""
        sync, lead = self._sync, self._lead
        parts = [self._header]
        block, low_parts, high_part = 0, _SHORT, b""
        for offset, datum in records:
            if offset >> _LOW_BITS != block:
                block = offset >> _LOW_BITS
                low_parts, high_part = (_LOW_PARTS, _unsigned(block)) if block else (_SHORT, b"")
            position = low_parts[offset & _LOW_MASK] + high_part
            parts += (lead(len(position) + len(datum)), position, datum, sync)
        return b"".join(parts)


def _unsigned(number: int) -> bytes:
    """Return Avro's encoding of a number that is not zigzag any more."""
    return encode_long(number >> 1 ^ -(number & 1))


def _header(schema: bytes, sync: bytes) -> bytes:
    metadata = {b"avro.schema": schema, b"avro.codec": b"null"}
    pairs = b"".join(encode_long(len(part)) + part for pair in metadata.items() for part in pair)
    return _MAGIC + encode_long(len(metadata)) + pairs + b"\x00" + sync
