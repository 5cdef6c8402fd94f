"""What an operator does to the trail is in the trail: an event of its own, and Kafka has it before anything is done."""

import json
from collections.abc import Mapping
from typing import Any, Final

from langtrail.producer.draft import Draft
from langtrail.producer.identity import from_environment
from langtrail.producer.pipeline import Pipeline
from langtrail.producer.serialise import Snapshot
from langtrail.producer.settings import ProducerSettings
from langtrail.schemas.settings import load_settings

from .errors import CannotRun

_SECONDS: Final = 15.0


class NotRecorded(CannotRun):
    """What was asked for cannot be recorded, so it was not begun; the text says why."""


def record_operation(variables: Mapping[str, str], what: str, resource: str, count: int, details: Mapping[str, Any]) -> None:
    """Record that someone does `what` to `count` records of `resource`; return when Kafka has the event. Raises NotRecorded.

    It is an event of type custom, because the contract has no type for it: `component` is `what`, its input are `details`.
    Who it was says LANGTRAIL_USER_ID, else the name of the operating system's user.
    """
    # In memory only: it counts when Kafka has it, and nobody is to find it in a spool later, when nothing was done.
    settings = load_settings(ProducerSettings, {**variables, "LANGTRAIL_APP": "langtrail", "LANGTRAIL_DELIVERY": "drop"})
    pipeline = Pipeline(settings)
    content = {"input": Snapshot(json.dumps(details).encode())}
    groups: dict[str, dict[str, Any]] = {"tool": {"resource": resource}, "stream": {"count": count}}
    pipeline.record(Draft("custom", what, from_environment(settings), groups=groups, content=content))
    left = pipeline.flush(_SECONDS)
    pipeline.close(0 if left else settings.exit_seconds)
    if left:
        raise NotRecorded(
            f"{what}: nothing was done, because Kafka at {settings.bootstrap_servers} did not take the event that says so "
            f"within {_SECONDS:.0f} s; check LANGTRAIL_BOOTSTRAP_SERVERS"
        )
