"""The core of an event read as far as a worker needs it: fastavro takes 33 µs for its 80 fields, this takes 6."""

import re
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from itertools import groupby
from typing import Any, Final

import fastavro

from langtrail.schemas import CONTENT_FIELDS, RegisteredSchema
from langtrail.schemas.codec import core_groups, encode_long

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
_LONGEST_TEXT: Final = 127

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
        if not all(group[name] is None or re.fullmatch(_UUID, group[name]) for name in self._uuids):
            raise Odd
        values.update([(name, value) for name, value in group.items() if name in values])
        return buffer.tell()


class _Reader:
    """Reads a group of fields in one go where they are as nearly all are: texts short and in ASCII; others are decoded."""

    def __init__(self, fields: list[Field], decoder: _Decoder) -> None:
        self._match = re.compile(b"".join(map(_pattern, fields)), re.DOTALL).match
        self._wanted = [(field["name"], _VALUES[_kind(field)]) for field in fields if field["name"] in _WANTED]
        self._decoder = decoder

    def read(self, core: bytes, at: int, values: Values) -> int:
        """Read the fields that begin at a place into values; return where they end. Raises Odd."""
        matched = self._match(core, at)
        if matched is None:
            return self._decoder.read(core, at, values)
        for (name, value), written in zip(self._wanted, matched.groups(), strict=True):
            if written is not None:
                values[name] = value(written)
        return matched.end()


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


def _pattern(field: Field) -> bytes:
    """Return how a field is written; a group when its value is needed."""
    pattern = (b"(%b)" if field["name"] in _WANTED else b"(?:%b)") % _PATTERNS[_kind(field)]
    return rb"(?:\x00|\x02%b)" % pattern if _is_nullable(field) else pattern


@lru_cache(maxsize=_REMEMBERED)  # types, tenants and models come again
def _text(written: bytes) -> str:
    return written[1 if written[0] <= _ONE_BYTE else 2 :].decode()


def _uuid(written: bytes) -> str:
    return written[1:].decode()


def _long(varint: bytes) -> int:
    number = 0
    for byte in reversed(varint):
        number = number << 7 | byte & _ONE_BYTE
    return number >> 1 ^ -(number & 1)


_ONE_BYTE: Final = 0x7F
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID_LENGTH: Final = 36
_PATTERNS: Final = {
    "string": b"|".join([re.escape(encode_long(size)) + rb"[\x00-\x7f]{%d}" % size for size in range(_LONGEST_TEXT + 1)]),
    "uuid": re.escape(encode_long(_UUID_LENGTH)) + _UUID.encode(),
    # Nine bytes hold any number there is; the tenth may hold bits that no long has.
    "long": rb"[\x80-\xff]{0,8}[\x00-\x7f]",
    "boolean": rb"[\x00\x01]",
    "langtrail.Hash": rb".{32}",
}
"""How Avro writes a value, its length included. Of the lengths of a text the pattern has all: an expression cannot count."""
_VALUES: Final[dict[str, Callable[[bytes], Any]]] = {"string": _text, "uuid": _uuid, "long": _long, "langtrail.Hash": bytes}
