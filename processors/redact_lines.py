"""Texts redacted line by line, without any server: JSON lines in, JSON lines out, by the code that the worker runs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedReader
from typing import Any, Final

import orjson

from .detectors import DETECTORS
from .entities import DETECTOR
from .event import Withheld
from .key_rules import KEY_RULE, NUMBER_RULE
from .policy import OWN_REASON
from .redact import WITHHELD, default_rules, search
from .redaction import Redaction, spliced
from .treatment import POLICY_PATH, Rules

_REASONS: Final = {
    **{detector.name: detector.reason for detector in DETECTORS},
    DETECTOR: "A recogniser of named entities says so.",
    KEY_RULE: "The key of a JSON value says what the value is.",
    NUMBER_RULE: "A JSON number of a card's range, length and check digit.",
    POLICY_PATH: "The policy says what stands at this path.",
}


_MOST_BYTES: Final = 1024 * 1024
"""Of a stream, read at once."""
_FEWEST_TOGETHER: Final = 1024
"""Characters of texts that are asked about together at first; it doubles while nothing is in them."""
_MOST_TOGETHER: Final = 16 * 1024


class NotALine(ValueError):
    """A line is not a JSON object with a text; the text names the number of the line, never what is in it."""


def lines_arriving(stream: BufferedReader) -> Iterator[list[bytes]]:
    """Yield the lines of a stream as they arrive: all that are there by now, the last one without an end of line too."""
    unfinished: list[bytes] = []
    while arrived := stream.read1(_MOST_BYTES):
        lines, end, rest = arrived.rpartition(b"\n")
        if end:
            yield b"".join([*unfinished, lines]).split(b"\n")
            unfinished.clear()
        unfinished.append(rest)
    if last := b"".join(unfinished):
        yield [last]


def redacted_lines(
    lines: Iterable[bytes], *, first: int = 1, rules: Rules | None = None, explain: bool = False
) -> Iterator[bytes]:
    """Yield a line for each line: `{"text": redacted, "findings": [{"type", "start", "end"}]}`, an empty one for an empty one.

    Offsets are in characters of the text that came in. `explain` adds `detector` and `reason` to each finding. A text that
    cannot be judged within its time is withheld, all of it. Without rules those of the default policy hold. Raises NotALine
    for a line without a text, once those before it are answered; `first` is the number of the first line.
    """
    texts: list[str | None] = []
    wrong: NotALine | None = None
    try:
        for number, line in enumerate(lines, first):
            texts.append(_text(line, number) if line.strip() else None)
    except NotALine as error:
        wrong = error
    yield from _answered(texts, rules or default_rules(), explain=explain)
    if wrong is not None:
        raise wrong


def _answered(texts: Sequence[str | None], rules: Rules, *, explain: bool) -> Iterator[bytes]:
    """Yield the answers. Of short texts more and more are asked about together, for as long as nothing is in them."""
    at = characters = 0
    while at < len(texts):
        run = _run(texts, at, characters)
        at += len(run)
        if len(run) > 1 and rules.find_nothing([text for text in run if text]):
            yield from [_line(text, []) for text in run]
            characters = min(2 * characters, _MOST_TOGETHER)
            continue
        for text in run:
            redacted, findings = (None, []) if text is None else _answer(text, rules, explain=explain)
            yield _line(redacted, findings)
            characters = 0 if findings else _FEWEST_TOGETHER


def _run(texts: Sequence[str | None], at: int, characters: int) -> Sequence[str | None]:
    """Return the texts from this one on that have together so many characters; one at least."""
    end = at + 1
    left = characters - len(texts[at] or "")
    while end < len(texts) and (left := left - len(texts[end] or "")) >= 0:
        end += 1
    return texts[at:end]


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


def _line(redacted: str | None, findings: list[dict[str, Any]]) -> bytes:
    """Return the line of an answer; of a line without anything an empty one."""
    if redacted is None:
        return b"\n"
    answer = {"text": redacted, "findings": findings}
    try:
        return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half of a surrogate pair
        return json.dumps(answer).encode() + b"\n"


def _answer(text: str, rules: Rules, *, explain: bool) -> tuple[str, list[dict[str, Any]]]:
    try:
        found = search(text, rules=rules)
    except Withheld:
        return WITHHELD, [{"type": "WITHHELD", "start": 0, "end": len(text)}]
    return spliced(text, found), [_finding(one, explain=explain) for one in found]


def _finding(one: Redaction, *, explain: bool) -> dict[str, Any]:
    finding = {"type": one.type, "start": one.start, "end": one.end}
    return finding | {"detector": one.detector, "reason": _REASONS.get(one.detector, OWN_REASON)} if explain else finding
