"""Step redact: one event's content in, its redacted fields and what is known of their redaction out. It fails closed."""

import json

import pytest

from langtrail.processors import redact as redact_module
from langtrail.processors.event import Event
from langtrail.processors.redact import REDACTOR_VERSION, WITHHELD, Redactor
from tests.broken_detector import broken_scanner

FIELDS = ("input", "output", "error_message", "params", "metadata")


def redacted(redactor: Redactor | None = None, **content: str) -> Event:
    """Return an event with this content after the step."""
    event = Event(None, b"", {}, 0, 0, 0, content=content)
    (redactor or Redactor())(event)
    return event


def test_every_field_is_redacted_and_counted() -> None:
    """Types come sorted, with their counts in the same order, over all fields; text around stays."""
    event = redacted(
        input='{"messages":[{"role":"user","content":"I am ann@example.org, card 4539 1488 0343 6467"}]}',
        output='["bob@example.org"]',
        error_message="cannot mail carl@example.org",
        params='{"api_key":"sunshine","max_tokens":4096}',
        metadata='{"ls_model_name":"gpt-4o"}',
        tags='["ann@example.org","plain"]',
    )
    head = event.head
    assert head["input"] == '{"messages":[{"role":"user","content":"I am [EMAIL], card [CREDIT_CARD]"}]}'
    assert head["output"] == '["[EMAIL]"]'
    assert head["error_message"] == "cannot mail [EMAIL]"
    assert head["params"] == '{"api_key":"[SECRET]","max_tokens":4096}'
    assert head["metadata"] == '{"ls_model_name":"gpt-4o"}'
    assert head["tags"] == ["[EMAIL]", "plain"]
    assert head["redaction_types"] == ["CREDIT_CARD", "EMAIL", "SECRET"]
    assert head["redaction_counts"] == [1, 4, 1]
    assert (head["redaction_status"], head["subject_tokens"], event.withheld) == ("ok", [], [])
    assert (head["policy_revision"], head["redactor_version"]) == ("default-1", REDACTOR_VERSION)


def test_an_event_without_content_says_so() -> None:
    """Nothing was looked at: the fields are null, the tags empty."""
    head = redacted().head
    assert [head[name] for name in FIELDS] == [None] * 5
    assert (head["tags"], head["redaction_status"], head["redaction_types"], head["redaction_counts"]) == ([], "none", [], [])


def test_what_is_not_json_is_withheld_and_the_rest_goes_on() -> None:
    """A field that cannot be taken apart as what it should be leaves no byte of it."""
    redactor = Redactor()
    event = redacted(redactor, input='{"a": ann@example.org', output='"fine"', tags="oops")
    assert event.head["input"] == json.dumps(WITHHELD)
    assert event.head["output"] == '"fine"'
    assert event.head["tags"] == [WITHHELD]
    assert event.head["redaction_status"] == "partial"
    assert event.withheld == ["input", "tags"]
    assert redactor.failures == {"Withheld": 2}


def test_all_withheld_is_said() -> None:
    """When nothing could be judged the status is withheld; plain text is withheld as plain text."""
    event = redacted(Redactor(budget_seconds=-1), error_message="mail ann@example.org")
    assert (event.head["error_message"], event.head["redaction_status"]) == (WITHHELD, "withheld")


def test_a_detector_that_raises_withholds_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in a detector, the field does not go on; only the class of the error is kept."""
    scanner = broken_scanner("zz")
    monkeypatch.setattr(redact_module, "_scanner", lambda: scanner)
    redactor = Redactor()
    event = redacted(redactor, input='"a zz"', output='"a z"')
    assert (event.head["input"], event.head["output"]) == (json.dumps(WITHHELD), '"a z"')
    assert redactor.failures == {"ZeroDivisionError": 1}


def test_a_search_over_its_time_budget_withholds_the_field() -> None:
    """The budget is one for all fields of an event: what is found after its end is not judged any more."""
    now = iter((0.0, 1.0, 99.0))
    event = redacted(
        Redactor(budget_seconds=10, clock=lambda: next(now)), input='"ann@example.org"', output='"bob@example.org"'
    )
    assert event.head["input"] == '"[EMAIL]"'
    assert event.head["output"] == json.dumps(WITHHELD)
    assert event.withheld == ["output"]


def test_json_too_deep_to_be_walked_is_withheld() -> None:
    """A bomb of brackets is not searched and not passed on."""
    bomb = "[" * 100_000 + '"ann@example.org"' + "]" * 100_000
    assert redacted(input=bomb).head["input"] == json.dumps(WITHHELD)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [('["a", 1, {"b": "ann@example.org"}]', ["a", "1", '{"b":"[EMAIL]"}']), ('"one"', ["one"]), ("{}", ["{}"])],
)
def test_tags_are_texts_whatever_they_were(tags: str, expected: list[str]) -> None:
    """The column holds texts: what is none is written as JSON."""
    assert redacted(tags=tags).head["tags"] == expected


def test_redacting_an_event_twice_changes_nothing() -> None:
    """What went through the step once comes out of it the second time as it was."""
    content = {
        "input": '{"password":"hunter2","ann@example.org":{"phone":2125550147},"n":[1,2.50]}',
        "error_message": "call (212) 555-0147, token=[SECRET]",
    }
    once = redacted(None, **content).head
    twice = redacted(None, **{name: once[name] for name in content}).head
    assert [once[name] for name in content] == [twice[name] for name in content]
    assert twice["redaction_types"] == []


def test_the_version_names_release_and_patterns() -> None:
    """An auditor can tell by which patterns an event was redacted."""
    release, _, patterns = REDACTOR_VERSION.partition("+")
    assert release
    assert len(patterns) == 8
