"""Names of the Kafka record headers that langtrail writes."""

from enum import StrEnum
from typing import Final

KEY_HEADER: Final = "langtrail-key"
"""The stream's data key, wrapped for the workers: present when and only when the content is sealed."""

REPLAYED_FROM_HEADER: Final = "langtrail-replayed-from"
"""Which dead letter an operator put back, as PARTITION:OFFSET of langtrail.dead-letters."""

REVISION_HEADER: Final = "langtrail-revision"
"""Digits: the revision of the event that is made of this record; absent: 0. Of an event's copies the highest one counts."""


class DeadLetterHeader(StrEnum):
    """Why a record was rejected and where it came from. Values are UTF-8 text and never quote content."""

    REASON = "langtrail-reason"
    """One word for counting: malformed_record, unknown_schema, broken_commitment …"""
    ERROR = "langtrail-error"
    """One sentence without content."""
    STAGE = "langtrail-stage"
    """The step that rejected it: open, redact, enrich, seal, worker, sink."""
    TOPIC = "langtrail-origin-topic"
    PARTITION = "langtrail-origin-partition"
    OFFSET = "langtrail-origin-offset"
    TIMESTAMP = "langtrail-origin-timestamp"
    """Milliseconds since 1970, as the broker had it."""
    VERSION = "langtrail-version"
    """Version of langtrail that rejected it."""
