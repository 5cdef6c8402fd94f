"""What a person types as the value of a parameter, and what ClickHouse is given."""

from datetime import UTC, datetime, timedelta

import pytest

from langtrail.deploy.ask import AskError
from langtrail.deploy.command_question import given_options
from langtrail.deploy.question_values import _PARSERS, base_type, moment, parsed, value
from langtrail.schemas.statements import Parameter, Question, questions


def parameter(kind: str) -> Parameter:
    """Return a parameter of a type."""
    return Parameter("some_name", kind, "meaning", None)


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("2026-11-22", "2026-11-22 00:00:00.000000"),
        ("2026-11-22T08:30", "2026-11-22 08:30:00.000000"),
        ("2026-11-22 08:30:00.5", "2026-11-22 08:30:00.500000"),
        ("2026-11-22T08:30:00Z", "2026-11-22 08:30:00.000000"),
        ("2026-11-22T08:30:00.123456+02:00", "2026-11-22 06:30:00.123456"),
        (" 2026-11-22 ", "2026-11-22 00:00:00.000000"),
    ],
)
def test_a_time_is_utc_unless_it_names_a_zone(typed: str, given: str) -> None:
    """ISO-8601 in, ClickHouse's text in UTC out."""
    assert moment(typed, "since") == given


@pytest.mark.parametrize(
    ("typed", "ago"), [("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("now", 0)]
)
def test_a_time_may_be_so_long_ago(typed: str, ago: int) -> None:
    """Seconds, minutes, hours, days, weeks."""
    given = datetime.strptime(moment(typed, "since"), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - timedelta(seconds=ago) - given) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "typed", ["", "soon", "7", "7y", "d", "2026-02-30", "1890-01-01", "9999-01-01", "999999999w", "2026-11-22T25:00"]
)
def test_what_is_no_time_is_refused_by_the_name_of_its_option(typed: str) -> None:
    """The sentence names the option and what it takes."""
    with pytest.raises(AskError, match=r"^--since takes a time, such as 2026-11-22"):
        moment(typed, "since")


@pytest.mark.parametrize(
    ("kind", "typed", "given"),
    [
        ("String", " as it is ", " as it is "),
        ("Nullable(String)", "", ""),
        ("UInt64", " 42 ", 42),
        ("Nullable(Date)", "2026-11-22", "2026-11-22"),
        ("Date", "2026-11-22T23:59:59+02:00", "2026-11-22"),
        ("UUID", "019CFB12-D7F4-7B28-AB82-A35FC263B420", "019cfb12-d7f4-7b28-ab82-a35fc263b420"),
        ("Nullable(DateTime64(6, 'UTC'))", "2026-11-22", "2026-11-22 00:00:00.000000"),
    ],
)
def test_each_type_is_read(kind: str, typed: str, given: object) -> None:
    """As ClickHouse takes it."""
    assert value(parameter(kind), typed) == given


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("UInt64", "-1"), ("UInt64", "1.5"), ("UInt64", "9" * 30), ("UInt64", ""), ("UUID", "42"), ("Date", "noon")],
)
def test_a_value_of_another_type_is_refused(kind: str, typed: str) -> None:
    """The sentence names the option and the value, cut when it is long."""
    with pytest.raises(AskError, match=r"^--some-name takes ") as refused:
        value(parameter(kind), typed)
    assert len(str(refused.value)) < 250


def test_every_parameter_of_a_listed_question_has_a_type_that_is_read() -> None:
    """A question cannot have an option that nobody can give; its default is of its type, too."""
    for question in questions().values():
        for each in question.parameters:
            if question.command is None:
                assert base_type(each) in _PARSERS, (question.name, each)
                if each.default not in (None, "NULL"):
                    value(each, str(each.default))


def test_names_may_be_written_with_hyphens() -> None:
    """--run-id and run_id are the same parameter; one that is missing is named with what it means."""
    question = Question(
        "q", "Help.", "", (Parameter("run_id", "String", "which run", None), Parameter("limit", "UInt64", "n", "5"))
    )
    assert parsed(question, {"run-id": "a"}) == parsed(question, {"run_id": "a"}) == {"run_id": "a"}
    with pytest.raises(AskError, match="the question q needs --run-id: which run"):
        parsed(question, {"limit": "3"})


def test_options_come_in_three_forms() -> None:
    """--name value, --name=value and name=value; a value may hold anything, a sign of equality too."""
    assert given_options(["--a", "1", "--b=2=3", "c=", "--d", "--e"]) == {"a": "1", "b": "2=3", "c": "", "d": "--e"}
    for wrong in (["word"], ["--a"], ["=1"], ["--"]):
        with pytest.raises(AskError):
            given_options(wrong)
