"""A draft becomes core bytes. Groups that seldom change are encoded once and kept: encoding is what costs."""

import base64
import os
import platform
import socket
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson

from langtrail.schemas import CONTENT_FIELDS, commitment, encode_group

from .draft import Draft
from .identity import Identity
from .settings import ProducerSettings

_KEPT = ("model", "outcome", "place", "tool", "policy", "stream")
_SALT_BYTES = 32


class CoreWriter:
    """Writes the core of one process's events: its group `where` never changes."""

    def __init__(self, settings: ProducerSettings) -> None:
        self._where = encode_group("where", _where(settings))

    def tail(self, draft: Draft, content_facts: dict[str, Any]) -> bytes:
        """Return all core bytes after group event: what can be encoded before the event has its number."""
        model, outcome, place, tool, policy, stream = (_kept(group, _items(draft.groups.get(group))) for group in _KEPT)
        rest = _rest(draft.flags, tuple(sorted(draft.ext.items())))
        who = _who(draft.identity)
        facts = encode_group("content", content_facts)
        return b"".join((model, outcome, place, tool, who, policy, stream, self._where, facts, rest))

    @staticmethod
    def event(draft: Draft, numbered: dict[str, Any]) -> bytes:
        """Return the bytes of group event; `numbered` has stream_id, seq, event_id, occurred_at, monotonic_ns, session_id."""
        return encode_group(
            "event",
            {
                "event_type": draft.event_type,
                "tenant_id": draft.identity.tenant_id,
                "run_id": draft.run_id,
                "parent_run_id": draft.parent_run_id,
                "root_run_id": draft.root_run_id,
                "component": draft.component,
                **numbered,
            },
        )


def content_of(draft: Draft) -> tuple[bytes, dict[str, Any]]:
    """Return the content as JSON with a fresh salt (empty without content), and the core fields that commit to it."""
    if not draft.content:
        return b"", {"content_bytes": 0, "truncated": False}
    salt = os.urandom(_SALT_BYTES)
    document: dict[str, str] = {"salt": base64.b64encode(salt).decode()}
    facts: dict[str, Any] = {"content_bytes": 0, "truncated": False}
    for name, snapshot in draft.content.items():
        document[name] = snapshot.data.decode()
        facts[CONTENT_FIELDS[name]] = commitment(salt, name, snapshot.data)
        facts["content_bytes"] += len(snapshot.data)
        facts["truncated"] |= snapshot.truncated
    return orjson.dumps(document), facts


@lru_cache(maxsize=4096)
def _kept(group: str, items: tuple[tuple[str, Any], ...]) -> bytes:
    return encode_group(group, dict(items))


@lru_cache(maxsize=1024)
def _who(identity: Identity) -> bytes:
    return encode_group(
        "who",
        {
            "principal_id": identity.principal_id,
            "principal_type": identity.principal_type,
            "identity_assurance": identity.identity_assurance,
            "roles": list(identity.roles),
            "on_behalf_of": identity.on_behalf_of,
            "trigger": identity.trigger,
            "trigger_id": identity.trigger_id,
            "client_ip": identity.client_ip,
        },
    )


@lru_cache(maxsize=1024)
def _rest(flags: tuple[str, ...], ext: tuple[tuple[str, str], ...]) -> bytes:
    return encode_group("rest", {"flags": list(flags), "ext": [{"key": key, "value": value} for key, value in ext]})


def _items(values: dict[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    present: Iterable[tuple[str, Any]] = values.items() if values else ()
    return tuple(item for item in present if item[1] is not None)


def _where(settings: ProducerSettings) -> dict[str, Any]:
    return {
        "app": settings.app_name(),
        "app_version": settings.app_version,
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
