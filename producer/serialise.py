"""Whatever an application hands to a callback becomes JSON text, at once, whatever it is, and without its secrets.

The fast way is one pass of orjson. Only what its bytes show to be odd is walked in Python: a secret, a blob, a number that
JSON does not know. Objects are never deep-copied and their `repr` is never called: both have side effects in the wild.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from orjson import OPT_NON_STR_KEYS, OPT_SERIALIZE_NUMPY, dumps, loads
from pydantic import BaseModel

from .partial import Partial
from .plain import MAX_OBJECTS, WITH_VALUES, how_to_make_plain, not_recorded, type_name
from .scrub import needs_scrubbing, numbered, scrub, scrub_text, search, text_needs_scrubbing

MAX_FIELD_BYTES: Final = 8 * 1024 * 1024
"""Content above this is cut, and the core says so."""

_MAX_DEPTH = 60
_MAX_LEVELS: Final = 100
"""Of containers in containers that orjson is given: in tuples it does not count them, and writes beyond its memory."""
_MAX_VALUES: Final = MAX_FIELD_BYTES // 2
"""In containers: each takes a character and a comma at least."""
_MAX_CLASSES = 4_096
_MAX_KEPT_BYTES: Final = 2_048
_MAX_LATELY_BYTES: Final = 64 * 1024
_NO_NUMBERS: Final = frozenset((str, int, bool, type(None)))
_WITHOUT_VALUES: Final[set[type]] = {str, int, bool, type(None), float}
"""Classes of objects that orjson does not look into by itself, of those seen so far."""
_how: Final[dict[type, Callable[[Any], Any]]] = {}
"""What makes plain data of objects, by their class, for the classes seen so far."""
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
        return _partial(dumps(not_recorded(value)), incomplete=True)


def snapshot_repeated(value: Any) -> bytes:
    """Return `value` as JSON, as `snapshot` does; small ones that many runs share are looked through for secrets once."""
    try:
        data = _json_of(value)
        return _kept(data) if len(data) <= _MAX_KEPT_BYTES else _cleaned(data)
    except Exception:  # noqa: BLE001 - as above
        return _partial(dumps(not_recorded(value)), incomplete=True)


def snapshot_text(value: str) -> bytes:
    """Return plain text as UTF-8 bytes, secrets with a known prefix removed."""
    data = value.encode("utf-8", "backslashreplace")
    if text_needs_scrubbing(data):
        data = scrub_text(data.decode()).encode()
    if len(data) <= MAX_FIELD_BYTES:
        return data
    return _partial(data[:MAX_FIELD_BYTES].decode("utf-8", "ignore").encode(), truncated=True)


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
    stack, left = [value], MAX_OBJECTS
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
        elif (plain := _how.get(cls)) is not None and plain in WITH_VALUES:
            stack.append(plain(item))
        else:
            stack.extend(_inside(item, cls))
    return False


def _plain(value: Any) -> Any:
    """Turn one object that orjson does not know into plain data, one level deep: orjson goes on from there.

    Its class is asked, not the object: isinstance would look at what a proxy claims to be, and may run its code.
    """
    cls = type(value)
    how = _how.get(cls)
    if how is None:
        how = how_to_make_plain(cls)
        if len(_how) < _MAX_CLASSES:
            _how[cls] = how
    plain = how(value)
    return plain if type(plain) is str or _is_bounded(plain) else _Walker().walk(plain, 0)


class _Walker:
    """The slow way: turns anything into plain data within bounds of depth and number, and survives what raises."""

    def __init__(self) -> None:
        self._left = MAX_OBJECTS
        self._path: set[int] = set()

    def walk(self, value: Any, depth: int) -> Any:
        """Return plain data for `value`; what is cyclic, too deep, too much or raises is named instead."""
        self._left -= 1
        if id(value) in self._path or depth > _MAX_DEPTH or self._left < 0:
            return not_recorded(value)
        self._path.add(id(value))
        try:
            return self._plain(value, depth + 1)
        except Exception:  # noqa: BLE001 - whatever an application's object does, the event goes on and says so
            return not_recorded(value)
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
            return numbered([(_key(key), self.walk(item, depth)) for key, item in islice(value.items(), MAX_OBJECTS)])
        if isinstance(value, (list, tuple, AbstractSet)):
            return [self.walk(item, depth) for item in islice(value, MAX_OBJECTS)]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.walk(getattr(value, field.name), depth) for field in dataclasses.fields(value)}
        plain = _plain(value)
        if isinstance(plain, dict) and plain.get("not_recorded"):
            return loads(dumps(value, not_recorded, _options() | OPT_NON_STR_KEYS))
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
