"""What a policy makes of the findings of one text: which stay, what takes the place of the others, and whom they are about."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from .document_paths import Place, places
from .findings import Hit
from .normalise import percent_decoded, plain, unescaped
from .policy import DROP, MASK, OFF, PSEUDONYM, PathRule, Policy
from .pseudonym import PERSONAL
from .redaction import PLACEHOLDERS, Budget, Redaction, Treatment
from .scan import Scanner
from .spellings import canonical_of

POLICY_PATH: Final = "path"
"""Stands for a detector's name where a path of the policy says what a value is."""

_HIDDEN: Final = re.compile(r"[%&\\]")
_SHOWN: Final = 4
_FEWEST_MASKED: Final = 9
"""Of what is shorter, four characters would say too much."""
_MASKED_IN_PART: Final = frozenset(("CREDIT_CARD", "IBAN", "PHONE"))


class Tokens(Protocol):
    """What makes pseudonyms."""

    def token(self, tenant_id: str, kind: str, canonical: str) -> str:
        """Return TYPE:TOKEN for a value as `canonical_of` spells it."""


class PseudonymsMissing(Exception):
    """A policy asks for pseudonyms, and there is no key for them."""


class Rules:
    """What holds for the texts of one tenant. Raises PseudonymsMissing when its policy needs a key that is not there."""

    def __init__(self, policy: Policy, scanner: Scanner, tenant_id: str = "", pseudonyms: Tokens | None = None) -> None:
        if policy.has_pseudonyms and pseudonyms is None:
            raise PseudonymsMissing("the policy asks for pseudonyms and there is no key: set LANGTRAIL_PSEUDONYM_KEY_FILE")
        self.policy = policy
        self.scanner = scanner
        self.tenant_id = tenant_id
        self.pseudonyms = pseudonyms
        self._only_placeholders = pseudonyms is None and policy == Policy(policy.revision)

    def find(self, text: str, budget: Budget, field: str, subjects: set[str], *, valid: bool = False) -> list[Redaction]:
        """Return what is to go from the text of a field, in order; the tokens of the persons in it are added to `subjects`.

        `valid` says that the text is known to be JSON. Raises Withheld when it takes too long.
        """
        if self._only_placeholders:
            return self.scanner.find(text, budget, valid=valid)
        if not self.policy.paths:
            return self.scanner.find(text, budget, treatment=_ByPolicy(self, subjects), valid=valid)
        paths = _Paths(self.policy, text, field)
        treatment = _ByPolicy(self, subjects, paths)
        found = self.scanner.find(text, budget, treatment=treatment, valid=valid)
        whole = treatment.whole_values(text, paths)
        if not whole:
            return found
        starts = [one.start for one in whole]

        def inside(one: Redaction) -> bool:
            before = bisect_right(starts, one.start) - 1
            return before >= 0 and one.start < max(whole[before].end, starts[before] + 1)

        return sorted([*whole, *[one for one in found if not inside(one)]], key=lambda one: one.start)

    def find_together(self, texts: Sequence[str], budget: Budget) -> Iterator[tuple[int, Redaction]] | None:
        """Return what is to go from each of several texts that are no JSON, in order, with the number of the text.

        None where that takes no less time than to search each alone. Raises Withheld, while it is read, when it takes too long.
        """
        if self.policy.paths:
            return None
        treatment = PLACEHOLDERS if self._only_placeholders else _ByPolicy(self, set())
        return self.scanner.find_together(texts, budget, treatment)


class _Paths:
    """The rule of the policy that holds at each place of a text."""

    def __init__(self, policy: Policy, text: str, field: str) -> None:
        self._rules = policy.paths
        self._places = places(text, field)
        self._starts = [place.start for place in self._places]

    def rule_at(self, position: int) -> PathRule | None:
        """Return the first rule that matches where this character stands; a key of an object stands nowhere."""
        number = bisect_right(self._starts, position) - 1
        if number < 0 or position >= max(self._places[number].end, self._places[number].start + 1):
            return None
        return self._rule(self._places[number])

    def whole(self) -> list[tuple[Place, PathRule]]:
        """Return the values that go as they are, by their rules."""
        rules = [(place, self._rule(place)) for place in self._places if place.end > place.start]
        return [(place, rule) for place, rule in rules if rule is not None and rule.type]

    def _rule(self, place: Place) -> PathRule | None:
        return next((rule for rule in self._rules if rule.matches(place.path)), None)


class _ByPolicy(Treatment):
    def __init__(self, rules: Rules, subjects: set[str], paths: _Paths | None = None) -> None:
        self._rules = rules
        self._subjects = subjects
        self._paths = paths

    def left(self, text: str, hits: list[Hit], source: Callable[[int, int], tuple[int, int]]) -> list[Hit]:
        """Leave out what is off or allowed."""
        policy = self._rules.policy
        if not policy.actions and not policy.allow and self._paths is None and policy.default != OFF:
            return hits
        return [
            hit
            for hit in hits
            if self._action(hit, source) != OFF and not (policy.allow and policy.allows(_decoded(text[hit.start : hit.end])))
        ]

    def replacement(self, value: str, hit: Hit, source: Callable[[int, int], tuple[int, int]]) -> str:
        """Do what the policy says, and take down whom it is about."""
        return self._replaced(value, hit.type, self._action(hit, source))

    def inside(self) -> Treatment:
        """Return the same without paths: what a carrier holds has none."""
        return _ByPolicy(self._rules, self._subjects)

    def whole_values(self, text: str, paths: _Paths) -> list[Redaction]:
        """Return the values that go because of where they stand."""
        found: list[Redaction] = []
        for (_, start, end, is_string), rule in paths.whole():
            value = text[start:end]
            if is_string and _stands_in(value, rule.type):
                continue
            new = self._replaced(value, rule.type, rule.action)
            found.append(Redaction(rule.type, start, end, _as_json(new, is_string=is_string), POLICY_PATH))
        return found

    def _action(self, hit: Hit, source: Callable[[int, int], tuple[int, int]]) -> str:
        rule = self._paths.rule_at(source(hit.start, hit.end)[0]) if self._paths else None
        return rule.action if rule is not None else self._rules.policy.action(hit.type, hit.detector)

    def _replaced(self, value: str, kind: str, action: str) -> str:
        token, value = "", _decoded(value)
        pseudonyms = self._rules.pseudonyms
        if pseudonyms is not None and (action == PSEUDONYM or kind in PERSONAL):
            canonical = canonical_of(kind, value, self._rules.policy.phone_region)
            is_somebody = canonical is not None and kind in PERSONAL
            if is_somebody or action == PSEUDONYM:
                token = pseudonyms.token(self._rules.tenant_id, kind, canonical or value.strip())
            if is_somebody:
                self._subjects.add(token)
        if action == PSEUDONYM:
            return f"[{token}]"
        if action == MASK:
            return f"[{kind}:****{_last(value) if kind in _MASKED_IN_PART else ''}]"
        return "" if action == DROP else f"[{kind}]"


def _decoded(value: str) -> str:
    """Return a value as it would be written without anything that hides it."""
    if value.isascii() and not _HIDDEN.search(value):
        return value
    text = plain(value).text
    if "%" in text:
        text = percent_decoded(text).text
    return unescaped(text).text if "\\" in text or "&" in text else text


def _last(value: str) -> str:
    characters = [char for char in value if char.isascii() and char.isalnum()]
    return "".join(characters[-_SHOWN:]) if len(characters) >= _FEWEST_MASKED else ""


def _stands_in(value: str, kind: str) -> bool:
    """Whether the value is what an earlier redaction left of one."""
    return value.startswith(f"[{kind}") and value.endswith("]") and "]" not in value[:-1]


def _as_json(new: str, *, is_string: bool) -> str:
    if is_string:
        return new
    return f'"{new}"' if new else "null"
