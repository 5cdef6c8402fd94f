"""The core of an event read as far as a worker needs it: fastavro takes 33 µs for its 80 fields, this takes 9."""

import re
from collections.abc import Callable
from io import BytesIO
from itertools import groupby
from typing import Any, Final

import fastavro

from langtrail.schemas import RegisteredSchema
from langtrail.schemas.codec import core_groups

_PASSED: Final = ("who", "policy", "stream", "where")
"""Groups of fields that follow one another and stay the same from event to event; no step needs their values."""
_CONTENT: Final = "content"
_LAST: Final = "rest"
_UNREAD: Final = frozenset(
    (
        *("monotonic_ns", "run_id", "parent_run_id", "root_run_id", "ttft_us", "latency_us", "attempt", "step"),
        *("content_bytes", "truncated"),
    )
)
"""Fields whose form is checked, and whose value no step needs."""
_REMEMBERED: Final = 4096
_PREFIX_BYTES: Final = 32

_ONE_BYTE = 0x7F
_NOT_NULL = 2
"""How Avro writes that a nullable field is not null."""
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Field = dict[str, Any]
Values = dict[str, Any]
Read = Callable[[bytes, int, Values], int]
"""Reads some fields that begin at a place into values; returns where they end. Raises Odd, IndexError, UnicodeDecodeError."""


class Odd(Exception):
    """The bytes are not what a producer writes: whether they are a core at all is for a full decoder to say."""


class CoreReader:
    """Reads cores of one schema. What it has read once of the groups that stay the same is known again by its bytes."""

    def __init__(self, schema: RegisteredSchema) -> None:
        """Take the layout from a schema whose groups come in the order of this contract."""
        fields = schema.avro["fields"][schema.head_length :]
        groups = {name: [*group] for name, group in groupby(fields, lambda field: field["group"])}
        first = [name for name in groups if name not in (*_PASSED, _CONTENT, _LAST)]
        if [*groups] != [*first, *_PASSED, _CONTENT, _LAST]:
            raise ValueError("the groups of the core are in an order that this reader does not know")
        self._first = [(bytes(len(groups[name])), _none(groups[name]), _reads(groups[name])) for name in first]
        (self._content,) = _reads(groups[_CONTENT])
        self._passed = [core_groups(schema.id)[name] for name in _PASSED]
        self._rest = core_groups(schema.id)[_LAST]
        self._known: dict[bytes, bytes] = {}
        self._known_rests: set[bytes] = set()

    def read(self, core: bytes) -> Values:
        """Return the fields that a worker needs: none of who, policy, stream, where and rest. Raises Odd."""
        values: Values = {}
        at = 0
        try:
            for nulls, without, reads in self._first:
                if without and core.startswith(nulls, at):
                    values.update(without)
                    at += len(nulls)
                    continue
                for read in reads:
                    at = read(core, at, values)
            at = self._pass(core, at)
            at = self._content(core, at, values)
            self._end(core, at)
        except (IndexError, UnicodeDecodeError):
            raise Odd from None
        return values

    def _pass(self, core: bytes, at: int) -> int:
        """Return where the groups that stay the same end."""
        prefix = core[at : at + _PREFIX_BYTES]
        known = self._known.get(prefix)
        # No encoding of a record is the beginning of another: the same bytes are the same fields.
        if known is not None and core.startswith(known, at):
            return at + len(known)
        end, previous_stream = at, None
        for group in self._passed:
            decoded, end = _decoded(core, end, group)
            previous_stream = decoded.get("previous_stream_id", previous_stream)
        if previous_stream is not None and not re.fullmatch(_UUID, previous_stream):
            raise Odd
        _make_room(self._known)
        self._known[prefix] = core[at:end]
        return end

    def _end(self, core: bytes, at: int) -> None:
        """See that the fields of the last group are there and nothing after them."""
        rest = core[at:]
        if rest in self._known_rests:
            return
        if _decoded(core, at, self._rest)[1] != len(core):
            raise Odd
        _make_room(self._known_rests)
        self._known_rests.add(rest)


def _make_room(known: dict[bytes, bytes] | set[bytes]) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()


def _decoded(core: bytes, at: int, group: Any) -> tuple[Values, int]:
    """Return a group of fields as fastavro reads it, and where it ends."""
    buffer = BytesIO(core)
    buffer.seek(at)
    try:
        values: Any = fastavro.schemaless_reader(buffer, group, None)
    except Exception:  # noqa: BLE001 - fastavro has no base class; the full decoder says what it is
        raise Odd from None
    return values, buffer.tell()


def _none(fields: list[Field]) -> Values:
    """Return the values of a group that is not there: a chain's event has no model. Empty when some are never null."""
    return dict.fromkeys((field["name"] for field in fields), None) if all(isinstance(f["type"], list) for f in fields) else {}


def _reads(fields: list[Field]) -> list[Read]:
    """Return what reads these fields: texts one by one, those of a form that a pattern can tell in one go."""
    reads = []
    for is_text, run in groupby(fields, lambda field: _form(field) is None):
        together = [*run]
        reads.append(_read_texts(together) if is_text else _read_forms(together))
    return reads


def _read_texts(fields: list[Field]) -> Read:
    names = [(field["name"], isinstance(field["type"], list)) for field in fields]

    def read(core: bytes, at: int, values: Values) -> int:
        for name, nullable in names:
            if nullable:
                at += 1
                if core[at - 1] != _NOT_NULL:
                    if core[at - 1]:
                        raise Odd
                    values[name] = None
                    continue
            size = core[at]
            at += 1
            if size > _ONE_BYTE:
                size = size & _ONE_BYTE | core[at] << 7
                at += 1
            if size & 1 or size >= 1 << 14:  # negative, or longer than two bytes can say
                raise Odd
            end = at + (size >> 1)
            values[name] = core[at:end].decode()
            at = end
        return at

    return read


def _read_forms(fields: list[Field]) -> Read:
    forms = [form for field in fields if (form := _form(field)) is not None]
    pattern = re.compile(b"".join(pattern for pattern, _ in forms), re.DOTALL)
    names = [
        (field["name"], convert) for field, (_, convert) in zip(fields, forms, strict=True) if field["name"] not in _UNREAD
    ]

    def read(core: bytes, at: int, values: Values) -> int:
        match = pattern.match(core, at)
        if match is None:
            raise Odd
        for (name, convert), found in zip(names, match.groups(), strict=True):
            values[name] = found if found is None or convert is None else convert(found)
        return match.end()

    return read


def _form(field: Field) -> tuple[bytes, Callable[[bytes], Any] | None] | None:
    """Return how a field is written, and how its value is read; None when only its length tells where it ends."""
    avro_type, nullable = field["type"], isinstance(field["type"], list)
    avro_type = avro_type[1] if nullable else avro_type
    pattern: str
    before = ""
    convert: Callable[[bytes], Any] | None
    match avro_type if isinstance(avro_type, dict) else {"type": avro_type}:
        case {"logicalType": "uuid"}:
            pattern, convert, before = _UUID, bytes.decode, "H"  # the length, 36
        case {"type": "long"}:
            pattern, convert = r"[\x80-\xff]{0,9}[\x00-\x7f]", _long
        case {"type": "fixed" | "langtrail.Hash"}:
            pattern, convert = ".{32}", None
        case {"type": "boolean"}:
            pattern, convert = r"[\x00\x01]", _boolean
        case {"type": "string"}:
            return None
        case other:
            raise TypeError(f"a core field of a type that cannot be read: {other}")
    pattern = f"(?:{pattern})" if field["name"] in _UNREAD else f"({pattern})"
    return (rf"(?:\x00|\x02{before}{pattern})" if nullable else f"{before}{pattern}").encode(), convert


def _boolean(byte: bytes) -> bool:
    return byte == b"\x01"


def _long(varint: bytes) -> int:
    number = 0
    for byte in reversed(varint):
        number = number << 7 | byte & _ONE_BYTE
    return number >> 1 ^ -(number & 1)
