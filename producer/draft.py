"""A draft: what a hook knows of an event before it has a number. Its content is already a snapshot."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .identity import Identity
from .serialise import Snapshot


class Shared(NamedTuple):
    """What all events of one run have in common, encoded once: their key, and most of their core.

    `whose` is the end of group event, from tenant_id on; `middle` are the groups from place to stream of a run that calls
    this `tool`.
    """

    key: bytes
    whose: bytes
    tool: dict[str, Any]
    middle: bytes


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
    shared: Shared | None = None
    middle: bytes = b""
    """The groups from place to stream, where they are encoded already."""

    def put(self, group: str, values: dict[str, Any]) -> None:
        """Replace a group."""
        self.groups[group] = values
        self.middle = b""
