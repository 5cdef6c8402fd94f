"""The two engines of regular expressions: Python's own finds what RE2 finds, and langtrail works with it alone."""

import json
import random
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from langtrail.processors import engine_plain, engine_re2
from langtrail.processors.detector import Detector
from langtrail.processors.detectors import DETECTORS
from langtrail.processors.detectors_carriers import _QUADS
from langtrail.processors.engine_parts import parts_of
from langtrail.processors.engine_plain import python_syntax
from langtrail.processors.key_rules import TRIGGER
from langtrail.processors.literals import beginnings, hints
from langtrail.processors.prefilter import DIGITS, Asked, Prefilter

by_name = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)

EXAMPLES = [text for detector in DETECTORS for text in (detector.example, detector.counter_example)]


def generated(count: int) -> list[str]:
    """Return texts of pieces of all examples at random, some with characters of several bytes, always the same ones."""
    chance = random.Random(22)  # noqa: S311 - always the same texts
    texts = []
    for _ in range(count):
        pieces = [
            example[(start := chance.randrange(len(example))) : start + chance.randrange(40)]
            for example in chance.choices(EXAMPLES, k=6)
        ]
        texts.append(chance.choice(("", " ", "é", "\n", "日", "\ud800")).join(pieces))
    return texts


TEXTS = [*EXAMPLES, *generated(300)]


def spans(pattern: Any, encode: Callable[[str], Any], text: str) -> list[list[tuple[int, int]]]:
    """Return the spans of all matches and their groups."""
    found: list[list[tuple[int, int]]] = []

    def take(groups: list[tuple[int, int]]) -> int:
        found.append([*groups])
        return 0

    pattern.search(encode(text), take)
    return found


@pytest.mark.parametrize("unused", [-3, -1, 0, 1, 2])
def test_a_search_goes_on_where_it_is_told(unused: int) -> None:
    """Before the end of a match or behind it, in characters of any width: both engines go on at the same place."""
    text = "é11 22 日33日44 \ud80055"
    found: list[list[tuple[int, int]]] = []
    for engine in (engine_re2, engine_plain):
        spans: list[tuple[int, int]] = []

        def take(groups: list[tuple[int, int]], spans: list[tuple[int, int]] = spans) -> int:
            spans.append(groups[0])
            return unused

        engine.Pattern(r"\d\d?|日", ours=True).search(engine.encode(text), take)
        found.append(spans)
    assert found[0] == found[1]
    assert found[0][0] == (1, 3)


@by_name
def test_both_engines_find_the_same_spans(detector: Detector) -> None:
    """Every pattern has the same matches and groups in every example and in texts made of their pieces."""
    by_re2 = engine_re2.Pattern(detector.pattern)
    by_python = engine_plain.Pattern(detector.pattern, ours=True)
    for text in TEXTS:
        assert spans(by_re2, engine_re2.encode, text) == spans(by_python, engine_plain.encode, text), text


@pytest.mark.parametrize("detector", [one for one in DETECTORS if one.parts is not None], ids=lambda detector: detector.name)
def test_parts_are_the_groups_of_the_pattern(detector: Detector) -> None:
    """What is told apart after a match is what the pattern's groups are, in every example and in texts made of their pieces."""
    parts = parts_of(detector.parts or detector.pattern)
    by_re2 = engine_re2.Pattern(detector.pattern)
    for text in TEXTS:
        for whole, *groups in spans(by_re2, engine_re2.encode, text):
            assert [*parts(text, *whole)][1:] == groups, text


def test_of_runs_of_base64_those_are_found_that_may_be_text() -> None:
    """Whole, as they are without RE2, where each run is found: from its beginning to its end, and none besides."""
    chance = random.Random(9)  # noqa: S311 - always the same texts
    pattern = engine_re2.Pattern(next(detector for detector in DETECTORS if detector.name == "base64").pattern)
    found = 0
    for text in TEXTS:
        carried = b64encode(text.encode("utf-8", "replace")).decode()
        at = chance.randrange(len(carried))
        between = chance.choice(("", "=", "==", "===", " ", "-", "/", "é"))
        joined = between.join((text, carried[at:], carried[:at], carried, text))
        runs = [match for match in re.finditer(r"[0-9A-Za-z+/_-]{16,}={0,2}", joined) if _QUADS.search(match[0])]
        assert spans(pattern, engine_re2.encode, joined) == [[match.span()] for match in runs], joined
        found += len(runs)
    assert found > len(TEXTS)


@pytest.mark.parametrize("detector", [one for one in DETECTORS if one.begins], ids=lambda detector: detector.name)
def test_what_a_pattern_begins_with_tells_where_it_matches(detector: Detector) -> None:
    """The rest that Python reads makes the same match of it, with the same groups, however long that is."""
    rest = parts_of(detector.parts or detector.pattern)
    by_re2, begins = engine_re2.Pattern(detector.pattern), engine_re2.Pattern(detector.begins, groups=False)
    found: list[list[tuple[int, int]]] = []
    count = 0
    for text in (*TEXTS, *(f"{example}{'a1B2-=' * 50} {example}" for example in EXAMPLES)):

        def take(groups: list[tuple[int, int]], text: str = text) -> int:
            found.append([*rest(text, groups[0][0], len(text))])
            return groups[0][1] - found[-1][0][1]

        found.clear()
        begins.search(engine_re2.encode(text), take)
        assert found == spans(by_re2, engine_re2.encode, text), text
        count += len(found)
    assert count > 10


def test_a_long_text_is_asked_the_same_by_and_by() -> None:
    """The sets of a few that long texts are searched by say what one of all says."""
    triggers = Prefilter()._triggers
    for text in TEXTS[::3]:
        asked, by_and_by = Asked(text), Asked(text)
        by_and_by.is_varied = not asked.is_varied
        assert triggers.fired(asked) == triggers.fired(by_and_by), text


def test_what_begins_with_literals_is_found_where_these_stand() -> None:
    """All matches of a pattern are found by looking at the places that its literals tell, and nowhere else."""
    begun = {number: literals for number, one in enumerate(DETECTORS) if (literals := beginnings(one.pattern))}
    patterns = {number: engine_re2.Pattern(DETECTORS[number].pattern) for number in begun}
    told = engine_re2.Beginnings(begun)
    assert len(begun) > 200
    for text in ("\n".join(EXAMPLES), "é ".join(EXAMPLES), "".join(EXAMPLES), "".join(TEXTS[-50:])):
        encoded = engine_re2.encode(text)
        places = told.places(encoded, len(text))
        assert places is not None
        assert told.places(encoded, 9) is None
        for number, pattern in patterns.items():
            found: list[list[tuple[int, int]]] = []

            def take(groups: list[tuple[int, int]], found: list[list[tuple[int, int]]] = found) -> int:
                found.append([*groups])
                return 0

            pattern.search_at(encoded, places.get(number, ()), take)
            assert found == spans(pattern, engine_re2.encode, text), DETECTORS[number].name


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("gh[ps]_[0-9A-Z]{30,}", {"ghp_", "ghs_"}),
        (r"\bpypi-Ag(?:x|yz)[\w-]+", {"pypi-A"}),
        (r"(?:AKIA|ASIA)\w{16}", {"AKIA", "ASIA"}),
        (r"(?:^|\n)abc-\d", {"abc-", "\nabc-"}),
        (r"(?:^|[^\w])abc-\d", set()),
        (r"(?:https?://)?hooks\.example", set()),
        (r"(?i)token-\d", set()),
        (r"x?abc\d", {"abc", "xabc"}),
    ],
)
def test_beginnings_are_what_every_match_begins_with(pattern: str, expected: set[str]) -> None:
    """Three to six characters; none where one alternative begins with something else, or where case does not matter."""
    assert beginnings(pattern) == expected


def test_both_engines_fire_on_the_same_texts() -> None:
    """The triggers, and the rules for keys of JSON, match in the same texts."""
    triggers = {number: detector.trigger or detector.pattern for number, detector in enumerate(DETECTORS)}
    triggers[-1] = TRIGGER
    by_re2, by_python = engine_re2.PatternSet(triggers), engine_plain.PatternSet(triggers)
    for text in TEXTS[::3]:
        quoted = json.dumps({text[:20]: text})
        for shaped in (text, quoted):
            assert {*by_re2.matching(engine_re2.encode(shaped))} == {*by_python.matching(engine_plain.encode(shaped))}, shaped


@by_name
def test_what_a_trigger_matches_is_hinted_at(detector: Detector) -> None:
    """Wherever a trigger matches one of its hints does, and for a detector of numbers the digits that all of them need."""
    trigger = detector.trigger or detector.pattern
    told = (hints(trigger) or {trigger}) if not detector.numeric else {DIGITS}
    hinting = engine_re2.PatternSet(dict(enumerate(told)))
    asked = engine_re2.PatternSet({0: trigger})
    for text in (detector.example, detector.example.upper(), *TEXTS):
        data = engine_re2.encode(text)
        assert hinting.matching(data) or not asked.matching(data), text


@pytest.mark.parametrize("detector", [detector for detector in DETECTORS if detector.lines], ids=lambda detector: detector.name)
def test_what_needs_an_end_of_a_line_does_not_match_without(detector: Detector) -> None:
    """Not even where it would with one."""
    asked = engine_re2.PatternSet({0: detector.pattern})
    assert asked.matching(engine_re2.encode(detector.example))
    for text in (detector.example, *TEXTS):
        assert not asked.matching(engine_re2.encode(text.replace("\n", " "))), text


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(?i)(?:^|[^0-9A-Za-z_])(?:tel|f[ae]x)\s?\d", {r"(?i)\btel", r"(?i)\bfax", r"(?i)\bfex"}),
        (r"\bAC[0-9A-F]{4}", {r"\bAC"}),
        (r"abc|[xy]+z", set()),
        (r"\d+:\s*key-(?:one|two)*", {r"\bkey\b\x2d"}),
        (r"\bnet(?:\.exe)?\s+use", {r"\bnet\b"}),
        (r"[a-z]?net(?:e|\.exe)?[a\s]\d", {"net"}),
        (r"\bv[12]\.public", {r"\bv1\b\x2e\bpublic", r"\bv2\b\x2e\bpublic"}),
        (
            r"(?:come|off) (?:it )?to",
            {r"come\b\x20\bto", r"come\b\x20it\b\x20\bto", r"off\b\x20\bto", r"off\b\x20it\b\x20\bto"},
        ),
    ],
)
def test_hints_are_what_a_pattern_cannot_match_without(pattern: str, expected: set[str]) -> None:
    """The longest literals, one for each alternative, with the ends of words; none where one alternative has none."""
    assert hints(pattern) == expected


def test_what_a_match_did_not_use_is_searched_again() -> None:
    """Both go on where the detector says."""
    text = "ééaaaééé"
    for engine in (engine_re2, engine_plain):
        seen: list[tuple[int, int]] = []

        def take(groups: list[tuple[int, int]], seen: list[tuple[int, int]] = seen) -> int:
            seen.append(groups[0])
            return groups[0][1] - groups[0][0] - 1

        engine.Pattern("[aé]+", ours=True).search(engine.encode(text), take)
        assert seen == [(start, 8) for start in range(8)]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"^\d$", "7\n", False),
        (r"\bé", "aé", True),
        (r"\w", "é", False),
        (r"[\x{e9}[]", "é", True),
        (r"\S\s", "a\v", False),
        (r"(?i)пароль", "ПАРОЛЬ", True),
    ],
)
def test_the_syntax_means_what_it_means_to_re2(pattern: str, text: str, *, matches: bool) -> None:
    """Classes are of ASCII, the end is the very end, a boundary stands beside ASCII words; letters fold in any script."""
    assert bool(spans(engine_re2.Pattern(pattern), engine_re2.encode, text)) is matches
    assert bool(spans(engine_plain.Pattern(pattern, ours=True), engine_plain.encode, text)) is matches


def test_a_class_that_cannot_be_written_is_refused() -> None:
    """A table with a pattern that only RE2 can do would find less without it: it is not built."""
    with pytest.raises(ValueError, match="class"):
        python_syntax(r"[a\W]")


def test_without_re2_patterns_of_tenants_are_refused() -> None:
    """Nobody knows how long Python takes for those; the sentence says what to install."""
    with pytest.raises(ValueError, match="pip install google-re2"):
        engine_plain.Pattern("(a+)+b")


def test_without_re2_langtrail_redacts_the_same() -> None:
    """In a process where google-re2 cannot be imported the whole redaction answers as it does here."""
    code = (
        "import json, sys; sys.modules['re2'] = None\n"
        "from langtrail.processors.engine import HAS_RE2\n"
        "from langtrail.processors.redact import redact_text\n"
        "assert not HAS_RE2\n"
        "print(json.dumps([redact_text(text).text for text in json.load(sys.stdin)]))"
    )
    from langtrail.processors.redact import redact_text  # noqa: PLC0415 - what the process does, here

    answer = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(TEXTS[::4]), capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(answer.stdout) == [redact_text(text).text for text in TEXTS[::4]]


def test_the_prefilter_says_the_same_with_either_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prefilter is built of the engine's sets, whichever it is."""
    from langtrail.processors import families, prefilter  # noqa: PLC0415 - their engine is exchanged

    by_re2 = [*map(Prefilter().fired, TEXTS[:100])]
    monkeypatch.setattr(prefilter, "compiled_set", engine_plain.PatternSet)
    monkeypatch.setattr(families, "compiled_set", engine_plain.PatternSet)
    monkeypatch.setattr(prefilter, "encode", engine_plain.encode)
    assert [*map(Prefilter().fired, TEXTS[:100])] == by_re2
