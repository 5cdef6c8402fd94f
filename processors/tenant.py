"""What is known of a tenant: the record that enrich reads and the topic langtrail.tenants holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant, with the fields of schemas/avro/tenant.v1.avsc; None is not known."""

    tenant_id: str
    revision: int
    name: str | None = None
    plan: str | None = None
    region: str | None = None
    data_class: str | None = None
    retention_class: str = "standard"
    legal_hold: bool = False
    policy: str | None = None
    """Redaction policy as TOML text; None is the default policy."""
    policy_revision: str = "default-1"
    updated_at: int = 0
    """When it was applied, UTC, microseconds since 1970."""
