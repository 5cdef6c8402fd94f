"""Whatever an application hands to a callback becomes JSON text, at once, whatever it is, and without its secrets.

The fast way is one pass of orjson. Only when its bytes show that a secret, a blob or an odd value may be in them are they
walked in Python. Objects are never deep-copied and their `repr` is never called: both have side effects in the wild.
"""

import hashlib
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import orjson
from pydantic import BaseModel, SecretBytes, SecretStr

from .scrub import SECRET, may_hold_secret, scrub, scrub_text

MAX_FIELD_BYTES = 8 * 1024 * 1024
"""Content above this is cut, and the core says so."""

_MAX_DEPTH = 60
_MAX_OBJECTS = 20_000
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


@dataclass(slots=True)
class Snapshot:
    """The exact bytes that are recorded, and what is not as it was: cut, or not recordable in part."""

    data: bytes
    truncated: bool = False
    incomplete: bool = False


def snapshot(value: Any) -> Snapshot:
    """Return `value` as JSON. Never raises for anything an object does; what cannot be recorded is named in its place."""
    incomplete = False
    try:
        data = orjson.dumps(value, default=_plain, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):
        walker = _Walker()
        data = orjson.dumps(walker.walk(value, 0), option=orjson.OPT_SERIALIZE_NUMPY)
        incomplete = walker.incomplete
    if may_hold_secret(data):
        data = orjson.dumps(scrub(orjson.loads(data)))
    return _cut(data, incomplete=incomplete)


def snapshot_text(value: str) -> Snapshot:
    """Return plain text as UTF-8 bytes, secrets with a known prefix removed."""
    data = value.encode("utf-8", "backslashreplace")
    if may_hold_secret(data):
        data = scrub_text(data.decode()).encode()
    cut = data[:MAX_FIELD_BYTES]
    return Snapshot(cut.decode("utf-8", "ignore").encode(), truncated=len(data) > MAX_FIELD_BYTES)


def type_name(value: Any) -> str:
    """Return the class of a value, with its module unless that is builtins."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _cut(data: bytes, *, incomplete: bool) -> Snapshot:
    """Cut what is too long to a JSON string of its beginning: it stays valid JSON, and the core says that it was cut."""
    if len(data) <= MAX_FIELD_BYTES:
        return Snapshot(data, incomplete=incomplete)
    beginning = data[: MAX_FIELD_BYTES // 2].decode("utf-8", "ignore")
    return Snapshot(orjson.dumps(beginning), truncated=True, incomplete=incomplete)


def _plain(value: Any) -> Any:
    """Turn one object that orjson does not know into plain data, one level deep: orjson goes on from there."""
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return plain(value)
    return _not_recorded(value)


def _fields_of(model: BaseModel) -> dict[str, Any]:
    """Return a model's fields as they are, empty ones left out: model_dump would copy, and run the application's code."""
    fields = {**vars(model), **(model.__pydantic_extra__ or {})}
    return {k: v for k, v in fields.items() if v is not None and not (type(v) in (dict, list, tuple) and not v)}


def _blob(data: bytes) -> dict[str, Any]:
    return {"type": "bytes", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _not_recorded(value: Any) -> dict[str, Any]:
    return {"type": type_name(value), "not_recorded": True}


def _error(error: BaseException) -> dict[str, Any]:
    return {"type": type_name(error), "message": str(error)}


def _class(cls: type) -> dict[str, Any]:
    return {"class": f"{cls.__module__}.{cls.__qualname__}"}


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((SecretStr, SecretBytes), lambda _: SECRET),
    (BaseModel, _fields_of),
    ((bytes, bytearray, memoryview), lambda data: _blob(bytes(data))),
    ((AbstractSet, tuple), list),
    (Mapping, dict),
    ((Decimal, PurePath, complex, range), str),
    (BaseException, _error),
    (type, _class),
)
"""How each kind of object becomes plain data; the first that fits."""


class _Walker:
    """The slow way: turns anything into plain data within bounds of depth and number, and survives what raises."""

    def __init__(self) -> None:
        self.incomplete = False
        self._left = _MAX_OBJECTS
        self._path: set[int] = set()

    def walk(self, value: Any, depth: int) -> Any:
        """Return plain data for `value`; cycles, too deep and too many objects are named instead."""
        self._left -= 1
        if isinstance(value, str):
            return str(value).encode("utf-8", "backslashreplace").decode()
        if value is None or isinstance(value, (bool, float)):
            return value
        if isinstance(value, int):
            return value if -(2**63) <= value < 2**64 else str(value)
        if id(value) in self._path or depth > _MAX_DEPTH or self._left < 0:
            self.incomplete = True
            return _not_recorded(value)
        self._path.add(id(value))
        try:
            return self._container(value, depth + 1)
        except Exception:  # noqa: BLE001 - whatever an application's object does, the event goes on and says so
            self.incomplete = True
            return _not_recorded(value)
        finally:
            self._path.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.walk(item, depth) for key, item in value.items()}
        if isinstance(value, (list, tuple, AbstractSet)):
            return [self.walk(item, depth) for item in value]
        try:
            return orjson.loads(orjson.dumps(value, option=_OPTIONS))
        except TypeError:
            return self.walk(_plain(value), depth)

    def _key(self, key: Any) -> str:
        text = key if isinstance(key, str) else repr(key) if isinstance(key, (int, float, tuple, bool)) else type_name(key)
        return text.encode("utf-8", "backslashreplace").decode()
