"""Step 2 of the pipeline: personal data and secrets out of the content, in any structure; the unjudgeable is withheld."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final

import orjson

from .detectors import fingerprint
from .event import Event, Withheld
from .findings import Finding
from .policy import Policy
from .redaction import Budget, Redaction, spliced
from .scan import Scanner
from .tenant import Tenant
from .tenant_rules import DEFAULT_POLICY, PolicyUnusable, TenantRules
from .treatment import Rules, Tokens

WITHHELD: Final = "[WITHHELD]"
"""What stands in the place of content that could not be judged."""

REDACTOR_VERSION: Final = f"{version('langtrail')}+{fingerprint()}"

BUDGET_SECONDS: Final = 5.0
"""How long the search of a text may take."""
_PLAIN_TEXT: Final = frozenset(("error_message",))
_NO_TEXTS: Final = dict.fromkeys(("input", "output", "error_message", "params", "metadata"))


class Redacted:
    """A text without what was found in it."""

    def __init__(self, text: str, found: list[Redaction]) -> None:
        self.text = text
        self._found = found

    @property
    def findings(self) -> list[Finding]:
        """What was found, in order and without overlap; offsets in characters of the input."""
        return [one.finding for one in self._found]


@cache
def _scanner() -> Scanner:
    return Scanner()


def redact_text(text: str, budget_seconds: float = BUDGET_SECONDS) -> Redacted:
    """Return the text with each finding replaced by its type in brackets; the text may be JSON, and then stays it.

    Raises Withheld when the search takes longer than the budget.
    """
    found = search(text, budget_seconds)
    return Redacted(spliced(text, found), found)


def search(
    text: str, budget_seconds: float = BUDGET_SECONDS, rules: Rules | None = None, field: str = "input"
) -> list[Redaction]:
    """Return what is found in the text of a field: each with its replacement and the detector it is from.

    Without rules those of the default policy hold. Raises Withheld when the search takes longer than the budget.
    """
    return (rules or default_rules()).find(text, Budget(budget_seconds), field, set())


@cache
def default_rules() -> Rules:
    """Return what holds where there is no policy."""
    return Rules(DEFAULT_POLICY, _scanner())


def rules_of(policy: Policy, pseudonyms: Tokens | None = None, tenant_id: str = "") -> Rules:
    """Return what holds under a policy. Raises PseudonymsMissing when that needs a key and none is given."""
    return Rules(policy, _scanner().with_more(policy.custom), tenant_id, pseudonyms)


class Redactor:
    """The step: fills in the redacted content and what is known of its redaction; never raises for what a content holds.

    A field whose search raises, takes too long, or that is not the JSON it should be, is withheld and named in
    `event.withheld`: the event goes on without it. So is every field of a tenant whose policy cannot be applied. `failures`
    counts why, by the class of the error.
    """

    def __init__(
        self,
        tenants: Callable[[str], Tenant | None] = lambda _: None,
        pseudonyms: Tokens | None = None,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.failures: Counter[str] = Counter()
        self._rules = TenantRules(_scanner, tenants, pseudonyms)
        self._budget_seconds = budget_seconds
        self._clock = clock
        _scanner()

    def __call__(self, event: Event) -> None:
        """Redact the content of one event."""
        budget = Budget(self._budget_seconds, self._clock)
        found = _Found()
        rules, revision = self._rules_of(event.core.get("tenant_id", ""))
        redacted = {name: self._field(name, text, budget, found, event.withheld, rules) for name, text in event.content.items()}
        head = event.head
        head.update(_NO_TEXTS)
        head.update(redacted)
        head["tags"] = _texts(redacted["tags"]) if "tags" in redacted else []
        head["redaction_status"] = _status(len(redacted), len(event.withheld))
        head["redaction_types"] = types = sorted(found.counts)
        head["redaction_counts"] = [found.counts[kind] for kind in types]
        head["subject_tokens"] = sorted(found.subjects)
        head["policy_revision"] = revision
        head["redactor_version"] = REDACTOR_VERSION

    def _rules_of(self, tenant_id: str) -> tuple[Rules | None, str]:
        try:
            rules = self._rules(tenant_id)
        except PolicyUnusable as unusable:
            return None, unusable.revision
        return rules, rules.policy.revision

    def _field(self, name: str, text: str, budget: Budget, found: "_Found", withheld: list[str], rules: Rules | None) -> str:
        is_json = name not in _PLAIN_TEXT
        subjects: set[str] = set()
        try:
            if rules is None:
                raise PolicyUnusable(name)  # noqa: TRY301 - what is not judged ends in one place
            if is_json:
                _check_json(text)
            redactions = rules.find(text, budget, name, subjects, valid=is_json)
            if not redactions:
                return text
            redacted = spliced(text, redactions)
            if is_json:
                _check_json(redacted)
        except Exception as error:  # noqa: BLE001 - whatever a detector does, nothing unjudged goes on
            self.failures[type(error).__name__] += 1
            withheld.append(name)
            return f'"{WITHHELD}"' if is_json else WITHHELD
        for redaction in redactions:
            found.counts[redaction.type] = found.counts.get(redaction.type, 0) + 1
        found.subjects |= subjects
        return redacted


class _Found:
    """What was found in all fields of an event."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.subjects: set[str] = set()


def _check_json(text: str) -> None:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Withheld("it is not JSON") from None


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
