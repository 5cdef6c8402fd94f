"""What is random in an event: the salt of its commitments, the nonce of its seal.

It is made for many events at a time: in a tight loop that costs 1 µs an event, one by one, between an application's own code,
it is 4.
"""

from binascii import b2a_base64
from os import urandom
from typing import Final

from langtrail.schemas.hashing import Blocks, hmac_blocks
from langtrail.schemas.sealing import NONCE_BYTES

_SALT_BYTES: Final = 32
_EVENT_BYTES: Final = _SALT_BYTES + NONCE_BYTES
_MANY: Final = 64

Fresh = tuple[str, Blocks, bytes]
"""Random values for one event, never used for another: salt, its blocks as a key of HMAC, nonce.

The salt is 32 bytes in base64.
"""


def fresh() -> Fresh:
    """Return random values for one event."""
    return _made(urandom(_EVENT_BYTES))


def many_fresh() -> list[Fresh]:
    """Return random values for 64 events. Who keeps them must not do so over a fork: no two events may have the same."""
    random = urandom(_MANY * _EVENT_BYTES)
    return [_made(random[at : at + _EVENT_BYTES]) for at in range(0, len(random), _EVENT_BYTES)]


def _made(random: bytes) -> Fresh:
    salt = random[:_SALT_BYTES]
    return b2a_base64(salt, newline=False).decode(), hmac_blocks(salt), random[_SALT_BYTES:]
