"""Secrets and blobs that must not leave the process: values of keys that say secret, tokens with a known prefix, base64.

This is the first of two passes: it knows names and prefixes. The worker's redaction knows patterns. What every event pays
is a search of its bytes for signs, which finds more than there is and misses nothing; only where it finds one, the document
is walked and judged.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Final

import orjson
from pydantic import StringConstraints, TypeAdapter

SECRET = "[SECRET]"  # noqa: S105 - it is what stands for one

_MAX_SCANNED = 16 * 1024
_MIN_BLOB: Final = 16 * 1024
_MAX_KNOWN_KEYS = 20_000
_LONGEST_PREFIX = 12
_MOST_LOOKED_AT = 64
"""Ends of prefixes in a long text, above which all of it is searched."""

_SECRET_KEYS = re.compile(
    r"^(?:proxy[-_])?authorization$|api[-_]?key|^x-.*-(?:key|token)$|passw(?:or)?d$|^pwd$|passphrase|secret(?:[-_]?(?:access[-_]?)?key)?$"
    r"|(?:^|[-_])(?:access|refresh|id|auth|bearer|session|security|bot|api|private|deploy)[-_]?token$|private[-_]?key$"
    r"|(?:access|subscription|signing|encryption|account|shared)[-_]?key$|^(?:set-)?cookie$|credentials?$|connection[-_]?string$|^dsn$",
    re.IGNORECASE,
)
_PREFIXED = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abeprs]-[\w-]{10,}"
    r"|AIza[\w-]{30,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|[sr]k_live_[A-Za-z0-9]{16,}|SG\.[\w-]{16,}\.[\w-]{16,})"
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/-]{16,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}+(\.eyJ[\w-]{8,}(?:\.[\w-]*)?)?")
"""With its group. Without, it is a word that begins like one, and passed over as a whole: read again from each of its syllables
on, 64 kB of them would take the application's thread 20 seconds."""
_PREFIX_ENDS = re.compile(
    r"-(?:(?<=\bsk-)|(?<=\bxox[abeprs]-)|(?<=\bglpat-)|----BEGIN )"
    r"|_(?:(?<=\bgh[pousr]_)|(?<=\bhf_)|(?<=\bnpm_)|(?<=\b[sr]k_live_)|(?<=\bgithub_pat_))"
    r"|A(?:KIA|SIA|Iza)(?<=\b\w{4})|G(?<=\bSG)\."
)
"""Every alternative begins with one of four characters that are rare in text: the search skips from one to the next."""
_BASE64 = bytes.maketrans(b"", b""), b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-\r\n"
_IN_BASE64 = _BASE64[0], _BASE64[1] + b"\\"
"""As it is in JSON, which escapes line breaks."""
_harmless: Final[set[str]] = set()
"""Names of keys that were judged and say nothing of a secret."""


def search(pattern: str) -> Callable[[bytes], bool]:
    """Return what tells whether bytes hold a pattern, by pydantic's regular expressions: 0.3 µs a kB, `re` takes 3."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)]).validator.isinstance_python


_ANY = r"[^\s\".\\]"
_shows_token: Final = search(
    r"sk-[a-z0-9_-]{16}|a(?:kia|sia)[0-9a-z]{16}|gh[pousr]_[a-z0-9]{20}|github_pat_|xox[abeprs]-|glpat-|hf_[a-z0-9]{20}"
    rf"|aiza{_ANY}{{8}}|npm_[a-z0-9]{{30}}|[sr]k_live_|sg\.{_ANY}{{8}}|eyj{_ANY}+\.eyj|-----begin |;base64,"
    r"|bearer(?:\s|\\[nrtf]|\\u00[0-9a-f]{2})+[a-z0-9._~+/-]{16}"
)
_shows_secret_name: Final = search(
    r"api[-_]?key(?:[^\"\\]|\\.)*\":"
    r"|(?:authorization|key|token|passwo?r?d|pwd|passphrase|secret|cookie|credentials?|string|dsn)(?:\\n)?\":"
    r"|\"not_recorded\":true"
)
_shows_odd_letter = search("[\u017f\u212a\u0130\u0131]")
"""Where a search that ignores case takes other letters for s, k and i, as the names' own does."""


def needs_scrubbing(data: bytes) -> bool:
    """Tell whether JSON shows a sign of a secret or a blob, or of something that was not recorded."""
    lowered = data.lower()
    return (
        _shows_token(lowered)
        or _shows_secret_name(lowered)
        or (len(data) > _MIN_BLOB and _shows_blob(data) and _holds_blob(orjson.loads(data)))
        or (not data.isascii() and _shows_odd_letter(data))
    )


def text_needs_scrubbing(data: bytes) -> bool:
    """Tell whether bytes of text show a sign of a token with a known prefix."""
    return _shows_token(data.lower())


def scrub(value: Any) -> Any:
    """Return JSON data without secrets and blobs; what was there is named."""
    if isinstance(value, dict):
        return numbered([(scrub_text(name), _value_of(name, item)) for name, item in value.items()])
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, str):
        return _blob(value) or scrub_text(value)
    return value


def numbered(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a mapping; names that are written alike are numbered, so that no value is lost."""
    found: dict[str, Any] = {}
    alike: dict[str, int] = {}
    for written, item in members:
        name = written
        while name in found:
            alike[written] = alike.get(written, 1) + 1
            name = f"{written} ({alike[written]})"
        found[name] = item
    return found


def scrub_text(text: str) -> str:
    """Return text without tokens of a known prefix."""
    text = _PREFIXED.sub(SECRET, text) if len(text) <= _MAX_SCANNED else _scrubbed_long(text)
    return _JSON_WEB_TOKEN.sub(_without_token, text) if ".eyJ" in text else text


def holds_credential(text: str) -> bool:
    """Tell whether a token of a known prefix is in the text."""
    return _PREFIXED.search(text) is not None or any(match[1] for match in _JSON_WEB_TOKEN.finditer(text))


def _without_token(match: re.Match[str]) -> str:
    return SECRET if match[1] else match[0]


def is_secret_name(name: str) -> bool:
    """Tell whether what is kept under this name is a secret. Each name is judged once."""
    if name in _harmless:
        return False
    if _SECRET_KEYS.search(name):
        return True
    if len(_harmless) < _MAX_KNOWN_KEYS:
        _harmless.add(name)
    return False


def _value_of(name: str, value: Any) -> Any:
    if value and not isinstance(value, bool) and is_secret_name(name):
        return SECRET
    return scrub(value)


def _scrubbed_long(text: str) -> str:
    """Look closely only where a prefix ends, unless these are many: a full search costs ten times as much as one for them."""
    signs = sorted([*[sign.start() for sign in _PREFIX_ENDS.finditer(text)], *_bearers(text)])
    if len(signs) > _MOST_LOOKED_AT:
        return _PREFIXED.sub(SECRET, text)
    found = _tokens_at(signs, text)
    if not found:
        return text
    ends = [0, *[end for _, end in found]]
    starts = [*[start for start, _ in found], len(text)]
    return SECRET.join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _tokens_at(signs: list[int], text: str) -> list[tuple[int, int]]:
    """Return where tokens stand whose prefixes end there."""
    found: list[tuple[int, int]] = []
    for sign in signs:
        done = found[-1][1] if found else 0
        for start in range(max(done, sign - _LONGEST_PREFIX), sign + 1):
            if match := _PREFIXED.match(text, start):
                found.append(match.span())
                break
    return found


def _bearers(text: str) -> Iterator[int]:
    """Yield where the word Bearer ends: its letters are too frequent for the other search."""
    for ending in ("earer ", "EARER "):
        at = text.find(ending)
        while at >= 0:
            yield at
            at = text.find(ending, at + 1)


def _blob(text: str) -> dict[str, Any] | None:
    """Return what stands for a data: URL or a long base64 text: its media type, length and digest."""
    head, marker, _ = text[:256].partition(";base64,")
    if head.startswith("data:") and marker:
        return _described(head.removeprefix("data:"), text)
    return _described("application/octet-stream", text) if _is_base64(text) else None


def _is_base64(text: str) -> bool:
    """Tell whether a text is long and of nothing but base64: the first blank of a text shows that it is not."""
    return (
        len(text) >= _MIN_BLOB
        and text.isascii()
        and not text[:256].encode().translate(*_BASE64)
        and not text.encode().translate(*_BASE64)
    )


def _shows_blob(data: bytes) -> bool:
    """Tell whether a blob may be in JSON: one covers a window of half its least length, from the window's first bytes on."""
    return any(not data[at : at + 64].translate(*_IN_BASE64) for at in range(0, len(data), _MIN_BLOB // 2))


def _holds_blob(value: Any) -> bool:
    """Tell whether any text in JSON data is a blob."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            if _is_base64(item):
                return True
        elif type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
    return False


def _described(media_type: str, text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"type": "blob", "media_type": media_type, "characters": len(text), "sha256": digest}
