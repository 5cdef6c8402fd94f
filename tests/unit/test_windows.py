"""Long texts in windows: what reaches no farther than windows share is in one of them, wherever it stands."""

from itertools import pairwise

import pytest

from langtrail.processors.detectors import DETECTORS
from langtrail.processors.engine import compiled, encode
from langtrail.processors.engine_types import Spans, Windows
from langtrail.processors.prefilter import DIGITS, Prefilter
from langtrail.processors.windows import is_near, joined, windows

PROSE = "It is said of the long text that nobody reads it to its end, as it has one.\n" * 400
EXAMPLES = [detector.example for number, detector in enumerate(DETECTORS) if is_near(detector.pattern)]


def spans(pattern: str, text: str, where: Windows = ()) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []

    def take(groups: Spans) -> int:
        found.append(groups[0])
        return 0

    compiled(pattern, ours=True).search(encode(text), take, where)
    return found


def test_windows_cover_a_text_and_share_words() -> None:
    """The next one begins before the last one ends, and what both hold is some hundred bytes of whole words."""
    text = PROSE.encode()
    cut = windows(text)
    assert len(cut) > 5
    assert (cut[0][0], cut[-1][1]) == (0, len(text))
    for (_, end), (start, _) in pairwise(cut):
        assert len(text[start:end].split()) > 50


@pytest.mark.parametrize("text", ["a" * 20_000, "a-" * 10_000, "- - " * 5_000, " " * 20_000, "日本" * 5_000, "short"])
def test_a_text_without_words_is_in_one_window(text: str) -> None:
    """A run of what is no blank, or of blanks and signs, might be one match: it is not cut."""
    assert windows(text.encode()) == [(0, len(text.encode()))]


def test_windows_that_share_bytes_are_joined() -> None:
    """So that nothing is searched twice."""
    assert joined([(0, 10), (8, 20), (30, 40), (38, 50), (60, 70)]) == [(0, 20), (30, 50), (60, 70)]


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("password", True),
        (r"key\s*[:=]\s*\w{8,200}", True),
        (r"[a-z]{96}", True),
        (r"(?:a b){32}", True),
        (r"(?:a b){33}", False),
        (r"(?:a b)*", False),
        (r"(?:a-)*b", True),
        (r"\d(?:[ -]?\d){11,}", True),
        (r"(?:[0-9a-z-]+\.)+[a-z]{2,24}", True),
        (r"(?:[0-9a-z-]+|\s)+", False),
        (r"[a-z ]+key", False),
        (r"[\w -]{2,97}?key", False),
        (r"key[\s,;-]*\d", True),
        (r"key[^\s]*\d", True),
        (r"key[^,]*\d", False),
        (r"key[\s\x{ff1a}]*\d", False),
        (r"(?:key|(?:a b)*)c", False),
        (r"\bkey\b.*c", False),
    ],
)
def test_a_pattern_is_near_unless_it_reaches_over_words(pattern: str, *, near: bool) -> None:
    """A run of one class may be long where it holds no blanks, or nothing of words; what comes a few times counts so often."""
    assert is_near(pattern) is near


def test_matches_of_patterns_that_are_near_are_in_one_window() -> None:
    """Wherever an example stands in a long text, one of the windows holds all of each match."""
    assert len(EXAMPLES) > 250
    for start in range(0, len(EXAMPLES), 12):
        text = "".join(f"{PROSE[: 7 * len(example)]}{example} " for example in EXAMPLES[start : start + 12]) + PROSE
        encoded = text.encode()
        cut = windows(encoded)
        assert len(cut) > 3
        for number in range(start, start + 12):
            for detector in [one for one in DETECTORS if one.example == dict(enumerate(EXAMPLES)).get(number)]:
                for first, last in spans(detector.pattern, text):
                    at, end = len(text[:first].encode()), len(text[:last].encode())
                    assert any(begin <= at and end <= stop for begin, stop in cut), detector.name


def test_what_detectors_of_numbers_find_has_the_digits_that_windows_are_asked_for() -> None:
    """Not somewhere in the text, but in the match: a window is asked about numbers when it has such digits."""
    for detector in DETECTORS:
        if detector.numeric:
            for first, last in spans(detector.pattern, detector.example):
                assert spans(DIGITS, detector.example[max(0, first - 1) : last + 1]), detector.name


def test_detectors_search_the_windows_that_concern_them() -> None:
    """Of a long text it is known where, of any other one nothing is."""
    prefilter = Prefilter()
    text = f"{PROSE}bob@example.org, 10.1.2.3, the API key is 2afddb813193eb9d3b5bd99bf5d834cd. {PROSE}"
    names = {DETECTORS[number].name: number for number in prefilter.fired(text) if number >= 0}
    where = prefilter.where(encode(text))
    for name in ("ipv4", "told"):
        (window,) = where[names[name]]
        assert window[0] < len(PROSE) < window[1]
        assert window[1] - window[0] < 10_000
        assert spans(DETECTORS[names[name]].pattern, text, [window]) == spans(DETECTORS[names[name]].pattern, text)
    assert prefilter.where(encode(f"{text}.")) == {}
    assert prefilter.fired("bob@example.org")
    assert prefilter.where(encode("bob@example.org")) == {}
