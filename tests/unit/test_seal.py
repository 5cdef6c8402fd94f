"""Step seal: a head, the same core bytes, and a hash over both."""

from typing import Any

import pytest

from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import raw_record
from langtrail.processors.event import Event, Rejected
from langtrail.processors.open import Open
from langtrail.processors.seal import MAX_RECORD_BYTES, SEAL
from langtrail.schemas import AUDIT_EVENT, MalformedRecord, PrivateKeys, decode, event_hash, record_hash, registry, unframe
from tests.through import through

(SAMPLE,) = sample_events(1)
HEAD = {
    "tags": ["a"],
    "redaction_status": "ok",
    "policy_revision": "default-1",
    "redactor_version": "1",
    "retention_class": "standard",
    "processed_at": 1_790_000_000_000_000,
    "clock_skewed": False,
    "input": '"[EMAIL]"',
}


def sealed(head: dict[str, Any] = HEAD) -> Event:
    """Return an event that went through open, got this head, and was sealed."""
    record = raw_record(SAMPLE, {})
    event = Event(record.key, record.value, {}, 1, 2, 3)
    through(Open(PrivateKeys([])).steps, event)
    event.head.update(head)
    through(SEAL, event)
    return event


def record_of(event: Event) -> dict[str, Any]:
    """Return the AuditEvent of a sealed event, decoded."""
    framed = unframe(event.output)
    return decode(registry().by_id(framed.schema_id), framed.datum)


def test_the_output_is_an_audit_event_with_the_core_of_its_input() -> None:
    """Head and core fields come out as they were, and the core is the same bytes."""
    event = sealed()
    record = record_of(event)
    assert unframe(event.output).schema_id == registry().latest(AUDIT_EVENT).id
    assert event.output.endswith(event.core_bytes)
    assert {name: record[name] for name in event.core} == event.core
    assert {name: record[name] for name in HEAD} == HEAD


def test_the_hashes_can_be_checked_from_the_output_alone() -> None:
    """The record hash covers all bytes after itself, the event hash those of the core."""
    event = sealed()
    record = record_of(event)
    assert record["record_hash"] == record_hash(unframe(event.output).datum[32:])
    assert record["event_hash"] == event_hash(event.core_bytes)


def test_an_event_larger_than_the_topic_is_rejected() -> None:
    """What Kafka would refuse is rejected by its size, before it is sent."""
    with pytest.raises(Rejected, match=str(MAX_RECORD_BYTES)) as rejected:
        sealed(HEAD | {"input": "x" * MAX_RECORD_BYTES})
    assert (rejected.value.stage, rejected.value.reason) == ("seal", "too_large")


def test_an_incomplete_head_is_a_fault() -> None:
    """A head that a step left incomplete is the worker's fault and no reason to reject the record."""
    with pytest.raises(MalformedRecord):
        sealed({})


def test_seal_comes_after_open() -> None:
    """An event that was not opened cannot be sealed."""
    with pytest.raises(ValueError, match="after open"):
        through(SEAL, Event(None, b"", {}, 0, 0, 0))
