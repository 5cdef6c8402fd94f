"""Whatever an application has instrumented with OpenTelemetry: the spans of its database, queue and HTTP clients are effects.

Nothing is instrumented by langtrail: that would take an application's own instrumentation from it. Spans of libraries that
langtrail reads itself are left out.
"""

import sys
from typing import Any
from weakref import WeakSet

from . import effect_http, effect_sql
from .effect import Effect, Record

_SCOPES = "opentelemetry.instrumentation."
_READ_OURSELVES = frozenset({"sqlite3", "sqlalchemy", "requests", "urllib", "urllib3", "httpx"})
_attached: WeakSet[Any] = WeakSet()


def attach(record: Record) -> None:
    """Listen to the application's tracer provider, once it has one."""
    api, sdk = sys.modules.get("opentelemetry.trace"), sys.modules["opentelemetry.sdk.trace"]
    provider = api.get_tracer_provider() if api else None
    if not isinstance(provider, sdk.TracerProvider) or provider in _attached:
        return
    _attached.add(provider)
    provider.add_span_processor(_processor(sdk, record))


def _processor(sdk: Any, record: Record) -> Any:
    class Effects(sdk.SpanProcessor):  # type: ignore[misc] # the SDK is only known once the application has loaded it
        """Tells each client span when it ends: only then are its attributes there."""

        def on_end(self, span: Any) -> None:
            """Tell one span, in the context of the call that it measured."""
            scope = getattr(span.instrumentation_scope, "name", "")
            if scope.startswith(_SCOPES) and scope.removeprefix(_SCOPES).split(".")[0] not in _READ_OURSELVES:
                tell(record, dict(span.attributes or {}), span.name)

    return Effects()


def tell(record: Record, attributes: dict[str, Any], name: str) -> None:
    """Record a span by OpenTelemetry's names for databases, HTTP and messages, old and new; another span is no effect."""

    def first(*names: str) -> str:
        return next((str(attributes[key]) for key in names if attributes.get(key) is not None), "")

    database, url = first("db.system.name", "db.system"), first("url.full", "http.url")
    host = first("server.address", "net.peer.name")
    if database and (statement := first("db.query.text", "db.statement")):
        target = "/".join(part for part in (host, first("db.namespace", "db.name")) if part)
        effect_sql.tell(record, database, statement, target)
    elif database:
        operation, thing = (
            first("db.operation.name", "db.operation") or name,
            first("db.collection.name", "db.name") or database,
        )
        record(Effect("database", operation, "external", thing, {"span": name, "host": host}, {"system": database}))
    elif url:
        effect_http.tell(record, first("http.request.method", "http.method"), url)
    elif system := first("messaging.system", "rpc.system"):
        thing = first("messaging.destination.name", "rpc.service") or host or system
        record(Effect("message", name, "external", thing, {"span": name, "host": host}, {"system": system}))
