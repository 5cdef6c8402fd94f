"""The core of an event read as far as a worker needs it: fastavro takes 33 µs for its 80 fields, this takes 6."""

from functools import lru_cache
from io import BytesIO
from itertools import groupby
from typing import Any, Final

import fastavro

from langtrail.schemas import CONTENT_FIELDS, RegisteredSchema
from langtrail.schemas.codec import core_groups

_PASSED: Final = ("who", "policy", "stream", "where")
"""Groups of fields that follow one another and stay the same from event to event; no step needs their values."""
_CONTENT: Final = "content"
_LAST: Final = "rest"
_WANTED: Final = frozenset(
    (
        *("event_type", "stream_id", "seq", "occurred_at", "tenant_id"),
        *("provider", "request_model", "response_model", "started_at"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
        *CONTENT_FIELDS.values(),
    )
)
"""The fields whose values a step needs; of the others only the form is checked."""
_REMEMBERED: Final = 4096
_PREFIX_BYTES: Final = 32

Field = dict[str, Any]
Values = dict[str, Any]


class Odd(Exception):
    """The bytes are not what a producer writes: whether they are a core at all is for a full decoder to say."""


class CoreReader:
    """Reads cores of one schema. What it has read once of the groups that stay the same is known again by its bytes."""

    def __init__(self, schema: RegisteredSchema) -> None:
        """Take the layout from a schema whose groups come in the order of this contract."""
        fields = schema.avro["fields"][schema.head_length :]
        groups = {name: [*group] for name, group in groupby(fields, lambda field: field["group"])}
        last = [*_PASSED, _CONTENT, _LAST]
        first = [name for name in groups if name not in last]
        if [*groups] != [*first, *last]:
            raise ValueError("the groups of the core are in an order that this reader does not know")
        decode = {name: _Decoder(core_groups(schema.id)[name], group) for name, group in groups.items()}
        self._first = [(_nulls(groups[name]), _Reader(groups[name], decode[name])) for name in first]
        self._passed = [decode[name] for name in _PASSED]
        self._content = _Reader(groups[_CONTENT], decode[_CONTENT])
        self._rest = decode[_LAST]
        self._none: Values = dict.fromkeys([field["name"] for field in fields if field["name"] in _WANTED])
        self._known: dict[bytes, bytes] = {}
        self._known_rests: set[bytes] = set()

    def read(self, core: bytes) -> Values:
        """Return the fields that a worker needs. Raises Odd."""
        values = self._none.copy()
        at = 0
        for nulls, group in self._first:  # most groups are not there: a chain's event has no model
            at = at + len(nulls) if core.startswith(nulls, at) else group.read(core, at, values)
        at = self._pass(core, at)
        self._end(core, self._content.read(core, at, values))
        return values

    def _pass(self, core: bytes, at: int) -> int:
        """Return where the groups that stay the same end."""
        prefix = core[at : at + _PREFIX_BYTES]
        known = self._known.get(prefix)
        # No encoding of a record is the beginning of another: the same bytes are the same fields.
        if known is not None and core.startswith(known, at):
            return at + len(known)
        end = at
        for decoder in self._passed:
            end = decoder.read(core, end, {})
        _make_room(self._known)
        self._known[prefix] = core[at:end]
        return end

    def _end(self, core: bytes, at: int) -> None:
        """See that the fields of the last group are there and nothing after them."""
        rest = core[at:]
        if rest in self._known_rests:
            return
        if self._rest.read(core, at, {}) != len(core):
            raise Odd
        _make_room(self._known_rests)
        self._known_rests.add(rest)


def _make_room(known: dict[bytes, bytes] | set[bytes]) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()


class _Decoder:
    """Reads a group of fields as fastavro does, whatever they hold."""

    def __init__(self, schema: Any, fields: list[Field]) -> None:
        self._schema = schema
        self._uuids = [field["name"] for field in fields if _kind(field) == "uuid"]

    def read(self, core: bytes, at: int, values: Values) -> int:
        """Read the fields that begin at a place into values; return where they end. Raises Odd."""
        buffer = BytesIO(core)
        buffer.seek(at)
        try:
            group: Any = fastavro.schemaless_reader(buffer, self._schema, None)
        except Exception:  # noqa: BLE001 - fastavro has no base class; the full decoder says what it is
            raise Odd from None
        if not all(group[name] is None or _is_uuid(group[name].encode()) for name in self._uuids):
            raise Odd
        values.update([(name, value) for name, value in group.items() if name in values])
        return buffer.tell()


class _Reader:
    """Reads a group of fields where they are as nearly all are: texts short and in ASCII; others are decoded."""

    def __init__(self, fields: list[Field], decoder: _Decoder) -> None:
        self._parts = [_PARTS[_kind(field)](field) for field in fields]
        self._decoder = decoder

    def read(self, core: bytes, at: int, values: Values) -> int:
        """Read the fields that begin at a place into values; return where they end. Raises Odd."""
        begin = at
        try:
            for part in self._parts:
                at = part.read(core, at, values)
        except (IndexError, Odd):
            return self._decoder.read(core, begin, values)
        return at


class _Part:
    """One field."""

    def __init__(self, field: Field) -> None:
        self.nullable = _is_nullable(field)
        self.name: str = field["name"]
        self.wanted = self.name in _WANTED

    def read(self, core: bytes, at: int, values: Values) -> int:
        """Read the field that begins at a place into values, if its value is needed; return where it ends.

        Raises Odd or IndexError where it is not what it nearly always is.
        """
        if not self.nullable:
            return self.read_value(core, at, values)
        branch = core[at]
        if not branch:
            return at + 1
        if branch != _NOT_NULL:
            raise Odd
        return self.read_value(core, at + 1, values)

    def read_value(self, core: bytes, at: int, values: Values) -> int:
        """Read it when it is not null."""
        raise NotImplementedError


class _Text(_Part):
    def read_value(self, core: bytes, at: int, values: Values) -> int:
        size = core[at]
        at += 1
        if size > _SEVEN_BITS:
            size = size & _SEVEN_BITS | core[at] << 7
            at += 1
        end = at + (size >> 1)
        text = core[at:end]
        if size & 1 or size > _LONGEST_SIZE or end > len(core) or not text.isascii():
            raise Odd
        if self.wanted:
            values[self.name] = _known_text(text)
        return end


class _Uuid(_Part):
    def read_value(self, core: bytes, at: int, values: Values) -> int:
        end = at + 1 + _UUID_LENGTH
        text = core[at + 1 : end]
        if core[at] != 2 * _UUID_LENGTH or not _is_uuid(text):
            raise Odd
        if self.wanted:
            values[self.name] = text.decode()
        return end


class _Long(_Part):
    def read_value(self, core: bytes, at: int, values: Values) -> int:
        end = at
        while core[end] > _SEVEN_BITS:
            end += 1
        if end - at >= _MOST_BYTES:
            raise Odd
        if self.wanted:
            number = 0
            for place in range(end, at - 1, -1):
                number = number << 7 | core[place] & _SEVEN_BITS
            values[self.name] = number >> 1 ^ -(number & 1)
        return end + 1


class _Boolean(_Part):
    def read_value(self, core: bytes, at: int, values: Values) -> int:
        if core[at] > 1:
            raise Odd
        return at + 1


class _Hash(_Part):
    def read_value(self, core: bytes, at: int, values: Values) -> int:
        end = at + _HASH_BYTES
        if end > len(core):
            raise Odd
        if self.wanted:
            values[self.name] = core[at:end]
        return end


def _nulls(fields: list[Field]) -> bytes | tuple[()]:
    """Return the bytes of a group that is not there, nothing that any bytes begin with for one that always is."""
    return bytes(len(fields)) if all(map(_is_nullable, fields)) else ()


def _kind(field: Field) -> str:
    """Return the name of a field's type, of what it is when it is not null."""
    avro_type = field["type"][1] if _is_nullable(field) else field["type"]
    if isinstance(avro_type, dict):
        return "uuid" if avro_type.get("logicalType") == "uuid" else str(avro_type.get("name", avro_type["type"]))
    return str(avro_type)


def _is_nullable(field: Field) -> bool:
    return isinstance(field["type"], list)


@lru_cache(maxsize=_REMEMBERED)  # types, tenants and models come again
def _known_text(text: bytes) -> str:
    return text.decode()


def _is_uuid(text: bytes) -> bool:
    """Tell whether it is a UUID in its canonical form."""
    return (
        len(text) == _UUID_LENGTH
        and text.translate(None, _HEX) == b"----"
        and text[8] == text[13] == text[18] == text[23] == _HYPHEN
    )


_NOT_NULL: Final = 2
_SEVEN_BITS: Final = 0x7F
_LONGEST_SIZE: Final = 0x3FFF
"""The largest that Avro writes in two bytes."""
_MOST_BYTES: Final = 9
"""They hold any number there is; a tenth may hold bits that no long has."""
_HASH_BYTES: Final = 32
_UUID_LENGTH: Final = 36
_HYPHEN: Final = ord("-")
_HEX: Final = b"0123456789abcdef"
_PARTS: Final[dict[str, type[_Part]]] = {
    "string": _Text,
    "uuid": _Uuid,
    "long": _Long,
    "boolean": _Boolean,
    "langtrail.Hash": _Hash,
}
