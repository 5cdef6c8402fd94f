"""Troubles in the log: each is said once when it begins, and once when it is over."""

import logging

log = logging.getLogger("langtrail.producer")

_said: set[str] = set()


def is_first(subject: str) -> bool:
    """Tell whether nothing was said of it before in this process. From now on something was: logging may lead back here."""
    if subject in _said:
        return False
    _said.add(subject)
    return True


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
