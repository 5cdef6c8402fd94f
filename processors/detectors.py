"""The table of all detectors, and the prefilter that says in one pass which of them a text may concern."""

from collections.abc import Iterable, Sequence
from copy import copy
from hashlib import sha256
from typing import Final

from . import key_rules, normalise
from .detector import Detector
from .detectors_address import ADDRESSES
from .detectors_assignments import ASSIGNMENTS
from .detectors_calls import CALLS
from .detectors_carriers import CARRIERS
from .detectors_commands import COMMANDS
from .detectors_financial import FINANCIAL
from .detectors_identity import IDENTITY
from .detectors_life import LIFE
from .detectors_personal import PERSONAL
from .detectors_phone import PHONE
from .detectors_said import SAID
from .detectors_secrets import SECRETS
from .detectors_services import SERVICES
from .detectors_vendor_names import VENDOR_NAMES
from .detectors_vendors import VENDORS
from .engine import PatternSet, encode

DETECTORS: Final = (
    *SECRETS,
    *ASSIGNMENTS,
    *CALLS,
    *COMMANDS,
    *SAID,
    *VENDORS,
    *SERVICES,
    *VENDOR_NAMES,
    *FINANCIAL,
    *PERSONAL,
    *IDENTITY,
    *LIFE,
    *ADDRESSES,
    *PHONE,
    *CARRIERS,
)
"""Every detector, in the order in which they are run."""

KEY: Final = -1
"""Fired: a JSON key may say what its value is."""
ODD: Final = -2
"""Fired: characters that hide others."""
PERCENT: Final = -3
"""Fired: percent-encoding that hides a printable character."""
ESCAPE: Final = -4
"""Fired: escapes that hide a printable character."""

_SIGNS: Final = {
    ODD: normalise.ODD_TRIGGER,
    PERCENT: normalise.PERCENT_TRIGGER,
    ESCAPE: normalise.ESCAPE_TRIGGER,
}
_SHORT = 128
_REMEMBERED = 4096


class Prefilter:
    """One pass over a text for all triggers of a kind: words, digits, and the keys of JSON."""

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        def triggers(*, numeric: bool) -> dict[int, str]:
            return {n: d.trigger or d.pattern for n, d in enumerate(detectors) if d.numeric is numeric}

        # One automaton for all of them would have the states of one times those of the other.
        self._words = PatternSet(triggers(numeric=False))
        self._digits = PatternSet({**triggers(numeric=True), **_SIGNS})
        self._keys = PatternSet({KEY: key_rules.TRIGGER})
        self._more: PatternSet | None = None
        self._structural = frozenset(number for number, detector in enumerate(detectors) if detector.structural)
        # Short documents come again and again: the parameters of a model, tags. Those in which nothing is are known.
        self._clean: dict[str, frozenset[int]] = {}

    def with_more(self, more: Sequence[Detector], first: int) -> "Prefilter":
        """Return a prefilter that has more detectors, the first of them by this number."""
        wider = copy(self)
        wider._more = PatternSet({first + number: detector.pattern for number, detector in enumerate(more)})  # noqa: SLF001 - its own copy
        wider._clean = {}  # noqa: SLF001 - its own copy
        return wider

    def fired(self, text: str, *, is_json: bool = False) -> frozenset[int]:
        """Return which detectors, by their number, and which signs the text may concern."""
        if is_json and len(text) <= _SHORT and (known := self._clean.get(text)) is not None:
            return known
        data = encode(text)
        fired = self._words.matching(data) | self._digits.matching(data)
        if self._more is not None:
            fired |= self._more.matching(data)
        if is_json:
            fired |= self._keys.matching(data)
            if len(text) <= _SHORT and fired <= self._structural:
                self._remember(text, fired)
        return fired

    def _remember(self, text: str, fired: frozenset[int]) -> None:
        if len(self._clean) >= _REMEMBERED:
            self._clean.clear()
        self._clean[text] = fired


def fingerprint(detectors: Iterable[Detector] = DETECTORS) -> str:
    """Return eight hexadecimal digits that change whenever a pattern does."""
    return sha256("\0".join(f"{d.name}\0{d.type}\0{d.pattern}" for d in detectors).encode()).hexdigest()[:8]
