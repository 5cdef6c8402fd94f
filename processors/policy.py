"""A tenant's redaction policy: what becomes of what is found, what is left alone, and what else is looked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from .detector import NOTHING, Candidate, Detector, Rank, Span
from .document_paths import SEPARATOR

PLACEHOLDER: Final = "placeholder"
PSEUDONYM: Final = "pseudonym"
MASK: Final = "mask"
DROP: Final = "drop"
OFF: Final = "off"
ACTIONS: Final = (PLACEHOLDER, PSEUDONYM, MASK, DROP, OFF)
"""What may become of a finding: its type in brackets, a token, the last four characters, nothing at all, or it stays."""


OWN_REASON: Final = "A pattern of the policy's own."
"""Why a pattern of a policy is looked for."""

_LONGEST_ALLOWED = 1000
"""Characters. What identifies somebody is shorter, and comparing takes the square of it."""


@dataclass(frozen=True, slots=True)
class PathRule:
    """What is done at a path; the first rule that matches counts."""

    path: str
    action: str
    type: str = ""
    """The type of each whole value there, whatever it is; empty when the action is for what is found there."""

    def matches(self, path: str) -> bool:
        """Tell whether a path is this one or lies under it: `*` is one key or position, `**` any number of them."""
        place, at = f"{SEPARATOR}{path}{SEPARATOR}", 0
        for number, run in enumerate(_runs(self.path)):
            # Of each run the first place will do, for a path may end anywhere: nothing is tried twice.
            found = run.search(place, at) if number else run.match(place)
            if found is None:
                return False
            at = found.end()
        return True


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A text, and what the policy must make of it; a pseudonym is written [TYPE:PSEUDONYM] there."""

    text: str
    expected: str
    field: str = "input"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one tenant. Made by `read_policy`, or as the default: everything found becomes a placeholder."""

    revision: str
    """Names it in every event that it redacted: its version and a digest of what it says."""
    default: str = PLACEHOLDER
    actions: tuple[tuple[str, str], ...] = ()
    """Action by type, or by name of a detector; the name goes first."""
    paths: tuple[PathRule, ...] = ()
    allow: tuple[re.Pattern[str], ...] = ()
    custom: tuple[Detector, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    phone_region: str = ""
    """Country (ISO 3166-1) of phone numbers without a calling code; empty: unknown."""

    def action(self, kind: str, detector: str) -> str:
        """Return what becomes of a finding."""
        if not self.actions:
            return self.default
        given = dict(self.actions)
        return given.get(detector, given.get(kind, self.default))

    def allows(self, value: str) -> bool:
        """Tell whether the value is one that stays, however it is spaced and in whatever case: never a very long one."""
        return len(value) <= _LONGEST_ALLOWED and any(
            pattern.fullmatch(value) or pattern.fullmatch(_compact(value)) for pattern in self.allow
        )

    @property
    def has_pseudonyms(self) -> bool:
        """Whether it needs the key of the pseudonyms."""
        given = (self.default, *(action for _, action in self.actions), *(rule.action for rule in self.paths))
        return PSEUDONYM in given


def revision_of(version: str, text: str) -> str:
    """Return the revision of a policy from its version and its canonical text."""
    return f"{version}+{sha256(text.encode()).hexdigest()[:8]}"


def allowed_pattern(glob: str) -> re.Pattern[str]:
    """Return the pattern of a value that stays, in which * is any characters but spaces."""
    spellings = dict.fromkeys((glob, _compact(glob)))
    return re.compile("|".join(re.sub(r"(?:\\\*)+", r"\\S*", re.escape(one)) for one in spellings), re.IGNORECASE)


def custom_detector(name: str, kind: str, pattern: str) -> Detector:
    """Return a detector of a tenant's own."""
    return Detector(
        name=name,
        type=kind,
        reason=OWN_REASON,
        pattern=pattern,
        judge=_up_to_nul,
        rank=Rank.EXACT,
        example="",
        counter_example="",
    )


def toml_of(table: Mapping[str, Any]) -> str:
    """Return a table as TOML text, always the same for the same content."""
    return "".join(f"{_quoted(key)} = {_toml(value)}\n" for key, value in sorted(table.items()))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_toml(inner)}" for key, inner in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    escaped = re.sub(r'[\x00-\x1f\x7f"\\]', lambda match: f"\\u{ord(match[0]):04x}", text)
    return f'"{escaped}"'


def _compact(value: str) -> str:
    return re.sub(r"[ \-]", "", value)


def _up_to_nul(candidate: Candidate) -> tuple[Span, ...]:
    length = len(candidate.value.partition("\0")[0])
    return (Span(candidate.start, candidate.start + length),) if length else NOTHING


@lru_cache(maxsize=1024)
def _runs(path: str) -> tuple[re.Pattern[str], ...]:
    """Return what stands between the `**` of a path, as patterns."""
    runs = [""]
    for part in path.split("."):
        if part == "**":
            runs.append("")
        else:
            runs[-1] += SEPARATOR + (f"[^{SEPARATOR}]*" if part == "*" else re.escape(part))
    return tuple(re.compile(f"{run}(?={SEPARATOR})") for run in runs)
