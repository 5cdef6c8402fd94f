"""Kafka's Avro bytes as one Avro container that ClickHouse reads: nothing is decoded.

An Avro record is the concatenation of its fields, so fields are prepended by prepending bytes. Each record is a block of its
own: in a larger block a record that is cut short would shift its neighbours without an error, in its own it fails the insert.
The format is Avro's object container file, https://avro.apache.org/docs/1.12.0/specification/#object-container-files.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from itertools import chain
from operator import add

from langtrail.schemas import RegisteredSchema
from langtrail.schemas.codec import encode_long
from langtrail.schemas.registry import strip

_MAGIC = b"Obj\x01"
_ONE_RECORD = encode_long(1)
_ORIGIN = (("_topic", "string"), ("_partition", "int"), ("_schema_id", "int"), ("_offset", "long"))
_LOW_BITS = 13
_LOW_MASK = 2**_LOW_BITS - 1
_LOW_PARTS = tuple(bytes((offset << 1 & 127 | 128, offset >> 6 | 128)) for offset in range(2**_LOW_BITS))
"""The first two bytes of an offset of more; its others are the same for all 8192 offsets of a block."""
_ROWS_A_PIECE = 256


class AvroContainer:
    """Makes containers for the records of one partition and one schema, each record led by where it came from."""

    def __init__(self, topic: str, partition: int, schema: RegisteredSchema) -> None:
        origin = [{"name": name, "type": kind} for name, kind in _ORIGIN]
        record = strip(schema.avro, {"doc", "group", "default"})
        text = json.dumps({**record, "fields": origin + record["fields"]}).encode()
        name = topic.encode()
        self._sync = sync = sha256(text).digest()[:16]
        self._header = _header(text)
        prefix = encode_long(len(name)) + name + encode_long(partition) + encode_long(schema.id)

        def lead(size: int) -> bytes:
            return sync + _ONE_RECORD + encode_long(len(prefix) + size) + prefix

        self._lead = lru_cache(maxsize=65_536)(lead)
        self.columns = [name for name, _ in _ORIGIN] + [field["name"] for field in schema.avro["fields"]]
        """The table columns that the records fill, in the order of their bytes."""

    def pieces(self, offsets: Sequence[int], values: Sequence[bytes], skip: int = 0) -> "Pieces":
        """Return a container file of records: their offsets, and values that hold a datum after `skip` bytes."""
        return Pieces(partial(self._pieces, offsets, values, skip))

    def encode(self, records: Iterable[tuple[int, bytes]]) -> bytes:
        """Return a container file of (offset, Avro datum) pairs."""
        pairs = list(records)
        return b"".join(self._pieces([offset for offset, _ in pairs], [datum for _, datum in pairs], 0))

    def _pieces(self, offsets: Sequence[int], values: Sequence[bytes], skip: int) -> Iterator[bytes]:
        yield self._header
        for at in range(0, len(offsets), _ROWS_A_PIECE):
            positions = _positions(offsets[at : at + _ROWS_A_PIECE])
            datums = [value[skip:] for value in values[at : at + _ROWS_A_PIECE]]
            leads = map(self._lead, map(add, map(len, positions), map(len, datums)))
            yield b"".join(chain.from_iterable(zip(leads, positions, datums, strict=True)))
        yield self._sync


@dataclass(frozen=True)
class Pieces:
    """A container file that is made while it is read, and again when it is read again.

    In one piece, a batch would be memory that the system has to clear first, for every batch anew: a sixth of the sink's time.
    """

    make: Callable[[], Iterator[bytes]]

    def __iter__(self) -> Iterator[bytes]:
        return self.make()


def _positions(offsets: Sequence[int]) -> list[bytes]:
    """Return Avro's encoding of each offset."""
    block = offsets[0] >> _LOW_BITS
    if block == 0 or min(offsets) >> _LOW_BITS != block or max(offsets) >> _LOW_BITS != block:
        return list(map(encode_long, offsets))
    high = _unsigned(block)
    return [_LOW_PARTS[offset & _LOW_MASK] + high for offset in offsets]


def _unsigned(number: int) -> bytes:
    """Return Avro's encoding of a number that is not zigzag any more."""
    return encode_long(number >> 1 ^ -(number & 1))


def _header(schema: bytes) -> bytes:
    """Return what a file begins with, but for the sync mark that leads to the first block."""
    metadata = {b"avro.schema": schema, b"avro.codec": b"null"}
    pairs = b"".join(encode_long(len(part)) + part for pair in metadata.items() for part in pair)
    return _MAGIC + encode_long(len(metadata)) + pairs + b"\x00"
