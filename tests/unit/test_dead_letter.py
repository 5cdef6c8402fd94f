"""Dead letters: what they carry, when the breaker opens, and how a deadly record is found."""

from pathlib import Path

import pytest

from langtrail.processors.dead_letter import FEWEST_REJECTED, WINDOW, Breaker, BreakerOpen, dead_letter, withheld
from langtrail.processors.deaths import MOST_DEATHS, Deaths
from langtrail.processors.event import Rejected
from langtrail.processors.records import Incoming
from langtrail.schemas import KEY_HEADER, DeadLetterHeader, topic

RAW = topic("raw").name
WHY = Rejected("open", "broken_seal", "the sealed content does not open")
RECORD = Incoming(1, 42, b"s1", b"\x00bytes", [(KEY_HEADER, b"wrapped"), ("x", None), ("x", b"2")], 1_790_000_000_123)


def test_a_dead_letter_is_the_record_as_it_came() -> None:
    """Key, value and headers are untouched, and it goes into the partition it came from."""
    letter = dead_letter(RECORD, WHY, RAW)
    assert (letter.topic, letter.partition, letter.key, letter.value) == (topic("dead_letters").name, 1, b"s1", b"\x00bytes")
    assert letter.headers[:3] == RECORD.headers


def test_a_dead_letter_names_the_topic_that_it_came_from() -> None:
    """The worker's come from langtrail.raw, the sink's from langtrail.events."""
    assert dict(dead_letter(RECORD, WHY, "langtrail.events").headers)[DeadLetterHeader.TOPIC] == b"langtrail.events"


def test_a_dead_letter_says_why_and_from_where() -> None:
    """Reason, step, sentence and origin are text headers."""
    headers = dict(dead_letter(RECORD, WHY, RAW).headers)
    assert headers[DeadLetterHeader.REASON] == b"broken_seal"
    assert headers[DeadLetterHeader.STAGE] == b"open"
    assert headers[DeadLetterHeader.ERROR] == b"the sealed content does not open"
    assert headers[DeadLetterHeader.TOPIC] == b"langtrail.raw"
    assert headers[DeadLetterHeader.PARTITION] == b"1"
    assert headers[DeadLetterHeader.OFFSET] == b"42"
    assert headers[DeadLetterHeader.TIMESTAMP] == b"1790000000123"
    assert headers[DeadLetterHeader.VERSION]


def test_a_null_value_stays_null() -> None:
    """A record without a value is kept as one."""
    assert dead_letter(Incoming(0, 1, None, None, [], 0), WHY, RAW).value is None


def test_headers_of_an_earlier_rejection_are_replaced() -> None:
    """A replayed dead letter that is rejected again says what was wrong this time, once."""
    first = dead_letter(RECORD, WHY, RAW)
    again = Incoming(0, 7, first.key, first.value, first.headers, 1)
    headers = dead_letter(again, withheld(["input", "tags"]), RAW).headers
    assert [value for name, value in headers if name == DeadLetterHeader.REASON] == [b"withheld"]
    assert dict(headers)[DeadLetterHeader.ERROR] == b"withheld: input, tags"
    assert dict(headers)[DeadLetterHeader.OFFSET] == b"7"
    assert dict(headers)[KEY_HEADER] == b"wrapped"


def opens(breaker: Breaker, partition: int, why: Rejected | None) -> bool:
    """Note what became of a record; tell whether that opened the breaker."""
    try:
        breaker.record(partition, [why])
    except BreakerOpen:
        return True
    return False


def test_some_poison_does_not_open_the_breaker() -> None:
    """Half of a partition may be rejected, and any few records."""
    breaker = Breaker()
    assert not any(opens(breaker, 0, WHY) for _ in range(FEWEST_REJECTED - 1))
    assert not any(opens(breaker, 1, WHY if number % 2 else None) for number in range(3 * WINDOW))
    assert opens(breaker, 0, WHY)
    assert opens(breaker, 1, WHY)


def test_a_partition_that_is_mostly_rejected_opens_the_breaker() -> None:
    """The worker stops before most of a partition lies in the dead letters, and says what the last reason was."""
    breaker = Breaker()
    for _ in range(FEWEST_REJECTED - 1):
        breaker.record(0, [WHY])
    with pytest.raises(BreakerOpen, match=r"langtrail\.raw\[0\].*broken_seal"):
        breaker.record(0, [WHY])


def test_only_the_last_records_count() -> None:
    """A long good past does not hide that a new release rejects everything."""
    breaker = Breaker()
    for _ in range(10 * WINDOW):
        breaker.record(0, [None])
    for _ in range(WINDOW // 2):
        breaker.record(0, [WHY])
    with pytest.raises(BreakerOpen):
        breaker.record(0, [WHY])


def take(deaths: Deaths, partition: int, offset: int, timestamp_ms: int) -> None:
    """Take a record in hand."""
    notes = deaths.of(partition)
    notes.judge(offset, timestamp_ms)
    notes.in_hand(offset, timestamp_ms)


def is_taken(deaths: Deaths, partition: int, offset: int, timestamp_ms: int) -> bool:
    """Take a record in hand unless it is given up; tell whether it is taken."""
    try:
        take(deaths, partition, offset, timestamp_ms)
    except Rejected:
        return False
    return True


def test_a_record_is_rejected_after_three_deaths(tmp_path: Path) -> None:
    """Workers that end with the same record in hand give it up the fourth time, and every time it is read again."""
    for _ in range(MOST_DEATHS):
        take(Deaths(tmp_path), 0, 5, 7)
    for _ in range(2):
        with pytest.raises(Rejected, match="3 times") as rejected:
            take(Deaths(tmp_path), 0, 5, 7)
        assert (rejected.value.stage, rejected.value.reason) == ("worker", "killed_worker")
    take(Deaths(tmp_path), 0, 6, 7)


def test_a_topic_made_anew_has_other_records(tmp_path: Path) -> None:
    """A record is not blamed for what another died of at the same offset."""
    for _ in range(MOST_DEATHS):
        assert is_taken(Deaths(tmp_path), 0, 5, 7)
    deaths = Deaths(tmp_path)
    assert is_taken(deaths, 0, 5, 8)
    assert not is_taken(deaths, 0, 5, 7)


def test_deaths_at_different_records_do_not_add_up(tmp_path: Path) -> None:
    """A worker that is killed from outside finds another record in hand each time."""
    for offset in (5, 6, 5, 6, 7, 5, 5, 5):
        assert is_taken(Deaths(tmp_path), 0, offset, 7)
    assert not is_taken(Deaths(tmp_path), 0, 5, 7)


def test_a_record_that_was_finished_is_not_suspected(tmp_path: Path) -> None:
    """Only what was in hand when the worker ended counts, in each partition for itself."""
    for _ in range(2 * MOST_DEATHS):
        deaths = Deaths(tmp_path)
        assert is_taken(deaths, 0, 5, 7)
        deaths.of(0).done()
        assert is_taken(deaths, 1, 5, 7)
        deaths.of(1).done()
    for _ in range(MOST_DEATHS):
        assert is_taken(Deaths(tmp_path), 0, 5, 7)
    assert not is_taken(Deaths(tmp_path), 0, 5, 7)
    assert is_taken(Deaths(tmp_path), 1, 5, 7)


def test_notes_of_a_torn_file_begin_anew(tmp_path: Path) -> None:
    """A file of another length is not believed."""
    for _ in range(MOST_DEATHS):
        assert is_taken(Deaths(tmp_path), 0, 5, 7)
    notes = tmp_path / "partition-0.notes"
    written = notes.read_bytes()
    notes.write_bytes(written[:-1])
    assert is_taken(Deaths(tmp_path), 0, 5, 7)
    assert len(notes.read_bytes()) == len(written)


def test_a_partition_that_comes_back_is_read_anew(tmp_path: Path) -> None:
    """What another worker died of meanwhile counts when the partition returns."""
    first = Deaths(tmp_path)
    take(first, 0, 1, 7)
    first.of(0).done()
    first.forget(0)
    for _ in range(MOST_DEATHS):
        take(Deaths(tmp_path), 0, 5, 7)
    with pytest.raises(Rejected):
        take(first, 0, 5, 7)
