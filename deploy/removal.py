"""One removal of events and its proof: the facts that are signed, and the digest over what was removed.

digest = SHA-256 over the removed events, ordered by the bytes of stream_id, seq and event_hash, of 16 bytes stream_id, 8 bytes
seq (big endian), 32 bytes event_hash and 32 bytes record_hash each. The signature is Ed25519 over 0x10 and the facts as JSON:
keys sorted, no spaces, UTF-8. Both can be computed again from the tables removals and removed_events, by anyone.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from langtrail.schemas.settings import SettingsError

BEGUN: Final = 1
LISTED: Final = 2
DONE: Final = 3
_DOMAIN: Final = b"\x10"
_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class Removal:
    """The events of a tenant, a retention class and a month that arrived before a time: how many, and what proves it."""

    removal_id: UUID
    step: int
    tenant_id: str
    retention_class: str
    month: int
    before: datetime
    events: int
    digest: bytes
    policy: str
    removed_by: str
    public_key: str = ""
    signature: str = ""

    def facts(self) -> dict[str, Any]:
        """Return what is signed."""
        return {
            "removal_id": str(self.removal_id),
            "tenant_id": self.tenant_id,
            "retention_class": self.retention_class,
            "month": self.month,
            "before": self.before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "events": self.events,
            "digest": self.digest.hex(),
            "policy": self.policy,
            "removed_by": self.removed_by,
        }

    def signed(self, key: Ed25519PrivateKey | None) -> "Removal":
        """Return it with a signature; as it is without a key."""
        if key is None:
            return self
        public = b64encode(key.public_key().public_bytes_raw()).decode()
        return replace(self, public_key=public, signature=b64encode(key.sign(_message(self))).decode())

    def is_signed_by(self, public_key: str) -> bool:
        """Say whether the holder of this Ed25519 key, base64, signed these facts."""
        try:
            Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True)).verify(
                b64decode(self.signature, validate=True), _message(self)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def read_operator_key(path: Path) -> Ed25519PrivateKey:
    """Return the key of a file: the base64 of 32 bytes, `#` begins a comment. Raises SettingsError, which quotes nothing."""
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        (line,) = filter(None, lines)
        body = b64decode(line, validate=True)
    except OSError as error:
        raise SettingsError(f"LANGTRAIL_OPERATOR_KEY_FILE: {path} cannot be read ({error.strerror})") from None
    except ValueError:
        body = b""
    if len(body) != _KEY_BYTES:
        raise SettingsError("LANGTRAIL_OPERATOR_KEY_FILE: expected one line, the base64 of an Ed25519 private key of 32 bytes")
    return Ed25519PrivateKey.from_private_bytes(body)


def _message(removal: Removal) -> bytes:
    return _DOMAIN + json.dumps(removal.facts(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
