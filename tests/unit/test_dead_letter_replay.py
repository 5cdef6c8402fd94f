"""Putting dead letters back: which records are chosen, what is written, and that the breaker knows them."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from confluent_kafka import Message

from langtrail.deploy.command_dead_letters import place, since
from langtrail.deploy.dead_letter_replay import choose, replayed
from langtrail.deploy.dead_letters import described, newest
from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import raw_record
from langtrail.processors.batch import BatchHandler
from langtrail.processors.dead_letter import FEWEST_REJECTED, Breaker, BreakerOpen, dead_letter
from langtrail.processors.dead_letter_facts import letter_of
from langtrail.processors.dead_letter_loader import COLUMNS, row_of
from langtrail.processors.deaths import Deaths
from langtrail.processors.delivery import Delivery
from langtrail.processors.event import Event, Rejected
from langtrail.processors.metrics import Metrics
from langtrail.processors.records import Incoming, Outgoing
from langtrail.processors.tenants import Tenants
from langtrail.schemas import KEY_HEADER, DeadLetterHeader, topic
from langtrail.schemas.headers import REPLAYED_FROM_HEADER, REVISION_HEADER

RECORD = Incoming(1, 42, b"s1", b"\x00bytes", [(KEY_HEADER, b"wrapped"), ("x", None), ("x", b"2")], 1_790_000_000_123)
WHY = Rejected("open", "broken_seal", "the sealed content does not open")


def letter(offset: int, record: Incoming = RECORD, why: Rejected = WHY, *, without: Iterable[str] = ()) -> Message:
    """Return the dead letter of a record as Kafka gives it back."""
    written = dead_letter(record, why, topic("raw").name)
    headers: Any = [(name, value) for name, value in written.headers if name not in without]
    fields: dict[str, Any] = {"partition": written.partition, "offset": offset, "key": written.key, "value": written.value}
    return Message(topic=written.topic, headers=headers, timestamp=(1, 1_790_000_001_000 + offset), **fields)


def put_back(message: Message, revision: int) -> Incoming:
    """Return the record that a worker gets once a dead letter was put back."""
    back = replayed(message, letter_of(message), revision)
    return Incoming(back.partition, 77, back.key, back.value, back.headers, 1_790_000_002_000)


def test_what_is_put_back_is_what_came() -> None:
    """Topic, partition, key, bytes and headers are the record's own; what the rejection added is gone."""
    message = letter(5)
    back = replayed(message, letter_of(message), 1)
    assert (back.topic, back.partition, back.key, back.value) == (topic("raw").name, 1, b"s1", b"\x00bytes")
    assert back.headers == [*RECORD.headers, (REPLAYED_FROM_HEADER, b"1:5"), (REVISION_HEADER, b"1")]


def test_headers_of_an_earlier_replay_are_replaced() -> None:
    """A record that is put back for the second time says where from and how often once, the last time."""
    again = letter(6, put_back(letter(5), 1))
    assert put_back(again, 2).headers == [*RECORD.headers, (REPLAYED_FROM_HEADER, b"1:6"), (REVISION_HEADER, b"2")]


def test_each_record_is_chosen_once_with_its_last_revision() -> None:
    """Two dead letters of one record are one choice, the newer one; the highest revision of any of them counts."""
    other = Incoming(0, 1, b"s2", b"other", [], 0)
    choice = choose([letter(5), letter(6, put_back(letter(5), 3)), letter(7, other)], lambda _: True)
    assert [(one.letter.name, one.revision) for one in choice.records] == [("1:6", 3), ("0:7", 0)]
    assert choice.ranges == {1: (6, 7), 0: (7, 8)}


def test_the_last_revision_counts_though_another_letter_is_named() -> None:
    """Who puts an older letter back gets a revision above all of its record."""
    choice = choose([letter(5), letter(6, put_back(letter(5), 3))], lambda one: one.name == "1:5")
    assert [(one.letter.name, one.revision) for one in choice.records] == [("1:5", 3)]
    assert choice.found == {"1:5"}


@pytest.mark.parametrize("missing", [DeadLetterHeader.TOPIC, DeadLetterHeader.PARTITION])
def test_what_does_not_say_where_from_is_left_out(missing: str) -> None:
    """A letter without a place to go back to is named and not guessed about."""
    choice = choose([letter(5, without=[missing])], lambda _: True)
    assert (choice.records, choice.homeless) == ([], ["1:5"])


def test_a_letter_tells_all_but_its_content() -> None:
    """Headers, core and sizes are told; content, the wrapped key and foreign headers are not."""
    (event,) = sample_events(1)
    made = raw_record(event, {"input": '"Bluebird"'})
    told = described(letter(5, Incoming(0, 9, made.key, made.value, [(KEY_HEADER, b"wrapped"), ("x", b"Bluebird")], 0)))
    assert "Bluebird" not in str(told)
    assert told["core"]["event_id"] == event["event_id"]
    assert told["core"]["occurred_at"].startswith("2026-")
    assert [KEY_HEADER, "7 bytes"] in told["headers"]
    assert (told["reason"], told["origin_offset"], told["schema_id"]) == ("broken_seal", 9, 1)


def test_the_newest_letters_come_first() -> None:
    """At most as many as asked for, of the reason asked for."""
    letters = [letter(5), letter(6, why=Rejected("seal", "too_large", "too large")), letter(7), letter(8)]
    assert [one.name for one in newest(letters, "broken_seal", 2)] == ["1:8", "1:7"]
    assert [one.name for one in newest(letters, None, 9)] == ["1:8", "1:7", "1:6", "1:5"]


def test_headers_that_anyone_may_have_written_do_no_harm() -> None:
    """A number that is none is unknown, bytes that are no text are escaped."""
    headers: Any = [(DeadLetterHeader.OFFSET, b"-1"), (REVISION_HEADER, b"x"), (DeadLetterHeader.REASON, b"\xff")]
    told = letter_of(Message(topic="t", partition=0, offset=1, headers=headers, timestamp=(1, 2)))
    assert (told.origin_offset, told.revision, told.reason, told.key, told.size) == (None, 0, "\\xff", None, 0)


def test_the_table_takes_whatever_headers_hold() -> None:
    """Long texts are cut, times that no calendar has are unknown, and the row has a value for each column."""
    headers: Any = [(DeadLetterHeader.ERROR, b"x" * 5000), (DeadLetterHeader.TIMESTAMP, b"9" * 18)]
    message = Message(topic="t", partition=0, offset=1, value=b"\x00\xff\xff\xff\xff", headers=headers, timestamp=(0, -1))
    row = dict(zip(COLUMNS, row_of(message), strict=True))
    assert (len(row["error"]), row["origin_at"], row["rejected_at"].year) == (1000, None, 1970)
    assert (row["schema_id"], row["event_id"], row["seq"]) == (2**32 - 1, None, None)


@pytest.mark.parametrize(
    ("value", "milliseconds"), [("2026-03-17T14:00", 1_773_756_000_000), ("2026-03-17T15:00+01:00", 1_773_756_000_000)]
)
def test_a_time_is_utc_unless_it_names_a_zone(value: str, milliseconds: int) -> None:
    """Times are read as ISO-8601."""
    assert since(value) == milliseconds


def test_so_long_ago_is_before_now() -> None:
    """A length of time counts from now."""
    assert since("2h") - since("3h") == pytest.approx(3_600_000, abs=1000)
    assert since("1d") - since("2d") == pytest.approx(86_400_000, abs=1000)


@pytest.mark.parametrize("name", ["", "1", "1:", ":1", "a:b", "-1:1", "1:1:1"])
def test_a_name_is_partition_and_offset(name: str) -> None:
    """Anything else is refused with the form that is expected."""
    with pytest.raises(typer.BadParameter, match="PARTITION:OFFSET"):
        place(name)


class Nowhere:
    """Takes what is delivered, knows no tenants and never loses them."""

    def check(self) -> None:
        """Say that all is well."""

    async def begin(self, records: Iterable[Outgoing]) -> None:
        """Take some of the records."""

    async def deliver(self, records: Iterable[Outgoing]) -> None:
        """Take the records."""


def rejecting(directory: Path) -> BatchHandler:
    """Return a handler whose only step rejects everything."""

    def step(event: Event) -> None:
        raise WHY

    nowhere = Nowhere()
    delivery, tenants = cast("Delivery", nowhere), cast("Tenants", nowhere)
    return BatchHandler((step,), delivery, Breaker(), Deaths(directory), tenants, Metrics())


def test_replayed_records_do_not_open_the_breaker(tmp_path: Path) -> None:
    """An operator may put back any number of bad records: that they are rejected again is no sign of a new fault."""
    handler = rejecting(tmp_path)
    asyncio.run(handler([put_back(letter(5), 1)] * (3 * FEWEST_REJECTED)))
    with pytest.raises(BreakerOpen):
        asyncio.run(handler([RECORD] * FEWEST_REJECTED))
