"""Secrets and blobs that must not leave the process: values of keys that say secret, tokens with a known prefix, base64.

This is the first of two passes: it knows names and prefixes. The worker's redaction knows patterns.
"""

import hashlib
import re
from typing import Any

SECRET = "[SECRET]"  # noqa: S105 - it is what stands for one

_MAX_SCANNED = 16 * 1024
_MIN_BLOB = 16 * 1024

_SECRET_KEYS = re.compile(
    r"^(?:proxy[-_])?authorization$|api[-_]?key|^x-.*-(?:key|token)$|passw(?:or)?d$|^pwd$|passphrase|secret(?:[-_]?(?:access[-_]?)?key)?$"
    r"|^(?:access|refresh|id|auth|bearer|session|security)[-_]?token$|private[-_]?key$|^(?:set-)?cookie$|credentials?$",
    re.IGNORECASE,
)
_PREFIXED = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abeprs]-[\w-]{10,}"
    r"|AIza[\w-]{30,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|[sr]k_live_[A-Za-z0-9]{16,}|SG\.[\w-]{16,}\.[\w-]{16,})"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/-]{16,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_HINTS = (
    *(
        b"authorization",
        b"api_key",
        b"apikey",
        b"api-key",
        b"passw",
        b"passphrase",
        b"pwd",
        b"secret",
        b"cookie",
        b"credential",
    ),
    *(b'token":', b"-key", b"private", b"bearer ", b"sk-", b"akia", b"asia", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
    *(b"github_pat_", b"xox", b"aiza", b"glpat-", b"hf_", b"npm_", b"k_live_", b"sg.", b"-----begin", b";base64,"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\r\n-]+")


def may_hold_secret(data: bytes) -> bool:
    """Tell whether the bytes show any sign of a secret or a blob; a sign costs a walk, no sign costs next to nothing."""
    if len(data) > _MIN_BLOB:
        return True
    lowered = data.lower()
    for hint in _HINTS:  # noqa: SIM110 - a generator costs twice as much, for every event
        if hint in lowered:
            return True
    return False


def scrub(value: Any, key: str = "") -> Any:
    """Return JSON data without secrets and blobs; what was there is named."""
    if isinstance(value, dict):
        return {name: _value_of(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, key) for item in value]
    if isinstance(value, str):
        return _blob(value) or scrub_text(value)
    return value


def scrub_text(text: str) -> str:
    """Return text without tokens of a known prefix. Text above 16 KiB is left to the worker, whose scan is faster."""
    return text if len(text) > _MAX_SCANNED else _PREFIXED.sub(SECRET, text)


def holds_credential(text: str) -> bool:
    """Tell whether a token of a known prefix is in the text."""
    return _PREFIXED.search(text) is not None


def _value_of(name: str, value: Any) -> Any:
    if value and not isinstance(value, bool) and _SECRET_KEYS.search(name):
        return SECRET
    return scrub(value, name)


def _blob(text: str) -> dict[str, Any] | None:
    """Return what stands for a data: URL or a long base64 text: its media type, length and digest."""
    head, marker, _ = text[:256].partition(";base64,")
    if head.startswith("data:") and marker:
        return _described(head.removeprefix("data:"), text)
    if len(text) >= _MIN_BLOB and _BASE64.fullmatch(text):
        return _described("application/octet-stream", text)
    return None


def _described(media_type: str, text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"type": "blob", "media_type": media_type, "characters": len(text), "sha256": digest}
