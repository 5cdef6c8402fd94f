"""Sealing of content: one data key for each stream (AES-256-GCM), wrapped for the workers' public keys (HPKE, RFC 9180).

The header langtrail-key is one or more wraps, each 8 bytes of key id and 80 bytes of HPKE ciphertext (X25519, HKDF-SHA256,
AES-256-GCM). Sealed content is a 12-byte random nonce, then ciphertext and tag; its associated data is
stream_id || u64be(seq), so content cannot be moved to another event.
"""

import base64
import os
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import ContentSealBroken, UnknownKey

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_INFO = b"langtrail-key-v1"
_KEY_ID_BYTES = 8
_WRAP_BYTES = _KEY_ID_BYTES + 80
NONCE_BYTES: Final = 12


def associated_data(stream_id: bytes, seq: int) -> bytes:
    """Return what a sealed content is bound to: the stream's 16 bytes and its number in it."""
    return stream_id + seq.to_bytes(8, "big")


@dataclass(frozen=True)
class DataKey:
    """The key that seals the content of one stream. `header` is its wrapped form, the value of langtrail-key."""

    header: bytes
    _cipher: AESGCM

    @classmethod
    def generate(cls, public_keys: list[str]) -> "DataKey":
        """Make a new data key that each of the public keys (X25519, base64) can open. Raises ValueError on no or a bad key."""
        if not public_keys:
            raise ValueError("no X25519 public key: nobody could open what is sealed")
        key = os.urandom(32)
        recipients = [_public_key(text) for text in public_keys]
        try:
            wraps = [_key_id(recipient) + _SUITE.encrypt(key, recipient, _INFO) for recipient in recipients]
        except ValueError:
            raise ValueError("not an X25519 public key: anybody could open what is sealed for it") from None
        return cls(b"".join(wraps), AESGCM(key))

    def seal(self, content: bytes, bound_to: bytes, nonce: bytes = b"") -> bytes:
        """Encrypt content; `bound_to` is associated_data(stream_id, seq). `nonce`: 12 random bytes, for this content alone."""
        nonce = nonce or os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, bound_to)


class PrivateKeys:
    """The workers' private keys, old ones included: opens what any of them was a recipient of."""

    def __init__(self, keys: list[str]) -> None:
        """Take X25519 private keys in base64, the newest first. Raises ValueError on a bad key."""
        privates = [X25519PrivateKey.from_private_bytes(_base64_key(key, "private")) for key in keys]
        self._by_id = {_key_id(private.public_key()): private for private in privates}
        self._cipher = lru_cache(maxsize=4096)(self._unwrap)

    def open(self, header: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        """Decrypt content. Raises UnknownKey when no key fits the header, ContentSealBroken when the seal does not hold."""
        cipher = self._cipher(header)
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            raise ContentSealBroken("the sealed content does not open: it, its stream or its number was changed") from None

    def _unwrap(self, header: bytes) -> AESGCM:
        if not header or len(header) % _WRAP_BYTES:
            raise ContentSealBroken(f"the header langtrail-key has {len(header)} bytes, no multiple of {_WRAP_BYTES}")
        for at in range(0, len(header), _WRAP_BYTES):
            private = self._by_id.get(header[at : at + _KEY_ID_BYTES])
            if private is None:
                continue
            try:
                return AESGCM(_SUITE.decrypt(header[at + _KEY_ID_BYTES : at + _WRAP_BYTES], private, _INFO))
            except (InvalidTag, ValueError):
                raise ContentSealBroken("the header langtrail-key does not open: it was changed") from None
        named = ", ".join(header[at : at + _KEY_ID_BYTES].hex() for at in range(0, len(header), _WRAP_BYTES))
        raise UnknownKey(f"content is sealed for key {named}; add its private key to LANGTRAIL_PRIVATE_KEY_FILE")


def generate_private_key() -> str:
    """Return a new X25519 private key as one line of base64."""
    return base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key_of(private_key: str) -> str:
    """Return the public key of a private key, both as one line of base64. Raises ValueError on a bad key."""
    private = X25519PrivateKey.from_private_bytes(_base64_key(private_key, "private"))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


@cache
def _public_key(text: str) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(_base64_key(text, "public"))


def _key_id(public_key: X25519PublicKey) -> bytes:
    return sha256(public_key.public_bytes_raw()).digest()[:_KEY_ID_BYTES]


def _base64_key(text: str, kind: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError(f"not an X25519 {kind} key: 32 bytes as one line of base64 are expected")
    return key
