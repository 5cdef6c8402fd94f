"""Step 4 of the pipeline: the head that the steps before filled in, the same core bytes, and the hash over both."""

from functools import cache
from typing import Final

from langtrail.schemas import frame, record_hash, registry, topic

from .event import Event, Rejected, schema_of
from .head_writer import HeadWriter

MAX_RECORD_BYTES: Final = topic("events").max_message_bytes
_RECORD_OVERHEAD_BYTES: Final = 512
"""More than what Kafka adds to key and value: batch header, lengths, timestamp."""


def _write_head(event: Event) -> None:
    event.head_bytes = _output(schema_of(event).id)[1].write(event.head)


def _close(event: Event) -> None:
    rest = event.head_bytes + event.core_bytes
    event.head["record_hash"] = digest = record_hash(rest)
    event.output = frame(_output(schema_of(event).id)[0], digest) + rest
    _check_size(event)


SEAL: Final = (_write_head, _close)
"""The steps that fill in output, in their order: a framed AuditEvent in the core version of its input.

They raise Rejected for one that is larger than the topic takes, MalformedRecord when a step before left the head incomplete.
"""


@cache
def _output(raw_id: int) -> tuple[int, HeadWriter]:
    """Return the id of the AuditEvent that has the core of a raw event's schema, and what writes its head."""
    output = registry().output_for(registry().by_id(raw_id))
    return output.id, HeadWriter(output)


def _check_size(event: Event) -> None:
    size = len(event.output) + len(event.key or b"") + _RECORD_OVERHEAD_BYTES
    if size > MAX_RECORD_BYTES:
        raise Rejected(
            "seal", "too_large", f"the event has {size} bytes, the topic takes {MAX_RECORD_BYTES}; its content is too long"
        )
