"""Avro's encoding of the values that change with every event, written out: a record written by a library costs 4 to 6 µs.

tests/unit/producer/test_core.py holds that the bytes are those of the ordinary encoding.
"""

from typing import Final

from langtrail.schemas.codec import encode_long

NULL: Final = b"\x00"
SOME: Final = b"\x02"
"""The branch of a union of null and something."""

_SMALL: Final = [encode_long(number) for number in range(2048)]


def long(number: int) -> bytes:
    """Return the encoding of a whole number: from a table when it is small."""
    return _SMALL[number] if 0 <= number < 2048 else encode_long(number)


def text(value: str) -> bytes:
    """Return the encoding of text. What is not valid Unicode is escaped."""
    data = value.encode("utf-8", "backslashreplace")
    return encode_long(len(data)) + data


def optional_text(value: str | None) -> bytes:
    """Return the encoding of text that may be absent."""
    return NULL if value is None else SOME + text(value)
