"""The read-only part of Confluent's schema registry interface over the registry that is checked in.

Kafka tools and Confluent's deserialisers look the schema of a record up by the id in its first bytes. Nothing can be
registered here: ids are given in schemas/registry.json, by hand, once for all machines.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from langtrail.schemas import AUDIT_EVENT, RegisteredSchema, UnknownSchemaId, registry

from .process import LOOPBACK, StackError

_POLL_SECONDS: Final = 0.05
_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
# The gate of every change (tests of the contract): readers of events may be older or newer than what they read.
_COMPATIBILITY: Final = {AUDIT_EVENT: "FULL_TRANSITIVE"}
_COMPATIBILITY_DEFAULT: Final = "BACKWARD_TRANSITIVE"


class RegistryError(Exception):
    """What was asked for is not there; `code` is Confluent's error code, its first three digits the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(path: str) -> tuple[int, Any]:
    """Return the HTTP status and the JSON value for a GET of this path (no host, a query is ignored)."""
    path = urlsplit(path).path.rstrip("/") or "/"
    try:
        return HTTPStatus.OK, _find(path)
    except RegistryError as error:
        return _status(error.code), {"error_code": error.code, "message": str(error)}


def _find(path: str) -> Any:
    for pattern, find in _ROUTES:
        if match := re.fullmatch(pattern, path):
            return find(*(unquote(group) for group in match.groups()))
    raise RegistryError(40400, "HTTP 404 Not Found")


def refuse() -> tuple[int, Any]:
    """Return the HTTP status and the JSON value for anything but a GET: this registry is read-only."""
    return HTTPStatus.UNPROCESSABLE_ENTITY, {"error_code": 42205, "message": "The registry is in read-only mode"}


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Serve the registry on a port of loopback, in a thread, until the block is left; the value is its URL.

    Raises StackError when the port is in use.
    """
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), _Handler)
    except OSError as error:
        raise StackError(f"port {port} for the schema registry is in use: choose another one") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="schema-registry", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(*answer(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send(*refuse())

    do_PUT = do_POST  # noqa: N815 - the base class's names
    do_DELETE = do_POST  # noqa: N815 - as above

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: one line for each look-up helps nobody."""

    def _send(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", _MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _by_id(schema_id: str) -> RegisteredSchema:
    try:
        return registry().by_id(int(schema_id))
    except (UnknownSchemaId, ValueError):
        raise RegistryError(40403, f"Schema {schema_id} not found") from None


def _versions(subject: str) -> list[RegisteredSchema]:
    found = registry().versions(subject)
    if not found:
        raise RegistryError(40401, f"Subject '{subject}' not found.")
    return found


def _version(subject: str, version: str) -> RegisteredSchema:
    found = _versions(subject)
    if version in ("latest", "-1"):
        return found[-1]
    if not version.isdecimal() or int(version) == 0:
        raise RegistryError(
            42202,
            f"The specified version '{version}' is not a valid version id. "
            'Allowed values are between [1, 2^31-1] and the string "latest"',
        )
    for schema in found:
        if schema.version == int(version):
            return schema
    raise RegistryError(40402, f"Version {version} not found.")


def _described(schema: RegisteredSchema) -> dict[str, Any]:
    return {"subject": schema.subject, "version": schema.version, "id": schema.id, "schema": schema.published()}


def _status(code: int) -> int:
    return int(str(code)[:3])


_ROUTES: Final[tuple[tuple[str, Callable[..., Any]], ...]] = (
    (r"/", dict),
    (r"/schemas/types", lambda: ["AVRO"]),
    (r"/schemas/ids/([^/]+)", lambda schema_id: {"schema": _by_id(schema_id).published()}),
    (r"/schemas/ids/([^/]+)/schema", lambda schema_id: json.loads(_by_id(schema_id).published())),
    (r"/schemas/ids/([^/]+)/subjects", lambda schema_id: [_by_id(schema_id).subject]),
    (r"/schemas/ids/([^/]+)/versions", lambda schema_id: [_pair(_by_id(schema_id))]),
    (r"/subjects", lambda: registry().subjects()),
    (r"/subjects/([^/]+)/versions", lambda subject: [schema.version for schema in _versions(subject)]),
    (r"/subjects/([^/]+)/versions/([^/]+)", lambda subject, version: _described(_version(subject, version))),
    (
        r"/subjects/([^/]+)/versions/([^/]+)/schema",
        lambda subject, version: json.loads(_version(subject, version).published()),
    ),
    (r"/config", lambda: {"compatibilityLevel": _COMPATIBILITY_DEFAULT}),
    (r"/config/([^/]+)", lambda subject: {"compatibilityLevel": _compatibility(subject)}),
    (r"/mode", lambda: {"mode": "READONLY"}),
)


def _pair(schema: RegisteredSchema) -> dict[str, Any]:
    return {"subject": schema.subject, "version": schema.version}


def _compatibility(subject: str) -> str:
    return _COMPATIBILITY.get(_versions(subject)[0].subject, _COMPATIBILITY_DEFAULT)
