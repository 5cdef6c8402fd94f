"""The one background thread of a process: it ships this process's stream, and the streams that dead processes left behind."""

import logging
import sys
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException

from .adoption import Adoption
from .notices import Losses, Notices
from .outlet import Outlet
from .settings import ProducerSettings
from .shipper import Shipper, identify
from .sources import LogSource
from .spool import Watermark
from .stream import Stream

log = logging.getLogger("langtrail.producer")

_BATCH_BYTES = 1024 * 1024
_PAUSE_SECONDS = 0.03
_HURRY_SECONDS = 0.005
_IDLE_SECONDS = 0.5
_SAVE_SECONDS = 0.2
_ADOPT_SECONDS = 5.0
_SILENCE_SECONDS = 10.0
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.5, 15.0


class Sender:
    """Ships until it is stopped. A hook at most wakes it; nothing that Kafka does or does not do reaches the application.

    It shares the interpreter with the application: it works every 30 ms for what has come up, not for each event.
    """

    def __init__(self, settings: ProducerSettings, stream: Stream, heartbeat: Callable[[str], None]) -> None:
        """Ship `stream`; `heartbeat` is called now and then with the head of its chain."""
        self._settings, self._stream, self._heartbeat = settings, stream, heartbeat
        self.adoption = Adoption(settings, stream.stream_id) if settings.delivery != "drop" else None
        self._source = LogSource(stream.log, identify(stream.facts)[2])
        self._own = Shipper(self._source, stream.facts, Watermark(), stream.record_hole)
        self._in_flight: list[Shipper] = []
        self._sent_at = 0.0
        self._pause_seconds = _PAUSE_SECONDS
        self._wake, self._hurry, self._stopping = threading.Event(), threading.Event(), threading.Event()
        self._hurry_until = 0.0
        self._scan_at = self._save_at = 0.0
        self._scans_wanted = self.scanned = 0
        self._beat_at = time.monotonic() + settings.heartbeat_seconds
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._notices, self._losses = Notices(), Losses()
        self._thread = threading.Thread(target=self._run, name="langtrail-sender", daemon=True)

    def start(self) -> bool:
        """Begin to ship. False when the interpreter shuts down and starts no thread any more: the next process ships then."""
        if sys.is_finalizing():  # Python before 3.12 starts it, and waits for ever until it runs
            return False
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def hurry(self, seconds: float, *, scan: bool) -> int:
        """Make no pauses for a while. `scan`: look for the streams of dead processes, too.

        Return a number: once `scanned` has reached it, that look was taken, and began after this call.
        """
        self._hurry_until = max(self._hurry_until, time.monotonic() + seconds)
        if scan:
            self._scans_wanted += 1
            self._save_at = 0.0
        self._hurry.set()
        self._wake.set()
        return self._scans_wanted

    def left(self) -> int:
        """Return how many events of this process Kafka has not acknowledged."""
        acknowledged, stream = self._own.acknowledged, self._stream
        return 0 if acknowledged.seq >= stream.last_kept else max(1, stream.kept - acknowledged.events)

    def stop(self, seconds: float) -> bool:
        """Stop after the step under way, waiting at most `seconds` for it; tell whether it has stopped.

        What is not acknowledged stays in the spool.
        """
        self._stopping.set()
        self._hurry.set()
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                trouble = self._ship()
            except KafkaException as error:
                trouble = f"Kafka's client cannot be made: {error.args[0].str()}"
            except Exception as error:
                log.exception("the sender failed (%s) and tries again; events are kept", type(error).__name__)
                trouble = ""
            if trouble:
                self._notices.trouble("Kafka", f"{trouble}; events are kept until it does")
            self._stopping.wait(self._backoff())
        self._save()
        if self.adoption:
            self.adoption.let_go()

    def _ship(self) -> str:
        """Ship over one connection until it is of no use any more; return why. A new one is as good as a new start."""
        outlet = Outlet(self._settings.librdkafka(), self._stopping.is_set) if self._settings.bootstrap_servers else None
        for shipper in self._shippers():
            shipper.rewind()
        self._in_flight = []
        try:
            while not self._stopping.is_set():
                self._keep_house()
                if outlet is None:
                    self._stopping.wait(_IDLE_SECONDS)
                elif (refusal := self._step(outlet)) or outlet.broken:
                    return f"Kafka does not take events ({refusal or outlet.last_error})"
        finally:
            if outlet is not None:
                outlet.close()
        return ""

    def _step(self, outlet: Outlet) -> str:
        """Do what can be done now, then rest. Return why Kafka refuses, if it does."""
        hurry = time.monotonic() < self._hurry_until
        outlet.poll(_HURRY_SECONDS if hurry and self._in_flight else 0)
        if outlet.waiting:
            self._watch_silence(outlet)
            self._rest(self._pause_seconds, hurry=hurry)
            return ""
        if refusal := self._settle():
            return refusal
        sent = self._fill(outlet, gently=not hurry)
        self._pause_seconds = _PAUSE_SECONDS if sent < _BATCH_BYTES // 2 else _HURRY_SECONDS
        if sent or hurry:
            self._rest(self._pause_seconds, hurry=hurry)
        else:
            self._sleep(outlet)
        return ""

    def _settle(self) -> str:
        refusals = [error.name() for shipper in self._in_flight if (error := shipper.settle())]
        if self._in_flight and not refusals:
            self._retry_seconds = _FIRST_RETRY_SECONDS
            self._notices.well("Kafka", "Kafka takes events again")
        self._in_flight = []
        return refusals[0] if refusals else ""

    def _fill(self, outlet: Outlet, *, gently: bool) -> int:
        """Send one batch of each stream; return how many bytes. A stream that has to be sent alone is."""
        shippers = self._shippers()
        careful = [shipper for shipper in shippers if shipper.careful]
        sent = 0
        for shipper in careful[:1] or shippers:
            size = shipper.load(_BATCH_BYTES)
            if size:
                outlet.send(shipper.messages(), shipper.headers, shipper.failed, gently=gently)
                self._in_flight.append(shipper)
                sent += size
        self._sent_at = time.monotonic()
        return sent

    def _sleep(self, outlet: Outlet) -> None:
        """Wait for a hook. Who appends after `sleeper` was set wakes us; who did before is found by one more look."""
        self._stream.sleeper = self._wake
        try:
            if not self._fill(outlet, gently=True):
                self._wake.wait(_IDLE_SECONDS)
        finally:
            self._stream.sleeper = None
            self._wake.clear()
        self._rest(_PAUSE_SECONDS, hurry=False)

    def _rest(self, seconds: float, *, hurry: bool) -> None:
        if not hurry:
            self._hurry.clear()
            if time.monotonic() >= self._hurry_until and not self._stopping.is_set():
                self._hurry.wait(seconds)
        elif not self._in_flight:
            self._stopping.wait(_HURRY_SECONDS)

    def _keep_house(self) -> None:
        now = time.monotonic()
        if now >= self._save_at:
            self._save_at = now + _SAVE_SECONDS
            self._save()
            self._stream.check_files(self._own.acknowledged)
        kept = self._stream.log
        if kept.in_memory:
            with kept.lock:
                kept.spill()
        self._losses.look(kept.refusal if kept.in_memory else "", self._stream.dropped)
        if now >= self._beat_at:
            self._beat_at = now + self._settings.heartbeat_seconds
            self._heartbeat(self._own.head if self._own.acknowledged.events else "")

    def _save(self) -> None:
        """Write the watermarks, and look for the streams of dead processes."""
        self._try("spool", self._source.save)
        wanted = self._scans_wanted
        if self.adoption and self._settings.bootstrap_servers:
            self._try("streams of dead processes", self.adoption.settle)
            if (self.scanned < wanted or time.monotonic() >= self._scan_at) and not self._stopping.is_set():
                self._scan_at = time.monotonic() + _ADOPT_SECONDS
                self._try("spool directory", self.adoption.scan)
        self.scanned = wanted

    def _try(self, subject: str, step: Callable[[], None]) -> None:
        """Do something with the disk that may fail now and can be done later."""
        try:
            step()
        except OSError as error:
            where = f"{subject} in {self._settings.spool()}"
            self._notices.trouble(subject, f"the {where} cannot be used ({error.strerror}); it is tried again")
        else:
            self._notices.well(subject, f"the {subject} can be used again")

    def _shippers(self) -> list[Shipper]:
        adopted = self.adoption.adopted if self.adoption else []
        return [self._own, *(stream.shipper for stream in adopted if stream.shipper)]

    def _watch_silence(self, outlet: Outlet) -> None:
        if time.monotonic() - self._sent_at > _SILENCE_SECONDS:
            why = f" ({outlet.last_error})" if outlet.last_error else ""
            self._notices.trouble("Kafka", f"Kafka has not answered for 10 seconds{why}; events are kept until it does")

    def _backoff(self) -> float:
        seconds, self._retry_seconds = self._retry_seconds, min(self._retry_seconds * 2, _LAST_RETRY_SECONDS)
        return seconds
