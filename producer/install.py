"""Record every run of the process without passing callbacks: LangChain asks a context variable for a handler."""

from contextvars import ContextVar
from functools import cache

from langchain_core.tracers.context import register_configure_hook

from .handler import AuditCallbackHandler, enable_side_effects


def install(*, side_effects: bool = False) -> AuditCallbackHandler:
    """Add the handler to every run from now on, in every thread and below every `callbacks=[]`; once is enough.

    With `side_effects`, or LANGTRAIL_SIDE_EFFECTS=1, what tools do to the world is recorded too: database queries, network
    calls, programs, files. Raises SettingsError when a LANGTRAIL_* variable is wrong.
    """
    handler = _installed()
    if side_effects:
        enable_side_effects()
    return handler


@cache
def _installed() -> AuditCallbackHandler:
    handler = AuditCallbackHandler()
    variable: ContextVar[AuditCallbackHandler | None] = ContextVar("langtrail_handler", default=handler)
    register_configure_hook(variable, inheritable=True, handle_class=AuditCallbackHandler)
    return handler
