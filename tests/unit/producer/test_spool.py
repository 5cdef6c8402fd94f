"""The spool: what is written is there, in order, whatever happens to the process or the disk."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from langtrail.producer import SpoolDamaged, SpoolFull, spool_reader
from langtrail.producer.entry import Position, Resume, pack_event, parse
from langtrail.producer.spool import StreamFiles, Watermark, create_stream, is_stream_id, streams, sweep
from langtrail.producer.spool_limit import SpoolLimit, bytes_in
from langtrail.producer.spool_reader import SpoolReader
from langtrail.producer.spool_writer import SpoolWriter

BEGINNING = Position()
STREAM = "01a20302-9ca0-7641-8857-606240232968"
OTHER = "01a20302-9ca0-7641-8857-606240232969"
FACTS = b'{"stream_id": "' + STREAM.encode() + b'", "schema_id": 1, "key": ""}'


@pytest.fixture
def files(tmp_path: Path) -> StreamFiles:
    """Return an empty stream."""
    return create_stream(tmp_path, STREAM)


def writer_of(files: StreamFiles, *, segment_bytes: int = 1 << 20, max_bytes: int = 1 << 30) -> SpoolWriter:
    """Return a writer with a limit of its own."""
    limit = SpoolLimit(files.directory.parent, max_bytes)
    limit.segment_bytes = segment_bytes
    return SpoolWriter(files, FACTS, limit)


def fill(files: StreamFiles, numbers: range, *, segment_bytes: int = 1 << 20, max_bytes: int = 1 << 30) -> SpoolWriter:
    """Append an entry for each number."""
    writer = writer_of(files, segment_bytes=segment_bytes, max_bytes=max_bytes)
    for number in numbers:
        writer.append(number, b"key", b"content", b"core %d" % number)
    return writer


def numbers(files: StreamFiles, position: Position = BEGINNING, chunk: int = 100) -> list[int]:
    """Return the numbers of all entries from a position on."""
    reader, found = SpoolReader(files, position), []
    while entries := reader.read(chunk):
        found += [entry.seq for entry in entries]
    return found


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


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


def test_what_is_appended_just_before_a_new_file_begins_is_not_missed(
    files: StreamFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that finds a next file looks at the end of its own once more: the writer may have been faster."""
    writer = fill(files, range(2))
    reader = SpoolReader(files, Position())
    assert len(reader.read(1000)) == 2
    real = StreamFiles.segments
    appended: list[int] = []

    def segments(self: StreamFiles) -> list[int]:
        if not appended:
            appended.append(2)
            writer.append(2, b"", b"", b"core")
            writer._limit.segment_bytes = 1
            writer.append(3, b"", b"", b"core")
        return real(self)

    monkeypatch.setattr(StreamFiles, "segments", segments)
    assert [entry.seq for entry in reader.read(1000)] == [2]
    assert [entry.seq for entry in reader.read(1000)] == [3]


def test_an_entry_larger_than_a_read_comes_whole(files: StreamFiles) -> None:
    """A read asks for bytes; an entry is never cut by it."""
    writer_of(files).append(0, b"", b"x" * 100_000, b"core")
    (entry,) = SpoolReader(files, Position()).read(1000)
    assert len(entry.content) == 100_000


@pytest.mark.parametrize("piece", [1, 50, 1000])
def test_one_read_takes_as_many_pieces_as_it_needs(files: StreamFiles, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """It gives what was asked for, whatever a piece is; at the end the reader lets go of its file."""
    monkeypatch.setattr(spool_reader, "_PIECE_BYTES", piece)
    fill(files, range(100))
    before = open_files()
    reader = SpoolReader(files, Position())
    assert [entry.seq for entry in reader.read(1 << 20)] == list(range(100))
    assert open_files() == before + 1
    assert reader.read(1 << 20) == []
    assert open_files() == before


def test_where_the_chain_is_comes_with_the_next_entry(files: StreamFiles) -> None:
    """After events that never reached the disk, the next entry says what to resume from, across files, too."""
    writer = fill(files, range(2))
    resume = Resume(7, 8, b"h" * 32)
    writer.resume(8, resume)
    writer._limit.segment_bytes = 1
    writer.append(8, b"", b"", b"core")
    reader = SpoolReader(files, Position())
    entries = [*reader.read(1 << 20), *reader.read(1 << 20)]
    assert [(entry.seq, entry.resume) for entry in entries] == [(0, None), (1, None), (8, resume)]


def test_the_limit_refuses_and_leaves_no_part(files: StreamFiles) -> None:
    """An entry over the limit is refused; what was there before is whole."""
    with pytest.raises(SpoolFull, match="LANGTRAIL_SPOOL_MAX_BYTES"):
        fill(files, range(100_000), segment_bytes=20_000, max_bytes=200_000)
    assert numbers(files, chunk=10_000) == list(range(len(numbers(files, chunk=10_000))))
    assert 180_000 < bytes_in(files.directory.parent) <= 210_000


def test_the_limit_is_for_all_streams_of_a_spool(files: StreamFiles, tmp_path: Path) -> None:
    """What dead processes left counts, and what is acknowledged makes room again."""
    with pytest.raises(SpoolFull):
        fill(files, range(100_000), segment_bytes=20_000, max_bytes=200_000)
    second = create_stream(tmp_path, OTHER)
    writer = writer_of(second, max_bytes=200_000)
    with pytest.raises(SpoolFull):
        writer.append(0, b"", b"x" * 60_000, b"core")
    last = files.segments()[-1]
    files.acknowledge(Watermark(seq=last - 1, events=last, segment=last))
    writer._limit._look_at = 0.0
    writer.append(0, b"", b"x" * 60_000, b"core")


def test_the_last_words_of_a_stream_go_beyond_the_limit(files: StreamFiles) -> None:
    """A stream that ends when the spool is full can still say so."""
    writer = writer_of(files, max_bytes=100)
    with pytest.raises(SpoolFull):
        writer.append(0, b"", b"", b"core" * 100)
    writer.append_last(0, b"", b"", b"core" * 100)
    assert numbers(files) == [0]


def test_acknowledged_files_are_removed(files: StreamFiles) -> None:
    """The watermark outlives the process, and files before it are gone."""
    fill(files, range(100), segment_bytes=300)
    third = files.segments()[2]
    files.acknowledge(Watermark(seq=third - 1, events=third, segment=third))
    assert files.watermark().events == third
    assert files.segments()[0] == third
    assert numbers(files, files.watermark().position) == list(range(third, 100))


def test_an_unreadable_watermark_counts_as_none_while_nothing_is_gone(files: StreamFiles) -> None:
    """As long as the first file is there the stream can be shipped from its beginning; later nobody knows the chain."""
    fill(files, range(100), segment_bytes=300)
    (files.directory / "acknowledged.json").write_text('{"event')
    assert files.watermark() == Watermark()
    files.segment_path(0).unlink()
    with pytest.raises(SpoolDamaged, match=r"acknowledged\.json"):
        files.watermark()


def test_what_is_left_is_counted_without_reading_all_of_it(files: StreamFiles) -> None:
    """The last number less the acknowledged one."""
    fill(files, range(1000), segment_bytes=5000)
    assert files.left() == 1000
    files.acknowledge(Watermark(seq=989, events=990, segment=files.segments()[-1]))
    assert files.left() == 10


def test_each_file_says_whose_stream_it_is(files: StreamFiles) -> None:
    """A file that was copied alone, or whose older ones are gone, can still be shipped."""
    fill(files, range(100), segment_bytes=300)
    for segment in files.segments()[:-1]:
        files.segment_path(segment).unlink()
    assert files.facts()["stream_id"] == STREAM


def test_files_that_do_not_say_whose_stream_they_are_are_damaged(files: StreamFiles) -> None:
    """Nothing is guessed."""
    files.segment_path(0).write_bytes(b"no entry")
    with pytest.raises(SpoolDamaged, match="whose stream"):
        files.facts()


def test_a_stream_has_one_owner(files: StreamFiles, tmp_path: Path) -> None:
    """Nobody else takes a stream while its owner lives; once it let go, the next one gets it."""
    (other,) = streams(tmp_path)
    assert not other.lock()
    files.unlock()
    assert other.lock()


def test_a_lock_whose_descriptor_the_application_closed_is_let_go_of_without_a_word(files: StreamFiles, tmp_path: Path) -> None:
    """And the file that got its number stays open."""
    assert files._lock is not None
    with (tmp_path / "theirs").open("wb") as theirs:
        os.dup2(theirs.fileno(), lock := files._lock)
        files.unlock()
        os.close(lock)
    assert files.lock()
    os.close(files._lock)
    files.unlock()


def test_a_stream_has_its_name_only_once_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for streams of dead processes never sees one that is being made."""
    seen: list[list[StreamFiles]] = []
    real = StreamFiles.lock

    def lock(self: StreamFiles) -> bool:
        seen.append(streams(tmp_path))
        return real(self)

    monkeypatch.setattr(StreamFiles, "lock", lock)
    create_stream(tmp_path, STREAM)
    assert seen == [[]]


def test_who_opened_the_lock_of_a_stream_that_is_being_removed_does_not_get_it(files: StreamFiles, tmp_path: Path) -> None:
    """A lock on a removed file is none, and no directory comes back to life by it."""
    (other,) = streams(tmp_path)
    fill(files, range(3)).close()
    files.remove()
    assert not other.lock()
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_does_not_hold_its_parents_locks(files: StreamFiles, tmp_path: Path) -> None:
    """A child that outlives its parent must not keep the parent's stream from being shipped."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        theirs.send(b"forked")
        theirs.recv(1)
        os._exit(0)
    assert ours.recv(6) == b"forked"
    files.unlock()
    (other,) = streams(tmp_path)
    taken = other.lock()
    ours.send(b"x")
    os.waitpid(child, 0)
    ours.close()
    theirs.close()
    assert taken


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A killed process holds nothing."""
    code = f"""if True:
        from pathlib import Path
        from langtrail.producer.spool import create_stream
        files = create_stream(Path({str(tmp_path)!r}), {STREAM!r})
        print("locked", flush=True)
        input()
    """
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        (files,) = streams(tmp_path)
        assert not files.lock()
        process.kill()
        process.wait()
    assert files.lock()
    files.unlock()


def test_what_dead_processes_left_half_made_or_half_removed_is_swept(tmp_path: Path) -> None:
    """After an hour nobody can be at work on it any more; a younger one, and anything else, stays."""
    old = time.time() - 4000
    for name in (f".new-{STREAM}", f".removed-{OTHER}", ".other-directory"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (old, old))
    (tmp_path / f".new-{OTHER}").mkdir()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".new-{OTHER}", ".other-directory"]


def test_a_spool_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """The reason is the system's."""
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SpoolFull, match="cannot be written"):
        create_stream(tmp_path / "spool", STREAM)


def test_only_the_owner_may_read(files: StreamFiles) -> None:
    """Directory and files are closed to other users of the machine."""
    fill(files, range(1))
    files.acknowledge(Watermark())
    assert files.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files.directory.iterdir()} == {0o600}


def test_other_files_in_a_spool_are_no_streams() -> None:
    """Only a UUID in its usual form is one."""
    assert is_stream_id(STREAM)
    assert not any(map(is_stream_id, ("last-app", "refused", f".new-{STREAM}", STREAM.upper(), STREAM.replace("-", ""))))


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 1_000_000])
def test_an_entry_is_read_as_it_was_packed(size: int) -> None:
    """Content of any length: what is long is packed in another way, to the same bytes."""
    content = os.urandom(size)
    found, _ = parse(pack_event(7, b"key", content, b"core"), 3, 100, None)
    (entry,) = found.entries
    assert (entry.seq, entry.key, entry.content, entry.core) == (7, b"key", content, b"core")
    assert entry.next == Position(3, 100 + found.end)
