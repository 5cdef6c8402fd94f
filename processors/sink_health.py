"""The pages of the sink, and of the watch, on loopback: GET /ready and GET /metrics."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class PortTaken(Exception):
    """Another program listens on the port."""


def serve_health(
    port: int, ready: Callable[[], str], metrics: Callable[[], str], variable: str = "LANGTRAIL_SINK_PORT"
) -> ThreadingHTTPServer:
    """Answer on 127.0.0.1 in a thread until the server is closed.

    /ready is 200 when `ready` returns `ok`, else 503; its word is the body. /metrics is the Prometheus text. `variable` is
    where the port is set. Raises PortTaken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/ready":
                word = ready()
                self._answer(HTTPStatus.OK if word == "ok" else HTTPStatus.SERVICE_UNAVAILABLE, word)
            elif self.path == "/metrics":
                self._answer(HTTPStatus.OK, metrics())
            else:
                self._answer(HTTPStatus.NOT_FOUND, "there is /ready and /metrics")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
            """Say nothing: a check every second is no news."""

        def _answer(self, status: HTTPStatus, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        raise PortTaken(f"port {port} of 127.0.0.1 is taken; set {variable} to another") from None
    Thread(target=server.serve_forever, name="langtrail-health", daemon=True).start()
    return server
