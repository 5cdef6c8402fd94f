"""A stream that was taken over: what is left of it, to the event that names what its files lost."""

from pathlib import Path

import pytest

from langtrail.producer.adopted import Adopted
from langtrail.producer.own_events import Hole
from langtrail.producer.settings import ProducerSettings
from langtrail.producer.spool import StreamFiles, create_stream
from langtrail.producer.spool_limit import SpoolLimit
from langtrail.producer.spool_writer import SpoolWriter
from langtrail.schemas import RAW_EVENT, registry
from langtrail.schemas.example import examples

STREAM = "01a20302-9ca0-7641-8857-606240232968"


def facts() -> bytes:
    """Return what the spool says of the stream."""
    schema_id = registry().latest(RAW_EVENT).id
    return b'{"stream_id": "%s", "schema_id": %d, "key": "", "app": "crm"}' % (STREAM.encode(), schema_id)


@pytest.fixture
def files(tmp_path: Path) -> StreamFiles:
    """Return a stream of three events, the last of which was cut by the death of its process."""
    files = create_stream(tmp_path, STREAM)
    writer = SpoolWriter(files, facts(), SpoolLimit(tmp_path, 1 << 30))
    for number in range(3):
        writer.append(number, b"key", b"content", examples()["llm_end"].core_bytes())
    writer.close()
    with files.segment_path(0).open("r+b") as file:
        file.truncate(files.segment_path(0).stat().st_size - 5)
    return files


def ship(adopted: Adopted) -> list[int]:
    """Ship what there is, with a Kafka that takes everything; return the numbers."""
    assert adopted.shipper is not None
    numbers = []
    while adopted.shipper.load(1 << 20):
        list(adopted.shipper.messages())
        adopted.shipper.settle()
        numbers.append(adopted.shipper.acknowledged.seq)
    return numbers


def test_what_is_torn_is_left_until_it_is_named(files: StreamFiles) -> None:
    """Who waits for nothing to be left has waited for the event that names the torn one, too."""
    holes: list[Hole] = []
    adopted = Adopted(files, ProducerSettings(), holes.append)
    assert (files.left(), adopted.left) == (3, 3)
    assert ship(adopted) == [1]
    assert adopted.left == 1
    assert not adopted.done()
    assert [(hole.first_seq, hole.last_seq) for hole in holes] == [(2, 2)]
    assert adopted.left == 2
    assert ship(adopted) == [3]
    assert (adopted.left, adopted.done()) == (0, True)
