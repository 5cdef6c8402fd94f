"""Documents cut at their quotation marks: what a walk finds is found, and said of it what a walk says."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from langtrail.processors import scan
from langtrail.processors.detectors import DETECTORS
from langtrail.processors.findings import Finding
from langtrail.processors.key_rules import number_hit, value_hit
from langtrail.processors.redact import redact_text
from langtrail.processors.redaction import Budget
from langtrail.processors.scan import Scanner
from langtrail.processors.structure import is_valid, leaves, looks_like_json
from langtrail.processors.texts import Cut, are_several, closed, cut, joined_texts

WORDS = (
    *(text for detector in DETECTORS for text in (detector.example, detector.counter_example)),
    *(
        "",
        " ",
        "\n",
        "\t",
        '"',
        "\\",
        '\\"',
        "{",
        "[",
        ":",
        ",",
        "\0",
        "é",
        "日本",
        "\u2028",
        "🙂",
        "a: b",
        "[EMAIL]",
        "sunshine",
    ),
    *("4111 1111 1111 1111", "ring 555-0147", "x\ny@example.org", " {}", "[1]", '"quoted"', "password", "phone"),
)
KEYS = (
    *("role", "content", "type", "id", "name", "value", "arguments", "function", "data", "key", "header", "text", "index"),
    *("password", "phone", "max_tokens", "ann@example.org", "", "a b", 'q"', "\\", "créé", "param", "token"),
)
NUMBERS = (0, -1, 1.5, 1e30, 4111111111111111, -4111111111111111, 1514038620000, 12345678901234567890, 0.4111111111111111)


def value(chance: random.Random, depth: int) -> Any:
    """Return JSON data at random; JSON in strings too."""
    kind = chance.randrange(9 if depth else 5)
    if kind >= 7:
        return {chance.choice(KEYS): value(chance, depth - 1) for _ in range(chance.randrange(4))}
    if kind == 6:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 5:
        return written(chance, value(chance, depth - 1))
    if kind == 4:
        return chance.choice((None, True, *NUMBERS))
    return chance.choice(("", " ")).join(chance.choices(WORDS, k=chance.randrange(1, 4)))


def written(chance: random.Random, data: Any) -> str:
    """Write JSON in one of the ways that there are."""
    return json.dumps(
        data,
        ensure_ascii=chance.random() < 0.5,
        indent=chance.choice((None, None, 1)),
        separators=chance.choice((None, (",", ":"), (" , ", " : "))),
    )


def documents(count: int) -> Iterator[str]:
    """Yield JSON texts at random, always the same ones."""
    chance = random.Random(22)  # noqa: S311 - always the same texts
    for _ in range(count):
        yield written(chance, value(chance, 5))


def test_cut_texts_are_those_of_a_walk() -> None:
    """Texts, keys and places are the same, and what is left out would not have been judged."""
    taken = 0
    for document in documents(4000):
        if document[0] not in '{["' or (texts := cut(document)) is None:
            continue
        taken += 1
        assert_walked(texts, document)
    assert taken > 1000


def test_joined_texts_are_all_texts() -> None:
    """None is left out: not of members with one name, not of JSON in strings, not a number that may be a card's."""
    taken = 0
    for document in documents(4000):
        if document[0] not in '{["' or (joined := joined_texts(document)) is None:
            continue
        taken += 1
        texts = cut(document)
        assert texts is not None
        assert joined == "\0".join(texts.texts), document
    assert taken > 300
    for hidden in (
        r'{"a": "x\n", "a": "y"}',
        r'{"a": "\u0022", "b": "x"}',
        r'["\n", "[\"x\"]"]',
        r'["\n", 123456789012]',
        '["\\n", 0.5]',
    ):
        assert joined_texts(hidden) is None, hidden
    assert joined_texts('["\\n", ' * 99 + "1" + "]" * 99) is None


def test_what_was_cut_off_is_closed() -> None:
    """Wherever a document ends: the texts are those of a walk through what there is of it."""
    taken = 0
    chance = random.Random(3)  # noqa: S311 - always the same texts
    for document in documents(4000):
        begun = document[: chance.randrange(1, len(document) + 1)]
        if not looks_like_json(begun):
            continue
        whole = closed(begun)
        if whole is None:  # it ends within the end of a number
            assert begun[-1] in ".eE+-0123456789", begun
            continue
        taken += 1
        assert is_valid(whole), begun
        there, same = ([(leaf.text, leaf.key) for leaf in leaves(text)] for text in (begun, whole))
        assert there[:-1] == same[: len(there) - 1], begun
    assert taken > 1000


@pytest.mark.parametrize(
    ("begun", "whole"),
    [
        ('["a', '["a"]'),
        ('["a\\', '["a"]'),
        ('["a\\\\', '["a\\\\"]'),
        ('["a\\u00', '["a"]'),
        ("[1, tru", "[1, null]"),
        ("[1, -0.", "[1, null]"),
        ("[1, 2", "[1, 2]"),
        ('["a", ', '["a"]'),
        ('{"a', '{"a":null}'),
        ('{"a"', '{"a":null}'),
        ('{"a":', '{"a":null}'),
        ('[{"a": [1,', '[{"a": [1]}]'),
        ('["a"}', None),
        ('{"a" "b"', None),
        ("[1, sunshine", None),
        ("[1, 0301234567", None),
        (f"[{'[' * 99}{']' * 99}", None),
    ],
)
def test_what_it_ends_within_is_left_out(begun: str, whole: str | None) -> None:
    """Nobody knows what it would have been. What is no JSON, or nested too deep, is not closed; no word is lost."""
    assert closed(begun) == whole


@pytest.mark.parametrize(
    ("text", "are"),
    [
        ('{"a": 1}\n{"b": 2}\n', True),
        ('{"a": 1}\r\n\n[2]\r\n', True),
        ('{"a": 1}\n{"b": "x', True),
        ('{"a": 1}\nsunshine', False),
        ('{"a": 1} {"b": 2}', True),
        ('{"a": "} {"}{"b": "\\" [1] [2]"}\n {"c": "x', True),
        ('{"a": [] []}', False),
        ('{"a": 1} sunshine {"b": 2}', False),
        ('{"a": 1}, {"b": 2}', False),
        ("[1] [2]", False),
        ('{"a": 1}', False),
    ],
)
def test_several_documents_are_told(text: str, are: bool) -> None:
    """All of them are JSON, but that the last one may end too early."""
    assert are_several(text) is are


def test_documents_behind_one_another_are_searched_as_lines_are() -> None:
    """The same is found in them, wherever the last one ends."""
    for end in range(12):
        made = [json.dumps({"text": text, "password": text}) for text in WORDS]
        lines, row = ("".join(f"{document}{sign}" for document in made)[: -1 - end] for sign in ("\n", " "))
        assert redact_text(row).findings == redact_text(lines).findings


def assert_walked(texts: Cut, document: str) -> None:
    """Hold that the texts of a document are those of a walk through it, and stand where they stand."""
    walked = [leaf for leaf in leaves(document) if not leaf.number]
    assert list(texts.texts) == [leaf.text for leaf in walked], document
    for number, leaf in enumerate(walked):
        end = len(leaf.text)
        assert texts.key(number) == leaf.key, document
        assert texts.leaf(number).source(0, end) == leaf.source(0, end), document
        assert texts.leaf(number).owner == leaf.owner, document
        assert leaf.rule is None or not value_hit(leaf.text, leaf.rule), document
    numbers = (leaf for leaf in leaves(document) if leaf.number)
    assert not any(number_hit(leaf.text, leaf.key, leaf.rule) for leaf in numbers), document


def test_cutting_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the document, the same is found in it as by walking through all of them."""
    scanner = Scanner()

    def found(document: str) -> list[tuple[Finding, str, str]]:
        return [(one.finding, one.replacement, one.detector) for one in scanner.find(document, Budget(60))]

    given = [text for document in documents(2500) for text in (document, document[: len(document) // 2])]
    quickly = [found(document) for document in given]
    monkeypatch.setattr(scan, "cut", lambda _: None)
    for document, quick in zip(given, quickly, strict=True):
        assert quick == found(document), document
    assert sum(map(len, quickly)) > 1000


@pytest.mark.parametrize(
    "document",
    [
        '{"password": "sunshine"}',
        '{"a": {"Phone": 5}}',
        '{"n": 4111111111111111}',
        '{"name": "password", "value": "sunshine"}',
        '{"a": "{\\"password\\": \\"sunshine\\"}"}',
        '{"a": "{\\"b\\": NaN}"}',
    ],
)
def test_what_a_key_or_a_number_tells_is_walked_through(document: str) -> None:
    """Cutting does not know which key a value is under: where that matters it declines."""
    assert is_valid(document)
    assert cut(document) is None


@pytest.mark.parametrize("text", ["", "x", "NaN", '["\\ud800"]', '["a]', "{'a': 1}", '"\n"', "[1,]"])
def test_only_standard_json_is_cut(text: str) -> None:
    """What a lenient reader takes for JSON is left to the walk."""
    assert not is_valid(text)
