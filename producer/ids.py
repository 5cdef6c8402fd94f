"""Identifiers: UUIDv7 (RFC 9562 §5.7), 48 bits of milliseconds and 74 of randomness, also many in a row (§6.2)."""

import os
from typing import Final

_COUNTED: Final = 12
_COUNTED_BITS: Final = (1 << 4 * _COUNTED) - 1
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def uuid7(milliseconds: int) -> str:
    """Return a new UUIDv7 as text."""
    return _time_part(milliseconds) + _random_part(os.urandom(10))


class EventIds:
    """The ids of one stream's events. What is random in them is drawn once and counted on: chance is as small as ever."""

    def __init__(self) -> None:
        """Draw where to begin; a fork has a stream of its own, and draws anew."""
        drawn = _random_part(os.urandom(10))
        self._fixed, self._first = drawn[:-_COUNTED], int(drawn[-_COUNTED:], 16)
        self._last, self._beginning = 0, _time_part(0)

    def of(self, milliseconds: int, seq: int) -> str:
        """Return the id of the event `seq`: a UUIDv7 as text."""
        if milliseconds != self._last:
            self._last, self._beginning = milliseconds, _time_part(milliseconds)
        counted = (self._first + seq & _COUNTED_BITS).to_bytes(_COUNTED // 2, "big").hex()
        return f"{self._beginning}{self._fixed}{counted}"


def _time_part(milliseconds: int) -> str:
    """Return the beginning of a UUIDv7: the time, and the version."""
    return milliseconds.to_bytes(6, "big").hex("-", -4) + "-7"


def _random_part(random: bytes) -> str:
    """Return the rest of a UUIDv7 from 10 random bytes, the variant among it."""
    digits = random.hex()
    return f"{digits[:3]}-{_VARIANT[digits[3]]}{digits[4:7]}-{digits[7:19]}"


def uuid_text(number: int) -> str:
    """Return a UUID as text, from its integer: half of what its own str takes."""
    data = number.to_bytes(16, "big")
    return f"{data[:4].hex()}-{data[4:10].hex('-', 2)}-{data[10:].hex()}"
