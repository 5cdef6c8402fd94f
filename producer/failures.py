"""What becomes of a fault of ours: an event that says which hook could not record, one line in the log, and nothing else."""

import logging
from uuid import UUID

from . import capture
from .notices import is_first
from .pipeline import pipeline
from .plain import type_name

log = logging.getLogger("langtrail.producer")

NO_RUN = UUID(int=0)


def record_failure(hook: str, error: Exception, run_id: UUID | None) -> None:
    """Leave an event that says which hook failed, without what it was given; log it once a kind."""
    _log_once(hook, type_name(error))
    try:
        shared = pipeline()
        run = shared.runs.find(run_id) or capture.unknown_run(
            "chain", hook, run_id or NO_RUN, None, shared.runs, shared.settings
        )
        draft = capture.within(run, "custom", {})
        draft.flags = (*draft.flags, "payload_error")
        draft.ext = {"hook": hook, "error_type": type_name(error)}
        shared.record(draft)
    except Exception as second:  # noqa: BLE001 - no trail can be written: the log is what is left
        _log_once(hook, type_name(second))


def _log_once(hook: str, error_type: str) -> None:
    if is_first(f"{hook} {error_type}"):
        log.warning("%s could not be recorded (%s); the application is not affected", hook, error_type)
