"""Who started a run, for whom and why: resolved per run, never stored on the handler.

For each fact the first of these that names it counts: the run's metadata, its `configurable`, audit_context, the environment.
A verified token stands above all that is merely said. A child run inherits what its root resolved; the tenant and the session
of a root cannot be changed by a child.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from .job import detect
from .labels import label, technical
from .scope import VERIFIED, current_scope
from .serialise import text_of
from .settings import ProducerSettings
from .vocabulary import PRINCIPAL_TYPES, TRIGGERS

SESSION_KEYS = ("session_id", "thread_id", "conversation_id")

_FIELDS: dict[str, tuple[str, Any]] = {
    "tenant_id": ("tenant_id", text_of),
    "user_id": ("principal_id", text_of),
    "principal_type": ("principal_type", text_of),
    "on_behalf_of": ("on_behalf_of", text_of),
    "trigger": ("trigger", text_of),
    "trigger_id": ("trigger_id", text_of),
    "client_ip": ("client_ip", text_of),
    "prompt_name": ("prompt_name", text_of),
    "prompt_version": ("prompt_version", text_of),
}
_LABELS = {"trigger_id": label, "prompt_name": label, "prompt_version": technical}
"""Facts that stand in the core only if they name no person and no key."""
_NAMES: Final = (*_FIELDS, *SESSION_KEYS, "roles")
_WITHHELD = object()
_KEYS: Final[frozenset[Any]] = frozenset((*_FIELDS, *SESSION_KEYS, "roles", VERIFIED))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, for whom and why. Frozen, so that its encoded bytes can be kept. An empty session_id: the root run's id is used."""

    tenant_id: str = ""
    session_id: str = ""
    principal_id: str = ""
    principal_type: str = "unknown"
    identity_assurance: str = "unknown"
    auth_issuer: str | None = None
    token_id: str | None = None
    roles: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    trigger: str = "unknown"
    trigger_id: str | None = None
    client_ip: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None


class Resolved(NamedTuple):
    """An identity; the flags that say what was refused on the way to it; and what must not stand in the core, by its field."""

    identity: Identity
    flags: tuple[str, ...] = ()
    withheld: dict[str, str] = {}  # noqa: RUF012 - never changed


def resolve(metadata: Mapping[str, Any], configurable: Mapping[str, Any], settings: ProducerSettings) -> Resolved:
    """Return the identity of a root run. Flag `principal_conflict`: it named somebody else than its verified token does."""
    found: dict[Any, Any] = {}
    for source in (current_scope(), configurable, metadata):
        _read(source, found)
    return _completed(from_environment(settings), found)


def named(metadata: Mapping[str, Any], configurable: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what both say of an identity, as given: a child that says the same as its parent has the same identity."""
    if _KEYS.isdisjoint(metadata) and _KEYS.isdisjoint(configurable):
        return ()
    return *map(metadata.get, _NAMES), *map(configurable.get, _NAMES)


def says_the_same(names: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Tell whether two runs name the same, whatever objects an application takes for names."""
    try:
        return names is others or bool(names == others)
    except Exception:  # noqa: BLE001 - to compare is to run the application's code
        return False


def inherit(
    metadata: Mapping[str, Any], configurable: Mapping[str, Any], parent: Identity, scope: Mapping[Any, Any] | None
) -> Resolved:
    """Return the identity of a child run: its parent's, and what the child itself names.

    `scope` is the audit_context in which the parent began: only one that was entered since then has something to add.
    Flag `tenant_conflict`: it named another tenant than its root's, which is refused.
    """
    found: dict[Any, Any] = {}
    current = current_scope()
    if current is not scope:
        _read({name: value for name, value in current.items() if scope is None or scope.get(name) != value}, found)
    _read(configurable, found)
    _read(metadata, found)
    if parent.session_id:
        found.pop("session_id", None)
    changed = {name: value for name, value in found.items() if _is_news(name, value, parent)}
    if not changed:
        return Resolved(parent)
    resolved = _completed(parent, changed)
    if parent.tenant_id and resolved.identity.tenant_id != parent.tenant_id:
        kept = replace(resolved.identity, tenant_id=parent.tenant_id)
        return Resolved(kept, (*resolved.flags, "tenant_conflict"), resolved.withheld)
    return resolved


def _is_news(name: Any, value: Any, parent: Identity) -> bool:
    """Tell whether a child says what its parent does not; that it names the very one who was only assumed is news, too."""
    if type(name) is not str or getattr(parent, name) != value:
        return True
    return name == "principal_id" and parent.identity_assurance == "unknown"


@lru_cache(maxsize=8)
def from_environment(settings: ProducerSettings) -> Identity:
    """Return what the environment alone says: the OS user stands for a run that names nobody."""
    job = detect(settings)
    user_id = settings.user_id if settings.user_id.strip() else ""
    scheduled = job.trigger == "schedule" or job.is_job
    return Identity(
        tenant_id=settings.tenant_id,
        principal_id=user_id or job.os_user,
        principal_type="job" if scheduled else "service",
        identity_assurance="asserted" if user_id else "unknown",
        trigger=job.trigger,
        trigger_id=job.trigger_id,
    )


def _read(source: Mapping[Any, Any], found: dict[Any, Any]) -> None:
    """Add what one source names, under the names of Identity's fields; it counts before what is there already."""
    if not source or _KEYS.isdisjoint(source):
        return
    for name, (field, parse) in _FIELDS.items():
        if (value := source.get(name)) is not None and ((said := parse(value)).strip() or field != "principal_id"):
            found[field] = said  # a blank is nobody's name
    for field, judge in _LABELS.items():
        if field in found and (judged := judge(found[field])) != found[field]:
            found[_WITHHELD] = {**found.get(_WITHHELD, {}), field: found[field]}
            found[field] = judged
    roles: Any = source.get("roles")
    if issubclass(type(roles), str):
        roles = (roles,)
    if issubclass(type(roles), (list, tuple, set, frozenset)):
        found["roles"] = tuple(text_of(role) for role in roles)
    session = next((source[key] for key in SESSION_KEYS if source.get(key) is not None), None)
    if session is not None:
        found["session_id"] = text_of(session)
    if VERIFIED in source:
        found[VERIFIED] = source[VERIFIED]


def _completed(base: Identity, found: dict[Any, Any]) -> Resolved:
    verified: dict[str, Any] = found.pop(VERIFIED, None) or {}
    withheld: dict[str, str] = found.pop(_WITHHELD, None) or {}
    if not found and not verified:
        return Resolved(base)
    if found.get("trigger", "unknown") not in TRIGGERS:
        found["trigger"] = "unknown"
    if found.get("principal_type", "unknown") not in PRINCIPAL_TYPES:
        found["principal_type"] = "unknown"
    if verified:
        conflict = found.get("principal_id", verified["principal_id"]) != verified["principal_id"]
        return Resolved(replace(base, **{**found, **verified}), ("principal_conflict",) if conflict else (), withheld)
    identity, flags = _asserted(base, found)
    return Resolved(identity, flags, withheld)


def _asserted(base: Identity, found: dict[str, Any]) -> tuple[Identity, tuple[str, ...]]:
    """Take what the application says; nothing can be said against whom a token verified."""
    another = found.get("principal_id", base.principal_id) != base.principal_id
    named = another or ("principal_id" in found and base.identity_assurance == "unknown")
    if base.identity_assurance == "verified":
        kept = {name: value for name, value in found.items() if name not in ("principal_id", "principal_type", "roles")}
        return replace(base, **kept), ("principal_conflict",) if another else ()
    if not named:
        return replace(base, **found), ()
    found.setdefault("principal_type", "job" if found.get("trigger", base.trigger) == "schedule" else "human")
    return replace(base, **{"identity_assurance": "asserted", **found}), ()
