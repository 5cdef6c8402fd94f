"""How one entry lies in a spool file, and how entries are found again after bytes that are none.

An entry is four bytes of mark, the length of its payload (4) and the payload's CRC-32 (4), then the payload. It begins with
its kind (1); all numbers are big endian.

EVENT  seq (8), key length (2), content length (4), key, content, core
FACTS  JSON: what a reader needs to know of the stream; the first entry of every file, so that each file stands alone
CHAIN  seq (8), events (8), chain hash (32): Kafka has acknowledged all up to seq, though not all of it is in the files
"""

import os
import struct
import zlib
from typing import Final, NamedTuple

MAX_PAYLOAD: Final = 64 * 1024 * 1024
"""No payload is longer: a length above it is damage."""

_EVENT: Final = 0
_FACTS: Final = 1
_CHAIN: Final = 2
_MARK: Final = b"\xf5LT\x01"
_HEAD: Final = struct.Struct(">4sII")
_NUMBERS: Final = struct.Struct(">BQHI")
_CHAIN_FIELDS: Final = struct.Struct(">BQQ32s")
_WINDOW = 1024 * 1024
_COPIED_BYTES: Final = 32 * 1024
"""Content up to this is copied twice: that costs less than the calls which spare it."""

_pack_head: Final = _HEAD.pack
_pack_numbers: Final = _NUMBERS.pack
_crc32: Final = zlib.crc32
_new: Final = tuple.__new__
"""Makes a named tuple without the Python code of its class: 0.2 µs less for each of the two that an event takes."""


class Position(NamedTuple):
    """A place in a stream's files: the segment by its first seq, and a byte offset within it."""

    segment: int = 0
    offset: int = 0


class Resume(NamedTuple):
    """The chain before an entry, where the events before it are not all in the files: Kafka has acknowledged them."""

    seq: int
    events: int
    chain_hash: bytes


class Entry(NamedTuple):
    """One event as it was spooled. `next` is where its successor begins; None for an event that is only in memory."""

    seq: int
    key: bytes
    content: bytes
    core: bytes
    next: Position | None
    resume: Resume | None = None


class Parsed(NamedTuple):
    """What some bytes of a file held. `end`: where in them the first entry begins that is not whole or not valid.

    `wanted`: how many bytes that entry has in all, as its length says; 0 when it is none.
    """

    entries: list[Entry]
    end: int
    wanted: int


def pack_event(seq: int, key: bytes, content: bytes, core: bytes) -> bytes:
    """Return the entry of an event. `key` has at most 65,535 bytes."""
    numbers = _pack_numbers(_EVENT, seq, len(key), len(content))
    if len(content) > _COPIED_BYTES:
        checksum = _crc32(core, _crc32(content, _crc32(key, _crc32(numbers))))
        length = len(numbers) + len(key) + len(content) + len(core)
        return b"".join((_pack_head(_MARK, length, checksum), numbers, key, content, core))
    payload = b"".join((numbers, key, content, core))
    return _pack_head(_MARK, len(payload), _crc32(payload)) + payload


def pack_facts(facts: bytes) -> bytes:
    """Return the entry that begins every file."""
    return _pack(bytes((_FACTS,)) + facts)


def pack_resume(resume: Resume) -> bytes:
    """Return the entry that says where the chain is."""
    return _pack(_CHAIN_FIELDS.pack(_CHAIN, *resume))


def facts_of(data: bytes) -> bytes | None:
    """Return the facts that the first entry of a file holds; None when it does not hold any, or is damaged."""
    if len(data) < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack_from(data)
    payload = data[_HEAD.size : _HEAD.size + length]
    whole = mark == _MARK and len(payload) == length > 0 and zlib.crc32(payload) == checksum
    return payload[1:] if whole and payload[0] == _FACTS else None


def parse(data: bytes, segment: int, offset: int, resume: Resume | None) -> tuple[Parsed, Resume | None]:
    """Return the entries in `data`, the bytes of a segment from `offset` on, and what the next entry has to resume from."""
    entries: list[Entry] = []
    at, wanted, size = 0, _HEAD.size, len(data)
    while at + _HEAD.size <= size:
        mark, length, checksum = _HEAD.unpack_from(data, at)
        if mark != _MARK or not 0 < length <= MAX_PAYLOAD:
            return Parsed(entries, at, 0), resume
        begin, end = at + _HEAD.size, at + _HEAD.size + length
        if end > size:
            wanted = end - at
            break
        if zlib.crc32(memoryview(data)[begin:end]) != checksum:
            return Parsed(entries, at, 0), resume
        if data[begin] == _EVENT:
            entries.append(_event(data, begin, end, _new(Position, (segment, offset + end)), resume))
            resume = None
        elif data[begin] == _CHAIN:
            resume = Resume(*_CHAIN_FIELDS.unpack_from(data, begin)[1:])
        at = end
    return Parsed(entries, at, wanted), resume


def find_entry(descriptor: int, start: int, size: int) -> int | None:
    """Return the offset of the first valid entry of a file at or after `start`; None when there is none."""
    at = start
    while at < size:
        window = os.pread(descriptor, _WINDOW, at)
        hit = window.find(_MARK)
        if hit >= 0:
            if _payload_at(descriptor, at + hit, size) is not None:
                return at + hit
            at += hit + 1
        elif len(window) < len(_MARK):
            return None
        else:
            at += len(window) - len(_MARK) + 1
    return None


def begun_after(descriptor: int, start: int, size: int) -> int:
    """Return how many entries seem to begin in the part of a file that holds no valid one: 1 at least, 0 for no bytes."""
    return max(1, os.pread(descriptor, size - start, start).count(_MARK)) if size > start else 0


def last_event(descriptor: int, segment: int, size: int) -> Entry | None:
    """Return the last event in a file; None when it holds none. Reads the end of the file, not all of it."""
    end, window = size, 64 * 1024
    while end > 0:
        start = max(0, end - window)
        data = os.pread(descriptor, end - start + len(_MARK) - 1, start)
        hit = data.rfind(_MARK)
        while hit >= 0:
            payload = _payload_at(descriptor, start + hit, size)
            if payload is not None and payload[0] == _EVENT:
                following = Position(segment, start + hit + _HEAD.size + len(payload))
                return _event(payload, 0, len(payload), following, None)
            hit = data.rfind(_MARK, 0, hit)
        end, window = start, _WINDOW
    return None


def _pack(payload: bytes) -> bytes:
    return _HEAD.pack(_MARK, len(payload), zlib.crc32(payload)) + payload


def _event(data: bytes, begin: int, end: int, following: Position, resume: Resume | None) -> Entry:
    _, seq, key_length, content_length = _NUMBERS.unpack_from(data, begin)
    key_at = begin + _NUMBERS.size
    content_at = key_at + key_length
    core_at = content_at + content_length
    return _new(Entry, (seq, data[key_at:content_at], data[content_at:core_at], data[core_at:end], following, resume))


def _payload_at(descriptor: int, offset: int, size: int) -> bytes | None:
    head = os.pread(descriptor, _HEAD.size, offset)
    if len(head) < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack(head)
    if mark != _MARK or not 0 < length <= min(MAX_PAYLOAD, size - offset - _HEAD.size):
        return None
    payload = os.pread(descriptor, length, offset + _HEAD.size)
    return payload if zlib.crc32(payload) == checksum else None
