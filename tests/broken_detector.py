"""A scanner that fails: its one detector raises wherever its pattern matches."""

from langtrail.processors.detector import Candidate, Detector, Rank, Span
from langtrail.processors.scan import Scanner


def broken_scanner(pattern: str) -> Scanner:
    """Return a scanner with one detector, whose judge raises ZeroDivisionError."""
    broken = Detector(
        name="broken",
        type="EMAIL",
        reason="It raises.",
        pattern=pattern,
        judge=_fails,
        rank=Rank.EXACT,
        example=pattern,
        counter_example="",
    )
    return Scanner((broken,))


def _fails(candidate: Candidate) -> tuple[Span, ...]:
    raise ZeroDivisionError(candidate.value)
