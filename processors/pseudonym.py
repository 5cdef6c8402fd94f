"""Pseudonyms: what stands for a person's identifier, the same wherever it is written, different in every tenant."""

from base64 import b64decode
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from langtrail.schemas.hashing import Blocks, hmac_blocks, hmac_by

from .spellings import spellings_of

PERSONAL: Final = (
    *("CREDIT_CARD", "CRYPTO_WALLET", "EMAIL", "IBAN", "IP_ADDRESS"),
    *("MAC_ADDRESS", "NATIONAL_ID", "PERSON", "PHONE", "US_SSN"),
)
"""Types that say who somebody is: their pseudonyms are the subject tokens of an event."""

_KEY_BYTES: Final = 32
_TOKEN_BYTES: Final = 12
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]
_TOKEN_CHARACTERS: Final = 20


class Pseudonyms:
    """Makes the tokens of every tenant from one secret of the workers: HKDF-SHA256 (RFC 5869) gives each tenant its own key."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret of 32 bytes. Raises ValueError for another length."""
        if len(secret) != _KEY_BYTES:
            raise ValueError(f"must be the base64 of {_KEY_BYTES} bytes")
        self._secret = secret
        self._key = lru_cache(maxsize=1024)(self._derived)

    def token(self, tenant_id: str, kind: str, canonical: str) -> str:
        """Return TYPE:TOKEN, 96 bits of HMAC-SHA256(tenant's key, type || 0x00 || canonical value) in lower-case base32."""
        message = f"{kind}\0{canonical}".encode("utf-8", "surrogatepass")
        return f"{kind}:{_base32(hmac_by(self._key(tenant_id), message)[:_TOKEN_BYTES])}"

    def _derived(self, tenant_id: str) -> Blocks:
        info = b"langtrail pseudonyms 1\0" + tenant_id.encode("utf-8", "surrogatepass")
        return hmac_blocks(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(self._secret))


def read_pseudonyms(value: str) -> Pseudonyms:
    """Parse: the path of a file with one secret, the base64 of 32 bytes; lines that begin with # are comments.

    Raises ValueError, without what is in the file.
    """
    try:
        lines = [line.strip() for line in Path(value).expanduser().read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read ({getattr(error, 'strerror', None) or 'it is not text'})") from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1:
        raise ValueError(f"names a file with {len(keys)} keys; one is expected, on a line of its own")
    try:
        return Pseudonyms(b64decode(keys[0], validate=True))
    except ValueError:
        raise ValueError(f"names a file whose key is not the base64 of {_KEY_BYTES} bytes") from None


def tokens_of(pseudonyms: Pseudonyms, tenant_id: str, subject: str) -> list[str]:
    """Return the tokens that a person known by `subject` may have, of each type that it can be."""
    return [pseudonyms.token(tenant_id, kind, canonical) for kind in PERSONAL for canonical in spellings_of(kind, subject)]


def _base32(digest: bytes) -> str:
    """Return the lower-case base32 (RFC 4648) of 12 bytes, without padding; base64's own takes ten times as long."""
    padded = digest + b"\0\0\0"
    return "".join(_eight(padded, 0) + _eight(padded, 5) + _eight(padded, 10))[:_TOKEN_CHARACTERS]


def _eight(data: bytes, at: int) -> list[str]:
    """Return the base32 of five bytes, in pairs."""
    a, b, c, d, e = data[at], data[at + 1], data[at + 2], data[at + 3], data[at + 4]
    return [_PAIRS[a << 2 | b >> 6], _PAIRS[(b & 63) << 4 | c >> 4], _PAIRS[(c & 15) << 6 | d >> 2], _PAIRS[(d & 3) << 8 | e]]
