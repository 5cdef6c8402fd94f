"""What an operator does to the trail is in the trail: an event of its own, and Kafka has it before anything is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from langtrail.producer.core import drafted
from langtrail.producer.pipeline import Pipeline
from langtrail.producer.settings import ProducerSettings
from langtrail.schemas.settings import load_settings

from .errors import NotRecorded
from .operator_identity import os_facts, who_acts

APP: Final = "langtrail"
_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Operation:
    """What someone does to `count` records of `resource`: the event's type, its component, and what else is known of it.

    `details` are content, and redacted as such; `facts` are part of the core: hashes, ids, nothing of a person.
    """

    event_type: str
    what: str
    resource: str
    count: int
    tenant: str = ""
    outcome: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    policy_id: str | None = None
    policy_version: str | None = None


def record_operation(variables: Mapping[str, str], operation: Operation) -> None:
    """Record what someone does, before it is done; return when Kafka has the event. Raises NotRecorded."""
    # In memory only: it counts when Kafka has it, and nobody is to find it in a spool later, when nothing was done.
    settings = load_settings(ProducerSettings, {**variables, "LANGTRAIL_APP": APP, "LANGTRAIL_DELIVERY": "drop"})
    identity = who_acts(settings, variables.get("LANGTRAIL_TOKEN", ""), operation.tenant)
    pipeline = Pipeline(settings)
    groups: dict[str, dict[str, Any]] = {
        "outcome": {"outcome": operation.outcome},
        "tool": {"resource": operation.resource},
        "policy": {"policy_id": operation.policy_id, "policy_version": operation.policy_version},
        "stream": {"count": operation.count},
    }
    content = {"input": orjson.dumps(operation.details)} if operation.details else {}
    facts = {**operation.facts, **os_facts()}
    pipeline.record(drafted(operation.event_type, operation.what, identity, groups=groups, content=content, ext=facts))
    left = pipeline.flush(_SECONDS)
    pipeline.close(0 if left else settings.exit_seconds)
    if left:
        raise NotRecorded(
            f"{operation.what}: it ends here, because Kafka at {settings.bootstrap_servers} did not take the event that "
            f"tells of it within {_SECONDS:.0f} s; check LANGTRAIL_BOOTSTRAP_SERVERS and run it again"
        )
