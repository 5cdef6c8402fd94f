"""Who started a run, for whom and why: resolved per run, never stored on the handler.

For each fact the first of these that names it counts: the run's metadata, its `configurable`, audit_context, the environment.
A child run inherits what its root resolved; the tenant of a root cannot be changed by a child.
"""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from .settings import ProducerSettings

SESSION_KEYS = ("session_id", "thread_id", "conversation_id")
TRIGGERS = ("interactive", "api", "schedule", "event", "unknown")
PRINCIPAL_TYPES = ("human", "service", "agent", "job", "unknown")

_FIELDS = {
    "tenant_id": "tenant_id",
    "user_id": "principal_id",
    "principal_type": "principal_type",
    "on_behalf_of": "on_behalf_of",
    "trigger": "trigger",
    "trigger_id": "trigger_id",
    "client_ip": "client_ip",
    "prompt_name": "prompt_name",
    "prompt_version": "prompt_version",
}
_context: ContextVar[Mapping[str, Any]] = ContextVar("langtrail_audit_context", default={})  # noqa: B039 - never mutated


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, for whom and why. Frozen, so that its encoded bytes can be kept. An empty session_id: the root run's id is used."""

    tenant_id: str = ""
    session_id: str = ""
    principal_id: str = ""
    principal_type: str = "unknown"
    identity_assurance: str = "unknown"
    roles: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    trigger: str = "unknown"
    trigger_id: str | None = None
    client_ip: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None


@contextmanager
def audit_context(
    *,
    tenant_id: str | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    thread_id: str | None = None,
    conversation_id: str | None = None,
    principal_type: str | None = None,
    roles: tuple[str, ...] | list[str] | None = None,
    on_behalf_of: str | None = None,
    trigger: str | None = None,
    trigger_id: str | None = None,
    client_ip: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
) -> Iterator[None]:
    """Say who and why for every run started within: inner contexts add to outer ones, other tasks and threads are untouched.

    Raises ValueError for a trigger or principal_type that the contract does not know.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    _check("trigger", trigger, TRIGGERS)
    _check("principal_type", principal_type, PRINCIPAL_TYPES)
    token = _context.set({**_context.get(), **given})
    try:
        yield
    finally:
        _context.reset(token)


def resolve(metadata: Mapping[str, Any], configurable: Mapping[str, Any], settings: ProducerSettings) -> Identity:
    """Return the identity of a root run."""
    return _found((metadata, configurable, _context.get()), from_environment(settings))


def inherit(metadata: Mapping[str, Any], configurable: Mapping[str, Any], root: Identity) -> tuple[Identity, bool]:
    """Return the identity of a child run, and whether it tried to change its root's tenant (which is refused)."""
    child = _found((metadata, configurable, _context.get()), root)
    if child is root or child.tenant_id == root.tenant_id:
        return child, False
    if not root.tenant_id:
        return child, False
    return replace(child, tenant_id=root.tenant_id), True


@lru_cache(maxsize=8)
def from_environment(settings: ProducerSettings) -> Identity:
    """Return what the environment alone says: the OS user stands for a run that names nobody."""
    trigger = settings.trigger if settings.trigger in TRIGGERS else "unknown"
    return Identity(
        tenant_id=settings.tenant_id,
        principal_id=settings.user_id or _os_user(),
        principal_type="job" if trigger == "schedule" else "service",
        identity_assurance="asserted" if settings.user_id else "unknown",
        trigger=trigger,
        trigger_id=settings.trigger_id or None,
    )


def _found(sources: tuple[Mapping[str, Any], ...], base: Identity) -> Identity:
    found: dict[str, Any] = {}
    for source in reversed(sources):
        if source:
            found.update({field: str(source[name]) for name, field in _FIELDS.items() if source.get(name) is not None})
            if source.get("roles"):
                found["roles"] = tuple(str(role) for role in source["roles"])
            session = next((source[key] for key in SESSION_KEYS if source.get(key) is not None), None)
            if session is not None:
                found["session_id"] = str(session)
    if not found:
        return base
    if "principal_id" in found and found["principal_id"] != base.principal_id:
        found.setdefault("principal_type", "job" if found.get("trigger", base.trigger) == "schedule" else "human")
        found["identity_assurance"] = "asserted"
    if found.get("trigger", "unknown") not in TRIGGERS:
        found["trigger"] = "unknown"
    return replace(base, **found)


def _check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"audit_context: {name} must be one of {', '.join(allowed)}")


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
