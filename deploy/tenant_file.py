"""A file of tenants becomes records of the compacted topic: every worker knows them seconds later.

[tenants.acme]
name = "Acme Corporation"      # all of these are optional
plan = "enterprise"
region = "eu-central-1"
data_class = "confidential"
retention_class = "regulated"
legal_hold = false
[tenants.acme.redaction]       # a redaction policy; without it the default one holds
version = "3"
default = "placeholder"        # or mask, drop, pseudonym
detectors.EMAIL = "mask"       # by type, or by name of a detector; off: left alone
allow = ["*@acme.com"]
[[tenants.acme.redaction.paths]]
path = "metadata.internal_id"
action = "drop"
type = "CUSTOM_ID"
[[tenants.acme.redaction.tests]]
text = "mail bob@example.org"
expected = "mail [EMAIL:****]"
"""

import time
import tomllib
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from langtrail.processors.policy import toml_of
from langtrail.processors.policy_reader import parse_policy, read_policy
from langtrail.processors.tenant import Tenant
from langtrail.processors.tenants import encode_tenant
from langtrail.schemas import topic

from .errors import CannotRun
from .policy_mistakes import policy_mistakes
from .toml_lines import LineNumbers, toml_refused_as

_TEXTS = ("name", "plan", "region", "data_class", "retention_class")
_DELIVERY_SECONDS = 30


class TenantFileError(CannotRun):
    """The file of tenants cannot be applied; the text has a line for each mistake. Nothing was changed."""


def read_tenants(path: Path) -> list[Tenant]:
    """Return the tenants that a TOML file describes. Raises TenantFileError with all mistakes at once."""
    with toml_refused_as(TenantFileError, path):
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    line_of = LineNumbers(text)
    unknown = [key for key in document if key != "tenants"]
    mistakes = [f"{path}:{line_of((key,))}: unknown table or key {key}; only [tenants.ID] is known" for key in unknown]
    tables = document.get("tenants", {})
    if not isinstance(tables, dict):
        raise TenantFileError(f"{path}:{line_of(('tenants',))}: tenants is not a table")
    for tenant_id, table in tables.items():
        for where, mistake in _mistakes(table):
            mistakes.append(f"{path}:{line_of(('tenants', tenant_id, *where))}: [tenants.{tenant_id}] {mistake}")
        for one in policy_mistakes(table["redaction"]) if isinstance(table, dict) and "redaction" in table else ():
            line = line_of(("tenants", tenant_id, "redaction", *one.where))
            mistakes.append(f"{path}:{line}: [tenants.{tenant_id}.redaction] {one}")
    if not mistakes and not tables:
        mistakes = [f"{path}: there is no [tenants.ID] table in it"]
    if mistakes:
        raise TenantFileError("\n".join(mistakes))
    now = time.time_ns() // 1000
    return [Tenant(tenant_id=tenant_id, revision=now, updated_at=now, **_fields(table)) for tenant_id, table in tables.items()]


def _fields(table: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the record: the policy as text, with the revision that events will name."""
    fields = {key: value for key, value in table.items() if key != "redaction"}
    if "redaction" in table:
        fields |= {"policy": toml_of(table["redaction"]), "policy_revision": read_policy(table["redaction"]).revision}
    return fields


def with_pseudonyms(path: Path) -> list[str]:
    """Return the tenants of a file whose policies ask for pseudonyms: only workers with a key can follow. Raises as above."""
    policies = {tenant.tenant_id: tenant.policy for tenant in read_tenants(path)}
    return [tenant_id for tenant_id, policy in policies.items() if policy and parse_policy(policy).has_pseudonyms]


def apply_tenants(path: Path, bootstrap_servers: str, kafka_config: dict[str, str] | None = None) -> list[str]:
    """Publish the tenants of a file and return their ids once Kafka has them all. Raises TenantFileError."""
    tenants = read_tenants(path)
    failures: list[str] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error.name())

    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "log_level": 0, **(kafka_config or {})})
    for tenant in tenants:
        key, value = encode_tenant(tenant)
        producer.produce(topic("tenants").name, value, key, on_delivery=delivered)
    if producer.flush(_DELIVERY_SECONDS) or failures:
        reason = ", ".join(sorted(set(failures))) or f"no answer within {_DELIVERY_SECONDS} s"
        raise TenantFileError(f"Kafka at {bootstrap_servers} did not take the tenants ({reason}); apply the file again")
    return [tenant.tenant_id for tenant in tenants]


def _mistakes(table: Any) -> list[tuple[tuple[str, ...], str]]:
    """Return what is wrong with a tenant's own keys, each with its place in the table."""
    if not isinstance(table, dict):
        return [((), "is not a table")]
    found: list[tuple[tuple[str, ...], str]] = []
    found += [((key,), f"has the unknown key {key}") for key in table if key not in (*_TEXTS, "legal_hold", "redaction")]
    found += [((key,), f"{key} must be text") for key in _TEXTS if key in table and not isinstance(table[key], str)]
    if not isinstance(table.get("legal_hold", False), bool):
        found.append((("legal_hold",), "legal_hold must be true or false"))
    return found
