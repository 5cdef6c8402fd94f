"""Messages that Kafka refuses for good: kept apart, byte for byte, until somebody tries again."""

from pathlib import Path

import pytest

from langtrail.producer import SpoolDamaged
from langtrail.producer.outlet import Headers
from langtrail.producer.refused import refused, set_aside

STREAM = "01a20302-9ca0-7641-8857-606240232968"
KEY, VALUE = b"a key \xff", bytes(range(256)) * 10
HEADERS: Headers = [("langtrail-key", b"\x00\x01"), ("other", b"x")]


def test_a_message_comes_back_as_it_was(tmp_path: Path) -> None:
    """Key, value, headers and the reason, in the order of the numbers; its place is told within the spool."""
    for seq in (10, 9):
        place = set_aside(tmp_path, STREAM, seq, KEY, VALUE + bytes([seq]), HEADERS, "MSG_SIZE_TOO_LARGE")
        assert (tmp_path / place).read_bytes() == VALUE + bytes([seq])
    first, second = refused(tmp_path)
    assert (first.key, first.value, first.headers, first.why) == (KEY, VALUE + b"\x09", HEADERS, "MSG_SIZE_TOO_LARGE")
    assert [one.name for one in (first, second)] == [f"{STREAM}/{9:020d}", f"{STREAM}/{10:020d}"]


def test_what_was_shipped_after_all_is_removed(tmp_path: Path) -> None:
    """Value and description; removing twice is no error."""
    set_aside(tmp_path, STREAM, 1, KEY, VALUE, HEADERS, "INVALID_RECORD")
    (one,) = refused(tmp_path)
    one.remove()
    one.remove()
    assert list(refused(tmp_path)) == []
    assert list(one.path.parent.iterdir()) == []


@pytest.mark.parametrize("description", ["", "{", "[]", '{"key": "!"}', '{"headers": [["a"]], "key": "", "why": ""}'])
def test_a_description_that_cannot_be_read_is_damage(tmp_path: Path, description: str) -> None:
    """The file is named; nothing is guessed."""
    place = tmp_path / set_aside(tmp_path, STREAM, 7, KEY, VALUE, HEADERS, "INVALID_RECORD")
    place.with_suffix(".json").write_text(description)
    with pytest.raises(SpoolDamaged, match=f"{7:020d}.value cannot be read"):
        list(refused(tmp_path))


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """It may hold content in clear."""
    place = tmp_path / set_aside(tmp_path, STREAM, 7, KEY, VALUE, HEADERS, "INVALID_RECORD")
    modes = {path.stat().st_mode & 0o077 for path in (place, place.with_suffix(".json"), place.parent)}
    assert modes == {0}


def test_a_spool_without_any_has_none(tmp_path: Path) -> None:
    """Nothing was refused, or there is no spool."""
    assert list(refused(tmp_path / "nowhere")) == []
