"""A shipper: the chain it computes, and what it does with each answer of Kafka."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import KafkaError

from langtrail.producer import SpoolDamaged
from langtrail.producer.entry import Entry, Position, Resume
from langtrail.producer.own_events import Hole
from langtrail.producer.shipper import Shipper, identify
from langtrail.producer.spool import Watermark
from langtrail.producer.spool_reader import Lost
from langtrail.schemas import split_raw, unframe

STREAM = "01a20302-9ca0-7641-8857-606240232968"
FACTS = {"stream_id": STREAM, "schema_id": 1, "key": ""}
TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
TIMED_OUT = KafkaError(KafkaError._MSG_TIMED_OUT)


class Source:
    """Events in a list; what was set aside is kept."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries, self._at = entries, 0
        self.acknowledged = Watermark()
        self.aside: list[tuple[int, bytes, bytes, str]] = []
        self.found: list[Lost] = []

    def read(self, max_bytes: int) -> list[Entry]:
        entries = self._entries[self._at : self._at + max_bytes]
        self._at += len(entries)
        return entries

    def rewind(self, watermark: Watermark) -> None:
        self._at = sum(entry.seq <= watermark.seq for entry in self._entries)

    def acknowledge(self, watermark: Watermark) -> None:
        self.acknowledged = watermark

    def lost(self) -> list[Lost]:
        return self.found

    def set_aside(self, seq: int, key: bytes, value: bytes, why: str) -> str:
        self.aside.append((seq, key, value, why))
        return f"refused/{seq}"


def entries(*numbers: int) -> list[Entry]:
    """Return events with these numbers."""
    return [Entry(number, b"key", b"", b"core %d" % number, Position(0, number + 1)) for number in numbers]


def shipper_of(source: Source, holes: list[Hole] | None = None) -> Shipper:
    """Return a shipper that begins at the beginning."""
    return Shipper(source, FACTS, Watermark(), (holes if holes is not None else []).append)


def ship(shipper: Shipper, refused: set[bytes], most: int = 1000, limit: int | None = None) -> list[bytes]:
    """Ship all there is; Kafka refuses some cores for good, and batches of more than `limit`. Return what it took, in order."""
    taken: list[bytes] = []
    while shipper.load(most):
        batch = [split_raw(unframe(value).datum).core for _, value in shipper.messages()]
        if refused & set(batch) or (limit is not None and len(batch) > limit):
            shipper.failed(TOO_LARGE, None)
        else:
            taken += batch
        assert shipper.settle() is None
    return taken


def test_the_chain_links_every_event_to_the_one_before() -> None:
    """SHA-256(0x02 || stream || number || previous || event hash), the first after 32 zero bytes."""
    shipper = shipper_of(Source(entries(0, 1, 5)))
    shipper.load(1000)
    links = [split_raw(unframe(value).datum).chain_hash for _, value in shipper.messages()]
    chain = bytes(32)
    for number, link in zip((0, 1, 5), links, strict=True):
        event = sha256(b"\x00core %d" % number).digest()
        chain = sha256(b"\x02" + UUID(STREAM).bytes + number.to_bytes(8, "big") + chain + event).digest()
        assert link == chain


def test_what_kafka_has_is_acknowledged_as_a_whole() -> None:
    """Number, count, chain and place move together, once all is answered for."""
    source = Source(entries(0, 1, 2))
    shipper = shipper_of(source)
    shipper.load(1000)
    list(shipper.messages())
    assert shipper.acknowledged == Watermark()
    assert shipper.settle() is None
    assert (shipper.acknowledged.seq, shipper.acknowledged.events, shipper.acknowledged.position) == (2, 3, Position(0, 3))
    assert source.acknowledged == shipper.acknowledged


def test_a_refusal_that_may_pass_is_tried_again_with_the_same_bytes() -> None:
    """All of the batch is sent again, whichever of it Kafka did take."""
    shipper = shipper_of(Source(entries(0, 1, 2)))
    shipper.load(2)
    first = list(shipper.messages())
    shipper.failed(TIMED_OUT, None)
    assert shipper.settle() is TIMED_OUT
    assert shipper.load(2)
    assert list(shipper.messages()) == first


def test_a_refusal_that_may_pass_outweighs_one_for_good() -> None:
    """Nothing is set aside before Kafka has answered for all else."""
    source = Source(entries(0))
    shipper = shipper_of(source)
    shipper.load(1)
    list(shipper.messages())
    shipper.failed(TOO_LARGE, None)
    shipper.failed(TIMED_OUT, None)
    assert shipper.settle() is TIMED_OUT
    assert source.aside == []


@pytest.mark.parametrize("most", [1, 2, 7, 1000])
@pytest.mark.parametrize("bad", [{0}, {99}, {3, 4, 50}])
def test_only_what_kafka_refuses_alone_is_set_aside(most: int, bad: set[int]) -> None:
    """All else arrives in order; each refused event is named with its hash and its place."""
    source, holes = Source(entries(*range(100))), list[Hole]()
    shipper = shipper_of(source, holes)
    taken = ship(shipper, {b"core %d" % number for number in bad}, most)
    assert taken == [b"core %d" % number for number in range(100) if number not in bad]
    assert [number for number, *_ in source.aside] == sorted(bad)
    assert [(hole.first_seq, hole.last_seq, hole.reason) for hole in holes] == [
        (number, number, "Kafka refuses it (MSG_SIZE_TOO_LARGE)") for number in sorted(bad)
    ]
    for hole in holes:
        event = sha256(b"\x00core %d" % hole.first_seq).hexdigest()
        assert hole.ext == {"event_hash": event, "kept_in": f"refused/{hole.first_seq}"}
    assert shipper.acknowledged.seq == 99
    assert not shipper.careful


def test_what_is_set_aside_is_the_message_that_kafka_refused() -> None:
    """With its place in the chain: it can be shipped later as it is."""
    whole = Source(entries(0, 1, 2))
    expected = shipper_of(whole)
    expected.load(1000)
    messages = list(expected.messages())
    source = Source(entries(0, 1, 2))
    ship(shipper_of(source), {b"core 1"})
    assert source.aside == [(1, *messages[1], "MSG_SIZE_TOO_LARGE")]


def test_a_batch_that_is_only_too_large_together_arrives() -> None:
    """In smaller parts, none of it set aside."""
    source = Source(entries(*range(100)))
    assert ship(shipper_of(source), set(), limit=9) == [b"core %d" % number for number in range(100)]
    assert source.aside == []


def test_a_chain_is_resumed_where_events_are_not_in_the_files() -> None:
    """The mark before an event counts when the shipper has not been there itself."""
    mark = Resume(6, 7, b"h" * 32)
    ours = [*entries(0), entries(7)[0]._replace(resume=mark)]
    shipper = shipper_of(Source(ours))
    shipper.load(1000)
    *_, (_, last) = shipper.messages()
    event = sha256(b"\x00core 7").digest()
    linked = sha256(b"\x02" + UUID(STREAM).bytes + (7).to_bytes(8, "big") + b"h" * 32 + event).digest()
    assert split_raw(unframe(last).datum).chain_hash == linked
    shipper.settle()
    assert shipper.acknowledged.events == 8


def test_damage_is_named_once() -> None:
    """However often the same part is read again."""
    source, holes = Source(entries(0, 3)), list[Hole]()
    source.found = [Lost(1, 2, "byte 7 of a file")]
    shipper = shipper_of(source, holes)
    for _ in range(3):
        shipper.load(1000)
        list(shipper.messages())
        shipper.failed(TIMED_OUT, None)
        shipper.settle()
    assert holes == [Hole(1, 2, "the spool was damaged at byte 7 of a file")]


@pytest.mark.parametrize(
    "facts", [{}, {"stream_id": "x", "schema_id": 1, "key": ""}, {"stream_id": STREAM, "schema_id": None, "key": ""}]
)
def test_facts_that_are_none_are_damage(facts: dict[str, Any]) -> None:
    """A stream that does not say whose it is cannot be shipped."""
    with pytest.raises(SpoolDamaged, match="whose stream"):
        identify(facts)
