"""What is printed: JSON that any program reads, and text in which nothing of the trail's content can act on a terminal."""

import json
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from rich.console import Console

_TIMES: Final = "×"  # noqa: RUF001 - not the letter
_UNLIMITED: Final = 100_000
_INVISIBLE = re.compile(r"[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_ALLOWED: Final = " \u00a0\u3000\u200c\u200d"  # spaces, and what joins letters and emoji


def console(width: int | None = None, *, stderr: bool = False) -> Console:
    """Return a console that takes no text for markup. Without a terminal its lines are as long as their content."""
    plain = Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)
    if width is None and not plain.is_terminal:
        plain.width = _UNLIMITED
    return plain


def print_json(value: Any) -> None:
    """Print JSON. Characters that a terminal would obey or hide are escaped: it is the same text, and safe to look at."""
    sys.stdout.write(escaped(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)) + "\n")


def escaped(text: str) -> str:
    """Return JSON in which characters that a terminal would obey or hide are escaped."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def visible(text: str) -> str:
    """Return one line in which every control character, line ends included, is written as its escape."""
    return "".join(c if c.isprintable() or c in _ALLOWED else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, characters: int) -> str:
    """Return the text, or its beginning and an ellipsis when it is longer than `characters`."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def tally(names: Iterable[str], counts: Iterable[int]) -> str:
    """Return how many of what: EMAIL×2 IBAN×1; empty when nothing."""  # noqa: RUF002 - the sign for times
    return " ".join(f"{visible(name)}{_TIMES}{count}" for name, count in zip(names, counts, strict=True))


def duration(microseconds: float) -> str:
    """Return a length of time for people: 0.8 ms, 12 ms, 1.24 s, 3 min 5 s, 2 h 4 min, 3 d 2 h."""
    if 0 < microseconds < 10_000:
        return f"{microseconds / 1_000:.1f} ms"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.0f} ms"
    if microseconds < 60_000_000:
        return f"{microseconds / 1_000_000:.2f} s"
    seconds = int(microseconds // 1_000_000)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // part} {smaller}"
    return f"{seconds // 60} min {seconds % 60} s"


def microseconds_between(earlier: str, later: str) -> float:
    """Return the time between two ISO-8601 times in microseconds."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() * 1e6


def dollars(amount: float) -> str:
    """Return an amount of US dollars with as many digits as a small one needs: $12.40, $0.0031, $0.0000264."""
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.{max(2, 1 - _exponent(amount) + 1)}f}"


def _exponent(amount: float) -> int:
    return int(f"{amount:e}".partition("e")[2])
