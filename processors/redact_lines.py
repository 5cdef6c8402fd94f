"""Texts redacted line by line, without any server: JSON lines in, JSON lines out, by the code that the worker runs."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import orjson

from .detectors import DETECTORS
from .entities import DETECTOR
from .event import Withheld
from .key_rules import KEY_RULE, NUMBER_RULE
from .policy import OWN_REASON
from .redact import WITHHELD, search
from .redaction import Redaction, spliced
from .treatment import POLICY_PATH, Rules

_REASONS: Final = {
    **{detector.name: detector.reason for detector in DETECTORS},
    DETECTOR: "A recogniser of named entities says so.",
    KEY_RULE: "The key of a JSON value says what the value is.",
    NUMBER_RULE: "A JSON number of a card's range, length and check digit.",
    POLICY_PATH: "The policy says what stands at this path.",
}


class NotALine(ValueError):
    """A line is not a JSON object with a text; the text names the number of the line, never what is in it."""


def redacted_lines(lines: Iterable[bytes], *, rules: Rules | None = None, explain: bool = False) -> Iterator[bytes]:
    """Yield a line for each line: `{"text": redacted, "findings": [{"type", "start", "end"}]}`, an empty one for an empty one.

    Offsets are in characters of the text that came in. `explain` adds `detector` and `reason` to each finding. A text that
    cannot be judged within its time is withheld, all of it. Without rules those of
    the default policy hold. Raises NotALine for a line without a text.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            yield b"\n"
            continue
        text = _text(line, number)
        yield _line(_answer(text, rules, explain=explain))


def _text(line: bytes, number: int) -> str:
    document = _document(line)
    text = document.get("text") if isinstance(document, dict) else None
    if not isinstance(text, str):
        raise NotALine(f'line {number} is not a JSON object with a text: write {{"text": "…"}}, one a line, as UTF-8')
    return text


def _document(line: bytes) -> Any:
    """Return the JSON of a line; None for what is none. Half of a surrogate pair is JSON for the second reader only."""
    with suppress(ValueError):
        return orjson.loads(line)
    with suppress(ValueError, RecursionError):
        return json.loads(line)
    return None


def _line(answer: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half of a surrogate pair
        return json.dumps(answer).encode() + b"\n"


def _answer(text: str, rules: Rules | None, *, explain: bool) -> dict[str, Any]:
    try:
        found = search(text, rules=rules)
    except Withheld:
        return {"text": WITHHELD, "findings": [{"type": "WITHHELD", "start": 0, "end": len(text)}]}
    return {"text": spliced(text, found), "findings": [_finding(one, explain=explain) for one in found]}


def _finding(one: Redaction, *, explain: bool) -> dict[str, Any]:
    finding = {"type": one.type, "start": one.start, "end": one.end}
    return finding | {"detector": one.detector, "reason": _REASONS.get(one.detector, OWN_REASON)} if explain else finding
