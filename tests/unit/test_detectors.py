"""The table of detectors: each entry proves itself, and the prefilter never hides what a pattern would find."""

import re
from pathlib import Path

import pytest

from langtrail.processors.detector import Detector, Rank
from langtrail.processors.detectors import DETECTORS, fingerprint
from langtrail.processors.engine_re2 import Pattern, PatternSet, encode
from langtrail.processors.engine_types import Spans
from langtrail.processors.findings import TYPES, Finding
from langtrail.processors.prefilter import Prefilter
from langtrail.processors.redaction import Budget
from langtrail.processors.scan import Scanner

PREFILTER = Prefilter()
by_name = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)


def found(detector: Detector, text: str) -> list[Finding]:
    """Return what one detector alone finds in a text."""
    return [redaction.finding for redaction in Scanner((detector,)).find(text, Budget(5))]


def matches_of(pattern: Pattern, text: str) -> list[Spans]:
    """Return the spans of all matches of a pattern."""
    matches: list[Spans] = []

    def take(groups: Spans) -> int:
        matches.append(groups)
        return 0

    pattern.search(encode(text), take)
    return matches


def test_names_are_unique_and_types_are_the_contracts() -> None:
    """A detector is told by its name, and what it finds is one of the types that redaction knows."""
    assert len({detector.name for detector in DETECTORS}) == len(DETECTORS)
    assert {detector.type for detector in DETECTORS} <= {*TYPES}


def test_the_readme_tells_of_every_type() -> None:
    """What is redacted is a table in the README, by type."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    table = readme.partition("### What is redacted")[2].partition("###")[0]
    assert {kind for kind in TYPES if f"`{kind}`" not in table} == set()


@by_name
def test_every_detector_says_why_it_is_there(detector: Detector) -> None:
    """Name, reason, example and counter-example are there, and are sentences or texts of some length."""
    assert re.fullmatch(r"[a-z0-9_]+", detector.name)
    assert min(map(len, (detector.reason, detector.example, detector.counter_example))) > 3


@by_name
def test_every_detector_finds_its_example(detector: Detector) -> None:
    """The example holds something of the detector's type; what a carrier carries has its own."""
    types = {finding.type for finding in found(detector, detector.example)}
    assert types == {detector.type} if detector.rank != Rank.CARRIER else not types


@by_name
def test_every_detector_leaves_its_counter_example_alone(detector: Detector) -> None:
    """The counter-example looks like the example and is none."""
    assert found(detector, detector.counter_example) == []


@by_name
def test_nothing_found_crosses_from_one_text_into_the_next(detector: Detector) -> None:
    """Texts are searched in one go, with a NUL between them: no match may reach over it."""
    pattern, example = Pattern(detector.pattern), detector.example
    for cut in range(len(example) + 1):
        matches = matches_of(pattern, f"{example[:cut]}\0{example[cut:]}")
        assert not any(start < cut < end - 1 for (start, end), *_ in matches)


@by_name
def test_every_trigger_fires_wherever_its_pattern_matches(detector: Detector) -> None:
    """The prefilter may fire too often, never too seldom: here on the example and on parts of it."""
    number, pattern = DETECTORS.index(detector), Pattern(detector.pattern)
    for text in (detector.example, f'"{detector.example}"', f"({detector.example})", f"é{detector.example}ü"):
        assert not matches_of(pattern, text) or number in PREFILTER.fired(text)


def test_a_base64_text_is_judged_by_what_it_carries() -> None:
    """Base64 of an e-mail address is an e-mail address, base64 of a base64 of one too."""
    text = "bWVzc2FnZTogZDNKcGRHVWdkRzhnWW05aVFHVjRZVzF3YkdVdWIzSm4gZW5k"
    assert [redaction.finding.type for redaction in Scanner().find(f"body={text}", Budget(5))] == ["EMAIL"]


def test_a_set_that_cannot_tell_names_every_pattern() -> None:
    """RE2 answers nothing when it runs out of memory: the canary is missing then, and all patterns are taken to match."""
    patterns = PatternSet({7: "a", 9: "b"})
    assert patterns.matching(encode("xax")) == [7]
    assert patterns.matching(encode("xxx")) == []
    assert patterns.matching(encode("")) == []
    patterns._match = lambda _: None
    assert patterns.matching(encode("xxx")) == [7, 9]


def test_a_pattern_that_re2_cannot_do_is_refused() -> None:
    """What is not linear is no pattern: look-around and back-references are refused when the table is built."""
    with pytest.raises(ValueError, match="RE2"):
        Pattern(r"(?<=a)b")


def test_positions_are_characters_whatever_the_bytes() -> None:
    """RE2 counts bytes; spans are in characters, also behind characters of several bytes and lone surrogates."""
    text = "é\ud800 日本 a1 ü b2"
    groups = [group for match in matches_of(Pattern(r"([a-z])(\d)|(x)"), text) for group in match]
    assert [text[start:end] if start >= 0 else None for start, end in groups] == ["a1", "a", "1", None, "b2", "b", "2", None]


def test_what_a_match_did_not_use_is_searched_again() -> None:
    """A detector may hand back the end of a match: the next one begins there, also behind characters of several bytes."""
    text = "ééaaaééé"
    seen: list[tuple[int, int]] = []

    def take(groups: Spans) -> int:
        seen.append(groups[0])
        return groups[0][1] - groups[0][0] - 1

    Pattern("[aé]+").search(encode(text), take)
    assert seen == [(start, 8) for start in range(8)]


def test_the_version_of_the_redactor_changes_with_the_patterns() -> None:
    """Two tables have two fingerprints, one table always the same."""
    assert fingerprint() == fingerprint(DETECTORS) != fingerprint(DETECTORS[1:])
