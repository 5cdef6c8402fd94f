"""Runs the worker: checks the start, then Faust until SIGTERM or a fault."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import faust
import uvloop

from .app import GROUP, App, add_agent, make_app
from .batch import BatchHandler
from .dead_letter import MAX_DEAD_LETTER_BYTES, Breaker
from .deaths import Deaths
from .delivery import Delivery
from .garbage import garbage_seldom_collected
from .health import add_pages, end_when_stuck
from .metrics import Metrics
from .pipeline import pipeline
from .start_offsets import CannotConsume, check_start
from .tenants import Tenants, TenantsLost
from .watchdog import Watchdog
from .worker_settings import WorkerSettings

STOP_SECONDS: Final = 4
"""A worker that has not ended this long after it was told to, or after a fault, ends at once. Nothing is lost by it."""
_TENANTS_SECONDS = 30
_THIRD_PARTIES = ("faust", "mode", "aiokafka", "langtrail.processors.app", "langtrail.processors.faust_tuning")

_log = logging.getLogger(__name__)


def run_worker(settings: WorkerSettings) -> int:
    """Run until SIGTERM or SIGINT: 0; until something is wrong: 1, and the last line on standard error says what.

    Blocks; belongs into the main thread of a process of its own. Raises SettingsError for what Faust cannot do of the settings.
    """
    _set_up_logging()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # until Faust listens to them
    try:
        return _run(settings)
    except SystemExit as ended:
        return int(ended.code or 0)
    except (CannotConsume, TenantsLost, OSError) as error:
        _log.error("%s", error)
        return 1


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _run(settings: WorkerSettings) -> int:
    metrics = Metrics()
    connection = settings.librdkafka("langtrail-worker")
    tenants = Tenants(connection, metrics)
    _in_a_thread(lambda: _check(connection, tenants))
    handler = BatchHandler(
        pipeline(settings.private_keys, tenants, settings.pseudonyms),
        Delivery(connection, settings.delivery_seconds, MAX_DEAD_LETTER_BYTES),
        Breaker(),
        Deaths(settings.state()),
        tenants,
        metrics,
        Watchdog(settings.delivery_seconds),
    )
    # Faust makes empty folders there; a temporary one would stay behind whenever a worker is killed.
    data_dir = settings.state() / f"faust-{settings.port}"
    return _run_faust(make_app(settings, data_dir), handler)


def _check(connection: dict[str, str], tenants: Tenants) -> None:
    check_start(connection, GROUP)
    tenants.start()
    tenants.wait_until_ready(_TENANTS_SECONDS)


def _in_a_thread(call: Callable[[], None]) -> None:
    """Run `call` in a thread and wait for it: a signal ends the wait, while Kafka's client does not return early by itself."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised below, in the main thread
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _run_faust(app: App, handler: BatchHandler) -> int:
    add_agent(app, handler)
    _when_revoked(app, handler.deaths)
    add_pages(app, handler)
    end_when_stuck(app, handler.watchdog)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    try:
        with garbage_seldom_collected():
            worker.execute_from_commandline()
    except SystemExit as ended:
        if ended.code:
            _log.error("%s", worker.crash_reason or ended.__context__)
        return int(ended.code or 0)


def _when_revoked(app: App, deaths: Deaths) -> None:
    def forget(_app: Any, /, *args: Any, signal: Any, **_: Any) -> None:  # noqa: ARG001 - Faust's signature
        for moved in args[0]:
            deaths.forget(moved.partition)

    app.on_partitions_revoked.connect(forget)


class _Worker(faust.Worker):
    """Faust's worker without its decoration, with a limit to how long it takes to end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spinner = None

    def _install_signal_handlers_unix(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._on_sigterm)

    async def _sentinel_task(self) -> None:
        """Faust sleeps for a second here, after all has ended."""

    def _on_sigterm(self) -> None:
        _log.info("stopping")
        _end_within(STOP_SECONDS, 0, "stopped before Kafka had acknowledged the last batch: it will be read again")
        super()._on_sigterm()

    def _crash(self, reason: BaseException) -> None:
        if not self.crashed:
            _end_within(STOP_SECONDS, 1, str(reason))
        super()._crash(reason)


def _end_within(seconds: float, status: int, last_words: str) -> None:
    """End the process at once if it has not ended by then: what was not acknowledged is read again."""

    def end() -> None:
        _log.error("%s", last_words)
        os._exit(status)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


class _Plain(logging.Formatter):
    """One line for each record. Only our own errors bring a traceback along: the text of a foreign one may quote a record."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name.startswith(_THIRD_PARTIES):
            record.exc_info = record.exc_text = None
        return super().format(record)


def _set_up_logging() -> None:
    """Plain lines on standard error. Faust and aiokafka speak only when something is wrong: at DEBUG they quote records."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in _THIRD_PARTIES:
        logging.getLogger(name).setLevel(logging.WARNING)
