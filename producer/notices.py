"""Troubles in the log: each is said once when it begins, and once when it is over."""

import logging
import time
from typing import Final

log = logging.getLogger("langtrail.producer")

_said: set[str] = set()


def is_first(subject: str) -> bool:
    """Tell whether nothing was said of it before in this process. From now on something was: logging may lead back here."""
    if subject in _said:
        return False
    _said.add(subject)
    return True


_PAUSE_SECONDS: Final = 60
_WAITING: Final = (
    "events wait in memory, and are lost if the process is killed; "
    "make room there, or set LANGTRAIL_SPOOL_DIR to another directory"
)


class Losses:
    """What is said while the disk refuses events: when that begins, and whatever becomes of it at most once a minute."""

    def __init__(self) -> None:
        self._said = "", 0
        self._say_at = 0.0

    def look(self, refusal: str, dropped: int) -> None:
        """Say what is new. `refusal`: why events wait in memory, empty when none does; `dropped`: how many are lost."""
        now = time.monotonic()
        if (refusal, dropped) == self._said or now < self._say_at:
            return
        (refusal_before, dropped_before), self._said = self._said, (refusal, dropped)
        self._say_at = now + _PAUSE_SECONDS
        if dropped > dropped_before:
            log.warning("%d events were dropped so far; the trail will say which and why", dropped)
        if refusal:
            log.warning("%s: %s", refusal, _WAITING)
        elif refusal_before:
            log.warning("the spool takes events again")


class Notices:
    """What was said of each subject and is not over yet."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def trouble(self, subject: str, sentence: str) -> None:
        """Say what is wrong, unless that was the last thing said of the subject."""
        if self._said.get(subject) != sentence:
            self._said[subject] = sentence
            log.warning("%s", sentence)

    def well(self, subject: str, sentence: str) -> None:
        """Say that it is over, if anything was."""
        if self._said.pop(subject, None):
            log.warning("%s", sentence)
