"""What repeats in a long text is judged once, and found wherever it stands."""

import re

import pytest

from langtrail.processors import candidates
from langtrail.processors.detector import Detector, Span
from langtrail.processors.detectors import DETECTORS
from langtrail.processors.engine_types import Spans
from langtrail.processors.findings import Finding
from langtrail.processors.redaction import Budget
from langtrail.processors.repeats import FEWEST_CHARACTERS, Repeats
from langtrail.processors.scan import Scanner

SCANNER = Scanner()


class _Judge:
    """Takes a 12, and what stands behind it where colons join it; counts how often it is asked."""

    def __init__(self, text: str, reach: int) -> None:
        self.asked = 0
        self._text = text
        self._said = Repeats(self._judged, text, reach)

    def _judged(self, groups: Spans) -> list[Span]:
        self.asked += 1
        start, end = groups[0]
        while self._text[end : end + 1] == ":":
            end += 3
        return [Span(start, end)]

    def said(self) -> list[tuple[int, int]]:
        """Return what is said of each 12, from the left."""
        matches = [[match.span()] for match in re.finditer("12", self._text)]
        return [(span.start, span.end) for match in matches for span in self._said(match) or ()]


def test_what_repeats_is_judged_once() -> None:
    """Only where the text begins and ends is something else around it."""
    judge = _Judge("x 12 y " * 1000, reach=10)
    assert judge.said() == [(at, at + 2) for at in range(2, 7000, 7)]
    assert judge.asked < 10


def test_other_surroundings_are_judged() -> None:
    """As far as a judge may look, nothing may differ."""
    judge = _Judge("".join(f"{'x' * number} 12 " for number in range(1, 9)), reach=10)
    assert len(judge.said()) == 8
    assert judge.asked == 8


def test_a_judge_that_goes_on_is_asked_again() -> None:
    """What was taken far behind the match may end elsewhere the next time, though all around the match is the same."""
    text = f"{'.' * 40}12{':34' * 30}{'.' * 40}12{':34' * 31}{'.' * 40}"
    assert _Judge(text, reach=20).said() == [(40, 132), (172, 267)]


def test_a_match_near_the_beginning_is_another() -> None:
    """All around it may be the same where less stands before it."""
    text = "12 " * 40
    matches = [(3, 11), (12, 14)]
    said = Repeats(lambda groups: [Span(*groups[0])], text, reach=9)
    assert text[: 11 + 9] == text[12 - 9 : 14 + 9]
    assert [[(span.start, span.end) for span in said([match]) or ()] for match in matches] == [[match] for match in matches]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_repeats_hide_nothing(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long text the same is found as when every candidate in it is judged."""
    units = f"{detector.example}\n", f"{detector.counter_example}; ", f"{detector.example} {detector.example} "
    texts = [unit * (FEWEST_CHARACTERS // len(unit) + 1) for unit in units]
    quickly = [_found(text) for text in texts]
    monkeypatch.setattr(candidates, "FEWEST_CHARACTERS", 10 * FEWEST_CHARACTERS)
    assert [_found(text) for text in texts] == quickly


def _found(text: str) -> list[Finding]:
    return [one.finding for one in SCANNER.find(text, Budget(60))]
