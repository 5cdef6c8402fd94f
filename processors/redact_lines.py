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
from .redact import BUDGET_SECONDS, WITHHELD, default_rules, search
from .redaction import Budget, Redaction, spliced
from .structure import might_be_json
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
_SHORT: Final = 256
"""Characters of a text that gains by being searched together with others."""
_TOGETHER: Final = 4 * 1024
"""Characters of texts that are searched together: that doubles while nothing is found in them.

In more of them more detectors find something to look at.
"""
_MOST_TOGETHER: Final = 16 * 1024
_FEWEST: Final = 4
"""Texts that are worth to be searched together."""
_MOST_ALONE: Final = 32
"""Runs of texts that are searched one by one before the next is tried together."""


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
    """Yield the answers: short texts in a row are searched together while that takes less time than one by one."""
    at, together = 0, _Together(rules)
    while at < len(texts):
        run = _run(texts, at, together.characters)
        at += len(run)
        given = [text or "" for text in run]
        found = together.found(given) or [_found_alone(text, rules) for text in given]
        yield from [_line(text, redactions, explain=explain) for text, redactions in zip(run, found, strict=True)]


def _run(texts: Sequence[str | None], at: int, characters: int) -> Sequence[str | None]:
    """Return the texts from this one on, all short or none, that have together so many characters; one at least."""
    are_short, end, left = _is_short(texts[at] or ""), at, characters
    while end < len(texts) and _is_short(text := texts[end] or "") is are_short and (left := left - len(text)) >= 0:
        end += 1
    return texts[at : max(end, at + 1)]


def _is_short(text: str) -> bool:
    return len(text) <= _SHORT and not might_be_json(text)


class _Together:
    """Several texts searched in one go, and whether that is worth trying again."""

    def __init__(self, rules: Rules) -> None:
        self.characters = _TOGETHER
        """How many the texts of the next run may have."""
        self._rules = rules
        self._in_vain = 0
        self._left_alone = 0

    def found(self, texts: Sequence[str]) -> list[list[Redaction] | None]:
        """Return what is to go from each text; nothing at all where they are to be searched one by one."""
        if len(texts) < _FEWEST or not _is_short(texts[0]):
            return []
        if self._left_alone:
            self._left_alone -= 1
            return []
        found = self._searched(texts)
        self._in_vain = 0 if found else self._in_vain + 1
        self._left_alone = 0 if found else min(2**self._in_vain, _MOST_ALONE)
        self.characters = _TOGETHER if not found or any(found) else min(2 * self.characters, _MOST_TOGETHER)
        return found

    def _searched(self, texts: Sequence[str]) -> list[list[Redaction] | None]:
        found: list[list[Redaction]] = [[] for _ in texts]
        try:
            together = self._rules.find_together(texts, Budget(BUDGET_SECONDS))
            for number, one in () if together is None else together:
                found[number].append(one)
        except Withheld:
            return []
        return [] if together is None else [*found]


def _found_alone(text: str, rules: Rules) -> list[Redaction] | None:
    try:
        return search(text, rules=rules)
    except Withheld:
        return None


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


def _line(text: str | None, found: list[Redaction] | None, *, explain: bool) -> bytes:
    """Return the line of an answer; of a line without anything an empty one."""
    if text is None:
        return b"\n"
    if found is None:
        answer = {"text": WITHHELD, "findings": [{"type": "WITHHELD", "start": 0, "end": len(text)}]}
    else:
        answer = {"text": spliced(text, found), "findings": [_finding(one, explain=explain) for one in found]}
    try:
        return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half of a surrogate pair
        return json.dumps(answer).encode() + b"\n"


def _finding(one: Redaction, *, explain: bool) -> dict[str, Any]:
    finding = {"type": one.type, "start": one.start, "end": one.end}
    return finding | {"detector": one.detector, "reason": _REASONS.get(one.detector, OWN_REASON)} if explain else finding
