"""The pipeline: its order, and an event on its way through all steps."""

from typing import Any

import pytest

from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import raw_record
from langtrail.processors.event import Event, Rejected
from langtrail.processors.metrics import Metric
from langtrail.processors.pipeline import Step, pipeline, process, step_counts
from langtrail.processors.tenant import Tenant
from langtrail.schemas import DataKey, PrivateKeys, decode, generate_private_key, public_key_of, registry, unframe

PRIVATE_KEY = generate_private_key()
DATA_KEY = DataKey.generate([public_key_of(PRIVATE_KEY)])
CONTENT = {
    "input": '{"q": "I am jane.doe@example.com"}',
    "output": '"the key is AKIAIOSFODNN7EXAMPLE"',
    "error_message": "no route to 192.168.17.4",
    "params": '{"password": "hunter2"}',
    "metadata": '{"note": ["call +44 20 7946 0958"]}',
    "tags": '["card 4111 1111 1111 1111"]',
}
SECRETS = ("jane.doe@example.com", "AKIAIOSFODNN7EXAMPLE", "192.168.17.4", "hunter2", "7946 0958", "4111 1111")


@pytest.fixture(scope="module")
def steps() -> tuple[Step, ...]:
    """Return the steps of a worker that knows one tenant."""
    return pipeline(PrivateKeys([PRIVATE_KEY]), {"acme": Tenant("acme", 1, name="Acme")})


def processed(steps: tuple[Step, ...], tenant_id: str = "acme") -> tuple[Event, dict[str, Any]]:
    """Return an event with personal data in every field after all steps, and its AuditEvent."""
    (sample,) = sample_events(1, tenant_id=tenant_id)
    record = raw_record(sample, CONTENT, DATA_KEY)
    headers = {name: value for name, value in record.headers if isinstance(value, bytes)}
    event = Event(record.key, record.value, headers, 0, 0, sample["occurred_at"] // 1000)
    process(event, steps)
    framed = unframe(event.output)
    return event, decode(registry().by_id(framed.schema_id), framed.datum)


def test_nothing_that_was_planted_comes_out(steps: tuple[Step, ...]) -> None:
    """An event with personal data or a secret in every content field leaves without any, and says how many there were."""
    event, record = processed(steps)
    assert not any(secret.encode() in event.output for secret in SECRETS)
    assert record["redaction_status"] == "ok"
    assert sum(record["redaction_counts"]) >= len(SECRETS)


def test_the_event_is_enriched(steps: tuple[Step, ...]) -> None:
    """What is known of the tenant is in the event; what is not known is counted."""
    assert processed(steps)[1]["tenant_name"] == "Acme"
    before = step_counts(steps).get((Metric.ENRICH_MISSES, ("unknown_tenant",)), 0)
    assert processed(steps, "nobody")[1]["tenant_name"] is None
    assert step_counts(steps)[Metric.ENRICH_MISSES, ("unknown_tenant",)] == before + 1


def test_a_rejected_record_goes_no_further(steps: tuple[Step, ...]) -> None:
    """The first step that rejects is the last that sees the record."""
    event = Event(None, b"junk", {}, 0, 0, 0)
    with pytest.raises(Rejected):
        process(event, steps)
    assert event.output == b""
