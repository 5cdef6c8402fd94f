"""JSON taken apart: every text with its place, its key, and what that key says."""

import json

import orjson
import pytest

from langtrail.processors.redact import redact_text
from langtrail.processors.structure import Leaf, is_json, leaves, looks_like_json, might_be_json


def written(text: str, leaf: Leaf) -> str:
    """Return what stands in the document for all of a leaf."""
    start, end = leaf.source(0, len(leaf.text))
    return text[start:end]


def test_every_text_is_found_with_its_key_and_place() -> None:
    """Keys come as texts of their own; elements of a list belong to the list's key."""
    text = '{"a": "x", "list": ["y", {"b": "z"}], "n": 5}'
    found = [(leaf.text, leaf.key, leaf.owner >= 0) for leaf in leaves(text)]
    keys = [("a", "", True), ("list", "", True), ("b", "", True), ("n", "", True)]
    values = [("x", "a", False), ("y", "list", False), ("z", "b", False)]
    assert sorted(found) == sorted([*keys, *values])
    assert [written(text, leaf) for leaf in leaves(text)] == [leaf.text for leaf in leaves(text)]


def test_places_go_through_escapes_and_levels() -> None:
    """A span of a text three levels down is the span of the document where it stands, escapes included."""
    inner = json.dumps({"to": "é\n\u0001x@y"})
    text = json.dumps({"args": json.dumps({"deep": inner})})
    leaf = next(leaf for leaf in leaves(text) if "@" in leaf.text)
    assert leaf.text == "é\n\u0001x@y"
    start, end = leaf.source(3, 6)
    assert text[start:end] == "x@y"
    start, end = leaf.source(2, 3)
    assert text[start:end] == r"\\\\u0001"


def test_json_beyond_the_third_level_is_text() -> None:
    """Levels are bounded: what is deeper comes as the text that it is written as."""
    text = json.dumps("x")
    for _ in range(6):
        text = json.dumps([text])
    (leaf,) = leaves(text)
    assert leaf.text.startswith("[")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_number_is_quoted_as_its_level_asks(depth: int) -> None:
    """A string in the place of a number needs quotation marks with as many backslashes as there are levels."""
    text = '{"phone":2125550147}'
    for _ in range(depth):
        text = json.dumps({"v": text})
    leaf = next(leaf for leaf in leaves(text) if leaf.number)
    start, end = leaf.source(0, len(leaf.text))
    replaced = f"{text[:start]}{leaf.quote()}[PHONE]{leaf.quote()}{text[end:]}"
    for _ in range(depth):
        replaced = json.loads(replaced)["v"]
    assert json.loads(replaced) == {"phone": "[PHONE]"}


def test_only_telling_numbers_are_found() -> None:
    """Under a key that says something, or as long as a card's; fractions and short numbers are left out."""
    text = '{"phone": 1, "n": 2, "long": 123456789012, "float": 1234567890123.5, "e": 1e30, "pin": [3, 4]}'
    assert [leaf.text for leaf in leaves(text) if leaf.number] == ["1", "123456789012", "3", "4"]


@pytest.mark.parametrize("text", ['{"a":1}', " [1]", '"x"', "{}", "[]", '[{"a":[]}]', "[true]", "[null, -1]"])
def test_json_is_recognised(text: str) -> None:
    """Objects, arrays and strings, with blanks before them."""
    assert is_json(text)


@pytest.mark.parametrize(
    "text", ["", "x", "12", "true", "[see above]", "[1] first", '"a" and "b"', "{a}", "{'a': 1}", '{"a":', "[" * 9999]
)
def test_other_text_is_not_json(text: str) -> None:
    """Prose in brackets or quotes, other notations, what was cut off, and what is too deep to be read."""
    assert not is_json(text)


def test_what_was_cut_off_is_not_read_to_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that does not end as it begins is no JSON: its strings, which look like JSON too, are thousands."""
    read: list[str] = []
    loads = orjson.loads

    def reads(text: str) -> object:
        read.append(text)
        return loads(text)

    monkeypatch.setattr(json, "loads", reads)
    monkeypatch.setattr(orjson, "loads", reads)
    assert not is_json(json.dumps(['{"a": 5'] * 9)[:-1])
    assert not is_json('{"a": 5')
    assert read == []
    assert is_json(' {"a": 5}\n')
    assert len(read) == 1


def test_the_beginning_of_json_looks_like_it() -> None:
    """What was cut off is taken apart as far as it goes."""
    text = '{"a": "x", "b": {"c": "y", "d'
    assert looks_like_json(text)
    assert [leaf.text for leaf in leaves(text)] == ["a", "x", "b", "c", "y", "d"]
    assert not looks_like_json('"just a quotation')


@pytest.mark.parametrize("blanks", ["", " " * 63, " " * 64, " " * 65, "\n" * 70, " \t\r\n" * 500])
def test_json_behind_blanks_is_json(blanks: str) -> None:
    """However many: what its keys say holds, and what it ends with is closed once."""
    assert (
        redact_text(f'{blanks}{{"password": "sunshine", "pin": 4921}}').text
        == f'{blanks}{{"password": "[SECRET]", "pin": "[SECRET]"}}'
    )
    assert redact_text(f'{blanks}{{"a": ["b", {{"password": "sunshine').text == f'{blanks}{{"a": ["b", {{"password": "[SECRET]'


@pytest.mark.parametrize(
    ("text", "might"),
    [
        ('"one string"', True),
        (' "one string" \n', True),
        ('"an \\"escaped\\" one"', True),
        ('"Yes," she said', False),
        ('"Yes," she said. "Go on."', False),
        ('"', False),
        ('""', True),
        ("", False),
        (" " * 100, True),
        ("[5] a note", True),
        ("prose", False),
    ],
)
def test_what_somebody_says_is_no_json(text: str, *, might: bool) -> None:
    """Prose may begin with a quotation mark; a string of JSON has two of them unless it has escapes."""
    assert might_be_json(text) is might
