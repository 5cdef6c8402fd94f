"""Content encodings: what is compressed comes back, whole or not at all."""

import gzip
import zlib

import brotli  # type: ignore[import-untyped]  # it has no type hints
import lz4.frame  # type: ignore[import-untyped]  # it has no type hints
import pytest

from langtrail.deploy.clickhouse_codecs import Compressor, Decompressor, pick
from langtrail.deploy.clickhouse_errors import EngineError

DATA = b"one line of a table\t1\n" * 5000


def compressed(encoding: str) -> bytes:
    compressor = Compressor(encoding)
    return compressor.add(DATA[:1000]) + compressor.add(DATA[1000:]) + compressor.finish()


def decompressed(encoding: str, body: bytes, piece: int) -> bytes:
    decompressor = Decompressor(encoding)
    out = b"".join(decompressor.feed(body[at : at + piece]) for at in range(0, len(body), piece))
    decompressor.finish()
    return out


@pytest.mark.parametrize("piece", [7, 1000, 10**6])
@pytest.mark.parametrize("encoding", ["", "lz4", "zstd", "gzip", "deflate"])
def test_what_is_compressed_comes_back(encoding: str, piece: int) -> None:
    """Both directions agree, however the body is cut."""
    assert decompressed(encoding, compressed(encoding), piece) == DATA


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", brotli.compress(DATA)),
        ("gzip", gzip.compress(DATA)),
        ("deflate", zlib.compress(DATA)),
        ("lz4", lz4.frame.compress(DATA[:500]) + lz4.frame.compress(DATA[500:])),
    ],
)
def test_what_clients_send_is_understood(encoding: str, body: bytes) -> None:
    """The encodings of clients, a frame for each block included."""
    assert decompressed(encoding, body, 333) == DATA


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate"])
def test_a_body_that_is_cut_off_is_refused(encoding: str) -> None:
    """Half of the data is never taken for all of it."""
    with pytest.raises(EngineError, match="ends before"):
        decompressed(encoding, compressed(encoding)[:-5], 100)


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate", "br"])
def test_a_body_in_another_encoding_is_refused(encoding: str) -> None:
    """Bytes that are not what the header says are an error that names the encoding."""
    with pytest.raises(EngineError, match=encoding):
        decompressed(encoding, b"this is plain text, and nothing else than that", 100)


def test_an_unknown_encoding_is_refused() -> None:
    """The answer lists what can be sent."""
    with pytest.raises(EngineError, match="send lz4, zstd, gzip, deflate or br"):
        Decompressor("snappy")


def test_an_answer_is_encoded_as_the_client_accepts() -> None:
    """The client's first choice that the server has; none when there is none."""
    assert [pick("br, zstd;q=0.5, gzip"), pick("identity"), pick("")] == ["zstd", "", ""]
