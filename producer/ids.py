"""Identifiers: UUIDv7 (RFC 9562 §5.7), 48 bits of milliseconds and 74 of randomness."""

import os
from functools import lru_cache
from typing import Final

_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 as text."""
    return time_part(milliseconds) + random_part(os.urandom(10))


@lru_cache(maxsize=16)
def time_part(milliseconds: int) -> str:
    """Return the beginning of a UUIDv7: the time, and the version."""
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-7"


def random_part(random: bytes) -> str:
    """Return the rest of a UUIDv7 from 10 random bytes, the variant among it."""
    digits = random.hex()
    return f"{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"


def uuid_text(number: int) -> str:
    """Return a UUID as text, from its integer: half of what its own str takes."""
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
