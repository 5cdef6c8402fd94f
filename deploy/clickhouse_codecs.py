"""Content encodings of HTTP bodies, in pieces: lz4 (frame), zstd, gzip, deflate and br, in both directions."""

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

from .clickhouse_errors import Code, refusal

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_FAST: Final = 1


class Decompressor:
    """Takes the pieces of one body apart. Raises EngineError for an unknown encoding or broken data."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding or "identity"
        self._feed, self._is_whole = _decompressor(self._encoding)
        self._fed = False

    def feed(self, piece: bytes) -> bytes:
        """Return what this piece of the body adds."""
        self._fed = self._fed or bool(piece)
        try:
            return self._feed(piece)
        except Exception as error:  # each library has its own: zlib.error, RuntimeError, ZstdError, brotli.error, EOFError
            raise refusal(Code.CANNOT_DECOMPRESS, f"The request's body is not {self._encoding}: {error}") from error

    def finish(self) -> None:
        """Raise EngineError when the body ended before its compressed data did."""
        if self._fed and not self._is_whole():
            raise refusal(Code.CANNOT_DECOMPRESS, f"The request's body ends before its {self._encoding} data does")


def pick(accepted: str) -> str:
    """Return the first encoding of an Accept-Encoding header that the server can answer in; empty for none."""
    offered = [item.split(";")[0].strip().lower() for item in accepted.split(",")]
    return next((name for name in offered if name in ("lz4", "zstd", "gzip", "deflate")), "")


class Compressor:
    """Compresses the pieces of one body with an encoding that `pick` returned; the empty one leaves them as they are."""

    def __init__(self, encoding: str) -> None:
        self._add, self._flush = _compressor(encoding)

    def add(self, piece: bytes) -> bytes:
        """Return what can be sent so far."""
        return self._add(piece)

    def finish(self) -> bytes:
        """Return the rest."""
        return self._flush()


def _decompressor(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bool]]:
    if encoding == "identity":
        return bytes, lambda: True
    if encoding in ("gzip", "x-gzip", "deflate"):
        inflate = zlib.decompressobj(zlib.MAX_WBITS if encoding == "deflate" else _GZIP_WINDOW)
        return inflate.decompress, lambda: inflate.eof
    if encoding in ("lz4", "zstd"):
        return _framed(_lz4().LZ4FrameDecompressor if encoding == "lz4" else _zstd().ZstdDecompressor)
    if encoding == "br":
        import brotli  # type: ignore[import-untyped]  # noqa: PLC0415 - few clients use it; it has no stubs

        brotli_decompressor = brotli.Decompressor()
        return brotli_decompressor.process, brotli_decompressor.is_finished
    raise refusal(
        Code.UNKNOWN_COMPRESSION_METHOD, f"Unknown compression method {encoding!r}; send lz4, zstd, gzip, deflate or br"
    )


def _framed(new: Callable[[], Any]) -> tuple[Callable[[bytes], bytes], Callable[[], bool]]:
    """Decompress any number of frames one after another: clients send a frame for each block."""
    current = [new()]

    def feed(piece: bytes) -> bytes:
        out = []
        while piece:
            if current[0].eof:
                current[0] = new()
            out.append(current[0].decompress(piece))
            piece = current[0].unused_data if current[0].eof else b""
        return b"".join(out)

    return feed, lambda: bool(current[0].eof)


def _compressor(encoding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if encoding == "lz4":
        lz4 = _lz4().LZ4FrameCompressor()
        head = [lz4.begin()]
        return (
            lambda piece: (head.pop() if head else b"") + lz4.compress(piece),
            lambda: (head.pop() if head else b"") + lz4.flush(),
        )
    if encoding == "zstd":
        zstd = _zstd().ZstdCompressor(level=_FAST)
        return zstd.compress, zstd.flush
    if encoding in ("gzip", "deflate"):
        deflate = zlib.compressobj(_FAST, zlib.DEFLATED, zlib.MAX_WBITS if encoding == "deflate" else _GZIP_WINDOW)
        return deflate.compress, deflate.flush
    return bytes, bytes


def _lz4() -> Any:
    import lz4.frame  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra; it has no stubs

    return lz4.frame


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - only there
    else:
        from backports import zstd  # noqa: PLC0415 - only there
    return zstd
