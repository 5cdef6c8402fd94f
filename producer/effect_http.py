"""HTTP requests as effects: those of Python's own http.client, which requests and urllib3 use, and those of httpx."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .effect import Effect, Record
from .scrub import SECRET, is_secret_name

_EFFECTS = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "write",
    "PUT": "write",
    "PATCH": "write",
    "DELETE": "delete",
}
_MAX_LINE = 8 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_attached: set[type] = set()


def watch_request(record: Record, connection: Any, data: Any) -> None:
    """Record a request that http.client sends: its head comes in one piece, and what follows is none of our business."""
    if not isinstance(data, bytes) or not data.endswith(_END_OF_HEAD):
        return
    line = data[:_MAX_LINE].split(b"\r\n", 1)[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if version.startswith("HTTP/") and method == getattr(connection, "_method", method):
        scheme = "https" if type(connection).__name__.startswith("HTTPS") else "http"
        host = getattr(connection, "_tunnel_host", None) or getattr(connection, "host", None)
        port = getattr(connection, "_tunnel_port", None) or getattr(connection, "port", None)
        tell(record, method, target if "://" in target else f"{scheme}://{_place(str(host or ''), port)}{target}")


def attach(module: Any, record: Record) -> None:
    """Have every client of httpx tell its requests. Once for each of its classes is enough."""
    for client in (getattr(module, "Client", None), getattr(module, "AsyncClient", None)):
        if client is not None and client not in _attached:
            _attached.add(client)
            client.send = _telling(client.send, record)


def tell(record: Record, method: str, url: str) -> None:
    """Record one request: method, host and, as content, its address without credentials."""
    clean = without_credentials(url)
    parts = urlsplit(clean)
    record(Effect("http", method, _EFFECTS.get(method, "external"), _place(parts.hostname or "", parts.port), {"url": clean}))


def without_credentials(url: str) -> str:
    """Return an address without user and password, and without the values of parameters that name a secret."""
    parts = urlsplit(url)
    query = parts.query
    if query and any(is_secret_name(name) or name.lower() in _TOKENS for name, _ in parse_qsl(query, keep_blank_values=True)):
        pairs = parse_qsl(query, keep_blank_values=True)
        hidden = [(name, SECRET if is_secret_name(name) or name.lower() in _TOKENS else value) for name, value in pairs]
        query = urlencode(hidden, safe="[]")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


_TOKENS = frozenset({"token", "key", "sig", "signature", "code", "x-amz-signature", "x-amz-credential", "x-goog-signature"})


def _telling(send: Callable[..., Any], record: Record) -> Callable[..., Any]:
    """Wrap a client's `send`, which all its requests go through."""
    if inspect.iscoroutinefunction(send):

        @wraps(send)
        async def telling_later(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            tell(record, str(request.method), str(request.url))
            return await send(client, request, *args, **kwargs)

        return telling_later

    @wraps(send)
    def telling(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        tell(record, str(request.method), str(request.url))
        return send(client, request, *args, **kwargs)

    return telling


def _place(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port in (None, 80, 443) else f"{name}:{port}"
