"""A draft becomes core bytes. Groups that seldom change are encoded once and kept: encoding is what costs.

µs a group on the machine these were measured on: 4 to 6 by fastavro, 0.4 kept, 2 written out (event, outcome, content).
"""

import os
import platform
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from langtrail.schemas import RAW_EVENT, encode_group, registry

from .app_version import app_version
from .avro_pieces import NULL, SOME, long, optional_text, text
from .draft import Content, Draft, Shared
from .identity import Identity
from .job import host
from .settings import ProducerSettings

NO_MODEL: Final = encode_group("model", {})
NO_OUTCOME: Final = encode_group("outcome", {})
_NO_PLACE: Final = encode_group("place", {})
_NO_TOOL: Final = encode_group("tool", {})
_NO_POLICY: Final = encode_group("policy", {})
_NO_STREAM: Final = encode_group("stream", {})
_NO_REST: Final = encode_group("rest", {"flags": [], "ext": []})
_NOTHING: Final[Mapping[str, Any]] = {}
_UUID: Final = b"\x48"
"""Avro's length of a UUID as text."""
_UUID_LENGTH: Final = 36
_KEY_BYTES: Final = 0xFFFF
_WHO: Final = tuple(
    field["name"]
    for field in registry().latest(RAW_EVENT).avro["fields"]
    if field.get("group") == "who" and field["name"] in Identity.__dataclass_fields__
)

RunIds = tuple[str | None, str | None, str | None]
"""The ids of a run, its parent and its root."""


class CoreWriter:
    """Writes the core of one stream's events: its stream_id and its group `where` never change."""

    def __init__(self, settings: ProducerSettings, stream_id: str) -> None:
        self._stream_id = text(stream_id)
        self._where = encode_group("where", _where(settings))

    def core(self, draft: Draft, seq: int, event_id: str, occurred_at: int, monotonic_ns: int, content_facts: bytes) -> bytes:
        """Return the core of an event. `occurred_at`: microseconds since 1970; `content_facts`: group content, encoded."""
        shared = draft.shared
        return b"".join(
            (
                text(draft.event_type),
                _UUID,
                event_id.encode(),
                self._stream_id,
                long(seq),
                long(occurred_at),
                long(monotonic_ns),
                shared.tenant,
                shared.session or self._stream_id,
                shared.run,
                draft.model,
                draft.outcome,
                shared.middle,
                self._where,
                content_facts,
                _rest(draft.flags, tuple(sorted(draft.ext.items()))) if draft.flags or draft.ext else _NO_REST,
            )
        )


def drafted(
    event_type: str,
    component: str,
    identity: Identity,
    *,
    run_ids: RunIds = (None, None, None),
    groups: Mapping[str, Mapping[str, Any]] = _NOTHING,
    content: Content | None = None,
    flags: tuple[str, ...] = (),
    ext: dict[str, str] | None = None,
) -> Draft:
    """Return the draft of any event. `groups`: the fields of model, outcome, place, tool, policy and stream."""
    get = groups.get
    shared = share(
        component,
        identity,
        identity.session_id or run_ids[2] or "",
        run_ids,
        **{group: get(group, _NOTHING) for group in ("place", "tool", "policy", "stream")},
    )
    outcome = groups.get("outcome", _NOTHING)
    return Draft(
        event_type, shared, encoded_model(get("model", _NOTHING)), encoded_outcome(**outcome), content or {}, flags, ext or {}
    )


def share(
    component: str,
    identity: Identity,
    session_id: str,
    run_ids: RunIds,
    *,
    place: Mapping[str, Any] = _NOTHING,
    tool: Mapping[str, Any] = _NOTHING,
    policy: Mapping[str, Any] = _NOTHING,
    stream: Mapping[str, Any] = _NOTHING,
) -> Shared:
    """Encode what events have in common that are about the same. Without `session_id` they belong to their stream."""
    middle = b"".join(
        (
            _kept("place", place) if place else _NO_PLACE,
            _kept("tool", tool) if tool else _NO_TOOL,
            _who(identity),
            _kept("policy", policy) if policy else _NO_POLICY,
            _kept("stream", stream) if stream else _NO_STREAM,
        )
    )
    session = text(session_id) if session_id else b""
    return Shared(_routing_key(session_id), text(identity.tenant_id), session, own_run(run_ids, component), middle)


def own_run(run_ids: RunIds, component: str) -> bytes:
    """Return the end of group event: what is a run's own."""
    return _ids(run_ids) + text(component)


def encoded_model(facts: Mapping[str, Any]) -> bytes:
    """Return group model."""
    return _kept("model", facts) if facts else NO_MODEL


def encoded_outcome(
    outcome: str | None = None,
    error_type: str | None = None,
    started_at: int | None = None,
    latency_us: int | None = None,
    attempt: int | None = None,
) -> bytes:
    """Return group outcome, written out: its times are new with every end of a run."""
    return (
        optional_text(outcome)
        + optional_text(error_type)
        + (NULL if started_at is None else SOME + long(started_at))
        + (NULL if latency_us is None else SOME + long(latency_us))
        + (NULL if attempt is None else SOME + long(attempt))
    )


def _routing_key(session_id: str) -> bytes:
    """Return the key of a record in Kafka."""
    key = session_id.encode("utf-8", "backslashreplace")
    return key if len(key) <= _KEY_BYTES else key[:_KEY_BYTES].decode("utf-8", "ignore").encode()


def _ids(run_ids: RunIds) -> bytes:
    """Write the ids of a run out."""
    run, parent, root = run_ids
    if run is not None and parent is not None and root is not None and len(run) == len(parent) == len(root) == _UUID_LENGTH:
        return f"\x02\x48{run}\x02\x48{parent}\x02\x48{root}".encode()
    return b"".join(map(optional_text, run_ids))


def _kept(group: str, values: Mapping[str, Any]) -> bytes:
    return _encoded(group, tuple(values.items()))


@lru_cache(maxsize=4096)
def _encoded(group: str, items: tuple[tuple[str, Any], ...]) -> bytes:
    return encode_group(group, dict(items))


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
        "host": host(),
        "pid": os.getpid(),
        "python_version": platform.python_version(),
        "langchain_version": _version("langchain-core"),
        "langtrail_version": _version("langtrail"),
    }


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
