"""The spool: what is written is there, in order, whatever happens to the process or the disk."""

import os
from pathlib import Path

import pytest

from langtrail.producer import SpoolDamaged, SpoolFull
from langtrail.producer.spool import Position, SpoolReader, SpoolWriter, StreamFiles, Watermark, create_stream, streams

BEGINNING = Position()
STREAM = "01a20302-9ca0-7641-8857-606240232968"


@pytest.fixture
def files(tmp_path: Path) -> StreamFiles:
    """Return an empty stream."""
    return create_stream(tmp_path, STREAM, {"stream_id": STREAM, "schema_id": 1, "key": ""})


def fill(files: StreamFiles, numbers: range, *, segment_bytes: int = 1 << 20, max_bytes: int = 1 << 30) -> SpoolWriter:
    """Append an entry for each number."""
    writer = SpoolWriter(files, max_bytes, segment_bytes)
    for number in numbers:
        writer.append(number, b"key", b"content", b"core %d" % number)
    return writer


def numbers(files: StreamFiles, position: Position = BEGINNING, chunk: int = 100) -> list[int]:
    """Return the numbers of all entries from a position on."""
    reader, found = SpoolReader(files, position), []
    while entries := reader.read(chunk):
        found += [entry.seq for entry in entries]
    return found


def test_entries_come_back_in_order_over_several_files(files: StreamFiles) -> None:
    """A reader crosses from file to file, and gives every part of an entry back."""
    fill(files, range(100), segment_bytes=300)
    assert len(files.segments()) > 10
    assert numbers(files) == list(range(100))
    entry = SpoolReader(files, Position()).read(1)[0]
    assert (entry.key, entry.content, entry.core) == (b"key", b"content", b"core 0")


def test_a_reader_follows_the_writer(files: StreamFiles) -> None:
    """What is appended after a reader came to the end is read next."""
    reader = SpoolReader(files, Position())
    writer = fill(files, range(2))
    assert [entry.seq for entry in reader.read(1000)] == [0, 1]
    assert reader.read(1000) == []
    writer.append(2, b"", b"", b"core")
    assert [entry.seq for entry in reader.read(1000)] == [2]


def test_an_entry_larger_than_a_read_comes_whole(files: StreamFiles) -> None:
    """A read asks for bytes; an entry is never cut by it."""
    writer = SpoolWriter(files, 1 << 30)
    writer.append(0, b"", b"x" * 100_000, b"core")
    (entry,) = SpoolReader(files, Position()).read(1000)
    assert len(entry.content) == 100_000


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 30])
def test_reading_stops_at_a_torn_tail(files: StreamFiles, cut: int) -> None:
    """A file that ends within an entry gives all entries before it."""
    fill(files, range(3))
    path = files.segment_path(0)
    os.truncate(path, path.stat().st_size - cut)
    assert numbers(files) == [0, 1] if cut < 38 else [0]


def test_a_changed_byte_is_damage(files: StreamFiles) -> None:
    """A whole entry that does not fit its checksum is not taken for an event."""
    fill(files, range(3))
    path = files.segment_path(0)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(SpoolDamaged, match="checksum"):
        numbers(files)


def test_the_limit_refuses_and_leaves_no_part(files: StreamFiles) -> None:
    """An entry over the limit is refused; what was there before is whole."""
    with pytest.raises(SpoolFull, match="LANGTRAIL_SPOOL_MAX_BYTES"):
        fill(files, range(1000), segment_bytes=500, max_bytes=2000)
    assert numbers(files) == list(range(len(numbers(files))))
    assert sum(path.stat().st_size for path in files.directory.glob("*.log")) <= 2000


def test_acknowledged_files_are_removed(files: StreamFiles) -> None:
    """The watermark outlives the process, and files before it are gone."""
    fill(files, range(100), segment_bytes=300)
    third = files.segments()[2]
    files.acknowledge(Watermark(events=third, segment=third))
    assert files.watermark().events == third
    assert files.segments()[0] == third
    assert numbers(files, files.watermark().position) == list(range(third, 100))


def test_a_stream_has_one_owner(files: StreamFiles, tmp_path: Path) -> None:
    """Nobody else takes a stream while its owner lives; once it let go, the next one gets it."""
    (other,) = streams(tmp_path)
    assert not other.lock()
    files.unlock()
    assert other.lock()


def test_a_removed_stream_is_gone(files: StreamFiles, tmp_path: Path) -> None:
    """A stream that was acknowledged whole leaves nothing behind."""
    fill(files, range(3)).close()
    files.remove()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read(files: StreamFiles) -> None:
    """Directory and files are closed to other users of the machine."""
    fill(files, range(1))
    assert files.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files.directory.iterdir()} == {0o600}
