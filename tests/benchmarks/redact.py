"""How fast redaction is: `python tests/benchmarks/redact.py`, one core, no broker, texts made here.

Prose of few words, of every day and of many words, text dense with personal data, the worst of many pathological texts of
100 kB, and where Presidio is installed (`pip install "langtrail[ner]"`) the same text by its pattern recognisers, without named
entities. RE2 builds its automata while it reads: what is read for the first time takes longer, and is said apart.
"""

import json
import random
import re
import string
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import quote

from langtrail.processors.detectors import DETECTORS
from langtrail.processors.entities import keep_offline
from langtrail.processors.garbage import garbage_seldom_collected
from langtrail.processors.redact import redact_text
from langtrail.processors.redact_lines import redacted_lines

KB: Final = 1000
ROUNDS: Final = 5
SENTENCE: Final = (
    "the auditor asked which request of the customer had been answered by which model and what it had read before"
    " every answer is kept with its question and nobody can change a word of either without being noticed later"
)
WORDS: Final = SENTENCE.split()
DENSE: Final = (
    "Call {word} at +49 30 9018{n:04} about invoice {n}; {prose}. Then mail {word}.{n}@example.org what was paid with card"
    " 5555 5555 5555 4444, for {prose} in the meantime. The request came from 10.1.{a}.{b} last week: {prose}.\n"
)
"""Four findings in some 800 characters."""
EVERYDAY: Final = (
    "The office — open since {a} \u2013 sold {n} tickets at ${b}.50 each; a number of callers asked to return 3/{b} of theirs.",
    "She put 2 + {b} cookies into each of {a} boxes and passed them on: how many had been left when the phone rang?",
    "“It costs {b},{n}\u00a0euros,” he said, “and the place is about 40 minutes from the station.”\n",
)
"""Nothing is to be found in it, and much of it looks as if there were: numbers, dashes, words that come before secrets."""
FRAGMENTS: Final = [
    *string.printable,
    *(word for detector in DETECTORS for text in (detector.example, detector.counter_example) for word in text.split()),
]
UNITS: Final = (
    *(
        "1",
        "1 ",
        "1-",
        "1.",
        "a.",
        "a@",
        "a@b.co ",
        "4auth=(user,",
        "Cookie:a1990",
        "$6$rootmysql",
        "=",
        "a=",
        '"',
        "'",
        "`",
        "\\",
        '\\"',
        "\n",
        " ",
        "é",
        "日",
        "\u200b",
        "😀",
    ),
    *(
        "[",
        "]",
        "{",
        "(",
        "<a>",
        "%41",
        "&#64;",
        "\\u0041",
        "://",
        "a://b:c@",
        ":",
        "a:b:",
        "1::",
        "de:ad:be:ef:",
        "--",
        "+1",
        "+49 ",
    ),
    *(
        "password",
        "password=",
        "password: ",
        'token: "',
        "key=",
        "cookie: a=",
        "authorization: ",
        "bearer ",
        "eyJ",
        "sk-",
        "xoxb-",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "4111 ",
        "5555555555554444 ",
        "gb82 ",
        "01 ",
        "2024-01-01 ",
        "10.1.2.3 ",
        "[EMAIL]",
        "a1B2",
    ),
)


NUMBERED: Final = (
    *("1 ", "1234 ", "1234-", "1.2.3.4 ", "a@b1.co ", "219-09-9998 ", "gb82 ", "1::1 ", "key=1 ", "pwd='a1' ", "cookie: a=1\n"),
    *("authorization: a1\n", "call 123 4567 ", "+49 30 1234567 ", "200 200 2000 ", "bob1@example.org ", "5555 5555 5555 4444 "),
    *("set key a1b2c3\n", "name,password\n1,a1b2\n\n", '"|"|password|b1234|\n', "kind: Secret\ndata:\n  user: ${X1234}\n"),
)
"""What is strung together with other digits each time."""

MIXTURES: Final = {
    "names and operators": (
        "password",
        "token",
        "key",
        "auth",
        "=",
        ": ",
        " ",
        '"',
        "'",
        "_",
        "my",
        "(",
        ")",
        "\n",
        "<",
        "name=",
    ),
    "addresses": ("bob@example.org ", "10.1.2.3 ", "ann.lee@corp.example ", "2001:db8::1 ", "3c:22:fb:9a:01:7e "),
    "numbers in many forms": ("+49 30 9018 22 ", "(212) 555-0147 ", "06.12.34.56.78 ", "5555 5555 5555 4444 ", "219-09-9998 "),
    "encoded": ("%41", "%40", "&#64;", "\\u0041", "bob%40example.org ", "bWFpbCBib2JAY29ycC5jb20gbm93IQ== "),
    "odd characters": ("４０１２ ", "bob\u200b@\u2060corp.com ", "é", "日本", "\u202e"),  # noqa: RUF001 - they are meant
    "configuration": ("db_password=hunter2\n", "token: ${TOKEN}\n", 'api_key := "a1B2c3D4"\n', "secret='x'\n", "key: value\n"),
}
"""What is strung together at random."""

CARRIERS: Final[dict[str, Callable[[str], str]]] = {
    "as percent-encoding": quote,
    "in base64": lambda text: b64encode(text.encode()).decode(),
    "in hexadecimal digits": lambda text: text.encode().hex(),
    "in JSON": lambda text: json.dumps({"text": text}),
    "in JSON of JSON": lambda text: json.dumps(json.dumps({"text": text})),
    "between characters that do not show": "\u200b".join,
}


def main() -> None:
    """Print each figure on a line of its own. Garbage is seldom collected, as a worker and `langtrail redact` have it."""
    chance = random.Random(7)  # noqa: S311 - always the same texts
    prose = [" ".join(chance.choices(WORDS, k=300)) + "." for _ in range(300)]
    dense = "".join(dense_lines(chance, 1000))
    texts = [dense[at : at + 2 * KB] for at in range(0, len(dense), 2 * KB)]
    with garbage_seldom_collected():
        of_ordinary_texts(prose, texts, chance)
        of_hostile_texts(chance)
        beside_presidio(prose[:20], texts[:20])


def of_ordinary_texts(prose: list[str], dense: list[str], chance: random.Random) -> None:
    """Print how fast prose is, of few words and of many, and text dense with personal data."""
    print(f"redact: prose {speed(redact_text, prose):,.0f} MB/s, texts of 1.5 kB")
    short = [text[at : at + 200] for text in prose for at in range(0, len(text), 200)]
    print(f"redact: JSON lines of 200 characters of prose {speed_of_lines(short):,.0f} MB/s")
    everyday = [*everyday_texts(chance, 1000)]
    print(f"redact: everyday prose {speed(redact_text, everyday):,.0f} MB/s, texts of 500 characters")
    documents = [" ".join(everyday[at : at + 60]) for at in range(0, len(everyday), 60)]
    print(f"redact: everyday prose {speed(redact_text, documents):,.0f} MB/s, texts of 30 kB")
    print(f"redact: JSON lines of everyday prose {speed_of_lines(everyday):,.0f} MB/s")
    vocabulary = [*made_up_words(chance, 5000)]
    varied = [" ".join(chance.choices(vocabulary, k=300)) + "." for _ in range(1000)]
    first = sum(map(len, varied)) / timed(lambda: [redact_text(text) for text in varied]) / 1e6
    print(f"redact: prose of 5,000 made-up words {first:,.0f} MB/s at first, {speed(redact_text, varied):,.0f} MB/s after")
    print(f"redact: dense with personal data {speed(redact_text, dense):,.1f} MB/s, texts of 2 kB")


def of_hostile_texts(chance: random.Random) -> None:
    """Print the slowest of many texts that nobody writes."""
    worst = sorted(((*seconds(text), name) for name, text in pathological(chance)), reverse=True)
    for taken, first, name in worst[:10]:
        print(f"redact: 100 kB of {name}: {taken * 1000:,.0f} ms, the first time {first * 1000:,.0f}")
    slowest, first = worst[0][0] * 1000, max(first for _, first, _ in worst) * 1000
    print(f"redact: {len(worst)} pathological texts of 100 kB, the slowest {slowest:,.0f} ms, the first time {first:,.0f}")


def beside_presidio(prose: list[str], dense: list[str]) -> None:
    """Print how fast Presidio is on the same texts, by its pattern recognisers alone."""
    if find_spec("presidio_analyzer") is None:
        print('redact: Presidio is not installed; compare with it after: pip install "langtrail[ner]"')
        return
    analyse = presidio()
    mixed = [text for pair in zip(prose, dense, strict=False) for text in pair]
    for name, texts in (("prose", prose), ("text dense with personal data", dense), ("both in turn", mixed)):
        ours, theirs = speed(redact_text, texts), speed(analyse, texts)
        print(
            f"redact: Presidio without named entities, {name}: {theirs:,.3f} MB/s, {ours / theirs:,.0f} times slower than ours"
        )


def dense_lines(chance: random.Random, count: int) -> Iterator[str]:
    """Yield lines with four findings each."""
    for _ in range(count):
        numbers = {"n": chance.randrange(10_000), "a": chance.randrange(256), "b": chance.randrange(256)}
        yield DENSE.format(word=chance.choice(WORDS), prose=SENTENCE, **numbers)


def everyday_texts(chance: random.Random, count: int) -> Iterator[str]:
    """Yield prose in which nothing is to be found, of five sentences."""
    for _ in range(count):
        numbers = {"n": chance.randrange(100, 1000), "a": chance.randrange(2, 100), "b": chance.randrange(2, 20)}
        yield " ".join(chance.choices(EVERYDAY, k=5)).format(**numbers)


def made_up_words(chance: random.Random, count: int) -> Iterator[str]:
    """Yield words of two to five syllables: shorter ones are too often what numbers of persons are called."""
    syllables = [start + vowel + end for start in "bcdfghklmnprstvw" for vowel in "aeiou" for end in ("", "n", "r", "s", "t")]
    for _ in range(count):
        yield "".join(chance.choices(syllables, k=chance.randrange(2, 6)))


def pathological(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield texts of 100 kB with what they are made of: repeats, examples of detectors, others like them, random characters."""
    for unit in (*UNITS, *(f"{detector.example} " for detector in DETECTORS)):
        yield repr(unit[:40]), (unit * (100 * KB // len(unit) + 1))[: 100 * KB]
    for name, units in MIXTURES.items():
        yield name, "".join(chance.choices(units, k=50 * KB))[: 100 * KB]
    for name, characters in (
        ("digits", string.digits),
        ("digits and blanks", string.digits + " "),
        ("digits, points, colons", string.digits + "-./: "),
        ("digits and signs", string.digits + " -.()+/"),
        ("hexadecimal digits", string.hexdigits.lower()),
        ("base64", string.ascii_letters + string.digits + "+/"),
        ("punctuation", string.punctuation),
        ("any ASCII", string.printable),
    ):
        yield f"random {name}", "".join(chance.choices(characters, k=100 * KB))
    examples = [detector.example for detector in DETECTORS]
    yield "all examples", (" ".join(examples) * 20)[: 100 * KB]
    starts = [example[: chance.randrange(4, 12)] for example in examples]
    yield "all prefixes", "".join(chance.choices(starts, k=30 * KB))[: 100 * KB]
    for _ in range(200):
        made = ["".join(chance.choices(FRAGMENTS, k=chance.randrange(1, 6))) for _ in range(chance.randrange(1, 4))]
        yield f"random {made}"[:60], "".join(chance.choices(made, k=100 * KB))[: 100 * KB]
    for value in ("4539148803436467", 4539148803436467, "a@b.co ", {"key": ["x", "y"]}, 'say "ring 555-0147"\n'):
        yield f"JSON of {value!r}", json.dumps([value] * (75 * KB // len(json.dumps(value))))
        yield f"JSON of JSON of {value!r}, cut off", json.dumps([json.dumps(value)] * 9 * KB)[: 100 * KB]
    for unit in (*NUMBERED, *(f"{example} " for example in examples if any(map(str.isdigit, example)))):
        yield f"{unit[:40]!r}, no two alike", unlike(chance, unit, 100 * KB)
    for unit in ("10.1.2.3", "200 200 2000", "DE89 3704 0044 0532 0130 00", '{"password": "a1"}'):
        values, size = unlike(chance, f"{unit}\n", 100 * KB).splitlines(), len(json.dumps(unit))
        listed = json.dumps(values[: 100 * KB // (size + 2)])
        keyed = json.dumps({f"a{number}": value for number, value in enumerate(values[: 100 * KB // (size + 11)])})
        for name, document in (("a list", listed), ("an object", keyed)):
            yield f"{unit!r} in {name} of JSON, no two alike", document
            yield f"{unit!r} in {name} of JSON, no two alike, cut off", document[:-3]
    for name, carried in CARRIERS.items():
        yield f"all examples {name}", " ".join(map(carried, examples * 20))[: 100 * KB]
    all_ways = [carried(example) for example in examples for carried in CARRIERS.values()]
    yield "all examples in all these ways", " ".join(chance.sample(all_ways, k=len(all_ways)))[: 100 * KB]


def unlike(chance: random.Random, unit: str, length: int) -> str:
    """Return so many characters of a unit again and again, each time with other digits."""
    text = unit * (length // len(unit) + 1)
    return re.sub(r"\d", lambda _: chance.choice(string.digits), text)[:length]


def speed(redact: Callable[[str], Any], texts: list[str]) -> float:
    """Return megabytes a second of CPU, the best of some rounds."""
    for text in texts:
        redact(text)
    best = min(timed(lambda: [redact(text) for text in texts]) for _ in range(ROUNDS))
    return sum(len(text.encode()) for text in texts) / best / 1e6


def speed_of_lines(texts: list[str]) -> float:
    """Return the same of `langtrail redact`, a text a line."""
    lines = [json.dumps({"text": text}).encode() for text in texts]
    return sum(map(len, lines)) / min(timed(lambda: [*redacted_lines(lines)]) for _ in range(ROUNDS)) / 1e6


def seconds(text: str) -> tuple[float, float]:
    """Return the CPU seconds that one text takes, the best of three, and those of the first time."""
    first = timed(lambda: redact_text(text))
    return min(first, *(timed(lambda: redact_text(text)) for _ in range(2))), first


def timed(call: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def presidio() -> Callable[[str], Any]:
    """Return Presidio's analysis by patterns alone: a tokenizer, and no model."""
    keep_offline()
    package: Any = import_module("presidio_analyzer")
    engine: Any = import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine()
    engine.nlp = {"en": import_module("spacy").blank("en")}
    registry = package.RecognizerRegistry()
    registry.load_predefined_recognizers()
    analyzer = package.AnalyzerEngine(registry=registry, nlp_engine=engine)
    return lambda text: analyzer.analyze(text, language="en")


if __name__ == "__main__":
    main()
