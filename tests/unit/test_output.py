"""What is printed: safe to look at, for people and for programs."""

import io
import json
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from langtrail.deploy.ask import Answer, message
from langtrail.deploy.excerpt import excerpt
from langtrail.deploy.output import dollars, duration, print_json, shortened, tally, visible
from langtrail.deploy.tables import print_answer, sessions_for_people

ESCAPE = "\x1b[31mred\x1b[0m"


def printed(answer: Answer, width: int = 100) -> str:
    """Return what a terminal of this width shows of an answer."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, force_terminal=False)
    print_answer(answer, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 日本語 🙂", "plain äöü 日本語 🙂"),
        (ESCAPE, "\\x1b[31mred\\x1b[0m"),
        ("two\nlines\r\n\tend\x00", "two\\nlines\\r\\n\\tend\\x00"),
        ("right\u202eto left, \x9b c1, \u2028", "right\\u202eto left, \\x9b c1, \\u2028"),
    ],
)
def test_nothing_in_a_text_acts_on_a_terminal(text: str, shown: str) -> None:
    """Control characters and those that turn the direction of text are written as their escapes, letters stay."""
    assert visible(text) == shown


def test_json_is_the_same_data_and_safe_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON comes back as it went in; no character that a terminal obeys is in it, letters are not escaped."""
    value = [{"name": "Bäckerei", "text": f"{ESCAPE}\x7f\x9b\u202e", "count": 2**63 - 1, "none": None}]
    print_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert "Bäckerei" in text
    assert not any(not character.isprintable() and character != "\n" for character in text)


def test_markup_in_a_cell_stays_text() -> None:
    """What looks like rich's markup or emoji code in the data, or in a column's name, is shown as it is."""
    text = printed(Answer(("[red]name", "value"), [["[bold]x[/bold] :smile:", ESCAPE]]))
    assert "[red]name" in text
    assert "[bold]x[/bold] :smile:" in text
    assert "\\x1b[31mred\\x1b[0m" in text
    assert "\x1b" not in text


def test_an_answer_says_how_many_rows_it_has() -> None:
    """Below a table is the number of rows, which is all there is without any."""
    assert printed(Answer(("a",), [[1], [2]])).splitlines()[-1].strip() == "2 rows"
    assert printed(Answer(("a",), [[None]])).split() == ["a", "────", "null", "1", "row"]
    assert printed(Answer(("a",), [])).strip() == "0 rows"


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width: int) -> None:
    """Too many columns become one value a line; either way each value is there in full."""
    names = tuple(f"column_{index}" for index in range(30))
    values = [f"value-{index}-{'x' * index}" for index in range(30)]
    text = printed(Answer(names, [values]), width)
    assert all(len(line) <= width for line in text.splitlines())
    together = "".join(text.split())
    assert all(name in together and value in together for name, value in zip(names, values, strict=True))


def test_a_long_text_is_cut_where_people_read_and_shows_it() -> None:
    """A cell of a table has at most 2,000 characters, the last of which is an ellipsis when there was more."""
    text = printed(Answer(("long",), [["y" * 5000]]))
    assert text.count("y") == 1999
    assert "…" in text


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    """Columns of numbers are aligned by their last digit."""
    lines = printed(Answer(("name", "events"), [["a", 5], ["bb", 1234]])).splitlines()
    assert lines[2].split() == ["a", "5"]
    assert lines[2].index("5") == lines[3].index("4")


def test_sessions_are_shown_with_times_and_costs_for_people() -> None:
    """The time is to the minute, the length for people, the cost in dollars; an unknown cost stays unknown."""
    columns = ("tenant_id", "session_id", "first", "last", "events", "runs", "errors", "principal_ids", "cost_usd")
    times = "2026-11-22T11:38:04.000000Z", "2026-11-22T11:38:05.500000Z"
    rows: list[list[Any]] = [
        ["acme", "s1", *times, 9, 6, 0, ["u1", "u2"], 0.0000435],
        ["acme", "s2", *times, 2, 1, 1, [], None],
    ]
    shown = sessions_for_people(Answer(columns, rows))
    assert shown.rows[0] == ["acme", "s1", "2026-11-22 11:38", "1.50 s", 9, 6, 0, ["u1", "u2"], "$0.0000435"]
    assert shown.rows[1][-1] is None


@pytest.mark.parametrize(
    ("microseconds", "shown"),
    [
        (0, "0 ms"),
        (850, "0.8 ms"),
        (12_400, "12 ms"),
        (1_240_000, "1.24 s"),
        (185_000_000, "3 min 5 s"),
        (7_440_000_000, "2 h 4 min"),
        (266_400_000_000, "3 d 2 h"),
    ],
)
def test_durations_are_for_people(microseconds: int, shown: str) -> None:
    """A length of time has the unit that fits it."""
    assert duration(microseconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (12.4, "$12.40"), (1234.5, "$1,234.50"), (0.0031, "$0.00310"), (0.0000264, "$0.0000264")],
)
def test_small_amounts_keep_their_digits(amount: float, shown: str) -> None:
    """An amount below a dollar shows three digits that count."""
    assert dollars(amount) == shown


def test_short_texts_stay_whole_and_findings_are_counted() -> None:
    """A text is cut only beyond its limit; a tally names each type and how often it was found."""
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"
    assert tally(["EMAIL", "IBAN"], [2, 1]) == "EMAIL×2 IBAN×1"  # noqa: RUF001 - the sign for times
    assert tally([], []) == ""


@pytest.mark.parametrize(
    ("value", "gist"),
    [
        (None, ""),
        ("a text", "a text"),
        ([{"type": "human", "content": "first"}, {"type": "ai", "content": "last"}], "last"),
        ({"messages": [["user", "hello"]]}, "hello"),
        ([{"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {"x": 1}, "id": "c"}]}], '→ f({"x": 1})'),
        ([{"type": "ai", "content": [{"type": "text", "text": "see"}, {"type": "image"}]}], "see [image]"),
        ([{"page_content": "one"}, {"page_content": "two"}], "2 documents: one | two"),
        ([{"page_content": "one"}], "1 document: one"),
        ({"input": "asked"}, "asked"),
        ({"country": "DE", "limit": 5}, '{"country": "DE", "limit": 5}'),
        ({"messages": []}, '{"messages": []}'),
        ([], "[]"),
        (["a", 1], '["a", 1]'),
        (42, "42"),
    ],
)
def test_the_gist_of_what_was_recorded(value: object, gist: str) -> None:
    """Of messages the last one is shown, of documents their texts, of anything else its JSON."""
    assert excerpt(value) == gist


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "error code 62\n Code: 62. DB::Exception: Syntax error: SELEC 1. Expected one of: Q. (SYNTAX_ERROR) (version 26.9)",
            "Syntax error: SELEC 1 (SYNTAX_ERROR)",
        ),
        (
            "Code: 47. DB::Exception: Unknown identifier `x`. In scope SELECT x\n FORMAT Native. (UNKNOWN_IDENTIFIER)",
            "Unknown identifier `x`. In scope SELECT x (UNKNOWN_IDENTIFIER)",
        ),
        (
            "Code: 164. DB::Exception: Code: 164. DB::Exception: Cannot modify it. (READONLY) (version 26.9.2.1). (READONLY)",
            "Cannot modify it (READONLY)",
        ),
        (f"Code: 395. DB::Exception: {ESCAPE}. (FUNCTION_THROW_IF)", "\\x1b[31mred\\x1b[0m (FUNCTION_THROW_IF)"),
        ("Connection refused", ""),
    ],
)
def test_what_clickhouse_says_becomes_one_line(said: str, sentence: str) -> None:
    """Its message stays, its version, its lists of tokens and our own FORMAT do not; nothing of it acts on a terminal."""
    assert message(said) == sentence


def test_a_text_object_is_taken_as_it_is() -> None:
    """A cell that is styled already keeps its text."""
    assert "styled" in printed(Answer(("a",), [[Text("styled", style="bold")]]))
