"""Step 2 of the pipeline: personal data and secrets out of the content, in any structure; the unjudgeable is withheld."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final, NamedTuple

import orjson

from .detectors import fingerprint
from .event import Event, Withheld
from .findings import Finding, splice
from .scan import Budget, Redaction, Scanner

WITHHELD: Final = "[WITHHELD]"
"""What stands in the place of content that could not be judged."""

DEFAULT_POLICY: Final = "default-1"
"""Revision of the policy that is applied where a tenant has none: every detector on, every finding replaced by its type."""

REDACTOR_VERSION: Final = f"{version('langtrail')}+{fingerprint()}"

_BUDGET_SECONDS = 5.0
_PLAIN_TEXT = frozenset(("error_message",))
_JSON_FIELDS = ("input", "output", "params", "metadata")


class Redacted(NamedTuple):
    """A text without what was found in it."""

    text: str
    findings: list[Finding]
    """What was found, in order and without overlap; offsets in characters of the input."""


@cache
def _scanner() -> Scanner:
    return Scanner()


def redact_text(text: str, budget_seconds: float = _BUDGET_SECONDS) -> Redacted:
    """Return the text with each finding replaced by its type in brackets; the text may be JSON, and then stays it.

    Raises Withheld when the search takes longer than the budget.
    """
    return _redacted(text, search(text, budget_seconds))


def search(text: str, budget_seconds: float = _BUDGET_SECONDS) -> list[Redaction]:
    """Return what `redact_text` finds: each with its replacement and the detector it is from. Raises Withheld as that does."""
    return _scanner().find(text, Budget(budget_seconds))


def _redacted(text: str, found: list[Redaction]) -> Redacted:
    findings = [redaction.finding for redaction in found]
    if not findings:
        return Redacted(text, findings)
    return Redacted(splice(text, findings, [redaction.replacement for redaction in found]), findings)


class Redactor:
    """The step: fills in the redacted content and what is known of its redaction; never raises for what a content holds.

    A field whose search raises, takes too long, or that is not the JSON it should be, is withheld and named in
    `event.withheld`: the event goes on without it. `failures` counts why, by the class of the error.
    """

    def __init__(self, *, budget_seconds: float = _BUDGET_SECONDS, clock: Callable[[], float] = perf_counter) -> None:
        self.failures: Counter[str] = Counter()
        self._budget_seconds = budget_seconds
        self._clock = clock
        _scanner()

    def __call__(self, event: Event) -> None:
        """Redact the content of one event."""
        budget = Budget(self._budget_seconds, self._clock)
        counts: Counter[str] = Counter()
        redacted = {name: self._field(name, text, budget, counts, event.withheld) for name, text in event.content.items()}
        event.head.update({name: redacted.get(name) for name in (*_JSON_FIELDS, *_PLAIN_TEXT)})
        event.head.update(
            tags=_texts(redacted["tags"]) if "tags" in redacted else [],
            redaction_status=_status(len(redacted), len(event.withheld)),
            redaction_types=sorted(counts),
            redaction_counts=[counts[kind] for kind in sorted(counts)],
            subject_tokens=[],
            policy_revision=DEFAULT_POLICY,
            redactor_version=REDACTOR_VERSION,
        )

    def _field(self, name: str, text: str, budget: Budget, counts: Counter[str], withheld: list[str]) -> str:
        is_json = name not in _PLAIN_TEXT
        try:
            redacted = _redact_json(text, budget) if is_json else _redacted(text, _scanner().find(text, budget))
        except Exception as error:  # noqa: BLE001 - whatever a detector does, nothing unjudged goes on
            self.failures[type(error).__name__] += 1
            withheld.append(name)
            return f'"{WITHHELD}"' if is_json else WITHHELD
        counts.update(finding.type for finding in redacted.findings)
        return redacted.text


def _redact_json(text: str, budget: Budget) -> Redacted:
    redacted = _redacted(text, _scanner().find(text, budget))
    try:
        orjson.loads(redacted.text)
    except orjson.JSONDecodeError:
        raise Withheld("it is not JSON") from None
    return redacted


def _texts(tags: str) -> list[str]:
    """Return the tags of a JSON array; what is withheld is one tag."""
    loaded: Any = orjson.loads(tags)
    return [
        tag if isinstance(tag, str) else orjson.dumps(tag).decode()
        for tag in (loaded if isinstance(loaded, list) else [loaded])
    ]


def _status(fields: int, withheld: int) -> str:
    if not fields:
        return "none"
    return "ok" if not withheld else "withheld" if withheld == fields else "partial"
