"""What holds for every text: made of fragments at random, of pathological repeats, and of JSON of any shape."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, Self

import pytest

from langtrail.processors.detector import Detector
from langtrail.processors.detectors import DETECTORS
from langtrail.processors.engine_types import Windows
from langtrail.processors.findings import Finding
from langtrail.processors.prefilter import BREAK, ESCAPE, KEY, ODD, PERCENT
from langtrail.processors.redact import redact_text
from langtrail.processors.redaction import Budget
from langtrail.processors.scan import Scanner
from langtrail.processors.windows import windows

FRAGMENTS = (
    *(detector.example for detector in DETECTORS),
    *(detector.counter_example for detector in DETECTORS),
    *(
        "phone",
        "card",
        "call",
        "IBAN",
        "ssn",
        "password",
        "version",
        "token",
        "key",
        "and",
        "or",
        "the",
        "é",
        "日本",
        "\u200b",
        "\uff05",
    ),
    *(
        "=",
        ":",
        ": ",
        ", ",
        ".",
        "-",
        "/",
        "(",
        ")",
        "+",
        "@",
        '"',
        "'",
        "`",
        "\n",
        "\t",
        "\\",
        "\\n",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "&",
    ),
    *("7", "42", "2025", "00", "0171", "4539", "555-0147", "10:22:33", "%40", "&#64;", "[EMAIL]", "[SECRET]", "[PHONE:2]"),
)
PROSE = "the key of a house and a card that you call your own, or an address: a text is never done until 12 have read it.\n"
KEYS = (
    "content",
    "password",
    "phone",
    "card_number",
    "max_tokens",
    "name",
    "value",
    "ann@example.org",
    "nested",
    "api_key",
    "version",
)


def texts(count: int) -> Iterator[str]:
    """Yield texts of a few fragments each, with and without blanks between them, always the same ones."""
    chance = random.Random(20)  # noqa: S311 - always the same texts
    for _ in range(count):
        pieces = chance.choices(FRAGMENTS, k=chance.randrange(1, 9))
        yield chance.choice(("", " ", " ")).join(pieces)


def long_texts(count: int) -> Iterator[str]:
    """Yield texts of some 35 kB, prose with fragments in it, always the same ones."""
    chance = random.Random(22)  # noqa: S311 - always the same texts
    for _ in range(count):
        fragments = {chance.randrange(8000): "".join(chance.choices(FRAGMENTS, k=2)) for _ in range(chance.randrange(40))}
        words = chance.choices(PROSE.split(" "), k=8000)
        yield " ".join([f"{word} {fragments[at]}" if at in fragments else word for at, word in enumerate(words)])


def values(chance: random.Random, depth: int) -> Any:
    """Return JSON data at random."""
    kind = chance.randrange(7 if depth else 4)
    if kind >= 5:
        return {chance.choice(KEYS): values(chance, depth - 1) for _ in range(chance.randrange(4))}
    if kind == 4:
        return [values(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 3:
        return (
            json.dumps(values(chance, depth - 1)) if depth else chance.choice((None, True, 2125550147, 4539148803436467, 0.5))
        )
    return "".join(chance.choices(FRAGMENTS, k=chance.randrange(1, 4)))


def documents(count: int) -> Iterator[str]:
    """Yield JSON texts, with escapes for all that is not ASCII and without, always the same ones."""
    chance = random.Random(21)  # noqa: S311 - always the same texts
    for _ in range(count):
        yield json.dumps(values(chance, 4), ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, 1)))


class _Everything:
    """A prefilter that lets every detector look at every text."""

    def fired(self, text: str, *, is_json: bool = False) -> frozenset[int]:
        return frozenset((KEY, ODD, PERCENT, ESCAPE, BREAK, *range(len(DETECTORS))))

    def fires(self, text: str) -> bool:
        return True

    def fired_in_document(self, document: str) -> frozenset[int]:
        return self.fired(document)

    def where(self, text: object) -> dict[int, Windows]:
        return {}

    def with_more(self, more: Sequence[Detector], first: int) -> Self:
        return self


def found(scanner: Scanner, text: str) -> list[tuple[Finding, str, str]]:
    return [(one.finding, one.replacement, one.detector) for one in scanner.find(text, Budget(60))]


def test_the_prefilter_hides_nothing_from_text() -> None:
    """With and without the prefilter the same is found."""
    filtered, unfiltered = Scanner(), Scanner(prefilter=_Everything())
    for text in texts(1500):
        assert found(filtered, text) == found(unfiltered, text), text


def test_the_prefilter_hides_nothing_from_long_texts() -> None:
    """What is found in windows of a long text alone is what is found in all of it."""
    filtered, unfiltered = Scanner(), Scanner(prefilter=_Everything())
    for text in long_texts(30):
        assert len(windows(text.encode())) > 5
        assert found(filtered, text) == found(unfiltered, text)


def test_the_prefilter_hides_nothing_from_json() -> None:
    """The prefilter sees JSON as it is written: escapes, keys and JSON in strings do not hide anything from it."""
    filtered, unfiltered = Scanner(), Scanner(prefilter=_Everything())
    for text in documents(600):
        assert found(filtered, text) == found(unfiltered, text), text


def test_redacting_twice_changes_nothing() -> None:
    """What was redacted has nothing to redact, and placeholders are no context for anything else."""
    for text in (*texts(5000), *documents(1000)):
        once = redact_text(text).text
        assert redact_text(once).text == once, text


def test_json_stays_json_of_the_same_shape() -> None:
    """Only strings and numbers change, into strings; keys stay as many."""

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return [shape(item) for item in value.values()]
        if isinstance(value, list):
            return [shape(item) for item in value]
        return "x" if isinstance(value, (str, int, float)) and not isinstance(value, bool) else value

    for text in documents(600):
        assert shape(json.loads(redact_text(text).text)) == shape(json.loads(text)), text


def test_findings_are_in_order_and_within_the_text() -> None:
    """Whatever the text, findings do not overlap and are where they say."""
    for text in (*texts(500), *documents(200)):
        redacted = redact_text(text)
        edges = [edge for finding in redacted.findings for edge in (finding.start, finding.end)]
        assert edges == sorted(edges), text
        assert all(0 <= finding.start < finding.end <= len(text) for finding in redacted.findings), text


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a.a.",
            "1 ",
            "1-",
            "1.",
            "@",
            "a@",
            "a@b.",
            ":",
            "a:b:",
            "GB12 ",
            "password=",
            "password",
            "key=",
            'token: "',
            "\"'",
        ),
        *(
            "eyJ",
            "eyJhbGciOiJIUzI1NiJ9.",
            "://",
            "a://b:c@",
            "authorization: ",
            "sk-",
            " -u a:b",
            "<password>x</",
            "%40",
            "&#64;",
        ),
        *(
            "\\u0041",
            "a\u200b",
            "\uff14",
            "日",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ",
            "phone 5550147 ",
            "[",
            '{"a":',
            "\\",
            '\\"',
        ),
        *("ann@example.org ", "10.1.2.3 ", "4539148803436467 ", "219-09-9999 ", "DE89370400440532013000 ", "+49 30 901820 "),
    ],
)
def test_no_repeat_makes_it_slow_or_deep(unit: str) -> None:
    """A hundred thousand characters of anything are searched: no recursion, no blow-up, no time budget exceeded."""
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    for shaped in (text, f'"{text}', json.dumps([text])):
        assert len(redact_text(shaped, budget_seconds=30).text) > 0
