"""The Faust application: one agent that carries batches from langtrail.raw to a handler, and acknowledges them last."""

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.streams import Stream
from faust.tables.manager import TableManager
from faust.types import StreamT, TransportT
from mode.supervisors import CrashingSupervisor

from langtrail.schemas import topic

from .faust_tuning import FETCH_BYTES, MOST_HELD_RECORDS, POLL_RECORDS, Consumer, QuietMonitor, Run, Transport
from .kafka_security import credentials
from .records import Incoming, incoming
from .worker_settings import WorkerSettings

GROUP: Final = "langtrail-worker"
BATCH_RUNS: Final = 2
"""How many runs of records make a batch, at most: 1000 records."""
BATCH_SECONDS: Final = 0.05
_COMMIT_SECONDS = 1.0

Handler = Callable[[Sequence[Incoming]], Awaitable[None]]


class App(faust.App):
    """Faust with our consumer. `progressed_at`: when the last batch was finished, in seconds of the monotonic clock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.progressed_at = time.monotonic()
        super().__init__(*args, **kwargs)

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)


class _NoTables(TableManager):
    """Faust waits for a second, lest tables be declared late; there are none."""

    async def on_start(self) -> None:
        """Begin to consume at once."""
        await self._update_channels()
        await self.recovery.start()


def make_app(settings: WorkerSettings, data_dir: Path) -> App:
    """Return the application without its agent; Faust keeps what it keeps in `data_dir`."""
    return App(
        GROUP,
        env={},  # Faust would let variables such as BROKER_URL and WEB_PORT win over what is said here
        broker=[f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
        broker_credentials=credentials(dict(settings.kafka_config)),
        broker_commit_interval=_COMMIT_SECONDS,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 3,
        broker_max_poll_records=POLL_RECORDS,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="none",
        datadir=data_dir,
        stream_buffer_maxsize=MOST_HELD_RECORDS,
        stream_wait_empty=True,
        Monitor=QuietMonitor,
        TableManager=_NoTables,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_bind="127.0.0.1",
        web_host="127.0.0.1",
        web_port=settings.port,
        web_router_enabled=False,
        web_tables_enabled=False,
        worker_redirect_stdouts=False,
    )


def add_agent(app: App, handler: Handler) -> None:
    """Give every batch of raw records to `handler`; acknowledge it when that returns. When it raises, the process ends."""
    raw = app.topic(topic("raw").name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def carry(stream: StreamT[Any]) -> None:
        async for events in cast(Stream[Any], stream).noack_take(BATCH_RUNS, within=BATCH_SECONDS):
            await handler(incoming([record for event in events for record in cast(Run, event.message).records]))
            for event in events:
                await stream.ack(event)
                cast(Consumer, app.consumer).finish(event.message)
            app.progressed_at = time.monotonic()

    app.agent(raw, name="carry", concurrency=1, supervisor_strategy=CrashingSupervisor)(carry)
