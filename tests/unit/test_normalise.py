"""Views of a text, and the way back from them."""

import json
import random

import pytest

from langtrail.processors.normalise import (
    View,
    _fold,
    json_escapes,
    json_unescaped,
    percent_decoded,
    plain,
    unescape_all,
    unescaped,
    without_typography,
)
from langtrail.processors.prefilter import ESCAPE, ODD, PERCENT, Prefilter
from langtrail.processors.redact import redact_text

HIDDEN = "\u200b"


def source(view: View, text: str, part: str) -> str:
    """Return the part of the source that a part of the view stands for."""
    start = view.text.index(part)
    begin, end = view.source(start, start + len(part))
    return text[begin:end]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("\uff21\uff22 \uff11\uff12\uff20\uff0e", "AB 12@."),
        ("\u0661\u0662\u06f3 \u0967\u0968", "123 12"),
        ("555\u20131234 \u2212 \u2010", "555-1234 - -"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\U0001d7d2\U0001d7d3 \u2074 \u2460", "45 4 1"),
        ("é日本 ünchanged", "é日本 ünchanged"),
    ],
)
def test_odd_characters_are_folded(text: str, folded: str) -> None:
    """Invisible ones go; digits of any script, full-width forms, dashes and blanks become ASCII."""
    assert plain(text).text == folded


def test_typography_is_folded_to_as_many_characters() -> None:
    """Prose is full of it: it is no sign that anything hides, and what does hide in it is seen all the same."""
    text = "\u00a0 \u2009 \u2010 \u2011 \u2013 \u2014 \u202f \u2212 é"
    assert without_typography(text) == plain(text).text == "    - - - -   - é"
    assert Prefilter().fired(f"He came \u2014 at last \u2013 and left\u00a0: done. {text}") == frozenset()
    assert redact_text("pay 5555\u20135555\u00a05555\u20114444 \u2014 now").text == "pay [CREDIT_CARD] \u2014 now"


def test_a_few_odd_characters_fold_as_many_do() -> None:
    """Of few each is replaced, and of many there is a table: both make the same of a text."""
    odd = [chr(code) for code in (*range(0xFF01, 0xFF5F), *range(0x1D7CE, 0x1D800), 0xAD, 0x2003, 0x207B, 0x2474, 0xFE58)]
    assert plain("é".join(odd)).text == "é".join(plain(char).text for char in odd)
    assert plain("".join(odd)).source(0, 1) == (0, 1)


def test_characters_that_do_not_show_are_dropped_at_once() -> None:
    """However many stand together they are one place of the map, and nothing of them is remembered."""
    remembered = _fold.cache_info().currsize
    views = [plain(f"a{HIDDEN * many}b") for many in range(1, 200)]
    assert {view.text for view in views} == {"ab"}
    assert {len(view.starts) for view in views} == {2}
    assert _fold.cache_info().currsize <= remembered + 1


def test_what_was_dropped_is_known_by_its_place() -> None:
    """Characters that do not show and codes of colours may stand side by side, at the beginning and at the end."""
    for text in ("\u200ba\u2060\x1b[31m\u200bb\x1b[0m", "\x1b[1m\x1b[31mab\u200b", "ab\u200b\u00ad"):
        view = plain(text)
        assert view.text == "ab"
        assert text[slice(*view.source(0, 1))] == "a"
        assert text[slice(*view.source(1, 2))] == "b"
        assert view.source(0, 2) == (text.index("a"), text.index("b") + 1)


def test_the_way_back_takes_whole_characters() -> None:
    """A span of the view is the span of the source it was made from, invisible characters inside included."""
    text = "to b\u200bob@ex\u00adample.org\u200b now"
    assert source(plain(text), text, "bob@example.org") == "b\u200bob@ex\u00adample.org"
    text = "q=bob%40example.org&%C3%A9=%41%42%43"
    view = percent_decoded(text)
    assert view.text == "q=bob@example.org&é=ABC"
    assert source(view, text, "bob@example.org") == "bob%40example.org"
    assert source(view, text, "B") == "%41%42%43"
    text = r"x \u0062ob\x40example.org &lt;&#64;&gt;"
    assert unescaped(text).text == "x bob@example.org <@>"
    assert source(unescaped(text), text, "bob@example.org") == r"\u0062ob\x40example.org"


def test_json_escapes_come_back_as_written() -> None:
    """Every escape counts whole, a surrogate pair as the one character it is."""
    literal = r"a\n\"\u0041\ud83d\ude00\\é"
    view = json_unescaped(literal)
    assert view.text == json.loads(f'"{literal}"')
    assert [literal[slice(*view.source(at, at + 1))] for at in range(len(view.text))] == [
        *("a", r"\n", r"\"", r"\u0041", r"\ud83d\ude00", r"\\", "é"),
    ]


def test_where_json_escapes_are_is_known_without_their_text() -> None:
    """Strings of escapes at random: every span of the text is where the whole view has it."""
    chance = random.Random(6)  # noqa: S311 - always the same texts
    for _ in range(300):
        literal = "".join(chance.choices(("a", "é", r"\n", r"\"", r"\\", r"\u0041", r"\ud83d\ude00", r"\q", r"\ud83d "), k=9))
        view, escapes = json_unescaped(literal), json_escapes(literal)
        for start in range(len(view.text)):
            assert escapes.source(start, start + 1) == view.source(start, start + 1)


def test_unescaping_is_what_a_parser_does() -> None:
    """Texts of backslashes at random: the quick way and the exact one agree with the parser."""
    chance = random.Random(5)  # noqa: S311 - always the same texts
    for _ in range(2000):
        text = "".join(chance.choices(["\\", '"', "n", "u", "é", "a", "/", "\n", "\t"], k=8))
        literal = json.dumps(text, ensure_ascii=chance.random() < 0.5)[1:-1]
        assert unescape_all(literal) == json_unescaped(literal).text == text


@pytest.mark.parametrize(
    ("text", "sign"), [("a\u200b", ODD), ("\uff11", ODD), ("%40", PERCENT), (r"\u0040", ESCAPE), ("&#64;", ESCAPE)]
)
def test_each_view_has_its_sign(text: str, sign: int) -> None:
    """A view is made only when the prefilter saw that it may differ."""
    assert sign in Prefilter().fired(text)
    assert not Prefilter().fired("plain text, é and 日本 too: 100 %") & {ODD, PERCENT, ESCAPE}


def test_broken_encodings_stay_texts() -> None:
    """Half escapes, bytes that are no UTF-8 and surrogates stop nothing."""
    half = chr(92) + "u12"
    lone = chr(92) + "ud83d"
    assert percent_decoded("%ff%fe %4").text == "\ufffd\ufffd %4"
    assert unescaped(f"{lone} {half} &nope; &#9999999;").text == f"\ufffd {half} &nope; \ufffd"
    assert json_unescaped(f"\\q {half} {lone}").text == f"\\q {half} {chr(0xD83D)}"


def test_what_is_far_from_all_that_was_decoded_is_left_out() -> None:
    """No word is cut, and what is there is where it was."""
    text = f"{'far away ' * 20}near x%40y near{' far away' * 20} close &#64; by"
    view = percent_decoded(text, around=5)
    assert [part.split() for part in view.text.split("\0")] == [["far", "away"], ["near", "x@y", "near"]]
    at = view.text.index("x@y")
    assert text[slice(*view.source(at, at + 3))] == "x%40y"
    assert text[slice(*view.source(at - 5, at - 1))] == "near"


def test_a_long_word_is_not_cut() -> None:
    """Where there is no blank all of it stays."""
    text = f"{'x' * 50}%40{'y' * 50}%40{'z' * 50}"
    assert percent_decoded(text, around=5).text == percent_decoded(text).text
