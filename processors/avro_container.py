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
_encode_size = lru_cache(maxsize=65_536)(encode_long)


class AvroContainer:
    """Makes containers for the records of one partition and one schema, each record led by where it came from."""

    def __init__(self, topic: str, partition: int, schema: RegisteredSchema) -> None:
        origin = [{"name": name, "type": kind} for name, kind in _ORIGIN]
        record = strip(schema.avro, {"doc", "group", "default"})
        text = json.dumps({**record, "fields": origin + record["fields"]}).encode()
        name = topic.encode()
        self._sync = sha256(text).digest()[:16]
        self._header = _header(text, self._sync)
        self._prefix = encode_long(len(name)) + name + encode_long(partition) + encode_long(schema.id)
        self.columns = [name for name, _ in _ORIGIN] + [field["name"] for field in schema.avro["fields"]]
        """The table columns that the records fill, in the order of their bytes."""

    def encode(self, records: Iterable[tuple[int, bytes]]) -> bytes:
        """Return a container file of (offset, Avro datum) pairs."""
        prefix, sync, length = self._prefix, self._sync, len(self._prefix)
        parts = [self._header]
        for offset, datum in records:
            position = encode_long(offset)
            size = _encode_size(length + len(position) + len(datum))
            parts += (_ONE_RECORD, size, prefix, position, datum, sync)
        return b"".join(parts)


def _header(schema: bytes, sync: bytes) -> bytes:
    metadata = {b"avro.schema": schema, b"avro.codec": b"null"}
    pairs = b"".join(encode_long(len(part)) + part for pair in metadata.items() for part in pair)
    return _MAGIC + encode_long(len(metadata)) + pairs + b"\x00" + sync
