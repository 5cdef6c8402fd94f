"""A draft becomes core bytes. Groups that seldom change are encoded once and kept: encoding is what costs.

µs a group on the machine these were measured on: 4 to 6 by fastavro, 0.4 kept, 2 written out (event, outcome, content).
"""

import os
import platform
import socket
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from langtrail.schemas import RAW_EVENT, encode_group, registry

from .app_version import app_version
from .avro_pieces import NULL, SOME, clock, long, optional_text, text
from .draft import Draft, Shared
from .identity import Identity
from .settings import ProducerSettings

_EMPTY: Final = {group: encode_group(group, {}) for group in ("model", "outcome", "place", "tool", "policy", "stream")}
_NO_REST: Final = encode_group("rest", {"flags": [], "ext": []})
_NO_MODEL, _NO_OUTCOME, _NO_PLACE, _NO_TOOL, _NO_POLICY, _NO_STREAM = _EMPTY.values()
_UUID: Final = b"\x48"
"""Avro's length of a UUID as text."""
_UUID_LENGTH = 36
_KEY_BYTES = 0xFFFF
_WHO: Final = tuple(
    field["name"]
    for field in registry().latest(RAW_EVENT).avro["fields"]
    if field.get("group") == "who" and field["name"] in Identity.__dataclass_fields__
)


class CoreWriter:
    """Writes the core of one stream's events: its stream_id and its group `where` never change."""

    def __init__(self, settings: ProducerSettings, stream_id: str) -> None:
        self._stream_id = text(stream_id)
        self._where = encode_group("where", _where(settings))

    def tail(self, draft: Draft, content_facts: bytes) -> bytes:
        """Return all core bytes after group event: what can be encoded before the event has its number."""
        groups = draft.groups
        model, outcome = groups.get("model"), groups.get("outcome")
        return b"".join(
            (
                _encoded("model", tuple(model.items())) if model else _NO_MODEL,
                _outcome(outcome) if outcome else _NO_OUTCOME,
                draft.middle or _middle(draft),
                self._where,
                content_facts,
                _rest(draft.flags, tuple(sorted(draft.ext.items()))) if draft.flags or draft.ext else _NO_REST,
            )
        )

    def event(
        self,
        draft: Draft,
        seq: int,
        event_id: str,
        occurred_at: int,
        monotonic_ns: int,
        session_id: str,
        tail: bytes = b"",
    ) -> bytes:
        """Return the bytes of group event, and `tail` after them. `session_id`: for a draft that shares nothing with others."""
        whose = draft.shared.whose if draft.shared is not None else _whose(draft, session_id)
        return b"".join(
            (
                text(draft.event_type),
                _UUID,
                event_id.encode(),
                self._stream_id,
                long(seq),
                clock(occurred_at),
                clock(monotonic_ns),
                whose,
                tail,
            )
        )


def share(draft: Draft) -> Shared:
    """Encode what a draft has in common with the other events of its run."""
    session_id = draft.identity.session_id or draft.root_run_id or ""
    return Shared(routing_key(session_id), _whose(draft, session_id), draft.groups["tool"], _middle(draft))


def routing_key(session_id: str) -> bytes:
    """Return the key of a record in Kafka."""
    key = session_id.encode("utf-8", "backslashreplace")
    return key if len(key) <= _KEY_BYTES else key[:_KEY_BYTES].decode("utf-8", "ignore").encode()


def _whose(draft: Draft, session_id: str) -> bytes:
    """Write out the end of group event: whose event it is, and what of."""
    run, parent, root = draft.run_id, draft.parent_run_id, draft.root_run_id
    if run is not None and parent is not None and root is not None and len(run) == len(parent) == len(root) == _UUID_LENGTH:
        ids = f"\x02\x48{run}\x02\x48{parent}\x02\x48{root}".encode()
    else:
        ids = b"".join(map(optional_text.__wrapped__, (run, parent, root)))
    return _identifier(draft.identity.tenant_id) + _identifier(session_id) + ids + text(draft.component)


def _identifier(value: str) -> bytes:
    """Encode an id: an application may take anything for one, so what is long is not kept."""
    return text(value) if len(value) < 256 else text.__wrapped__(value)


def _middle(draft: Draft) -> bytes:
    """Encode the groups place, tool, who, policy and stream."""
    groups = draft.groups
    place, tool = groups.get("place"), groups.get("tool")
    return b"".join(
        (
            _kept("place", place) if place else _NO_PLACE,
            _kept("tool", tool) if tool else _NO_TOOL,
            _who(draft.identity),
            _kept("policy", groups["policy"]) if "policy" in groups else _NO_POLICY,
            _kept("stream", groups["stream"]) if "stream" in groups else _NO_STREAM,
        )
    )


def _kept(group: str, values: Mapping[str, Any] | None) -> bytes:
    return _encoded(group, tuple(values.items())) if values else _EMPTY[group]


@lru_cache(maxsize=4096)
def _encoded(group: str, items: tuple[tuple[str, Any], ...]) -> bytes:
    return encode_group(group, dict(items))


def _outcome(values: Mapping[str, Any]) -> bytes:
    """Write group outcome out: its times are new with every end of a run."""
    get = values.get
    started_at, latency_us, attempt = get("started_at"), get("latency_us"), get("attempt")
    return (
        optional_text(get("outcome"))
        + optional_text(get("error_type"))
        + (NULL if started_at is None else SOME + clock(started_at))
        + (NULL if latency_us is None else SOME + long(latency_us))
        + (NULL if attempt is None else SOME + long(attempt))
    )


def _who(identity: Identity) -> bytes:
    """Encode group who: the bytes for the last one are at hand, others are found by their 14 fields, which costs 1 µs."""
    global _lately  # noqa: PLW0603 - one reference, replaced as a whole
    known, data = _lately
    if known is not identity:
        data = _encoded_who(identity)
        _lately = identity, data
    return data


_lately: tuple[Identity | None, bytes] = (None, b"")


@lru_cache(maxsize=1024)
def _encoded_who(identity: Identity) -> bytes:
    return encode_group("who", {name: getattr(identity, name) for name in _WHO})


@lru_cache(maxsize=1024)
def _rest(flags: tuple[str, ...], ext: tuple[tuple[str, str], ...]) -> bytes:
    return encode_group("rest", {"flags": list(flags), "ext": [{"key": key, "value": value} for key, value in ext]})


def _where(settings: ProducerSettings) -> dict[str, Any]:
    return {
        "app": settings.app_name(),
        "app_version": app_version(settings.app_version),
        "environment": settings.environment,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "python_version": platform.python_version(),
        "langchain_version": _version("langchain-core"),
        "langtrail_version": _version("langtrail"),
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
