"""The worker's pages on loopback: /ready, /live and /metrics."""

import faulthandler
import logging
import os
import time
from http import HTTPStatus
from typing import Any, Final, cast

from faust.web import Request, Response, Web

from .app import App
from .batch import BatchHandler
from .faust_tuning import Consumer
from .metrics import Counts, Metric
from .pipeline import step_counts
from .watchdog import STANDARD_ERROR, Watchdog

_LOOK_SECONDS: Final = 5

_log = logging.getLogger(__name__)


def add_pages(app: App, handler: BatchHandler) -> None:
    """Serve GET /ready, /live (200 `ok`, else 503 and one word) and /metrics (Prometheus text)."""

    async def ready(web: Web, _: Request) -> Response:
        return _answer(web, readiness(app))

    async def live(web: Web, _: Request) -> Response:
        return _answer(web, liveness(app, handler.watchdog))

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


def liveness(app: App, watchdog: Watchdog) -> str:
    """Return `stuck` when there are records to deal with and nothing was done for the watchdog's time, else `ok`."""
    idle = time.monotonic() - max(app.progressed_at, watchdog.progressed_at)
    return "stuck" if idle > watchdog.seconds and any(_consumer(app).lag().values()) else "ok"


def end_when_stuck(app: App, watchdog: Watchdog) -> None:
    """Look now and then whether batches come at all: the watchdog itself knows only of batches that were begun."""

    async def look() -> None:
        while not app.should_stop:
            await app.sleep(_LOOK_SECONDS)
            if liveness(app, watchdog) == "stuck":
                _log.error("there are records, and none came to be dealt with for %d s; the stacks follow", watchdog.seconds)
                faulthandler.dump_traceback(file=STANDARD_ERROR)
                os._exit(1)

    app.task(look)


def _consumer(app: App) -> Consumer:
    return cast(Consumer, app.consumer)


def _answer(web: Web, word: str) -> Response:
    return web.text(word, status=HTTPStatus.OK if word == "ok" else HTTPStatus.SERVICE_UNAVAILABLE)
