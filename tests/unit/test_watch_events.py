"""What the watch derives: the same bytes for the same facts, whole by itself, and in nobody else's numbers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from langtrail.deploy.watch_events import APP, COPIED, Derived, abandoned, burst, gap, not_executed
from langtrail.schemas import RAW_EVENT, chain_hash, decode, event_hash, registry, split_raw, unframe

RUN, ROOT, STREAM = UUID(int=1), UUID(int=2), UUID("019cf985-7904-7d42-8cae-8e39e278c19b")
START = 1_790_000_000_000_000
FACTS: dict[str, Any] = {
    **dict.fromkeys(COPIED),
    "tenant_id": "acme",
    "environment": "production",
    "session_id": "s-1",
    "run_id": RUN,
    "root_run_id": ROOT,
    "component": "agent",
    "principal_id": "ann",
    "principal_type": "human",
    "identity_assurance": "asserted",
    "roles": ["support"],
    "trigger": "api",
    "trigger_id": "nightly",
    "stream_id": STREAM,
    "started_at": START,
    "kind": "chain",
}
CALL = FACTS | {"call_id": "call_1", "call_name": "archive", "at": START + 9}
HOLE: dict[str, Any] = {
    "stream_id": STREAM,
    "first_seq": 3,
    "last_seq": 5,
    "tenant_id": "acme",
    "environment": "production",
    "at": START,
}
EVERY: dict[str, Callable[[], Derived]] = {
    "abandoned": lambda: abandoned(FACTS, "silence", START + 7),
    "tool_not_executed": lambda: not_executed(CALL),
    "gap": lambda: gap(HOLE),
    "burst": lambda: burst("acme", "errors", START, 300_000_000, 50),
}


def core_of(derived: Derived) -> dict[str, Any]:
    """Return the record as a worker decodes it."""
    return decode(registry().latest(RAW_EVENT), unframe(derived.value).datum)


@pytest.mark.parametrize("kind", EVERY)
def test_whoever_derives_it_writes_the_same_bytes(kind: str) -> None:
    """Nothing of the process, the time or chance is in it: twice is the same event."""
    first, second = EVERY[kind](), EVERY[kind]()
    assert first == second
    assert first.event_id.version == 5
    core = core_of(first)
    assert (core["app"], core["host"], core["pid"], core["monotonic_ns"]) == (APP, "", 0, 0)
    assert core["langtrail_version"] == core["python_version"] == ""


@pytest.mark.parametrize("kind", EVERY)
def test_it_is_a_stream_of_its_own_and_whole(kind: str) -> None:
    """It has the number 0 of a stream that nothing else is in, its chain begins with it, and it has no content."""
    derived = EVERY[kind]()
    parts, core = split_raw(unframe(derived.value).datum), core_of(derived)
    assert core["seq"] == 0
    assert UUID(core["stream_id"]).version == 5
    assert core["stream_id"] not in (core["event_id"], str(STREAM))
    assert parts.content == b""
    assert parts.chain_hash == chain_hash(UUID(core["stream_id"]).bytes, 0, bytes(32), event_hash(parts.core))


def test_what_differs_has_another_id() -> None:
    """Another run, stream, hole, tenant, kind, window or limit is another event."""
    every = [
        *(derive() for derive in EVERY.values()),
        abandoned(FACTS | {"run_id": ROOT}, "silence", START + 7),
        abandoned(FACTS | {"stream_id": ROOT}, "silence", START + 7),
        not_executed(CALL | {"call_id": "call_2"}),
        gap(HOLE | {"last_seq": 4}),
        gap(HOLE | {"first_seq": 35, "last_seq": 5}),
        burst("acme", "denials", START, 300_000_000, 50),
        burst("globex", "errors", START, 300_000_000, 50),
        burst("acme", "errors", START + 300_000_000, 300_000_000, 50),
        burst("acme", "errors", START, 60_000_000, 50),
        burst("acme", "errors", START, 300_000_000, 10),
    ]
    assert len({each.event_id for each in every}) == len({core_of(each)["stream_id"] for each in every}) == len(every)


def test_watches_with_other_settings_never_write_two_events_under_one_id() -> None:
    """What they say of one run or one window differs in its bytes, and so in its id: an id stands for one event."""
    pairs = [
        (burst("acme", "errors", START, 300_000_000, 50), burst("acme", "errors", START, 300_000_000, 20)),
        (abandoned(FACTS, "silence", START + 180_000_000), abandoned(FACTS, "silence", START + 60_000_000)),
        (abandoned(FACTS, "silence", START + 7), abandoned(FACTS, "deadline", START + 7)),
        (gap(HOLE), gap(HOLE | {"at": START + 1})),
    ]
    for one, other in pairs:
        assert one.value != other.value
        assert one.event_id != other.event_id
        assert core_of(one)["stream_id"] != core_of(other)["stream_id"]


def test_an_abandoned_run_keeps_who_and_where_it_was() -> None:
    """Its end has its tenant, session, principal and trigger, names its stream, and never comes before its start."""
    core = core_of(abandoned(FACTS, "silence", START - 100))
    assert {name: core[name] for name in ("tenant_id", "session_id", "principal_id", "trigger_id", "outcome")} == {
        "tenant_id": "acme",
        "session_id": "s-1",
        "principal_id": "ann",
        "trigger_id": "nightly",
        "outcome": "abandoned",
    }
    assert {pair["key"]: pair["value"] for pair in core["ext"]} == {
        "closed_by": "silence",
        "kind": "chain",
        "stream_id": str(STREAM),
    }
    assert (core["started_at"], core["occurred_at"]) == (START, START + 1)
    assert abandoned(FACTS, "silence", START).key == b"s-1"


def test_a_tool_is_named_as_any_name_may_stand_in_the_core() -> None:
    """The model chose the name: what looks like a person is withheld from the core."""
    assert core_of(not_executed(CALL))["tool_name"] == "archive"
    assert core_of(not_executed(CALL | {"call_name": "bob@example.org"}))["tool_name"] == "withheld"


def test_a_gap_says_which_numbers_of_which_stream() -> None:
    """First and last number and how many, and the stream that misses them; it belongs to no session."""
    core = core_of(gap(HOLE))
    assert (core["first_seq"], core["last_seq"], core["count"], core["session_id"]) == (3, 5, 3, "")
    assert core["ext"] == [{"key": "stream_id", "value": str(STREAM)}]
