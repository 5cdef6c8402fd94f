"""Reading is recorded: who read, what they asked and how many rows they saw is an event, kept before an answer is shown.

It goes the way of every event: spool, Kafka, worker, store. Kafka may be away: the event waits in the spool. No switch.
The view trail leaves these events out, and what the streams that carry them say of themselves; the view reads has them.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from .errors import CannotRun, NotRecorded
from .servers import environ

APP: Final = "langtrail-read"
"""The application that such an event names: by it the view trail knows the streams of readers."""


class Reading:
    """One reading on its way into the trail."""

    def __init__(
        self, command: str, asked: Mapping[str, Any], tenant: str | None, session: str | None, user: str | None, resource: str
    ) -> None:
        """Open a stream for it. Raises SettingsError when a LANGTRAIL_* variable is wrong, NotRecorded for a refused token."""
        # The producer's package loads LangChain: not before there is something to read.
        from langtrail.producer.pipeline import Pipeline  # noqa: PLC0415 - as above
        from langtrail.producer.settings import ProducerSettings  # noqa: PLC0415 - as above
        from langtrail.schemas.settings import load_settings  # noqa: PLC0415 - as above

        from .operator_identity import os_facts, who_acts  # noqa: PLC0415 - as above

        logging.getLogger("langtrail.producer").addHandler(logging.NullHandler())  # an answer is read by programs, too
        variables = environ()
        settings = load_settings(ProducerSettings, variables, app=APP, delivery="block")
        self._identity = who_acts(settings, variables.get("LANGTRAIL_TOKEN", ""), tenant, session)
        self._pipeline = Pipeline(settings)
        self._asked = {"command": command, **{name: value for name, value in asked.items() if value is not None}}
        self._facts = {"read_id": str(uuid4()), **({"clickhouse_user": user} if user else {}), **os_facts()}
        self._resource = resource
        self._began = time.monotonic()
        self.rows = 0
        """How many were shown so far, where that is known before the end."""
        self.ended = False

    def begins(self) -> None:
        """Record that rows are about to be shown, before it is known how many: for what takes long. Raises NotRecorded."""
        self._record(None, None)

    def ends(self, rows: int, outcome: str = "success") -> None:
        """Record how many rows were read, before they are shown. Raises NotRecorded when that cannot be kept."""
        self.ended = True
        self._record(rows, outcome)

    def close(self) -> None:
        """Ship what was recorded, if Kafka takes it at once; the rest stays in the spool."""
        settings = self._pipeline.settings
        self._pipeline.close(settings.exit_seconds if settings.bootstrap_servers else 0)

    def _record(self, rows: int | None, outcome: str | None) -> None:
        from langtrail.producer.core import drafted  # noqa: PLC0415 - as above
        from langtrail.producer.errors import ProducerError  # noqa: PLC0415 - as above
        from langtrail.producer.serialise import snapshot  # noqa: PLC0415 - as above

        took = None if outcome is None else int((time.monotonic() - self._began) * 1e6)
        groups: dict[str, dict[str, Any]] = {
            "outcome": {"outcome": outcome, "latency_us": took},
            "tool": {"resource": self._resource},
            "stream": {"count": rows},
        }
        content = {"input": snapshot(self._asked)}
        draft = drafted("audit_read", "langtrail", self._identity, groups=groups, content=content, ext=dict(self._facts))
        try:
            self._pipeline.record(draft)
        except ProducerError as error:
            reason = str(error).rpartition(": ")[2]
            raise NotRecorded(
                f"this reading cannot be recorded, so nothing is shown ({reason}); make room, or set LANGTRAIL_SPOOL_DIR"
            ) from None


@contextmanager
def recorded(
    command: str,
    asked: Mapping[str, Any],
    *,
    user: str | None = None,
    tenant: str | None = None,
    session: str | None = None,
    resource: str = "trail",
) -> Iterator[Reading]:
    """Record a reading: `asked` are its parameters, kept as content; `tenant` is its scope, None when it is all tenants.

    `user` is the user of the store, when it is the store that is read.

    Whoever reads calls `ends` before showing anything. What the store refused, and what was broken off, is recorded too.
    """
    reading = Reading(command, asked, tenant, session, user, resource)
    try:
        yield reading
    except BaseException as error:
        if not reading.ended:
            reading.ends(reading.rows, "failure" if isinstance(error, CannotRun) else "cancelled")
        raise
    finally:
        reading.close()
