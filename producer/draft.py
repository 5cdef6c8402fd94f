"""A draft: what a hook knows of an event before it has a number. Its content is already a snapshot."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .identity import Identity
from .scrub import holds_credential
from .serialise import Snapshot

MAX_LABEL = 256
WITHHELD = "withheld"

_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|(?:\d[\s().-]{0,2}){9}")


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


@lru_cache(maxsize=4096)
def label(value: str) -> str:
    """Return a name as it may stand in the core: `withheld` when it is over 256 characters or looks like a person or a key."""
    clean = value.encode("utf-8", "backslashreplace").decode()
    if len(clean) > MAX_LABEL or _PERSONAL.search(clean) or holds_credential(clean):
        return WITHHELD
    return clean
