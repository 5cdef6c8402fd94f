"""The worker's pages on loopback: /ready, /live and /metrics."""

import time
from http import HTTPStatus
from typing import Any, Final, cast

from faust.web import Request, Response, Web

from .app import App
from .batch import BatchHandler
from .faust_tuning import Consumer
from .metrics import Counts, Metric
from .pipeline import step_counts

STUCK_SECONDS: Final = 60
"""A worker that has records to deal with, and finished no batch for this long, is stuck."""


def add_pages(app: App, handler: BatchHandler) -> None:
    """Serve GET /ready, /live (200 `ok`, else 503 and one word) and /metrics (Prometheus text)."""

    async def ready(web: Web, _: Request) -> Response:
        return _answer(web, readiness(app))

    async def live(web: Web, _: Request) -> Response:
        return _answer(web, liveness(app))

    async def metrics_page(web: Web, _: Request) -> Response:
        gauges: Counts = {(Metric.LAG, (str(number),)): behind for number, behind in _consumer(app).lag().items()}
        gauges[Metric.HELD_BYTES, ()] = _consumer(app).held_bytes
        for (metric, labels), value in (gauges | step_counts(handler.steps)).items():
            handler.metrics.set(metric, *labels, value=value)
        return web.text(handler.metrics.text(), content_type="text/plain")

    pages: dict[str, Any] = {"/ready": ready, "/live": live, "/metrics": metrics_page}
    for path, page in pages.items():
        app.page(path, name=path)(page)


def readiness(app: App) -> str:
    """Return `ok` when the worker consumes what it was given (nothing, for a spare worker), else one word."""
    if app._assignment is None:  # noqa: SLF001 - Faust has no public name for it
        return "joining"
    if app.rebalancing:
        return "rebalancing"
    return "ok" if app.flow_control.is_active() else "recovering"


def liveness(app: App) -> str:
    """Return `stuck` when there are records to deal with and no batch was finished for STUCK_SECONDS, else `ok`."""
    stuck = time.monotonic() - app.progressed_at > STUCK_SECONDS and any(_consumer(app).lag().values())
    return "stuck" if stuck else "ok"


def _consumer(app: App) -> Consumer:
    return cast(Consumer, app.consumer)


def _answer(web: Web, word: str) -> Response:
    return web.text(word, status=HTTPStatus.OK if word == "ok" else HTTPStatus.SERVICE_UNAVAILABLE)
