"""Record every run of the process without passing callbacks: LangChain asks a context variable for a handler."""

from contextvars import ContextVar
from functools import cache

from langchain_core.tracers.context import register_configure_hook

from .handler import AuditCallbackHandler


@cache
def install() -> AuditCallbackHandler:
    """Add the handler to every run from now on, in every thread and below every `callbacks=[]`; once is enough.

    Raises SettingsError when a LANGTRAIL_* variable is wrong.
    """
    handler = AuditCallbackHandler()
    variable: ContextVar[AuditCallbackHandler | None] = ContextVar("langtrail_handler", default=handler)
    register_configure_hook(variable, inheritable=True, handle_class=AuditCallbackHandler)
    return handler
