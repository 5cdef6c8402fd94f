"""The vocabulary of an event: the values that its text fields may take."""

from typing import Final

_RUNS = tuple(f"{run}_{phase}" for run in ("chain", "llm", "tool", "retriever") for phase in ("start", "end", "error"))

STREAM_EVENT_TYPES: Final = ("stream_open", "heartbeat", "dropped", "stream_close")
"""Events of a stream about itself: they belong to no run."""

EVENT_TYPES: Final = (
    *_RUNS,
    "agent_action",
    "agent_finish",
    "retry",
    "custom",
    "text",
    "interrupt",
    "resume",
    "abandoned",
    "tool_not_executed",
    "side_effect",
    "policy_denied",
    "approval_requested",
    "approval_decided",
    "audit_read",
    "erasure",
    "retention",
    "gap",
    "burst",
    *STREAM_EVENT_TYPES,
)
"""Every value of the field event_type."""

OUTCOMES: Final = ("success", "failure", "denied", "cancelled", "interrupted", "abandoned")
"""Every value of the field outcome besides null."""
