"""Named entities by a recogniser of another package: asked for by a policy, whole texts, and withheld when it fails."""

import json
from collections.abc import Collection, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from langtrail.processors import entities
from langtrail.processors.entities import ENTRY_POINTS, CannotFind, finder, type_of
from langtrail.processors.event import Withheld
from langtrail.processors.policy_reader import PolicyError, read_policy
from langtrail.processors.redact import rules_of, search
from langtrail.processors.redact_lines import redacted_lines
from langtrail.processors.redaction import spliced

ASKED: dict[str, Any] = {"version": "1", "entities": {"find": ["PERSON", "LOCATION"], "by": "names"}}
seen: list[str] = []


def recogniser(language: str, model: str) -> entities.Finder:
    """Return a recogniser that knows two names, and stumbles over a third."""

    def find(text: str, names: Collection[str]) -> Iterable[tuple[str, int, int]]:
        seen.append(text)
        if "Stumble" in text:
            raise RuntimeError("as packages do")
        known = {"Rose May": "PERSON", "John Deere": "PERSON", "Lyon": "LOCATION", "EMAIL": "PERSON"}
        return [
            (kind, text.index(name), text.index(name) + len(name))
            for name, kind in known.items()
            if name in text and kind in names
        ]

    return find


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer that recogniser as a package does."""
    point = SimpleNamespace(name="names", load=lambda: recogniser)
    monkeypatch.setattr(entities, "entry_points", lambda *, group: [point] if group == ENTRY_POINTS else [])


def redacted(text: str, table: dict[str, Any]) -> str:
    """Return what a policy makes of a text."""
    found = search(text, rules=rules_of(read_policy(table)))
    return spliced(text, found)


@pytest.mark.usefixtures("offered")
def test_a_policy_asks_a_recogniser_by_the_name_of_its_entry_point() -> None:
    """What it finds goes with the rest, each with its type; a company that is called like a person stays."""
    text = "Rose May of Lyon (ann@example.org) drives a John Deere tractor"
    assert redacted(text, ASKED) == "[PERSON] of [ADDRESS] ([EMAIL]) drives a John Deere tractor"
    assert redacted(text, {"version": "1"}) == text.replace("ann@example.org", "[EMAIL]")


@pytest.mark.usefixtures("offered")
def test_each_text_of_a_document_is_looked_at_once_and_whole() -> None:
    """JSON is taken apart first, and what lies behind a name is not searched again without what was before it."""
    seen.clear()
    text = json.dumps({"a": "Rose May of Lyon, she said", "b": ["Lyon"]})
    assert json.loads(redacted(text, ASKED)) == {"a": "[PERSON] of [ADDRESS], she said", "b": ["[ADDRESS]"]}
    assert [one for one in seen if len(one) > 4] == ["Rose May of Lyon, she said"]


@pytest.mark.usefixtures("offered")
def test_placeholders_are_nobody() -> None:
    """What a recogniser sees in one of our own placeholders is left alone."""
    assert redacted("to [EMAIL] then", ASKED) == "to [EMAIL] then"


@pytest.mark.usefixtures("offered")
def test_it_fails_closed() -> None:
    """A recogniser that raises, and a text that is too long for it, withhold the text."""
    rules = rules_of(read_policy(ASKED))
    with pytest.raises(Withheld, match="failed"):
        search("Stumble", rules=rules)
    with pytest.raises(Withheld, match="too long"):
        search("word " * 20_000, rules=rules)
    answer = next(iter(redacted_lines([b'{"text": "Stumble"}'], rules=rules)))
    assert json.loads(answer)["text"] == "[WITHHELD]"


@pytest.mark.usefixtures("offered")
def test_explained_findings_say_that_a_recogniser_said_so() -> None:
    """The reason names no pattern."""
    rules = rules_of(read_policy(ASKED))
    answer = json.loads(next(iter(redacted_lines([b'{"text": "Rose May"}'], rules=rules, explain=True))))
    assert [(one["detector"], one["reason"]) for one in answer["findings"]] == [
        ("entities", "A recogniser of named entities says so.")
    ]


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ("PERSON", "entities must be a table"),
        ({}, "entities.find must be a list of names in capitals"),
        ({"find": ["person"]}, "entities.find must be a list of names in capitals"),
        ({"find": ["PERSON"], "modell": "x"}, "entities.modell is not known; there are find, by, language, model"),
        ({"find": ["PERSON"], "model": "../x"}, "entities.model must be text"),
        ({"find": ["PERSON"], "by": "nobody"}, "entities no package offers a recogniser of this name"),
    ],
)
def test_a_policy_that_asks_wrongly_is_refused(given: Any, mistake: str) -> None:
    """Each mistake is named."""
    with pytest.raises(PolicyError, match=mistake):
        read_policy({"version": "1", "entities": given})


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Presidio the sentence says which extra brings it."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(entities, "import_module", missing)
    entities.presidio.cache_clear()
    with pytest.raises(CannotFind, match=r"pip install langtrail\[ner\]"):
        finder(entities.Asked(("PERSON",)))


def test_entities_have_types_of_ours() -> None:
    """A known type, a translation of it, or one that says that it is not ours."""
    assert [type_of(name) for name in ("PERSON", "LOCATION", "NRP")] == ["PERSON", "ADDRESS", "CUSTOM_NRP"]
