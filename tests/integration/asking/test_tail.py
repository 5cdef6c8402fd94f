"""Following the store: each new event once, as it becomes queryable, of a tenant and of types, from partitions old and new."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from langtrail.deploy import tail as tail_module
from langtrail.deploy.ask import Trail
from langtrail.deploy.command_tail import line
from langtrail.deploy.process import wait_for
from langtrail.deploy.tail import Follower, follow

Store = Callable[..., None]


@pytest.fixture
def dsn(empty_store: str, store_events: Store) -> str:
    """Return the DSN of a store that has an event of each of two tenants."""
    store_events(empty_store, [{"tenant_id": "acme"}, {"tenant_id": "globex"}], hours=1)
    return empty_store


@pytest.fixture
def trail(dsn: str) -> Iterator[Trail]:
    """Return that store."""
    trail = Trail(dsn)
    yield trail
    trail.close()


def apps(follower: Follower) -> list[str]:
    """Return the names of the new events."""
    return [event["app"] for event in follower.new()]


@pytest.fixture
def put(dsn: str, store_events: Store) -> Callable[..., None]:
    """Return a function that stores events, named by their app, at offsets from `offset` on."""
    hours = iter(range(2, 100))

    def store(*names: str, offset: int = 10, partition: int = 0, **fields: Any) -> None:
        store_events(dsn, [{"app": name, **fields} for name in names], hours=next(hours), offset=offset, partition=partition)

    return store


def test_only_what_is_new_and_each_once(trail: Trail, put: Callable[..., None]) -> None:
    """What is there already is not shown; what comes is, in the order of its offsets, and not again."""
    follower = Follower(trail, None, [])
    assert apps(follower) == []
    put("a", "b")
    assert apps(follower) == ["a", "b"]
    assert apps(follower) == []
    put("c", offset=20)
    assert apps(follower) == ["c"]


def test_an_event_that_was_emitted_twice_is_shown_once(trail: Trail, dsn: str, store_events: Store) -> None:
    """A worker may repeat itself; a new revision is news."""
    follower = Follower(trail, None, [])
    store_events(dsn, [{"app": "a"}], hours=5, offset=10)
    store_events(dsn, [{"app": "a"}], hours=5, offset=11)
    assert apps(follower) == ["a"]
    store_events(dsn, [{"app": "a", "revision": 1}], hours=5, offset=12)
    assert apps(follower) == ["a"]


def test_a_tenant_and_types_narrow_it(trail: Trail, put: Callable[..., None]) -> None:
    """Of the tenant alone, of the types alone; reading is never shown."""
    everyone, acme, ends = Follower(trail, None, []), Follower(trail, "acme", []), Follower(trail, None, ["tool_end"])
    put("other", tenant_id="globex")
    put("end", event_type="tool_end", offset=20)
    put("read", event_type="audit_read", offset=30)
    put("langtrail-read", event_type="stream_open", offset=40)
    put("after", offset=50)
    assert apps(everyone) == ["other", "end", "after"]
    assert apps(acme) == ["end", "after"]
    assert apps(ends) == ["end"]


def test_more_than_one_answer_holds(trail: Trail, put: Callable[..., None]) -> None:
    """A burst is read in parts, all of it."""
    follower = Follower(trail, None, [])
    put(*(f"event {number}" for number in range(2_300)))
    assert apps(follower) == [f"event {number}" for number in range(2_300)]


def test_partitions_that_are_new_and_topics_that_are_made_anew(
    trail: Trail, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offsets that begin again at 0 are followed, in a partition that nobody knew and in one that went back."""
    monkeypatch.setattr(tail_module, "_LOOK_AGAIN_SECONDS", 0.0)
    follower = Follower(trail, None, [])
    put("new partition", offset=0, partition=7)
    assert apps(follower) == ["new partition"]
    put("far", offset=1_000)
    assert apps(follower) == ["far"]
    put("anew", offset=0)
    assert "anew" in apps(follower)


def test_a_store_that_is_empty_is_followed_from_its_first_event(empty_store: str, store_events: Store) -> None:
    """There is no partition yet to stand behind."""
    trail = Trail(empty_store)
    follower = Follower(trail, "acme", [])
    assert apps(follower) == []
    store_events(empty_store, [{"app": "first"}])
    assert apps(follower) == ["first"]
    trail.close()


def test_following_ends_when_it_is_told_to(trail: Trail, put: Callable[..., None]) -> None:
    """An empty list first, then lists of news."""
    asked = iter([False, False, True])
    following = follow(trail, None, [], lambda: next(asked))
    assert next(following) == []
    put("a")
    assert [[event["app"] for event in events] for events in following] == [["a"]]


def test_the_command_prints_lines_until_it_is_interrupted(dsn: str, put: Callable[..., None], tmp_path: Path) -> None:
    """With --json an object a line, at once; Ctrl-C ends it with exit status 0."""
    environ = {**os.environ, "LANGTRAIL_CLICKHOUSE_DSN": dsn, "LANGTRAIL_SPOOL_DIR": str(tmp_path / "spool")}
    command = [sys.executable, "-m", "langtrail.deploy.cli", "tail", "--json", "--type", "text"]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert wait_for(lambda: any((tmp_path / "spool").rglob("*.log")), 20), "the tail did not begin"
        put("live", input='{"a":1}', output="\x1b[31mred")
        event = json.loads(process.stdout.readline())
        assert (event["app"], event["input"], event["output"]) == ("live", {"a": 1}, "\x1b[31mred")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_line_for_people_has_what_matters() -> None:
    """Time, where, what, how it ended, how long, tokens, cost, redactions and the gist; nothing acts on the terminal."""
    event = {
        "occurred_at": "2026-11-22T08:30:00.123456Z",
        "tenant_id": "acme",
        "session_id": "s-1",
        "app": "chat",
        "event_type": "llm_error",
        "name": "gpt\x1b[31m",
        "outcome": "failure",
        "latency_us": 1_240_000,
        "total_tokens": 1_200,
        "cost_nanousd": 12_400_000_000,
        "redacted": ["EMAIL"],
        "error_type": "TimeoutError",
        "error_message": "no answer\nin time",
        "input": None,
        "output": None,
    }
    shown = line(event).plain
    assert shown.startswith("08:30:00.123  acme s-1  llm_error gpt\\x1b[31m  failure  1.24 s  1,200 tokens  $12.40  EMAIL")
    assert shown.endswith("  TimeoutError  no answer in time")
