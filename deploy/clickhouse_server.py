"""ClickHouse for one machine: the engine of chDB behind ClickHouse's HTTP protocol, on loopback, with a password.

`python -m langtrail.deploy.clickhouse_server DIRECTORY --port PORT`; user and password come from the variables
LANGTRAIL_CLICKHOUSE_USER and LANGTRAIL_CLICKHOUSE_PASSWORD. SIGTERM ends it cleanly.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from .process import LOOPBACK, StackError, answers_ok
from .service import Service

USER: Final = "langtrail"
_USER_VARIABLE: Final = "LANGTRAIL_CLICKHOUSE_USER"
_PASSWORD_VARIABLE: Final = "LANGTRAIL_CLICKHOUSE_PASSWORD"  # noqa: S105 - its name
_LINE_BYTES: Final = 1024 * 1024
_BUFFER_BYTES: Final = 512 * 1024
_SHUTDOWN_SECONDS: Final = 5


def clickhouse_service(directory: Path, port: int, password: str, user: str = USER) -> Service:
    """Return the ClickHouse server that keeps its data in `directory` and listens on a port of loopback."""
    argv = (sys.executable, "-m", "langtrail.deploy.clickhouse_server", str(directory.resolve()), "--port", str(port))
    environ = {_USER_VARIABLE: user, _PASSWORD_VARIABLE: password}
    return Service("clickhouse", argv, port, server_answers(port), environ)


def dsn(port: int, password: str, user: str = USER, database: str = "langtrail") -> str:
    """Return the address of the server as clickhouse-connect takes it."""
    return f"http://{user}:{password}@{LOOPBACK}:{port}/{database}"


def server_answers(port: int) -> Callable[[], bool]:
    """Return a condition: the server on this port of loopback answers /ping."""
    return partial(answers_ok, port, "/ping")


def main(argv: list[str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises StackError when the data or the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m langtrail.deploy.clickhouse_server", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on; others than loopback can reach the data")
    given = parser.parse_args(argv)
    password = os.environ.get(_PASSWORD_VARIABLE)
    if not password:
        raise StackError(f"{_PASSWORD_VARIABLE} is not set: the server asks its clients for a password, so it needs one")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_serve(given.directory, given.host, given.port, os.environ.get(_USER_VARIABLE) or USER, password))


async def _serve(directory: Path, host: str, port: int, user: str, password: str) -> None:
    from aiohttp import web  # noqa: PLC0415 - an extra, and not needed to describe the service

    from .clickhouse_engine import Engine  # noqa: PLC0415 - as above
    from .clickhouse_http import Server  # noqa: PLC0415 - as above

    engine = Engine(directory)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    runner = web.AppRunner(
        Server(engine, user, password).application(),
        access_log=None,
        auto_decompress=False,  # the statements' encodings are ours to undo: aiohttp knows no lz4
        handler_cancellation=True,  # a statement ends when its client has gone
        max_line_size=_LINE_BYTES,
        max_field_size=_LINE_BYTES,
        read_bufsize=_BUFFER_BYTES,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await ended.wait()
    except OSError as error:
        raise StackError(f"port {port} of {host} is in use: choose another one") from error
    finally:
        await runner.cleanup()
        engine.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StackError as error:
        sys.exit(str(error))
