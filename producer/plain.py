"""How one object that orjson does not know becomes plain data, one level deep."""

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr

from .scrub import SECRET

MAX_OBJECTS: Final = 50_000
_MAX_ROWS = 1_000
_CONTAINERS: Final = frozenset((dict, list, tuple))


def how_to_make_plain(cls: Any) -> Callable[[Any], Any]:
    """Return what makes plain data of the objects of a class."""
    for types, plain in _PLAIN:
        if issubclass(cls, types):
            return plain
    if f"{cls.__module__}.{cls.__qualname__}" == "langgraph.types.Send":
        return _sent
    return _array if hasattr(cls, "__array__") else not_recorded


def _sent(send: Any) -> dict[str, Any]:
    """Return which node of LangGraph's is to run next, and what it is given."""
    return {"node": send.node, "arg": send.arg}


def _listed(items: Any) -> list[Any]:
    return list(islice(items, MAX_OBJECTS))


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
        return not_recorded(value) if listed is value else listed
    return not_recorded(value)


def _blob(data: Any) -> dict[str, Any]:
    return {"type": "bytes", "bytes": memoryview(data).nbytes, "sha256": hashlib.sha256(data).hexdigest()}


def not_recorded(value: Any) -> dict[str, Any]:
    """Return what stands for an object that is no data."""
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
    return dict(islice(mapping.items(), MAX_OBJECTS))


def type_name(value: Any) -> str:
    """Return the class of a value, with its module unless that is builtins."""
    cls: Any = type(value)
    return str(cls.__qualname__) if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((SecretStr, SecretBytes), lambda _: SECRET),
    (BaseModel, _fields_of),
    ((bytes, bytearray, memoryview), _blob),
    ((AbstractSet, tuple, deque), _listed),
    (Mapping, _mapping),
    (SimpleNamespace, vars),
    ((Decimal, PurePath, complex, range), str),
    (timedelta, _duration),
    ((datetime, time), lambda moment: moment.isoformat()),
    (BaseException, _error),
    (type, _class),
)
"""How each kind of object becomes plain data; the first that fits."""
WITH_VALUES: Final = (_listed, _mapping, vars, _sent)
"""What of these brings values to light that orjson goes on from."""
