"""Tenants: the record's bytes, and the table as records arrive."""

import pytest

from langtrail.processors.metrics import Metric, Metrics
from langtrail.processors.scan import Scanner
from langtrail.processors.tenant import Tenant
from langtrail.processors.tenant_rules import DEFAULT_POLICY, PolicyUnusable, TenantRules
from langtrail.processors.tenants import Tenants, decode_tenant, encode_tenant
from langtrail.schemas import RAW_EVENT, TENANT, MalformedRecord, UnknownSchemaId, frame, registry, unframe

ACME = Tenant(
    "acme", 3, name="Acme", plan="gold", region="eu", legal_hold=True, policy="[x]\n", policy_revision="7", updated_at=1
)


@pytest.fixture
def metrics() -> Metrics:
    """Return metrics that no other test counts in."""
    return Metrics()


@pytest.fixture
def tenants(metrics: Metrics) -> Tenants:
    """Return a table that no thread fills."""
    return Tenants({}, metrics)


@pytest.mark.parametrize("tenant", [ACME, Tenant("t", 1)], ids=["all fields", "defaults"])
def test_a_tenant_survives_its_bytes(tenant: Tenant) -> None:
    """The record has the tenant's id as key and the newest schema's id in its value."""
    key, value = encode_tenant(tenant)
    assert key == tenant.tenant_id.encode()
    assert unframe(value).schema_id == registry().latest(TENANT).id
    assert decode_tenant(value) == tenant


def test_a_record_of_another_subject_is_no_tenant() -> None:
    """Only values of the tenant's subject are taken."""
    with pytest.raises(UnknownSchemaId):
        decode_tenant(frame(registry().latest(RAW_EVENT).id, b""))
    with pytest.raises(MalformedRecord):
        decode_tenant(b"junk")


def test_the_last_record_of_a_tenant_counts(tenants: Tenants, metrics: Metrics) -> None:
    """The table is a mapping by id; a later record replaces, a null value removes."""
    tenants._update(*encode_tenant(Tenant("acme", 1)))
    tenants._update(*encode_tenant(ACME))
    tenants._update(*encode_tenant(Tenant("other", 1)))
    assert dict(tenants) == {"acme": ACME, "other": Tenant("other", 1)}
    tenants._update(b"other", None)
    tenants._update(b"never seen", None)
    assert tenants.get("other") is None
    assert len(tenants) == metrics.value(Metric.TENANTS) == 1


def test_an_unreadable_record_keeps_what_was_known(
    tenants: Tenants, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """A malformed tenant record is counted and logged without its bytes; the tenant stays as it was."""
    tenants._update(*encode_tenant(ACME))
    tenants._update(b"acme", b"secret-bytes")
    assert tenants["acme"] == ACME
    assert metrics.value(Metric.TENANT_RECORDS_MALFORMED) == 1
    assert "passed over" in caplog.text
    assert "secret-bytes" not in caplog.text


def test_an_unreadable_record_of_an_unknown_tenant_withholds_its_content(tenants: Tenants) -> None:
    """A worker that starts later sees only that record: the policy that was meant must not be taken for none."""
    rules = TenantRules(Scanner, tenants.get)
    tenants._update(b"acme", frame(9_999, b"of a newer version"))
    with pytest.raises(PolicyUnusable, match="unreadable"):
        rules("acme")
    tenants._update(*encode_tenant(Tenant("acme", 4)))
    assert rules("acme").policy == DEFAULT_POLICY
    tenants._update(b"acme", b"junk")
    assert rules("acme").policy == DEFAULT_POLICY
