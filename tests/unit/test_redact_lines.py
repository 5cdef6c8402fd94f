"""Texts redacted line by line: one answer a line, offsets in characters, and a sentence for what is no such line."""

import json
import subprocess
import sys
from collections.abc import Sequence
from io import BufferedReader, RawIOBase
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from langtrail.processors import redact_lines as module
from langtrail.processors.detector import Detector
from langtrail.processors.detectors import DETECTORS
from langtrail.processors.event import Withheld
from langtrail.processors.redact import redact_text
from langtrail.processors.redact_lines import NotALine, lines_arriving, redacted_lines


def lines(*texts: str, explain: bool = False) -> list[Any]:
    """Return the answers to these texts."""
    asked = [json.dumps({"text": text}).encode() + b"\n" for text in texts]
    return [json.loads(line) for line in redacted_lines(asked, explain=explain)]


class Arriving(RawIOBase):
    """A stream whose bytes come in these pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next piece."""
        piece = self.pieces.pop(0) if self.pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_each_line_is_answered_with_text_and_findings() -> None:
    """Findings come in order, with offsets in characters of the input, also behind characters of several bytes."""
    text = "é💶 ann@example.org, 10.1.2.3"
    assert lines(text, "nothing") == [
        {
            "text": "é💶 [EMAIL], [IP_ADDRESS]",
            "findings": [{"type": "EMAIL", "start": 3, "end": 18}, {"type": "IP_ADDRESS", "start": 20, "end": 28}],
        },
        {"text": "nothing", "findings": []},
    ]


def test_it_is_the_redaction_of_the_worker() -> None:
    """JSON in a text is taken apart as in an event."""
    text = '{"password": "hunter2", "to": "mail ann@example.org"}'
    assert lines(text)[0]["text"] == redact_text(text).text == '{"password": "[SECRET]", "to": "mail [EMAIL]"}'


def test_a_card_in_a_log_line_is_no_json_number() -> None:
    """A line that begins with a bracket is no JSON: the detector of cards found it, whatever else it might be taken for."""
    for text in ("[2026-11-22 10:22:33] card 4539148803436467 accepted", "[1] 4539148803436467 [2]"):
        assert [finding["detector"] for finding in lines(text, explain=True)[0]["findings"]] == ["credit_card"]
    assert lines("[1, 4539148803436467]", explain=True)[0]["findings"][0]["detector"] == "json_number"


def test_explained_findings_name_detector_and_reason() -> None:
    """Patterns, keys and numbers of JSON each say why."""
    text = '{"password": "hunter2", "n": 4539148803436467, "to": "ann@example.org"}'
    findings = lines(text, explain=True)[0]["findings"]
    assert [finding["detector"] for finding in findings] == ["key", "json_number", "email"]
    assert all(len(finding["reason"]) > 10 for finding in findings)


def test_lone_surrogates_and_long_texts_are_answered() -> None:
    """What JSON allows is answered as JSON, at any length."""
    long = "word " * 300_000
    answers = lines("\ud83d ann@example.org", long + "ann@example.org")
    assert answers[0] == {"text": "\ud83d [EMAIL]", "findings": [{"type": "EMAIL", "start": 2, "end": 17}]}
    assert answers[1]["text"] == long + "[EMAIL]"


def test_an_empty_line_is_answered_with_an_empty_line() -> None:
    """As many lines come out as go in."""
    assert list(redacted_lines([b"\n", b'{"text": ""}\n', b"  \n"])) == [b"\n", b'{"text":"","findings":[]}\n', b"\n"]


@pytest.mark.parametrize("line", [b"{", b'"text"', b"{}", b'{"text": 1}', b'{"text": "\xff"}', b"[" * 100_000])
def test_a_line_without_a_text_is_named_by_its_number(line: bytes) -> None:
    """Lines before it are answered; nothing of its content is repeated."""
    answers = redacted_lines([b'{"text": "a"}', line])
    next(answers)
    with pytest.raises(NotALine, match=r"^line 2 is not a JSON object with a text"):
        next(answers)


def test_texts_asked_about_together_are_answered_as_alone() -> None:
    """Clean, found, empty, JSON and wrong lines in any order: each is answered as if it were the only one."""
    kinds = ["nothing here", "mail ann@example.org", '{"password": "hunter2"}', "", "\ud83d", "word " * 5_000, "nor here"]
    texts = [text for three in product(kinds, repeat=3) for text in three]
    texts += ["clean"] * 40 + ["pay 5555 5555 5555 4444"] + ["clean"] * 40
    assert lines(*texts) == [lines(text)[0] for text in texts]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_what_a_detector_finds_is_found_among_other_texts(detector: Detector) -> None:
    """Wherever among them it stands, it is what is found in it alone; and nothing is found in the others."""
    example, counter, clean = detector.example, detector.counter_example, "Nothing here."
    alone = {text: lines(text)[0] for text in (example, counter, clean)}
    for texts in ([example, clean], [clean, example], [clean, example, counter, example, clean], [counter, example]):
        assert lines(*texts) == [alone[text] for text in texts]


def test_texts_that_take_too_long_together_are_judged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the time of one to itself then."""
    texts = ["mail ann@example.org", "mail bob@example.org", "nothing here", "pay 5555 5555 5555 4444"]
    alone = [lines(text)[0] for text in texts]
    monkeypatch.setattr(module, "BUDGET_SECONDS", -1.0)
    assert lines(*texts) == alone


def test_lines_are_taken_as_they_arrive() -> None:
    """Whole lines are not held back for what follows them; the last one needs no end of line."""
    arriving = Arriving([b"a\nb", b"c\n\n", b"d", b"e", b"\nf\ng"])
    assert list(lines_arriving(BufferedReader(arriving))) == [[b"a"], [b"bc", b""], [b"de", b"f"], [b"g"]]


def test_a_text_that_cannot_be_judged_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed, as the worker does."""

    def too_long(text: str, **_: object) -> Sequence[Any]:
        raise Withheld("the search ran over its time budget")

    monkeypatch.setattr(module, "search", too_long)
    assert lines("ann@example.org") == [{"text": "[WITHHELD]", "findings": [{"type": "WITHHELD", "start": 0, "end": 15}]}]


def test_the_command_streams_and_stops_at_a_wrong_line() -> None:
    """An answer comes before the next line is sent; a wrong line ends it with status 2 and a sentence; Faust is not loaded."""
    code = (
        "import sys; sys.argv = ['langtrail', 'redact']\n"
        "from langtrail.deploy.cli import main\n"
        "try:\n    main()\nfinally:\n    assert 'faust' not in sys.modules and 'clickhouse_connect' not in sys.modules"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"text": "ann@example.org"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == "[EMAIL]"
        out, err = process.communicate(b"no\n", timeout=60)
    assert (out, process.returncode) == (b"", 2)
    assert err.startswith(b"langtrail: line 2 is not a JSON object with a text")


def test_a_full_disk_ends_the_command_with_a_sentence() -> None:
    """What cannot be written is no traceback: status 2 says so to whoever reads only that."""
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-m", "langtrail.deploy.cli", "redact"],
            input=b'{"text": "x"}\n',
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert process.returncode == 2
    assert process.stderr == b"langtrail: redact stopped: standard input or output failed (No space left on device)\n"
