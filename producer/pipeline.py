"""The one pipeline of a process: settings, open runs, stream and sender, made when first needed, and anew after a fork."""

import atexit
import logging
import os
import threading
import time

from langtrail.schemas.settings import load_settings

from .draft import Draft
from .errors import ProducerError
from .runs import Runs
from .sender import Sender
from .settings import ProducerSettings
from .stream import Stream

log = logging.getLogger("langtrail.producer")


class Pipeline:
    """What all handlers of a process share."""

    def __init__(self, settings: ProducerSettings) -> None:
        self.settings = settings
        self.runs = Runs()
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._sender: Sender | None = None
        self._closed = False

    def record(self, draft: Draft) -> None:
        """Keep one event. Raises ProducerError when not even a stream can be opened."""
        (self._stream or self._open()).record(draft)

    def unacknowledged(self) -> int:
        """Return how many events of this process Kafka has not acknowledged, spooled ones included."""
        if self._stream is None:
            return 0
        return self._stream.kept - (self._sender.acknowledged() if self._sender else 0)

    def flush(self, seconds: float) -> int:
        """Wait until Kafka has acknowledged everything, at most `seconds`. Return how many events it has not."""
        deadline = time.monotonic() + seconds
        while (left := self.unacknowledged()) and self._sender and time.monotonic() < deadline:
            self._sender.wake()
            time.sleep(0.005)
        return left

    def close(self, seconds: float) -> None:
        """End the stream: its last event, a last try to ship, and the rest stays in the spool."""
        with self._lock:
            stream, sender = self._stream, self._sender
            if stream is None or self._closed:
                return
            self._closed = True
        stream.record(stream.own("stream_close", count=stream.kept + 1))
        deadline = time.monotonic() + seconds
        left = self.flush(seconds)
        stream.close()
        if sender and sender.stop(max(0.1, deadline - time.monotonic())) and left == 0:
            stream.files.remove()
        stream.files.unlock()

    def forget(self) -> None:
        """In a forked child: let go of the parent's stream without touching it. The next event opens a stream of its own."""
        stream, self._stream, self._sender = self._stream, None, None
        self._lock = threading.Lock()
        self._closed = False
        if stream is not None:
            stream.files.unlock()

    def _open(self) -> Stream:
        with self._lock:
            if self._stream is None:
                stream = Stream(self.settings, self._wake)
                if self.settings.bootstrap_servers:
                    self._sender = Sender(self.settings, stream.files, self._beat)
                stream.record(stream.own("stream_open"))
                self._stream = stream
                if self._sender:
                    self._sender.start()
                if not self.settings.public_keys:
                    log.warning("LANGTRAIL_PUBLIC_KEY is not set: content travels to Kafka, and lies in the spool, in clear")
            return self._stream

    def _wake(self) -> None:
        if self._sender:
            self._sender.wake()

    def _beat(self, head: str) -> None:
        stream = self._stream
        if stream is not None:
            open_runs = str(len(self.runs))
            stream.record(stream.own("heartbeat", count=stream.kept + 1, ext={"chain_head": head, "open_runs": open_runs}))


_pipeline: Pipeline | None = None
_making = threading.Lock()


def pipeline() -> Pipeline:
    """Return the process's pipeline. The first call reads the settings: raises SettingsError when one is wrong."""
    global _pipeline  # noqa: PLW0603 - one per process is what it is
    if _pipeline is None:
        with _making:
            if _pipeline is None:
                _pipeline = Pipeline(load_settings(ProducerSettings))
                atexit.register(_close_at_exit)
    return _pipeline


def _close_at_exit() -> None:
    if _pipeline is not None:
        try:
            _pipeline.close(_pipeline.settings.exit_seconds)
        except ProducerError as error:
            log.warning("the last events of this process were not kept: %s", error)


def _after_fork_in_child() -> None:
    global _making  # noqa: PLW0603 - the parent may have held it
    _making = threading.Lock()
    if _pipeline is not None:
        _pipeline.forget()


os.register_at_fork(after_in_child=_after_fork_in_child)
