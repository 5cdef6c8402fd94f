"""Settings: read from the environment, checked all at once, and reported by the names of variables, never by values."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from langtrail.schemas.settings import (
    SettingsError,
    choice,
    kafka_config,
    load_settings,
    path,
    servers,
    setting,
    switch,
    text,
    variables,
    whole,
)


@dataclass(frozen=True)
class Sample:
    """The settings of a stage that does not exist."""

    servers: str = setting("LANGTRAIL_SAMPLE_SERVERS", text, doc="set it to host:port of the broker")
    key: str = setting("LANGTRAIL_SAMPLE_KEY", choice("abc", "def"), default="abc", doc="the key")
    port: int = setting("LANGTRAIL_SAMPLE_PORT", whole(1, 65535), default=8080, doc="the port")
    enabled: bool = setting("LANGTRAIL_SAMPLE_ENABLED", switch, default=False, doc="whether it is on")
    place: Path = setting("LANGTRAIL_SAMPLE_DIR", path, default=Path(), doc="where files go")
    extra: tuple[str, ...] = field(default=("own",))


GOOD = {
    "LANGTRAIL_SAMPLE_SERVERS": "localhost:9092",
    "LANGTRAIL_SAMPLE_KEY": "def",
    "LANGTRAIL_SAMPLE_PORT": "9",
    "LANGTRAIL_SAMPLE_ENABLED": "on",
    "LANGTRAIL_SAMPLE_DIR": "~/trail",
}


def test_settings_are_read_from_their_variables() -> None:
    """Each variable becomes a value of its field's type."""
    loaded = load_settings(Sample, GOOD)
    assert loaded == Sample("localhost:9092", "def", 9, enabled=True, place=Path.home() / "trail")
    assert loaded.extra == ("own",)


def test_settings_are_read_from_the_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mapping it is the process's environment that counts."""
    monkeypatch.setenv("LANGTRAIL_SAMPLE_SERVERS", "broker:1")
    assert load_settings(Sample).servers == "broker:1"


def test_defaults_hold_for_absent_and_empty_variables() -> None:
    """An empty variable is an absent one."""
    empty = dict.fromkeys(GOOD, "") | {"LANGTRAIL_SAMPLE_SERVERS": "x"}
    assert load_settings(Sample, empty) == load_settings(Sample, {"LANGTRAIL_SAMPLE_SERVERS": "x"}) == Sample("x")


def test_what_is_given_wins() -> None:
    """A value in code beats the environment, which is not even looked at."""
    loaded = load_settings(Sample, GOOD | {"LANGTRAIL_SAMPLE_PORT": "wrong"}, port=7, extra=())
    assert (loaded.port, loaded.extra, loaded.servers) == (7, (), "localhost:9092")


def test_all_mistakes_are_told_at_once_by_name() -> None:
    """Every wrong or missing variable has a line that says what is expected; no line quotes a value."""
    wrong = {
        "LANGTRAIL_SAMPLE_KEY": "hunter2",
        "LANGTRAIL_SAMPLE_PORT": "hunter2",
        "LANGTRAIL_SAMPLE_ENABLED": "hunter2",
        "LANGTRAIL_SAMPLE_DIR": "~hunter2/trail",
    }
    with pytest.raises(SettingsError) as error:
        load_settings(Sample, wrong)
    assert str(error.value).splitlines() == [
        "LANGTRAIL_SAMPLE_SERVERS: is not set; set it to host:port of the broker",
        "LANGTRAIL_SAMPLE_KEY: expected one of abc, def",
        "LANGTRAIL_SAMPLE_PORT: expected a whole number from 1 to 65535",
        "LANGTRAIL_SAMPLE_ENABLED: expected 1 or 0",
        "LANGTRAIL_SAMPLE_DIR: names the home directory of a user who is not known here",
    ]
    assert error.value.__cause__ is None


def test_settings_cannot_be_changed() -> None:
    """A stage's settings are frozen."""
    with pytest.raises(FrozenInstanceError):
        load_settings(Sample, GOOD).port = 1  # type: ignore[misc]  # that it is refused is what is tested


def test_variables_are_documented() -> None:
    """The variables of a stage and their meanings can be listed; fields without a variable are no part of it."""
    assert list(variables(Sample)) == list(GOOD)
    assert variables(Sample)["LANGTRAIL_SAMPLE_PORT"] == "the port"


@pytest.mark.parametrize(
    ("given", "value"), [("1", True), ("TRUE", True), ("yes", True), ("On", True), ("0", False), ("no", False)]
)
def test_switches(given: str, value: bool) -> None:
    """The usual words for on and off are known in any case."""
    assert switch(given) is value


def test_bytes_that_are_no_text_are_refused_by_name() -> None:
    """Python hands them over as surrogates, which nothing can record; they are not quoted."""
    with pytest.raises(SettingsError) as error:
        load_settings(Sample, {"LANGTRAIL_SAMPLE_SERVERS": "hunter\udcf6"})
    assert str(error.value) == "LANGTRAIL_SAMPLE_SERVERS: is not UTF-8 text"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("localhost:9092", "localhost:9092"),
        ("broker", "broker"),
        ("10.0.0.1:1, [::1]:65535 ,", "10.0.0.1:1,[::1]:65535"),
        *(
            (wrong, None)
            for wrong in (" ", ",", ":9092", "http://x:9092", "host:port", "host:0", "host:99999", "a b:1", "a:1:2")
        ),
    ],
)
def test_addresses_of_kafka_are_hosts_and_ports(given: str, value: str | None) -> None:
    """Anything else would never connect, and never say why."""
    if value is None:
        with pytest.raises(ValueError, match=r"^expected host:port, several separated by commas$"):
            servers(given)
    else:
        assert servers(given) == value


def test_a_path_is_not_blank() -> None:
    """It would be a directory whose name nobody sees."""
    with pytest.raises(ValueError, match=r"^is blank$"):
        path(" ")


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that changes its directory later does not split what lies there."""
    monkeypatch.chdir(tmp_path)
    assert path("spool") == tmp_path / "spool"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match="is relative to a directory that was removed"):
        path("spool")


def test_numbers_have_bounds() -> None:
    """Both bounds are allowed, what lies outside or is no number is not."""
    assert [whole(1, 3)(given) for given in ("1", "3")] == [1, 3]
    for given in ("0", "4", "1.5", "", "one", "9" * 5000):
        with pytest.raises(ValueError, match=r"^expected a whole number from 1 to 3$"):
            whole(1, 3)(given)


def test_a_number_that_may_be_negative_is_checked_like_any_other() -> None:
    """A range that begins below zero takes its lower bound, and not a word."""
    assert whole(-1, 5)("-1") == -1
    with pytest.raises(ValueError, match="from -1 to 5"):
        whole(-1, 5)("none")


def test_kafka_config_is_read_from_a_file(tmp_path: Path) -> None:
    """Lines of name=value become pairs; comments and empty lines are left out; a value may hold an equals sign."""
    file = tmp_path / "kafka.properties"
    file.write_text("# TLS\nsecurity.protocol = SASL_SSL\n\n  # indented\nsasl.password=a=b\nssl.ca.location=\n")
    assert kafka_config(str(file)) == (("security.protocol", "SASL_SSL"), ("sasl.password", "a=b"), ("ssl.ca.location", ""))


def wrong_line(directory: Path) -> Path:
    """Return a file with a line that is no pair."""
    file = directory / "wrong.properties"
    file.write_text("sasl.password=x\nhunter2\n")
    return file


def nameless(directory: Path) -> Path:
    """Return a file with a value that has no name."""
    file = directory / "nameless.properties"
    file.write_text("=hunter2\n")
    return file


def binary(directory: Path) -> Path:
    """Return a file that is no text."""
    file = directory / "binary.properties"
    file.write_bytes(b"hunter2=\xff\xfe\n")
    return file


BAD_FILES: list[tuple[Callable[[Path], Any], str]] = [
    (wrong_line, "every line must be name=value"),
    (nameless, "every line must be name=value"),
    (binary, "is not UTF-8 text"),
    (lambda directory: directory / "missing", r"cannot be read \(No such file or directory\)"),
    (lambda directory: directory, r"cannot be read \(Is a directory\)"),
    (lambda _: "~hunter2/x", "names the home directory of a user who is not known here"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD_FILES)
def test_a_bad_kafka_config_is_refused_without_being_quoted(tmp_path: Path, make: Callable[[Path], Any], sentence: str) -> None:
    """What is wrong with the file is said, none of its lines is shown: passwords are in it."""
    with pytest.raises(ValueError, match=f"^{sentence}$") as error:
        kafka_config(str(make(tmp_path)))
    assert "hunter2" not in str(error.value)
