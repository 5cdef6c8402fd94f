"""Takes over the streams that dead processes left in the spool: their lock is free."""

import logging
import threading
from pathlib import Path

from .adopted import Adopted
from .errors import SpoolDamaged
from .settings import ProducerSettings
from .spool import StreamFiles, streams, sweep

log = logging.getLogger("langtrail.producer")

_AT_ONCE = 16
"""How many streams are taken over at a time: each holds a file open, and a crashing program leaves thousands."""


class Adoption:
    """The streams that this process has taken over, oldest first. Used by one thread; `left` may be asked by any."""

    def __init__(self, settings: ProducerSettings, own_stream_id: str) -> None:
        """Know which stream is this process's own."""
        self._settings, self._own = settings, own_stream_id
        self._spool = settings.spool()
        self._hopeless: set[str] = set()
        self._looking = threading.RLock()
        self.adopted: list[Adopted] = []
        self.more = False
        """Whether dead streams were left for later."""

    def scan(self) -> None:
        """Take over what is there. Raises OSError when the spool cannot be read."""
        with self._looking:
            known = {self._own, *self._hopeless, *(adopted.files.stream_id for adopted in self.adopted)}
            self.more = False
            for files in streams(self._spool):
                if files.stream_id in known or not _lock(files):
                    continue
                if len(self.adopted) >= _AT_ONCE:
                    files.unlock()
                    self.more = True
                    break
                self._adopt(files)
        sweep(self._spool)

    def left(self) -> int:
        """Return how many events of dead processes Kafka has not acknowledged.

        It waits for a look at the spool that is being taken: what that has not come to yet is not counted, and what is counted
        here seems to be a living process's there.
        """
        with self._looking:
            untaken = count_left(self._spool, self._own) if self.more else 0
            return sum(adopted.left for adopted in list(self.adopted)) + untaken

    def settle(self) -> None:
        """Write the watermarks, and remove what is shipped to its end. Raises OSError, of the last stream that has one."""
        failure: OSError | None = None
        for adopted in list(self.adopted):
            try:
                self._settle(adopted)
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure

    def let_go(self) -> None:
        """Leave the rest to others."""
        for adopted in self.adopted:
            adopted.files.unlock()
        self.adopted = []

    def _settle(self, adopted: Adopted) -> None:
        if adopted.done():
            adopted.files.remove()
            self.adopted.remove(adopted)
        else:
            adopted.source.save()

    def _adopt(self, files: StreamFiles) -> None:
        try:
            self.adopted.append(Adopted(files, self._settings))
        except (SpoolDamaged, OSError) as error:
            log.warning("stream %s in %s cannot be shipped: %s", files.stream_id, self._spool, error)
            self._hopeless.add(files.stream_id)
            files.unlock()


def count_left(spool: Path, own_stream_id: str) -> int:
    """Return how many events lie in streams that no living process has. Raises OSError when the spool cannot be read."""
    total = 0
    for files in streams(spool):
        if files.stream_id != own_stream_id and _lock(files):
            try:
                total += files.left()
            except (SpoolDamaged, OSError):
                total += 1  # nobody knows how many; not none
            finally:
                files.unlock()
    return total


def _lock(files: StreamFiles) -> bool:
    """Take a stream. One that is closed to us, another user's, is nobody's of ours."""
    try:
        return files.lock()
    except OSError:
        return False
