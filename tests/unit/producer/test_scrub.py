"""Secrets and blobs never leave the process: by the name of their key, by their prefix, by their size."""

import hashlib
import random
from typing import Any

import orjson
import pytest

from langtrail.producer.labels import MAX_IDENTIFIER, WITHHELD, identifier, label, namespace, technical
from langtrail.producer.scrub import SECRET, is_secret_name, needs_scrubbing, scrub, scrub_text
from langtrail.producer.serialise import snapshot, snapshot_text

SEED = 11
TOKENS = [
    "sk-abcdefghijklmnop1234",
    "sk-proj-abc_def-ghijklmnop1234",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnopqrstuvwx",
    "github_pat_abcdefghijklmnopqrst",
    "xoxb-1234567890-abcdef",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "glpat-abcdefghijklmnop",
    "hf_abcdefghijklmnopqrstuv",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "sk_live_abcdefghijklmnop",
    "SG.abcdefghijklmnop.abcdefghijklmnop",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_123",
    "Bearer abcdefghijklmnop1234",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]
NAMES = [
    *(
        "api_key",
        "openai_api_key",
        "apiKey",
        "x-api-key",
        "Authorization",
        "proxy-authorization",
        "password",
        "DB_PASSWORD",
        "passwd",
    ),
    *(
        "client_secret",
        "secret",
        "aws_secret_access_key",
        "access_token",
        "refresh_token",
        "session_token",
        "bot_token",
        "private_key",
    ),
    *("Cookie", "set-cookie", "credentials", "passphrase", "pwd", "connection_string", "dsn", "AccountKey"),
]
HARMLESS = [
    "key",
    "keys",
    "token",
    "tokens",
    "max_tokens",
    "token_count",
    "primary_key",
    "author",
    "secretary",
    "cookies_count",
]


def recorded(value: Any) -> Any:
    """Return what a value is in the trail."""
    return orjson.loads(bytes(snapshot(value)))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_under_a_secret_name_is_withheld(name: str) -> None:
    """However deep it is, and whatever it is."""
    assert recorded({"a": [{name: "hunter2 hunter2"}]}) == {"a": [{name: SECRET}]}
    assert recorded({name: {"inner": "x"}}) == {name: SECRET}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_only_sounds_like_one_is_kept(name: str) -> None:
    """Counts and keys of tables are no secrets."""
    assert not is_secret_name(name)
    assert recorded({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("size", [0, 30_000], ids=["short", "long"])
def test_a_token_with_a_known_prefix_is_withheld_from_text_of_any_length(token: str, size: int) -> None:
    """In JSON and in plain text, at the beginning, in the middle and twice."""
    filling = "an ordinary sentence about risk-based desk-research. " * (size // 50)
    for text in (f"{filling}kaboom {token} and {token}", f"{token} {filling}"):
        for found in (recorded({"text": text})["text"], snapshot_text(text).decode()):
            assert found == text.replace(token, SECRET)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("before", ["\n", "\t", '"', "\\", "\u2028", "é ", "\x1f", "("])
def test_a_token_is_found_after_whatever_json_escapes(token: str, before: str) -> None:
    """A line break is a letter in JSON; a search of its bytes must not take it for a part of a word."""
    assert recorded({"text": f"x{before}{token}"}) == {"text": f"x{before}{SECRET}"}


def test_tokens_that_are_keys_are_withheld_and_their_values_stay() -> None:
    """Sessions by their token: the tokens go, and no value is lost for it."""
    sessions = {token: number for number, token in enumerate(TOKENS)}
    recorded = orjson.loads(snapshot({"sessions": sessions}))["sessions"]
    assert [*recorded] == [SECRET, *(f"{SECRET} ({number})" for number in range(2, len(TOKENS) + 1))]
    assert [*recorded.values()] == [*range(len(TOKENS))]


def test_the_search_for_signs_misses_nothing_that_the_walk_takes_out() -> None:
    """For 3,000 random documents of secret and harmless names, tokens and odd letters."""
    rng = random.Random(SEED)  # noqa: S311 - test data
    names = [
        *NAMES,
        *HARMLESS,
        "pa\u017f\u017fword",
        "to\u212aen",
        "AP\u0131_KEY",
        'api_key"x',
        "password\n",
        "x-a\u0130-token",
    ]
    pieces = [*TOKENS, *NAMES, " ", "\n", '"', "\\", "é", "Bearer\n", "sk-", ":", "risk-averse task-force ", "Bearer\u00a0"]
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randrange(4)))
        name = rng.choice((str.upper, str.title, str))(rng.choice(names))
        document = rng.choice(({name: text}, [{"a": {name: [text]}}], {"a": [text, {"b": text}], name: 0}, text))
        if scrub(document) != document:
            assert needs_scrubbing(orjson.dumps(document)), document


def test_text_without_a_token_is_as_it_was() -> None:
    """Words that begin like one, at any length."""
    text = "risk-averse task-force SKU sk-1 AKIA ghp_ hf_x eyJ SG. Bearer of news. " * 1000
    assert scrub_text(text) == text
    assert recorded([text[:200], text]) == [text[:200], text]


def test_an_image_is_its_digest_length_and_type() -> None:
    """Two megabytes of base64 in an image block or a data: URL become a hundred characters that still prove it."""
    data = "iVBORw0KGgo" * 200_000
    url = f"data:image/png;base64,{data}"
    found = recorded(
        [{"type": "image_url", "image_url": {"url": url}}, {"type": "image", "base64": data, "mime_type": "image/png"}]
    )
    assert found[0]["image_url"]["url"] == {
        "type": "blob",
        "media_type": "image/png",
        "characters": len(url),
        "sha256": hashlib.sha256(url.encode()).hexdigest(),
    }
    assert found[1]["base64"]["sha256"] == hashlib.sha256(data.encode()).hexdigest()
    assert len(snapshot(found)) < 1000


def test_a_small_image_in_a_data_url_is_a_blob_too() -> None:
    """Its size says nothing about what it shows."""
    assert recorded({"url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="})["url"]["type"] == "blob"


@pytest.mark.parametrize("before", [0, 1, 63, 4_000, 8_191, 8_192, 12_345, 100_000])
def test_a_blob_is_found_wherever_it_begins(before: int) -> None:
    """The shortest one there is, with and without line breaks, between texts of any length."""
    for data in ("QUJD" * 4096, ("QUJD" * 19 + "\r\n") * 211):
        found = recorded({"a": "text " * (before // 5) + "x" * (before % 5), "b": data, "c": "and text " * 3000})
        assert found["b"]["sha256"] == hashlib.sha256(data.encode()).hexdigest()


def test_long_prose_is_no_blob() -> None:
    """Blanks and punctuation tell text from base64."""
    text = "Long prose, with words. " * 2000
    assert recorded({"text": text}) == {"text": text}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ChatOpenAI", "ChatOpenAI"),
        ("mail to bob@example.com", WITHHELD),
        ("call +47 123 45 678 90", WITHHELD),
        ("x" * 257, WITHHELD),
        (TOKENS[0], WITHHELD),
        ("a\ud800", "a\\ud800"),
    ],
)
def test_a_name_in_the_core_names_no_person_and_no_key(name: str, expected: str) -> None:
    """The core is never redacted, so it must not need it."""
    assert label(name) == expected


def test_digits_mean_nothing_in_what_a_machine_named() -> None:
    """Models and versions are full of dates; the ids of LangGraph's tasks are random digits."""
    assert technical("gpt-4o-2024-11-20-123456789") == "gpt-4o-2024-11-20-123456789"
    assert technical("bob@example.com") == WITHHELD
    assert namespace("agent:12345678-1234-1234-1234-123456789012|bob@example.com:1") == (
        "agent:12345678-1234-1234-1234-123456789012|withheld:1"
    )


def test_an_identifier_is_bounded_and_stays_distinct() -> None:
    """A provider may send anything as an id."""
    first, second = identifier("x" * 5000 + "1"), identifier("x" * 5000 + "2")
    assert len(first) == len(second) == MAX_IDENTIFIER
    assert first != second
    assert identifier("call_1") == "call_1"


@pytest.mark.parametrize("syllables", [1_000, 50_000])
def test_a_long_word_is_not_read_again_from_each_syllable(syllables: int) -> None:
    """What begins like a token at every fourth character is passed over at once, and a token behind it is found."""
    word, token = "eyJ-" * syllables, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ"
    assert scrub_text(f"{word} .eyJ x-{token}.") == f"{word} .eyJ x-{SECRET}"


def test_a_token_among_many_prefixes_is_found() -> None:
    """In a long text that has hundreds of prefixes all of it is searched."""
    prefixes = "hf_ AKIA xoxb- " * 2_000
    assert scrub_text(f"{prefixes}AKIAIOSFODNN7EXAMPLE {prefixes}") == f"{prefixes}{SECRET} {prefixes}"
