"""The one pipeline of a process: settings, open runs, stream and sender, made when first needed, and anew after a fork."""

import atexit
import logging
import os
import sys
import threading
import time
from functools import partial
from typing import Final

from langtrail.schemas.settings import load_settings

from .adoption import count_left
from .capture import closing_events, overdue_events
from .draft import Draft
from .errors import AuditUnavailable
from .file_lock import forget_threads
from .job import process_facts
from .notices import is_first
from .outlet import check_kafka_config
from .own_events import opening, own_event
from .previous import is_gone, take_turn
from .runs import Runs
from .sender import Sender
from .settings import ProducerSettings
from .stream import Stream

log = logging.getLogger("langtrail.producer")

_POLL_SECONDS = 0.005
_REFUSABLE: Final = frozenset({"chain_start", "llm_start", "tool_start", "retriever_start", "audit_read"})
"""What may not begin when mode block cannot record it: runs, and reading the trail."""


class Pipeline:
    """What all handlers of a process share."""

    def __init__(self, settings: ProducerSettings) -> None:
        self.settings = settings
        self.runs = Runs()
        self.fails_closed = settings.delivery == "block"
        self._lock = threading.RLock()
        self._stream: Stream | None = None
        self._sender: Sender | None = None

    def record(self, draft: Draft) -> None:
        """Keep one event. Raises AuditUnavailable, in mode block, for what may not begin unrecorded."""
        if self.fails_closed and draft.event_type in _REFUSABLE:
            self._record_or_refuse(draft)
        elif not (self._stream or self._open()).record(draft):
            self._open().record(draft)

    def unacknowledged(self) -> int:
        """Return how many events Kafka has not acknowledged: this process's, and those that dead ones left in its spool."""
        stream, sender = self._stream, self._sender
        own = sender.left() if sender else stream.kept if stream else 0
        return own + self._left_by_dead(stream, sender)

    def flush(self, seconds: float) -> int:
        """Wait until Kafka has acknowledged everything, at most `seconds`. Return how many events it has not."""
        deadline = time.monotonic() + seconds
        sender = self._sender
        if sender is not None and self.settings.bootstrap_servers:
            wanted = sender.hurry(seconds, scan=True)
            while time.monotonic() < deadline and sender.alive:
                if sender.scanned >= wanted and not self.unacknowledged():
                    return 0
                time.sleep(_POLL_SECONDS)
        return self.unacknowledged()

    def close(self, seconds: float) -> None:
        """End the stream: its last event, a last try to ship, and the rest stays in the spool. The next event opens another."""
        with self._lock:
            stream, self._stream = self._stream, None
            sender, self._sender = self._sender, None
        if stream is not None:
            for draft in closing_events(self.runs):
                stream.record(draft)
            self._end(stream, sender, seconds)

    def forget(self) -> None:
        """In a forked child: let go of the parent's stream without touching it. The next event opens a stream of its own.

        The parent's connection to Kafka must not be closed here: its threads were not copied, and closing waits for them. It
        is not: what only the stack of a thread refers to, which the child does not have, is never freed.
        """
        if self._stream is not None:
            self._stream.log.close()
        self._stream, self._sender = None, None
        self._lock = threading.RLock()
        self.runs.forked()

    def _record_or_refuse(self, draft: Draft) -> None:
        stream = self._stream or self._open()
        seq = stream.record_surely(draft)
        deadline = time.monotonic() + self.settings.block_seconds
        while seq is not None and not stream.log.on_disk(seq):
            sender = self._sender
            if time.monotonic() >= deadline or sender is None:
                seq = None
                break
            sender.hurry(self.settings.block_seconds, scan=False)
            time.sleep(_POLL_SECONDS)
        if seq is None:
            reason = stream.log.refusal or "the stream is closed"
            raise AuditUnavailable(f"the start of this run cannot be recorded, so it must not begin: {reason}")

    def _open(self) -> Stream:
        with self._lock:
            stream = self._stream
            if stream is not None:
                return stream
            made, sender = self._opened()
            stream = self._stream
            if stream is None:
                self._stream, self._sender = made, sender
        # What is logged is logged here: a handler may run a chain, or wait for a thread that waits for our lock.
        if stream is not None:  # a finaliser or a signal handler ran a hook meanwhile, in this very thread
            self._end(made, sender, 0)
        if not self.settings.public_keys:
            _say_unsealed()
        return stream or made

    def _opened(self) -> tuple[Stream, Sender | None]:
        stream = Stream(self.settings)
        try:
            self._begin(stream)
            sender = self._shipping(stream)
        except BaseException:  # Ctrl-C: nobody will use it, and the next one names it as the one before
            self._end(stream, None, 0)
            raise
        _close_with_multiprocessing()
        return stream, sender

    def _begin(self, stream: Stream) -> None:
        app, spool = self.settings.app_name(), self.settings.spool()
        previous = take_turn(spool, app, stream.stream_id) if stream.log.files else None
        gone = previous is not None and is_gone(spool, previous)
        stream.record(opening(self.settings, process_facts(self.settings), previous, previous_is_gone=gone))

    def _shipping(self, stream: Stream) -> Sender | None:
        sender = Sender(self.settings, stream, partial(self._beat, stream))
        return sender if sender.start() else None

    def _end(self, stream: Stream, sender: Sender | None, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        stream.close()
        if sender and self.settings.bootstrap_servers:
            sender.hurry(seconds, scan=False)
            while time.monotonic() < deadline and sender.alive and sender.left():
                time.sleep(_POLL_SECONDS)
        stopped = sender is None or sender.stop(max(0.1, deadline - time.monotonic()))
        _let_go(stream, stopped=stopped, shipped=sender is not None and not sender.left())

    def _left_by_dead(self, stream: Stream | None, sender: Sender | None) -> int:
        if self.settings.delivery == "drop":
            return 0
        if sender and sender.adoption and self.settings.bootstrap_servers:
            return sender.adoption.left()
        try:
            return count_left(self.settings.spool(), stream.stream_id if stream else "")
        except OSError:
            return 0  # there is no spool to read

    def _beat(self, stream: Stream, head: str) -> None:
        for draft in overdue_events(self.runs, self.settings.run_deadline_seconds):
            stream.record(draft)
        sender = self._sender
        left = sender.left() if sender else stream.kept
        ext = {
            "open_runs": str(len(self.runs)),
            "spooled": str(left + 1),
            "dropped": str(stream.dropped),
            **({"chain_head": head} if head else {}),
        }
        stream.record(own_event(self.settings, "heartbeat", ext=ext, count=stream.kept + 1))


class _AtExit(Pipeline):
    """What is recorded after the process's exit was begun: nobody comes to end its stream, so it ends with the last open run.

    No thread is started: while the interpreter finalises none runs any more, and who waits for one waits for ever.
    """

    def record(self, draft: Draft) -> None:
        """Keep one event, as ever."""
        super().record(draft)
        if not len(self.runs):
            self.close(0)

    def _shipping(self, stream: Stream) -> Sender | None:
        return None


def _let_go(stream: Stream, *, stopped: bool, shipped: bool) -> None:
    """Remove the files when Kafka has all of them, else leave them to the next process."""
    lost = stream.end()
    if stream.dropped:
        why = stream.log.refusal or ("Kafka did not take them" if lost else "its trail says which and why")
        log.warning("%d events of stream %s were dropped: %s", stream.dropped, stream.stream_id, why)
    files = stream.log.files
    if files is None or not stopped:
        return
    try:
        if shipped and not lost:
            files.remove()
    except OSError as error:
        log.warning("the files of stream %s cannot be removed (%s)", stream.stream_id, error.strerror)
    files.unlock()


def _say_unsealed() -> None:
    if is_first("unsealed"):
        log.warning("LANGTRAIL_PUBLIC_KEY is not set: content travels to Kafka, and lies in the spool, in clear")


def _close_with_multiprocessing() -> None:
    """Register with multiprocessing, too: its children end without atexit."""
    if "multiprocessing.util" in sys.modules and sys.modules["multiprocessing.process"].parent_process() is not None:
        sys.modules["multiprocessing.util"].Finalize(None, _close_at_exit, exitpriority=0)


_pipeline: Pipeline | None = None
_at_exit: Pipeline | None = None
"""What takes its place once the process ends."""
_alone = False
"""Whether only this thread is left: the interpreter finalises."""
_making = threading.RLock()


def pipeline() -> Pipeline:
    """Return the process's pipeline. The first call reads the settings: raises SettingsError when one is wrong."""
    return _pipeline or _made()


def _made() -> Pipeline:
    """Make the pipeline, unless another thread did so while this one waited for its turn."""
    global _pipeline  # noqa: PLW0603 - one per process is what it is
    if sys.is_finalizing() and not _alone:
        _go_on_alone()
    if _at_exit is not None:
        return _at_exit
    with _making:
        if _pipeline is None:
            settings = load_settings(ProducerSettings)
            check_kafka_config(settings)
            _pipeline = Pipeline(settings)
            atexit.register(_close_at_exit)
        return _pipeline


def existing_pipeline() -> Pipeline | None:
    """Return the process's pipeline if there is one: what asks must not be the reason for one."""
    return _pipeline or _at_exit


def _close_at_exit() -> None:
    global _pipeline, _at_exit  # noqa: PLW0603 - as said
    ended = _pipeline
    if ended is not None:
        _at_exit = _AtExit(ended.settings)
        _at_exit.runs = ended.runs
        _pipeline = None
        ended.close(ended.settings.exit_seconds)


def _go_on_alone() -> None:
    """Other threads were stopped wherever they were, as for a forked child: whatever they hold, nobody lets go of it."""
    global _at_exit, _alone, _making  # noqa: PLW0603 - as said
    _alone = True
    _making = threading.RLock()
    forget_threads()
    before = _at_exit
    _at_exit = _AtExit(before.settings if before else load_settings(ProducerSettings))
    if before:
        _at_exit.runs = before.runs
        _at_exit.runs.forget_threads()


def _after_fork_in_child() -> None:
    global _making  # noqa: PLW0603 - the parent may have held it
    _making = threading.RLock()
    if (inherited := existing_pipeline()) is not None:
        inherited.forget()


os.register_at_fork(after_in_child=_after_fork_in_child)
