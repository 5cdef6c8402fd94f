"""Whatever an application hands to a callback becomes JSON text, at once, whatever it is, and without its secrets.

The fast way is one pass of orjson. Only what its bytes show to be odd is walked in Python: a secret, a blob, a number that
JSON does not know. Objects are never deep-copied and their `repr` is never called: both have side effects in the wild.
"""

import dataclasses
import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

from orjson import OPT_NON_STR_KEYS, OPT_SERIALIZE_NUMPY, dumps, loads
from pydantic import BaseModel, SecretBytes, SecretStr

from .partial import Partial
from .scrub import SECRET, needs_scrubbing, numbered, scrub, scrub_text, search, text_needs_scrubbing

MAX_FIELD_BYTES: Final = 8 * 1024 * 1024
"""Content above this is cut, and the core says so."""

_MAX_DEPTH = 60
_MAX_OBJECTS: Final = 50_000
_MAX_LEVELS: Final = 100
"""Of containers in containers that orjson is given: in tuples it does not count them, and writes beyond its memory."""
_MAX_VALUES: Final = MAX_FIELD_BYTES // 2
"""In containers: each takes a character and a comma at least."""
_MAX_ROWS = 1_000
_MAX_CLASSES = 4_096
_MAX_KEPT_BYTES: Final = 2_048
_MAX_LATELY_BYTES: Final = 64 * 1024
_CONTAINERS: Final = frozenset((dict, list, tuple))
_NO_NUMBERS: Final = frozenset((str, int, bool, type(None)))
_WITHOUT_VALUES: Final[set[type]] = {str, int, bool, type(None), float}
"""Classes of objects that orjson does not look into by itself, of those seen so far."""
_MARK = b'"not_recorded":true'
_modules: Final = sys.modules
_shows_null: Final = search("null")
_lately_clean: Final = [b""]
"""What was last looked through, and nothing found: what comes out of one step mostly goes into the next."""


def snapshot(value: Any) -> bytes:
    """Return the exact bytes that are recorded of `value`: JSON, or a Partial of it.

    Never raises for anything an object does; what cannot be recorded is named in its place.
    """
    try:
        data, lately = _json_of(value), _lately_clean[0]
        if data == lately:
            return lately
        if len(data) <= MAX_FIELD_BYTES and not needs_scrubbing(data):
            if len(data) <= _MAX_LATELY_BYTES:
                _lately_clean[0] = data
            return data
        return _cleaned(data)
    except Exception:  # noqa: BLE001 - an event without its content is worth more than none
        return _partial(dumps(_not_recorded(value)), incomplete=True)


def snapshot_repeated(value: Any) -> bytes:
    """Return `value` as JSON, as `snapshot` does; small ones that many runs share are looked through for secrets once."""
    try:
        data = _json_of(value)
        return _kept(data) if len(data) <= _MAX_KEPT_BYTES else _cleaned(data)
    except Exception:  # noqa: BLE001 - as above
        return _partial(dumps(_not_recorded(value)), incomplete=True)


def snapshot_text(value: str) -> bytes:
    """Return plain text as UTF-8 bytes, secrets with a known prefix removed."""
    data = value.encode("utf-8", "backslashreplace")
    if text_needs_scrubbing(data):
        data = scrub_text(data.decode()).encode()
    if len(data) <= MAX_FIELD_BYTES:
        return data
    return _partial(data[:MAX_FIELD_BYTES].decode("utf-8", "ignore").encode(), truncated=True)


def type_name(value: Any) -> str:
    """Return the class of a value, with its module unless that is builtins."""
    cls: Any = type(value)
    return str(cls.__qualname__) if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def text_of(value: Any) -> str:
    """Return `value` as text that can be encoded; an object whose text cannot be had is named by its class."""
    if type(value) is str and value.isascii():
        return value
    try:
        text = value if issubclass(type(value), str) else str(value)
        return str.encode(text, "utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001 - whatever an application's object does, the event goes on
        return f"({type_name(value)})"


def _json_of(value: Any) -> bytes:
    try:
        if not _is_bounded(value):
            return _walked(value)
    except Exception:  # noqa: BLE001 - what an application's object does is told by the walk
        return _walked(value)
    try:
        data = dumps(value, _plain, _options())
    except (TypeError, ValueError, RecursionError):
        return _json_with_odd_keys(value)
    return _walked(value) if _shows_null(data) and _holds_odd_number(value) else data


def _json_with_odd_keys(value: Any) -> bytes:
    """Keys that are no text are rare, and to be ready for them takes orjson twice as long."""
    try:
        data = dumps(value, _plain, _options() | OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        return _walked(value)
    if len(dumps(loads(data))) != len(data):  # of two keys with one text a reader takes the last
        return _walked(value)
    return _walked(value) if _shows_null(data) and _holds_odd_number(value) else data


def _is_bounded(value: Any) -> bool:
    """Tell whether containers end that orjson looks into by itself: with a tuple that is in its own list it never does."""
    if _is_flat(value):
        return True
    level: list[Any] = [value]
    left = _MAX_VALUES
    for _ in range(_MAX_LEVELS):
        within: list[Any] = []
        for item in level:
            cls = type(item)
            if cls is str or cls in _WITHOUT_VALUES:
                continue
            if cls is dict:
                within.extend(item.values())
            elif cls is list or cls is tuple:
                within.extend(item)
            else:
                within.extend(_inside(item, cls))
        if not within:
            return True
        left -= len(within)
        if left < 0:
            return False
        level = within
    return False


def _is_flat(value: Any) -> bool:
    """Tell whether nothing is in a value that may hold other values, as in most: to find that out takes less."""
    if type(value) is dict:
        mapping: dict[Any, Any] = value
        return all(type(item) is str or type(item) in _WITHOUT_VALUES for item in mapping.values())
    if type(value) is list:
        values: list[Any] = value
        return all(type(item) is str or type(item) in _WITHOUT_VALUES for item in values)
    return type(value) in _WITHOUT_VALUES


def _inside(item: Any, cls: Any) -> Iterable[Any]:
    """Return the values in an object that orjson looks into by itself, without any of its methods."""
    if issubclass(cls, dict):
        return dict.values(item)
    if issubclass(cls, list):
        return list.__iter__(item)
    if issubclass(cls, Enum):
        return (item.value,)
    fields = getattr(cls, "__dataclass_fields__", ())
    if not fields and len(_WITHOUT_VALUES) < _MAX_CLASSES:
        _WITHOUT_VALUES.add(cls)
    return [getattr(item, field, None) for field in fields]


def _options() -> int:
    """Arrays are written fast where there can be any: told to look for them, orjson would import numpy first."""
    return OPT_SERIALIZE_NUMPY if "numpy" in _modules else 0


def _walked(value: Any) -> bytes:
    return dumps(_Walker().walk(value, 0))


def _partial(data: bytes, *, truncated: bool = False, incomplete: bool = False) -> Partial:
    found = Partial(data)
    found.truncated, found.incomplete = truncated, incomplete
    return found


def _cleaned(data: bytes) -> bytes:
    """Take secrets and blobs out, and cut what is too long to a JSON string of its beginning: it stays valid JSON."""
    incomplete = False
    if needs_scrubbing(data):
        data = dumps(scrub(loads(data)))
        incomplete = _MARK in data
    if len(data) <= MAX_FIELD_BYTES:
        return _partial(data, incomplete=True) if incomplete else data
    beginning = data[: MAX_FIELD_BYTES // 2].decode("utf-8", "ignore")
    return _partial(dumps(beginning), truncated=True, incomplete=incomplete)


@lru_cache(maxsize=512)
def _kept(data: bytes) -> bytes:
    return _cleaned(data)


def _holds_odd_number(value: Any) -> bool:
    """Tell whether a number that JSON does not know is in a value: orjson writes null for it, and null may also be None."""
    stack, left = [value], _MAX_OBJECTS
    while stack and left:
        left -= 1
        item = stack.pop()
        cls = type(item)
        if cls in _NO_NUMBERS:
            continue
        if issubclass(cls, float):
            if item - item != 0:
                return True
        elif issubclass(cls, dict):
            stack.extend(item.values())
        elif issubclass(cls, (list, tuple)):
            stack.extend(item)
        elif issubclass(cls, BaseModel):
            stack.extend(vars(item).values())
        elif hasattr(cls, "__array__"):
            return True
    return False


def _plain(value: Any) -> Any:
    """Turn one object that orjson does not know into plain data, one level deep: orjson goes on from there.

    Its class is asked, not the object: isinstance would look at what a proxy claims to be, and may run its code.
    """
    cls = type(value)
    how = _how.get(cls)
    if how is None:
        how = next(
            (plain for types, plain in _PLAIN if issubclass(cls, types)), _array if hasattr(cls, "__array__") else _not_recorded
        )
        if len(_how) < _MAX_CLASSES:
            _how[cls] = how
    plain = how(value)
    return plain if type(plain) is str or _is_bounded(plain) else _Walker().walk(plain, 0)


def _fields_of(model: BaseModel) -> dict[str, Any]:
    """Return a model's fields as they are, empty ones left out: model_dump would copy, and run the application's code."""
    fields, extra = model.__dict__, model.__pydantic_extra__
    if extra:
        fields = {**fields, **extra}
    return {k: v for k, v in fields.items() if v is not None and (type(v) not in _CONTAINERS or v)}


def _array(value: Any) -> Any:
    """Return the values of an array, a column or a table of numpy or pandas: a table's rows, as many as a reader can use."""
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    if pandas and isinstance(value, pandas.DataFrame):
        rows = value.head(_MAX_ROWS).to_dict("split")
        table = {"type": "table", "rows": len(value), "columns": rows["columns"], "index": rows["index"], "data": rows["data"]}
        return table if len(value) <= _MAX_ROWS else {**table, "not_recorded": True}
    if pandas and isinstance(value, (pandas.Series, pandas.Index)):
        return value.tolist()
    if numpy and isinstance(value, (numpy.ndarray, numpy.generic)):
        listed = value.tolist()
        return _not_recorded(value) if listed is value else listed
    return _not_recorded(value)


def _blob(data: Any) -> dict[str, Any]:
    return {"type": "bytes", "bytes": memoryview(data).nbytes, "sha256": hashlib.sha256(data).hexdigest()}


def _not_recorded(value: Any) -> dict[str, Any]:
    return {"type": type_name(value), "not_recorded": True}


def _error(error: BaseException) -> dict[str, Any]:
    return {"type": type_name(error), "message": str(error)}


def _duration(duration: timedelta) -> str:
    """Return a duration as ISO 8601 has it, in seconds."""
    microseconds = (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    return f"{'-' if microseconds < 0 else ''}PT{seconds}{f'.{rest:06}'.rstrip('0') if rest else ''}S"


def _class(cls: Any) -> dict[str, Any]:
    return {"class": f"{cls.__module__}.{cls.__qualname__}"}


def _mapping(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the beginning of a mapping, which may be anything that can be asked for keys: a database, an endless one."""
    return dict(islice(mapping.items(), _MAX_OBJECTS))


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((SecretStr, SecretBytes), lambda _: SECRET),
    (BaseModel, _fields_of),
    ((bytes, bytearray, memoryview), _blob),
    ((AbstractSet, tuple), lambda items: list(islice(items, _MAX_OBJECTS))),
    (Mapping, _mapping),
    ((Decimal, PurePath, complex, range), str),
    (timedelta, _duration),
    (BaseException, _error),
    (type, _class),
)
"""How each kind of object becomes plain data; the first that fits."""
_how: Final[dict[type, Callable[[Any], Any]]] = {}
"""The same by class, for the classes seen so far."""


class _Walker:
    """The slow way: turns anything into plain data within bounds of depth and number, and survives what raises."""

    def __init__(self) -> None:
        self._left = _MAX_OBJECTS
        self._path: set[int] = set()

    def walk(self, value: Any, depth: int) -> Any:
        """Return plain data for `value`; what is cyclic, too deep, too much or raises is named instead."""
        self._left -= 1
        if id(value) in self._path or depth > _MAX_DEPTH or self._left < 0:
            return _not_recorded(value)
        self._path.add(id(value))
        try:
            return self._plain(value, depth + 1)
        except Exception:  # noqa: BLE001 - whatever an application's object does, the event goes on and says so
            return _not_recorded(value)
        finally:
            self._path.discard(id(value))

    def _plain(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if value is None or cls is bool:
            return value
        if issubclass(cls, Enum):
            return self.walk(value.value, depth)
        if issubclass(cls, str):
            return text_of(value)
        if issubclass(cls, int):
            return int(value) if -(2**63) <= value < 2**64 else str(int(value))
        if issubclass(cls, float):
            return float(value) if value - value == 0 else _odd_number(value)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return numbered([(_key(key), self.walk(item, depth)) for key, item in islice(value.items(), _MAX_OBJECTS)])
        if isinstance(value, (list, tuple, AbstractSet)):
            return [self.walk(item, depth) for item in islice(value, _MAX_OBJECTS)]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.walk(getattr(value, field.name), depth) for field in dataclasses.fields(value)}
        plain = _plain(value)
        if isinstance(plain, dict) and plain.get("not_recorded"):
            return loads(dumps(value, _not_recorded, _options() | OPT_NON_STR_KEYS))
        return self.walk(plain, depth)


def _key(key: Any) -> str:
    """Return the text of a key; one that has none is named by its class."""
    cls = type(key)
    if issubclass(cls, Enum):
        return text_of(key.value)
    if issubclass(cls, (str, int, float, tuple)):
        return text_of(key)
    if issubclass(cls, (bytes, bytearray, memoryview)):
        return memoryview(key).tobytes().decode("utf-8", "backslashreplace")  # none of the application's methods is asked
    try:
        return "".join(loads(dumps({key: None}, option=OPT_NON_STR_KEYS)))
    except (TypeError, ValueError, RecursionError):
        plain = _plain(key)
        return plain if type(plain) is str else type_name(key)


def _odd_number(value: float) -> str:
    """Return a number that JSON does not know as protobuf's JSON mapping writes it."""
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124 - that is what NaN is
