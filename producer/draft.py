"""A draft: what a hook knows of an event before it has a number. Its content is already a snapshot."""

from dataclasses import dataclass, field
from typing import Any

from .identity import Identity
from .serialise import Snapshot


@dataclass(slots=True)
class Draft:
    """One event to be. `groups` holds core fields by group; group event is completed when the event is numbered."""

    event_type: str
    component: str
    identity: Identity
    run_id: str | None = None
    parent_run_id: str | None = None
    root_run_id: str | None = None
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    content: dict[str, Snapshot] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    ext: dict[str, str] = field(default_factory=dict)
