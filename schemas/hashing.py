"""The four hashes of the contract: commitment, event, chain and record. None can pass for another."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

_sha256: Final = sha256
"""As a constant: compiled code looks every other name up."""
_RECORD: Final = sha256(b"\x03")
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

Blocks = tuple[bytes, bytes]
"""The inner and the outer block of a key of HMAC."""


def commitment(salt: bytes, field: str, value: bytes) -> bytes:
    """Commit to `value` without revealing it: HMAC-SHA256(salt, field || 0x00 || value), 32 bytes.

    `salt` is 32 random bytes, one for each event; who does not have it can neither check nor guess the value.
    """
    return hmac.digest(salt, field.encode() + b"\x00" + value, "sha256")


def commitments(salt: bytes, texts: Mapping[str, str]) -> dict[str, bytes]:
    """Commit to the text of each field, with one salt of at most 64 bytes: what `commitment` does, in two thirds of its time.

    The key's two blocks are made once for all fields. A text counts as its UTF-8.
    """
    blocks = hmac_blocks(salt)
    return {field: hmac_by(blocks, f"{field}\0{text}".encode()) for field, text in texts.items()}


def hmac_blocks(key: bytes) -> Blocks:
    """Return the two blocks that HMAC-SHA256 makes of a key of at most 64 bytes (RFC 2104)."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return block.translate(_INNER), block.translate(_OUTER)


def hmac_by(blocks: Blocks, message: bytes) -> bytes:
    """Return HMAC-SHA256 of a message, 32 bytes, by its key's blocks: 1.2 µs, hmac.digest takes 3."""
    inner, outer = blocks
    return _sha256(outer + _sha256(inner + message).digest()).digest()


def event_hash(core: bytes) -> bytes:
    """Return SHA-256(0x00 || core): 32 bytes that stand for the event wherever it is kept."""
    return _sha256(b"\x00" + core).digest()


def chain_hash(stream_id: bytes, seq: int, previous: bytes, event: bytes) -> bytes:
    """Return SHA-256(0x02 || stream_id || u64be(seq) || previous || event), 32 bytes.

    `stream_id` is the UUID's 16 bytes, `previous` the chain hash of the event before (32 zero bytes for the first),
    `event` its event hash. It links hashes, not bodies: the chain of a stream can be checked without its content.
    """
    return _sha256(b"\x02" + stream_id + seq.to_bytes(8, "big") + previous + event).digest()


def record_hash(rest: bytes | memoryview) -> bytes:
    """Return SHA-256(0x03 || rest), 32 bytes; `rest` is an encoded AuditEvent after its field record_hash."""
    digest = _RECORD.copy()
    digest.update(rest)
    return digest.digest()
