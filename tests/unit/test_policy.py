"""Redaction policies: what they make of texts, and what is said of a wrong one."""

import json
import logging
import random
import tomllib
from typing import Any

import pytest

from langtrail.processors.document_paths import SEPARATOR, places
from langtrail.processors.event import Event
from langtrail.processors.policy import MASK, OFF, PathRule, Policy, toml_of
from langtrail.processors.policy_reader import PolicyError, parse_policy
from langtrail.processors.policy_trial import failed_tests
from langtrail.processors.pseudonym import Pseudonyms
from langtrail.processors.redact import WITHHELD, Redactor, rules_of, search
from langtrail.processors.redaction import Budget, spliced
from langtrail.processors.tenant import Tenant

KEY = Pseudonyms(bytes(range(32)))
BOB = KEY.token("acme", "EMAIL", "bob@example.org")


def made(policy: str, text: str, field: str = "input") -> str:
    """Return what a policy makes of a text."""
    return again(parse_policy('version = "1"\n' + policy), text, field)


def again(policy: Policy, text: str, field: str = "input") -> str:
    """Return the same for a policy that is parsed."""
    found = search(text, rules=rules_of(policy, KEY, "acme"), field=field)
    return spliced(text, found)


# ruff: noqa: E501 - a case is a line
CASES = [
    ("", "mail bob@example.org", "mail [EMAIL]"),
    ('default = "pseudonym"', "mail bob@example.org", f"mail [{BOB}]"),
    ('default = "drop"', '{"a": "bob@example.org", "n": 4539148803436467}', '{"a": "", "n": null}'),
    ('detectors.EMAIL = "off"', "bob@example.org, 10.1.2.3", "bob@example.org, [IP_ADDRESS]"),
    ('detectors.email = "mask"', "mail bob@example.org", "mail [EMAIL:****]"),
    ('default = "mask"', "card 4539 1488 0343 6467, 10.1.2.3", "card [CREDIT_CARD:****6467], [IP_ADDRESS:****]"),
    ('default = "mask"', "call +1 415 555 2671 now", "call [PHONE:****2671] now"),
    ('default = "mask"', '{"card": 4539148803436467}', '{"card": "[CREDIT_CARD:****6467]"}'),
    ('allow = ["*@acme.com", "4111 1111 1111 1111"]', "Ann@ACME.com, 4111-1111-1111-1111, b@acme.com.au",
     "Ann@ACME.com, 4111-1111-1111-1111, [EMAIL]"),
    ('allow = ["*@acme.com"]', "x YW5uQGFjbWUuY29tIHdyb3RlIHRvIHVz y", "x YW5uQGFjbWUuY29tIHdyb3RlIHRvIHVz y"),
    ('detectors.EMAIL = "drop"', '{"bob@example.org": 1, "ann@example.org": 2}', '{"[EMAIL:1]": 1, "[EMAIL:2]": 2}'),
    ('default = "pseudonym"', '{"bob@example.org": 1, "BOB@example.org": 2}', f'{{"[{BOB}]": 1, "[{BOB}:1]": 2}}'),
    ('default = "pseudonym"', '{"a": "{\\"to\\": \\"\\\\u0062ob@example.org\\"}"}', f'{{"a": "{{\\"to\\": \\"[{BOB}]\\"}}"}}'),
    ('[[paths]]\npath = "input.*.order"\nexclude = true', '[{"order": "bob@example.org", "to": "bob@example.org"}]',
     '[{"order": "bob@example.org", "to": "[EMAIL]"}]'),
    ('[[paths]]\npath = "input.id"\naction = "placeholder"\ntype = "CUSTOM_ID"', '{"id": 7, "di": 7}', '{"id": "[CUSTOM_ID]", "di": 7}'),
    ('[[paths]]\npath = "**.id"\naction = "drop"\ntype = "SECRET"', '{"a": [{"id": {"x": [true, "y"]}}]}', '{"a": [{"id": {"x": [null, ""]}}]}'),
    ('[[paths]]\npath = "output"\naction = "drop"', '"bob@example.org"', '"[EMAIL]"'),
    ('[[custom]]\nname = "order"\ntype = "CUSTOM_ORDER"\npattern = \'\\bORD-[0-9]{4}\\b\'',
     '{"a": "see ORD-1234", "b": "ORD-1234\\u0021"}', '{"a": "see [CUSTOM_ORDER]", "b": "[CUSTOM_ORDER]\\u0021"}'),
    ('[[custom]]\nname = "all"\ntype = "SECRET"\npattern = "zz[^!]*"\naction = "mask"', '["a zz b", "c"]', '["a [SECRET:****]", "c"]'),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "text", "expected"), CASES)
def test_a_policy_makes_this_of_a_text(policy: str, text: str, expected: str) -> None:
    """Actions by type, detector and path; what is allowed stays; what is JSON stays JSON; a second time changes nothing."""
    assert made(policy, text) == expected
    assert made(policy, expected) == expected
    if text[0] in "{[":
        json.loads(expected)


def test_a_policy_says_which_country_phone_numbers_are_of() -> None:
    """Written with a calling code or without, in the country of the tenant, a number has one pseudonym."""
    british = KEY.token("acme", "PHONE", "+442079460958")
    for written in ("+44 (0)20 7946 0958", "020 7946 0958"):
        assert made('default = "pseudonym"\nphone_region = "GB"', f"ring {written}") == f"ring [{british}]"
    assert made('default = "pseudonym"', "ring 020 7946 0958") == f"ring [{KEY.token('acme', 'PHONE', '02079460958')}]"


def test_a_carrier_goes_when_something_in_it_must() -> None:
    """That one type is off does not let out another that is carried with it."""
    carried = "Ym9iQGV4YW1wbGUub3JnIGZyb20gMTAuMS4yLjMgaXMgaGVyZQ=="  # bob@example.org from 10.1.2.3 is here
    assert made('detectors.EMAIL = "off"', f"body: {carried}") == "body: [IP_ADDRESS]"


MISTAKES = [
    ('version = ""', "version"),
    ('version = "1"\ndefault = "off"', "default"),
    ('version = "1"\nnews = 1', "news"),
    ('version = "1"\ndetectors.EMIAL = "off"', "detectors.EMIAL"),
    ('version = "1"\ndetectors.EMAIL = "maks"', "detectors.EMAIL"),
    ('version = "1"\nallow = ["*.*", 3]', "allow.0"),
    ('version = "1"\nallow = ["*-a-*-b-*@c.org"]', "allow.0"),
    ('version = "1"\nallow = "a"', "allow"),
    ('version = "1"\n[[paths]]\npath = "inputs.a"\naction = "drop"', "paths.0.path"),
    ('version = "1"\n[[paths]]\npath = "input.a"', "paths.0"),
    ('version = "1"\n[[paths]]\npath = "input.a"\naction = "off"\ntype = "EMAIL"', "paths.0.type"),
    ('version = "1"\n[[custom]]\nname = "a"\ntype = "EMAIL"\npattern = "(?=a)"', "custom.0.pattern"),
    ('version = "1"\n[[custom]]\nname = "a"\ntype = "EMAIL"\npattern = "a*"', "custom.0.pattern"),
    ('version = "1"\n[[custom]]\nname = "email"\ntype = "THING"\npattern = "a"', "custom.0.type"),
    ('version = "1"\n[[tests]]\ntext = "a"', "tests.0.expected"),
    ('version = "1"\nphone_region = "UK"', "phone_region"),
    ('version = "1"\nphone_region = ["GB"]', "phone_region"),
    ('version = "1"\n' + "".join(f'[[custom]]\nname = "n{n}"\ntype = "EMAIL"\npattern = "a"\n' for n in range(33)), "custom"),
]


@pytest.mark.parametrize(("text", "where"), MISTAKES)
def test_what_is_wrong_is_named_by_its_place(text: str, where: str) -> None:
    """Each mistake says where it is."""
    with pytest.raises(PolicyError) as raised:
        parse_policy(text)
    assert where in [".".join(map(str, mistake.where)) for mistake in raised.value.mistakes]


def test_all_mistakes_come_at_once() -> None:
    """Nobody mends one to be told of the next."""
    with pytest.raises(PolicyError) as raised:
        parse_policy('default = "no"\nallow = ["a", "b"]\n[detectors]\nEMAIL = "no"')
    assert len(raised.value.mistakes) == 5


def test_a_policy_s_own_tests_are_run() -> None:
    """What does not come out as expected is named with what came out."""
    policy = parse_policy(
        'version = "1"\ndefault = "pseudonym"\n'
        'tests = [{text = "bob@example.org", expected = "[EMAIL:PSEUDONYM]"}, {text = "10.1.2.3", expected = "10.1.2.3"}]'
    )
    assert failed_tests(policy) == [(("tests", 1), "became '[IP_ADDRESS:PSEUDONYM]', expected '10.1.2.3'")]


def test_the_revision_changes_with_the_content_alone() -> None:
    """The same policy has the same revision however its file is laid out."""
    one = parse_policy('version = "7"\n# said\nallow = ["abc"]\ndetectors.EMAIL = "off"').revision
    assert one == parse_policy('detectors = {EMAIL = "off"}\nallow = ["abc"]\nversion = "7"').revision
    assert one != parse_policy('version = "7"\nallow = ["abd"]\ndetectors.EMAIL = "off"').revision
    assert one.startswith("7+")


def test_a_table_as_toml_is_the_same_table() -> None:
    """What a tenant's record holds says what the file said."""
    table: dict[str, Any] = {"a": 'x"\\\n\x7fé', "b": [1, True, {"c d": []}], "e": {"f": {"g": "h"}}}
    assert tomllib.loads(toml_of(table)) == table


def test_each_value_has_its_path() -> None:
    """Keys and positions lead to every value; brackets and quotes in strings do not mislead."""
    text = '{"a": [1, {"b]": "x,\\"}"}], "c": {}, "d": null}'
    found = [(place.path.split(SEPARATOR), text[place.start : place.end]) for place in places(text, "input")]
    assert found == [
        (["input", "a", "0"], "1"),
        (["input", "a", "1", "b]"], 'x,\\"}'),
        (["input", "d"], "null"),
    ]


def event(redactor: Redactor, **content: str) -> Event:
    """Return an event of the tenant acme after the step."""
    made = Event(None, b"", {}, 0, 0, 0, core={"tenant_id": "acme"}, content=content)
    redactor(made)
    return made


def test_an_event_follows_its_tenant_s_policy() -> None:
    """The next event after a change is redacted by the new policy, and says so; persons are tokens whatever the action."""
    tenants = {"acme": Tenant("acme", 1)}
    redactor = Redactor(tenants.get, KEY)
    head = event(redactor, error_message="bob@example.org").head
    assert (head["error_message"], head["policy_revision"], head["subject_tokens"]) == ("[EMAIL]", "default-1", [BOB])
    text = 'version = "2"\ndetectors.EMAIL = "drop"'
    tenants["acme"] = Tenant("acme", 2, policy=text, policy_revision=parse_policy(text).revision)
    head = event(redactor, error_message="to bob@example.org", input='"bob@example.org"').head
    assert (head["error_message"], head["input"], head["subject_tokens"]) == ("to ", '""', [BOB])
    assert head["policy_revision"] == parse_policy(text).revision


@pytest.mark.parametrize(
    ("text", "error"),
    [('version = "1"\nfrom_the_future = 1', "cannot read it"), ('version = "1"\ndefault = "pseudonym"', "no key")],
)
def test_a_policy_that_cannot_be_applied_withholds_all_content(text: str, error: str, caplog: pytest.LogCaptureFixture) -> None:
    """It fails closed, is counted, and is said once."""
    redactor = Redactor({"acme": Tenant("acme", 1, policy=text, policy_revision="1+abc")}.get)
    with caplog.at_level(logging.ERROR):
        first, second = (event(redactor, input='"plain"', error_message="plain") for _ in range(2))
    assert first.head == second.head
    assert (first.head["input"], first.head["error_message"]) == (json.dumps(WITHHELD), WITHHELD)
    assert (first.head["redaction_status"], first.head["policy_revision"]) == ("withheld", "1+abc")
    assert first.withheld == ["input", "error_message"]
    assert redactor.failures == {"PolicyUnusable": 4}
    assert len(caplog.records) == 1
    assert error in caplog.text


def test_what_is_very_long_is_never_allowed() -> None:
    """A secret of a hundred thousand characters is no name that somebody wants to keep."""
    policy = parse_policy('version = "1"\nallow = ["*aa*bb"]')
    assert policy.allows("aabb")
    assert not policy.allows("a" * 100_000 + "bb")


def _matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Tell what the documentation says of a path, trying everything."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_matches(pattern[1:], path[skipped:]) for skipped in range(len(path) + 1))
    return bool(path) and pattern[0] in ("*", path[0]) and _matches(pattern[1:], path[1:])


def test_a_path_matches_as_documented_without_trying_everything() -> None:
    """`*` is one key or position, `**` any number of them, and what lies under a path is meant too."""
    chance = random.Random(23)  # noqa: S311 - always the same paths
    for _ in range(3000):
        pattern = tuple(chance.choices(("a", "b", "*", "**"), k=chance.randrange(1, 6)))
        path = tuple(chance.choices(("a", "b", "c.d", ""), k=chance.randrange(1, 7)))
        rule = PathRule(".".join(pattern), OFF)
        assert rule.matches(SEPARATOR.join(path)) is _matches(pattern, path), (pattern, path)


def test_a_deep_document_does_not_hold_a_worker_up() -> None:
    """Each of 900 levels is compared with a path of two `**` once: trying everything would take minutes."""
    text = '{"a": ' * 900 + "{}" + ', "v": "a@b.org"}' * 900
    rules = rules_of(Policy("1", paths=(PathRule("**.a.**.x", OFF), PathRule("input.**.v", MASK, "EMAIL"))))
    assert len(rules.find(text, Budget(60), "input", set())) == 900
