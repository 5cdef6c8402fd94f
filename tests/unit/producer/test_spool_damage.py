"""A damaged spool: nothing before or after the damage is lost, and what is lost is named by its numbers."""

import os
from pathlib import Path

import pytest

from langtrail.producer.entry import Position, find_entry
from langtrail.producer.spool import StreamFiles, create_stream
from langtrail.producer.spool_limit import SpoolLimit
from langtrail.producer.spool_reader import Lost, SpoolReader
from langtrail.producer.spool_writer import SpoolWriter

STREAM = "01a20302-9ca0-7641-8857-606240232968"
FACTS = b'{"stream_id": "' + STREAM.encode() + b'", "schema_id": 1, "key": ""}'
FACTS_BYTES = 12 + 1 + len(FACTS)
ENTRY_BYTES = 12 + 15 + len(b"key" + b"content" + b"core 0")


@pytest.fixture
def files(tmp_path: Path) -> StreamFiles:
    """Return a stream of ten entries in two files, five in each."""
    files = create_stream(tmp_path, STREAM)
    limit = SpoolLimit(tmp_path, 1 << 30)
    limit.segment_bytes = FACTS_BYTES + 5 * ENTRY_BYTES
    writer = SpoolWriter(files, FACTS, limit)
    for number in range(10):
        writer.append(number, b"key", b"content", b"core %d" % number)
    assert files.segments() == [0, 5]
    return files


def read(files: StreamFiles, *, chunk: int = 64) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the numbers that come back from a stream nobody writes any more, and those that are lost."""
    reader, found = SpoolReader(files, Position()), []
    while entries := reader.read(chunk):
        found += [entry.seq for entry in entries]
    reader.finish()
    return found, [(lost.first_seq, lost.last_seq) for lost in reader.lost]


def change(files: StreamFiles, segment: int, offset: int, data: bytes) -> None:
    """Write over a part of a file."""
    with files.segment_path(segment).open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("chunk", [1, 64, 1 << 20])
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("part", [0, 3, 4, 7, 8, 11, 12, 20, ENTRY_BYTES - 1])
def test_a_changed_byte_costs_one_entry(files: StreamFiles, number: int, part: int, chunk: int) -> None:
    """Whichever byte of whichever entry it is: in its mark, its length, its checksum or its payload."""
    offset = FACTS_BYTES + number * ENTRY_BYTES + part
    before = files.segment_path(0).read_bytes()[offset]
    change(files, 0, offset, bytes((before ^ 0x41,)))
    assert read(files, chunk=chunk) == ([n for n in range(10) if n != number], [(number, number)])


def test_a_length_that_reaches_beyond_the_file_costs_one_entry(files: StreamFiles) -> None:
    """It looks like a torn end, but there are entries after it."""
    change(files, 0, FACTS_BYTES + 2 * ENTRY_BYTES + 4, (10_000).to_bytes(4, "big"))
    assert read(files) == ([0, 1, 3, 4, 5, 6, 7, 8, 9], [(2, 2)])


def test_a_hole_of_zeros_costs_what_was_there(files: StreamFiles) -> None:
    """As a file system leaves them after a power loss."""
    change(files, 0, FACTS_BYTES + ENTRY_BYTES + 20, bytes(2 * ENTRY_BYTES))
    assert read(files) == ([0, 4, 5, 6, 7, 8, 9], [(1, 3)])


def test_a_file_that_is_gone_costs_what_was_in_it(files: StreamFiles) -> None:
    """The next one is read; no damage is seen, for the numbers say it."""
    files.segment_path(0).write_bytes(b"")
    assert read(files)[0] == [5, 6, 7, 8, 9]


def test_the_facts_of_a_file_may_be_damaged(files: StreamFiles) -> None:
    """Another file has them, too, and no event is lost."""
    change(files, 0, 20, b"XXXX")
    assert files.facts()["stream_id"] == STREAM
    assert read(files) == (list(range(10)), [])


@pytest.mark.parametrize("cut", [1, ENTRY_BYTES - 12, ENTRY_BYTES - 11, ENTRY_BYTES - 1])
def test_a_torn_end_costs_one_entry(files: StreamFiles, cut: int) -> None:
    """A process that was killed while it wrote: all before it is there, and the number is named."""
    path = files.segment_path(5)
    os.truncate(path, path.stat().st_size - cut)
    assert read(files) == (list(range(9)), [(9, 9)])


def test_a_torn_end_in_the_middle_of_a_stream_costs_one_entry(files: StreamFiles) -> None:
    """A full disk tore it, and the next entry began another file."""
    path = files.segment_path(0)
    os.truncate(path, path.stat().st_size - 7)
    assert read(files) == ([0, 1, 2, 3, 5, 6, 7, 8, 9], [(4, 4)])


def test_a_torn_end_whose_entry_was_written_again_costs_nothing(files: StreamFiles) -> None:
    """The numbers decide: none is missing."""
    path = files.segment_path(0)
    path.write_bytes(path.read_bytes() + b"\xf5LT\x01\x00\x00")
    assert read(files) == (list(range(10)), [])


def test_while_a_stream_is_written_a_torn_end_is_waited_for(files: StreamFiles) -> None:
    """A large entry becomes visible page by page: it is not taken for damage."""
    path = files.segment_path(5)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    reader = SpoolReader(files, Position(5, 0), 4)
    assert [entry.seq for entry in reader.read(1 << 20)] == [5, 6, 7, 8]
    assert reader.read(1 << 20) == []
    path.write_bytes(whole)
    assert [entry.seq for entry in reader.read(1 << 20)] == [9]
    assert reader.lost == []


def test_the_mark_may_be_part_of_an_event(files: StreamFiles) -> None:
    """Sealed content holds any bytes: only a checksum makes an entry."""
    limit = SpoolLimit(files.directory.parent, 1 << 30)
    writer = SpoolWriter(files, FACTS, limit)
    writer.append(10, b"\xf5LT\x01", b"\xf5LT\x01" * 100, b"\xf5LT\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00")
    writer.append(11, b"", b"", b"core")
    change(files, 10, FACTS_BYTES + 13, b"\x01")
    assert read(files) == ([*range(10), 11], [(10, 10)])


def test_the_place_of_the_damage_is_named(files: StreamFiles) -> None:
    """By file and offset, for whoever wants to look."""
    change(files, 0, FACTS_BYTES + 30, b"X")
    reader = SpoolReader(files, Position())
    reader.read(1 << 20)
    assert reader.lost == [Lost(0, 0, f"byte {FACTS_BYTES} of 00000000000000000000.log")]


def test_entries_are_found_in_files_larger_than_a_window(tmp_path: Path) -> None:
    """The search goes on over windows, also when a mark lies across two of them."""
    files = create_stream(tmp_path, STREAM)
    SpoolWriter(files, FACTS, SpoolLimit(tmp_path, 1 << 30)).append(0, b"", b"content", b"core")
    entry = files.segment_path(0).read_bytes()[FACTS_BYTES:]
    for garbage in ((1 << 20) - 2, 1 << 20, 3 << 20):
        path = tmp_path / "garbage"
        path.write_bytes(b"\xf5" * garbage + entry)
        with path.open("rb") as file:
            assert find_entry(file.fileno(), 1, path.stat().st_size) == garbage
