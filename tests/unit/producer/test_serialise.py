"""Whatever an object is or does, it becomes JSON, and what could not be recorded is named."""

import dataclasses
import datetime as dt
import subprocess
import sys
import threading
import time
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, SecretStr

from langtrail.producer.partial import Partial
from langtrail.producer.serialise import MAX_FIELD_BYTES, snapshot, snapshot_repeated, snapshot_text, text_of
from tests.unit.producer.fakes import Hostile

pd: Any = import_module("pandas")  # has no types of its own


class Colour(Enum):
    RED = "red"


class Account(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    key: SecretStr = SecretStr("hidden")
    empty: str | None = None


@dataclasses.dataclass
class Order:
    number: int
    lock: Any = None


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped kind is what applications have


class Liar:
    """An object whose class raises when it is asked for."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("no")

    @__class__.setter
    def __class__(self, value: type) -> None: ...


class Endless(Mapping[str, int]):
    """A mapping without an end."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield str(number := number + 1)

    def __len__(self) -> int:
        return 2**62


def recorded(value: Any) -> Any:
    """Return what a value is in the trail."""
    return orjson.loads(bytes(snapshot(value)))


def is_incomplete(found: bytes) -> bool:
    """Tell whether what is recorded says that part of the value is no data."""
    return isinstance(found, Partial) and found.incomplete


def not_recorded(name: str) -> dict[str, Any]:
    """Return what stands for an object that could not be recorded."""
    return {"type": name, "not_recorded": True}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, None, True, "ä"]}, {"a": [1, 2.5, None, True, "ä"]}),
        ((1, 2), [1, 2]),
        (Pair(1, 2), [1, 2]),
        (frozenset({1}), [1]),
        (deque([1, deque(maxlen=2)]), [1, []]),
        (SimpleNamespace(a=SimpleNamespace(b=[1])), {"a": {"b": [1]}}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        (Colour.RED, "red"),
        (Decimal("1.10"), "1.10"),
        (Path("/tmp/x"), "/tmp/x"),  # noqa: S108 - a path, not a file
        (1 + 2j, "(1+2j)"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (dt.time(1, 2), "01:02:00"),
        (dt.time(1, 2, tzinfo=dt.UTC), "01:02:00+00:00"),
        (dt.timedelta(days=1, seconds=5), "PT86405S"),
        (dt.timedelta(milliseconds=-1500), "-PT1.5S"),
        ([dt.timedelta(microseconds=1), pd.Timedelta("2s")], ["PT0.000001S", "PT2S"]),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Order(7), {"number": 7, "lock": None}),
        (Account(name="a", more=1), {"name": "a", "key": "[SECRET]", "more": 1}),  # type: ignore[call-arg]
        (ValueError("no"), {"type": "ValueError", "message": "no"}),
        (int, {"class": "builtins.int"}),
        (HumanMessage("hi"), {"content": "hi", "type": "human"}),
    ],
)
def test_ordinary_objects_are_their_data(value: Any, expected: Any) -> None:
    """What Python, pydantic and LangChain offer, one way or another."""
    assert recorded(value) == expected
    assert not is_incomplete(snapshot(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**80, str(2**80)),
        (
            {"n": float("nan"), "i": float("inf"), "m": -float("inf"), "x": None},
            {"n": "NaN", "i": "Infinity", "m": "-Infinity", "x": None},
        ),
        (AIMessage("x", additional_kwargs={"score": float("nan")}), None),
        ([Order(float("inf")), deque([{float("nan")}])], [{"number": "Infinity", "lock": None}, [["NaN"]]]),  # type: ignore[arg-type]
        ("a\ud800b", "a\\ud800b"),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ({"\ud800": 1}, {"\\ud800": 1}),
        ({Colour.RED: 2**70}, {"red": str(2**70)}),
    ],
    ids=["huge", "nan", "nan in a message", "in other objects", "surrogate", "tuple key", "surrogate key", "enum key"],
)
def test_values_that_json_does_not_know_are_text_not_null(value: Any, expected: Any) -> None:
    """A number that would become null, or text that cannot be encoded, is written so that a reader sees what it was."""
    found = recorded(value)
    assert found["additional_kwargs"] == {"score": "NaN"} if expected is None else found == expected
    assert not is_incomplete(snapshot(value))


class Key:
    """An object of the application's that is a key."""


class OwnBytes(bytes):
    """Bytes that do not let themselves be read."""

    def __bytes__(self) -> bytes:
        """Refuse."""
        raise LookupError

    def decode(self, *_: Any) -> str:
        """Refuse."""
        raise LookupError


UUIDS = [uuid.UUID(int=number) for number in (1, 2)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({b"a": 1, b"b": 2}, {"a": 1, "b": 2}),
        ({b"a": 1, "a": 2, b"\xff": 3}, {"a": 1, "a (2)": 2, "\\xff": 3}),
        ({OwnBytes(b"a"): 1, memoryview(b"b-c-")[::2]: 2}, {"a": 1, "bc": 2}),
        ({1: "a", "1": "b"}, {"1": "a", "1 (2)": "b"}),
        ([{"deep": {None: 1, "null": 2}}], [{"deep": {"null": 1, "null (2)": 2}}]),
        ({Colour.RED: 1, "red": 2}, {"red": 1, "red (2)": 2}),
        ({"1 (2)": 1, 1: 2, "1": 3}, {"1 (2)": 1, "1": 2, "1 (3)": 3}),
        ({UUIDS[0]: 1, UUIDS[1]: float("nan")}, {str(UUIDS[0]): 1, str(UUIDS[1]): "NaN"}),
        ({Decimal("1.10"): 1, Path("x"): 2, frozenset("a"): 3}, {"1.10": 1, "x": 2, "frozenset": 3}),
    ],
    ids=["bytes", "and text", "own bytes", "number and text", "within", "enum and text", "numbered already", "ids", "others"],
)
def test_no_two_keys_become_one(value: Any, expected: Any) -> None:
    """Bytes are text, what has a text is that, and keys that are written alike are numbered: every value is there."""
    assert recorded(value) == expected
    assert not is_incomplete(snapshot(value))


def test_keys_that_only_their_class_names_are_numbered() -> None:
    """However many there are, and in one pass."""
    found = recorded({Key(): number for number in range(20_000)})
    assert list(found.values()) == list(range(20_000))
    assert [*found][1].endswith(".Key (2)")


def test_a_secret_under_a_key_of_bytes_is_taken_out() -> None:
    """As servers of data hand keys over."""
    assert recorded({b"api_key": "hunter2-hunter2", b"user": "ann"}) == {"api_key": "[SECRET]", "user": "ann"}


def _numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Hostile(), "Hostile"),
        (threading.Lock(), "lock"),
        (_numbers(), "generator"),
        (lambda: None, "function"),
        (Order(1, threading.Lock()), "lock"),
        (Account(name="a", inner=Hostile()), "Hostile"),  # type: ignore[call-arg]
        ({"big": 2**80, "bad": Hostile()}, "Hostile"),
    ],
    ids=["hostile", "lock", "generator", "function", "in a dataclass", "in a model", "beside something odd"],
)
def test_what_cannot_be_recorded_is_named_and_the_event_says_so(value: Any, name: str) -> None:
    """The rest of the value is there; the place of the object has its class."""
    found = snapshot(value)
    assert is_incomplete(found)
    assert b'"not_recorded":true' in found
    assert name.encode() in found


def test_an_object_that_lies_about_its_class_costs_no_event() -> None:
    """Even isinstance may raise."""
    assert is_incomplete(snapshot({"a": Liar()}))


def test_a_generator_is_not_consumed() -> None:
    """The application still gets all of it."""
    numbers = _numbers()
    snapshot({"numbers": numbers})
    assert list(numbers) == [1]


def test_a_cycle_is_cut_where_it_closes() -> None:
    """What comes before it is there."""
    cycle: dict[str, Any] = {"name": "x"}
    cycle["self"] = cycle
    assert recorded(cycle) == {"name": "x", "self": not_recorded("dict")}


@pytest.mark.parametrize(
    "made",
    [
        "inner = []; value = (inner,); inner.append(value)",
        "inner = {}; value = (inner,); inner['a'] = value",
        "inner = []; value = Order(1, (inner,)); inner.append(value.lock)",
        "inner = []; cycle = (inner,); inner.append(cycle); value = {'a': [OrderedDict(b=cycle)]}",
        "inner = []; cycle = (inner,); inner.append(cycle); value = Kept([cycle])",
        "inner = []; cycle = (inner,); inner.append(cycle); value = HumanMessage('x', additional_kwargs={'a': cycle})",
        "inner = []; cycle = (inner,); inner.append(cycle); value = Held('HELD', {'CYCLE': cycle}).CYCLE",
        "value = functools.reduce(lambda inner, _: (inner,), range(20_000), 'x')",
        "value = functools.reduce(lambda inner, _: [inner, inner], range(60), 'x')",
    ],
)
def test_tuples_within_themselves_do_not_end_the_process(made: str) -> None:
    """Orjson counts lists in lists and not tuples: it would go on until the stack or its memory is broken."""
    code = (
        "import functools\nfrom collections import OrderedDict\nfrom enum import Enum as Held\n"
        "from langchain_core.messages import HumanMessage\n"
        "from langtrail.producer.serialise import snapshot\nfrom tests.unit.producer.test_serialise import Order\n"
        f"class Kept(list):\n    pass\n{made}\n"
        "print(snapshot(value).decode())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr[-500:]
    assert '"not_recorded":true' in answer.stdout
    assert orjson.loads(answer.stdout)


def test_what_a_field_raises_when_it_is_looked_at_is_named() -> None:
    """Whatever the fields of a dataclass do: the rest of the value is recorded."""

    @dataclasses.dataclass(init=False)
    class Raising:
        number: int = dataclasses.field(init=False)

        def __getattr__(self, name: str) -> Any:
            raise OSError(name)

    assert recorded({"a": "b", "c": Raising()}) == {"a": "b", "c": not_recorded(f"{__name__}.{Raising.__qualname__}")}


def test_tuples_are_recorded_as_lists() -> None:
    """In any container, as deep as anybody has them."""
    assert recorded({"messages": [("user", "hi"), ("ai", ("a", {"b": (1, None)}))]}) == {
        "messages": [["user", "hi"], ["ai", ["a", {"b": [1, None]}]]]
    }


def test_what_is_too_deep_or_too_much_is_cut() -> None:
    """Neither a thousand levels nor an endless mapping hold the application up."""
    deep: Any = "bottom"
    for _ in range(1000):
        deep = [deep]
    assert is_incomplete(snapshot(deep))
    started = time.monotonic()
    assert len(recorded(Endless())) == 50_000
    assert time.monotonic() - started < 5


def test_ten_levels_are_recorded_whole() -> None:
    """Ordinary nesting is nothing special."""
    deep: Any = "bottom"
    for _ in range(10):
        deep = {"in": deep}
    assert recorded(deep) == deep


def test_bytes_are_their_length_and_digest() -> None:
    """Fifty megabytes become a hundred characters, and can still be proved."""
    for data in (b"\x00" * 50_000_000, bytearray(10), memoryview(b"ab")):
        found = recorded({"data": data})["data"]
        assert found["type"] == "bytes"
        assert found["bytes"] == len(data)
        assert len(found["sha256"]) == 64


def test_arrays_and_tables_are_their_values() -> None:
    """What a tool returned in numpy or pandas is data like any other, up to a thousand rows."""
    assert recorded(np.array([1.5, 2.5])) == [1.5, 2.5]
    assert recorded({"a": np.array([1.0, float("nan")])}) == {"a": [1.0, "NaN"]}
    assert recorded(np.float32(1.5)) == 1.5
    assert recorded(np.array(["x", None], dtype=object)) == ["x", None]
    assert recorded(pd.Series([1, 2])) == [1, 2]
    table = pd.DataFrame({"name": ["ann", "bob"], "age": [1, float("nan")]})
    assert recorded(table) == {
        "type": "table",
        "rows": 2,
        "columns": ["name", "age"],
        "index": [0, 1],
        "data": [["ann", 1.0], ["bob", "NaN"]],
    }
    long = snapshot(pd.DataFrame({"n": range(1500)}))
    assert is_incomplete(long)
    assert len(orjson.loads(bytes(long))["data"]) == 1000


def test_what_is_too_long_is_cut_and_stays_json() -> None:
    """The core says that it was cut."""
    for found in (snapshot({"text": "ä" * MAX_FIELD_BYTES}), snapshot_text("ä" * MAX_FIELD_BYTES)):
        assert isinstance(found, Partial)
        assert found.truncated
        assert len(found) <= MAX_FIELD_BYTES
        found.decode()
    assert orjson.loads(bytes(snapshot({"text": "x y " * MAX_FIELD_BYTES}))).startswith('{"text":"x y ')


def test_a_snapshot_is_taken_at_once() -> None:
    """What the application changes later is not in it."""
    value = {"items": [1]}
    taken = snapshot(value)
    value["items"].append(2)
    assert orjson.loads(taken) == {"items": [1]}


def test_what_many_runs_share_is_the_same_whether_it_is_kept_or_not() -> None:
    """Metadata and tags are looked through for secrets once."""
    for value in ({"a": 1, "api_key": "x"}, ["t"], {"text": "y" * 5000}, Hostile()):
        assert snapshot_repeated(value) == snapshot_repeated(value) == snapshot(value)


def test_text_of_anything_is_text() -> None:
    """For names and ids: never an error."""
    assert text_of("a\ud800") == "a\\ud800"
    assert text_of(7) == "7"
    assert "Hostile" in text_of(Hostile())


def test_what_was_looked_through_before_hides_nothing() -> None:
    """The same content again is recorded the same; what only looks the same in JSON, and what holds a secret, is not passed."""
    odd, secret = {"x": float("nan")}, {"x": "sk-" + "a" * 20}
    for _ in range(2):
        assert snapshot({"x": None}) == b'{"x":null}'
        assert snapshot(odd) == b'{"x":"NaN"}'
        assert snapshot(secret) == b'{"x":"[SECRET]"}'
