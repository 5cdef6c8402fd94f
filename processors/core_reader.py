"""The core of an event read as far as a worker needs it: fastavro takes 33 µs for its 80 fields, this takes 8."""

import re
from collections.abc import Callable
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
        *("event_type", "event_id", "stream_id", "seq", "occurred_at", "tenant_id"),
        *("provider", "request_model", "response_model", "started_at"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
        *CONTENT_FIELDS.values(),
    )
)
"""The fields whose values a step needs; of the others only the form is checked."""
_REMEMBERED: Final = 4096
_PREFIX_BYTES: Final = 32

_ONE_BYTE = 0x7F
_NOT_A_SIZE = 0x81
"""Bits of a length's first byte when it is of a longer text, or negative."""
_NOT_NULL = 2
"""How Avro writes that a nullable field is not null."""
_UUID_BYTES: Final = 36
_DIGITS: Final = b"0123456789abcdef"
_DASHES: Final = b"----"
_HASH_BYTES: Final = 32

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
        self._first = [(_nulls(groups[name]), _reads(groups[name])) for name in first]
        self._none: Values = dict.fromkeys(field["name"] for field in fields if field["name"] in _WANTED)
        self._content = _reads(groups[_CONTENT])
        self._passed = [core_groups(schema.id)[name] for name in _PASSED]
        self._rest = core_groups(schema.id)[_LAST]
        self._known: dict[bytes, bytes] = {}
        self._known_rests: set[bytes] = set()

    def read(self, core: bytes) -> Values:
        """Return the fields that a worker needs. Raises Odd."""
        values = self._none.copy()
        at = 0
        try:
            for nulls, reads in self._first:
                if nulls and core.startswith(nulls, at):
                    at += len(nulls)
                    continue
                for read in reads:
                    at = read(core, at, values)
            at = self._pass(core, at)
            for read in self._content:
                at = read(core, at, values)
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
        if previous_stream is not None:
            _uuid(previous_stream.encode())
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


def _nulls(fields: list[Field]) -> bytes:
    """Return the bytes of a group that is not there: a chain's event has no model. Empty when some are never null."""
    return bytes(len(fields)) if all(isinstance(field["type"], list) for field in fields) else b""


def _reads(fields: list[Field]) -> list[Read]:
    """Return what reads these fields: those of a kind that follow one another in one go."""
    return [_READS[kind]([*run]) for kind, run in groupby(fields, _kind)]


def _kind(field: Field) -> str:
    avro_type = _type(field)
    name = str(avro_type["type"] if isinstance(avro_type, dict) else avro_type)
    kind = {"langtrail.Hash": "fixed", "boolean": "long"}.get(name, name)
    if kind not in _READS:
        raise TypeError(f"a core field of a type that cannot be read: {avro_type}")
    return kind


def _type(field: Field) -> Any:
    """Return the type of a field when it is not null."""
    return field["type"][1] if _is_nullable(field) else field["type"]


def _is_nullable(field: Field) -> bool:
    return isinstance(field["type"], list)


def _logical(field: Field) -> str | None:
    avro_type = _type(field)
    return avro_type.get("logicalType") if isinstance(avro_type, dict) else None


def _read_texts(fields: list[Field]) -> Read:
    forms = [(_is_nullable(field), _read_of(field), field["name"] if field["name"] in _WANTED else "") for field in fields]

    def read(core: bytes, at: int, values: Values) -> int:
        first = at
        for nullable, read_bytes, name in forms:
            if nullable:
                mark = core[at]
                at += 1
                if not mark:
                    continue
                if mark != _NOT_NULL:
                    raise Odd
            begin, at = at + 1, at + 1 + (core[at] >> 1)
            if core[begin - 1] & _NOT_A_SIZE:
                begin, at = _long_text(core, begin - 1)
            if name:
                values[name] = read_bytes(core[begin:at])
            elif read_bytes is _uuid:
                _uuid(core[begin:at])
        if not core[first:at].isascii():
            _check_texts(core, first, [nullable for nullable, _, _ in forms])
        return at

    return read


def _read_of(field: Field) -> Callable[[bytes], str]:
    """Return what makes a text of its bytes."""
    return _uuid if _logical(field) == "uuid" else bytes.decode


def _uuid(text: bytes) -> str:
    # Half of what a regular expression takes, and there are five in an event.
    if len(text) != _UUID_BYTES or text[8:24:5] != _DASHES or text.translate(None, _DIGITS) != _DASHES:
        raise Odd
    return text.decode()


def _long_text(core: bytes, at: int) -> tuple[int, int]:
    """Return where a text of more than 63 bytes begins and ends."""
    size = core[at] & _ONE_BYTE | core[at + 1] << 7
    if core[at] & 1 or size >= 1 << 14:  # negative, or longer than two bytes can say
        raise Odd
    return at + 2, at + 2 + (size >> 1)


def _check_texts(core: bytes, at: int, nullables: list[bool]) -> None:
    """See that all texts of a run, whose form is right, are UTF-8."""
    for nullable in nullables:
        if nullable:
            at += 1
            if not core[at - 1]:
                continue
        begin, at = (at + 1, at + 1 + (core[at] >> 1)) if not core[at] & _NOT_A_SIZE else _long_text(core, at)
        core[begin:at].decode()


def _read_hashes(fields: list[Field]) -> Read:
    names = [(field["name"], _is_nullable(field)) for field in fields]

    def read(core: bytes, at: int, values: Values) -> int:
        for name, nullable in names:
            if nullable:
                mark = core[at]
                at += 1
                if not mark:
                    continue
                if mark != _NOT_NULL:
                    raise Odd
            values[name] = core[at : at + _HASH_BYTES]
            at += _HASH_BYTES
        return at

    return read


def _read_numbers(fields: list[Field]) -> Read:
    match = re.compile(b"".join(map(_number_pattern, fields)), re.DOTALL).match
    names = [field["name"] for field in fields if field["name"] in _WANTED]

    def read(core: bytes, at: int, values: Values) -> int:
        matched = match(core, at)
        if matched is None:
            raise Odd
        if names:
            for name, found in zip(names, matched.groups(), strict=True):
                if found is not None:
                    values[name] = _long(found)
        return matched.end()

    return read


def _number_pattern(field: Field) -> bytes:
    """Return how a long or a boolean is written; a group when its value is needed."""
    # Nine bytes hold any number there is; the tenth may hold bits that no long has.
    pattern = rb"[\x00\x01]" if _type(field) == "boolean" else rb"[\x80-\xff]{0,8}[\x00-\x7f]"
    pattern = rb"(%b)" % pattern if field["name"] in _WANTED else rb"(?:%b)" % pattern
    return rb"(?:\x00|\x02%b)" % pattern if _is_nullable(field) else pattern


def _long(varint: bytes) -> int:
    number = 0
    for byte in reversed(varint):
        number = number << 7 | byte & _ONE_BYTE
    return number >> 1 ^ -(number & 1)


_READS: Final = {"string": _read_texts, "fixed": _read_hashes, "long": _read_numbers}
