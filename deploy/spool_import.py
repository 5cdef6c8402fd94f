"""Ship what lies in a spool directory, of this machine or copied from another: in order, with the bytes it would have had."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from langtrail.producer.adopted import Adopted
from langtrail.producer.errors import SpoolDamaged
from langtrail.producer.outlet import Outlet
from langtrail.producer.own_events import Hole
from langtrail.producer.refused import Refused, refused
from langtrail.producer.settings import ProducerSettings
from langtrail.producer.spool import StreamFiles

from .errors import CannotRun

_BATCH_BYTES = 1024 * 1024
_POLL_SECONDS = 0.05
_PAUSE_SECONDS = 0.5
_SAVE_SECONDS = 1.0
_SEGMENT = re.compile(r"\d{20}\.log")


class ImportFailed(CannotRun):
    """Nothing can be imported from there, or to this Kafka; the text is one sentence that says what to do."""


@dataclass
class ImportedStream:
    """What became of one stream. `state`: shipped, in use (a living process has it), damaged (nobody can ship it), left."""

    stream_id: str
    state: str = "left"
    app: str = ""
    host: str = ""
    pid: int = 0
    shipped: int = 0
    left: int = 0
    lost: list[dict[str, Any]] = field(default_factory=list)
    """Numbers that nobody will receive, and why."""
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.state in ("shipped", "in use") and not self.lost


@dataclass
class Report:
    """What an import did."""

    directory: str
    streams: list[ImportedStream] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    """Events that Kafka refused before: those that it takes now are `shipped`."""
    problem: str = ""
    """Why it ended early, empty when it did not."""

    @property
    def shipped(self) -> int:
        """How many events Kafka acknowledged."""
        return sum(stream.shipped for stream in self.streams) + sum(one["state"] == "shipped" for one in self.refused)

    @property
    def sound(self) -> bool:
        """Whether everything is shipped that no living process ships, and nothing is lost."""
        whole = all(stream.sound for stream in self.streams) and all(one["state"] == "shipped" for one in self.refused)
        return whole and not self.problem

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {**asdict(self), "shipped": self.shipped}


def find_streams(directory: Path) -> list[StreamFiles]:
    """Return the streams below a directory, oldest first: a spool, one stream of it, or whatever they were copied into."""
    found = {path.parent for path in directory.rglob("*.log") if _SEGMENT.fullmatch(path.name)}
    return [StreamFiles(path) for path in sorted(found, key=lambda path: path.name) if not path.name.startswith(".")]


class SpoolImport:
    """One import of a directory to a Kafka."""

    def __init__(self, directory: Path, settings: ProducerSettings, timeout_seconds: float) -> None:
        """Connect. It gives up when Kafka takes nothing for `timeout_seconds`. Raises ImportFailed."""
        if not settings.bootstrap_servers:
            raise ImportFailed("LANGTRAIL_BOOTSTRAP_SERVERS is not set: say which Kafka to ship to, or start `langtrail up`")
        if not directory.is_dir():
            raise ImportFailed(f"there is no directory {directory}")
        self._directory, self._settings, self._timeout = directory, settings, timeout_seconds
        self._progress: Callable[[int], None] = lambda _: None
        self._deadline = 0.0
        self.report = Report(str(directory))
        self._outlet = self._connected()

    def left(self) -> int:
        """Return how many events there are to ship, as far as the files tell."""
        total = 0
        for files in find_streams(self._directory):
            with suppress(SpoolDamaged):
                total += files.left()
        return total

    def run(self, progress: Callable[[int], None]) -> Report:
        """Ship everything, and say what became of it; `progress` is told how many events are shipped.

        Raises ImportFailed when the directory cannot be used.
        """
        self._progress = progress
        self._alive()
        try:
            for files in find_streams(self._directory):
                self._import(files)
            self._retry_refused()
        except TimeoutError as error:
            self.report.problem = str(error)
        except OSError as error:
            raise ImportFailed(f"{self._directory} cannot be used ({error.strerror}); copy it to where you may write") from None
        finally:
            self._outlet.close()
        return self.report

    def _import(self, files: StreamFiles) -> None:
        stream = ImportedStream(files.directory.name)
        self.report.streams.append(stream)
        if not files.lock():
            stream.state = "in use"
            _describe(stream, files)
            return
        try:
            _describe(stream, files)
            self._ship(stream, Adopted(files, self._settings, on_hole=lambda hole: stream.lost.append(_as_json(hole))))
        except SpoolDamaged as error:
            stream.state, stream.problem = "damaged", str(error)
        finally:
            files.unlock()

    def _ship(self, stream: ImportedStream, adopted: Adopted) -> None:
        save_at, shipper = time.monotonic() + _SAVE_SECONDS, adopted.shipper
        first = shipper.acknowledged.events if shipper else 0
        try:
            while not adopted.done() and shipper is not None:
                if not shipper.load(_BATCH_BYTES):
                    break
                self._outlet.send(shipper.messages(), shipper.headers, shipper.failed, gently=False)
                self._wait()
                if (error := shipper.settle()) is not None:
                    self._try_again(error.name())
                else:
                    self._alive()
                stream.shipped, stream.left = shipper.acknowledged.events - first, adopted.left
                self._progress(self.report.shipped)
                if time.monotonic() >= save_at:
                    adopted.source.save()
                    save_at = time.monotonic() + _SAVE_SECONDS
        finally:
            stream.left = adopted.left
            adopted.source.save()
        if adopted.done():
            stream.state = "shipped"
            adopted.files.remove()

    def _retry_refused(self) -> None:
        for one in refused(self._directory):
            outcome = {"name": one.name, "why": one.why, "state": "refused"}
            self.report.refused.append(outcome)
            if self._took(one):
                outcome["state"] = "shipped"
                one.remove()

    def _took(self, one: Refused) -> bool:
        errors: list[str] = []
        self._outlet.send([(one.key, one.value)], one.headers, lambda error, _: errors.append(error.name()), gently=False)
        self._wait()
        self._alive()
        return not errors

    def _wait(self) -> None:
        """Wait until Kafka has answered for all that was sent. Raises TimeoutError when it does not."""
        while self._outlet.waiting:
            self._outlet.poll(_POLL_SECONDS)
            self._check(self._outlet.last_error)

    def _try_again(self, error: str) -> None:
        """Connect anew after a refusal. Raises TimeoutError when there were only refusals for too long."""
        self._check(error)
        self._outlet.close()
        time.sleep(_PAUSE_SECONDS)
        self._outlet = self._connected()

    def _alive(self) -> None:
        self._deadline = time.monotonic() + self._timeout

    def _check(self, error: str) -> None:
        if time.monotonic() > self._deadline:
            why = f" ({error})" if error else ""
            raise TimeoutError(f"Kafka at {self._settings.bootstrap_servers} took nothing for {self._timeout:g} s{why}")

    def _connected(self) -> Outlet:
        try:
            return Outlet(self._settings.librdkafka(), lambda: time.monotonic() > self._deadline)
        except KafkaException as error:
            raise ImportFailed(f"Kafka's client cannot be made: {error.args[0].str()}") from None


def _describe(stream: ImportedStream, files: StreamFiles) -> None:
    try:
        facts = files.facts()
        stream.left = files.left()
    except SpoolDamaged:
        return  # who ships it will say so
    stream.stream_id, stream.app, stream.host = facts["stream_id"], str(facts.get("app", "")), str(facts.get("host", ""))
    stream.pid = int(facts.get("pid", 0))


def _as_json(hole: Hole) -> dict[str, Any]:
    return {"first_seq": hole.first_seq, "last_seq": hole.last_seq, "reason": hole.reason, **hole.ext}
