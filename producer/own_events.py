"""The events of a stream about itself: stream_open, heartbeat, dropped, stream_close.

What they say beyond the core's fields is in ext, as text. stream_open: `os_user` (by the kernel), `program`, `git_commit`
of its source where there is one, `heartbeat_seconds` and `run_deadline_seconds` as they are set, and `previous_is_gone` when
the process of the stream before had ended without closing it. heartbeat: `chain_head` (chain hash of the last event that Kafka
has acknowledged, hexadecimal; absent before the first), `open_runs`, `spooled` (events kept that Kafka has not acknowledged)
and `dropped` (numbers of this stream that were dropped so far). dropped: `reason`, and of an event that Kafka refused its
`event_hash` and where in the spool it is `kept_in`. stream_close: `dropped`.
"""

from dataclasses import dataclass, field
from typing import Any

from .core import drafted
from .draft import Draft
from .identity import from_environment
from .settings import ProducerSettings


@dataclass(frozen=True)
class Hole:
    """Numbers of a stream that nobody will receive, both included, and why. `ext`: more that is known of them."""

    first_seq: int
    last_seq: int
    reason: str
    ext: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return self.last_seq - self.first_seq + 1


def own_event(settings: ProducerSettings, event_type: str, *, ext: dict[str, str] | None = None, **stream: Any) -> Draft:
    """Return an event of a stream about itself; `stream` are fields of the core's group of that name."""
    identity = from_environment(settings)
    return drafted(event_type, "langtrail", identity, groups={"stream": stream}, ext=ext)


def opening(settings: ProducerSettings, facts: dict[str, str], previous: str | None, *, previous_is_gone: bool) -> Draft:
    """Return the first event of a stream: what the process says of itself, and how long it may be silent."""
    ext = {
        **facts,
        "heartbeat_seconds": str(settings.heartbeat_seconds),
        "run_deadline_seconds": str(settings.run_deadline_seconds),
        **({"previous_is_gone": "1"} if previous_is_gone else {}),
    }
    return own_event(settings, "stream_open", ext=ext, previous_stream_id=previous)


def dropped_event(settings: ProducerSettings, hole: Hole) -> Draft:
    """Return the event that names numbers which nobody will receive."""
    ext = {"reason": hole.reason, **hole.ext}
    return own_event(settings, "dropped", ext=ext, first_seq=hole.first_seq, last_seq=hole.last_seq, count=hole.count)
