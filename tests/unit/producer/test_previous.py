"""Which stream came before: each names one, so that the streams of an application are a chain."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from langtrail.producer import previous
from langtrail.producer.file_lock import lock_file, unlock_file
from langtrail.producer.ids import uuid7
from langtrail.producer.previous import take_turn


def test_each_stream_names_the_one_before_it(tmp_path: Path) -> None:
    """Per application; the first has none before it."""
    first, second, other = (uuid7(number) for number in range(3))
    assert take_turn(tmp_path, "shop", first) is None
    assert take_turn(tmp_path, "desk", other) is None
    assert take_turn(tmp_path, "shop", second) == first
    assert take_turn(tmp_path, "desk", uuid7(9)) == other


def test_streams_that_open_at_once_are_one_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many processes start together, no stream is named twice."""
    monkeypatch.setattr(previous, "_TRIES", 10_000)
    streams = [uuid7(number) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        named = list(pool.map(lambda stream: take_turn(tmp_path, "shop", stream), streams))
    assert named.count(None) == 1
    assert len(set(named)) == 40


@pytest.mark.parametrize("app", ["a/b", "../x", "ü" * 300, "", "with space"])
def test_an_application_may_have_any_name(tmp_path: Path, app: str) -> None:
    """Its file lies in the spool, whatever the name says."""
    first = uuid7(1)
    take_turn(tmp_path, app, first)
    assert take_turn(tmp_path, app, uuid7(2)) == first
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stream_id": "nobody"}', '{"stream_id": 7, "host": "h"}'])
def test_a_file_that_cannot_be_read_names_nobody(tmp_path: Path, content: str) -> None:
    """Nothing is guessed, and the next one is named again."""
    (tmp_path / "last-shop").write_text(content)
    first = uuid7(1)
    assert take_turn(tmp_path, "shop", first) is None
    assert take_turn(tmp_path, "shop", uuid7(2)) == first


def test_the_stream_of_another_machine_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spool that was copied, or is shared, tells nothing of this machine."""
    take_turn(tmp_path, "shop", uuid7(1))
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert take_turn(tmp_path, "shop", uuid7(2)) is None


def test_a_lock_that_is_held_for_ever_costs_the_name_and_no_time(tmp_path: Path) -> None:
    """Opening a stream does not wait for a process that hangs."""
    held = lock_file(tmp_path / "last-shop")
    assert held is not None
    assert take_turn(tmp_path, "shop", uuid7(1)) is None
    unlock_file(held)
