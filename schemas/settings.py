"""Settings from LANGTRAIL_* variables: every mistake is reported at once, by the name of its variable, never by its value."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_SERVER = re.compile(r"^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?$")
_PORTS = range(1, 1 << 16)


class SettingsError(Exception):
    """One or more variables are missing or wrong; the text has a line for each."""


def setting(variable: str, parse: Callable[[str], Any], *, default: Any = MISSING, doc: str) -> Any:
    """Declare a field of a frozen settings dataclass that is read from `variable`.

    `parse` turns the text into the value and raises ValueError, with a message that says what is expected, when it cannot.
    Without a default the variable is required.
    """
    return field(default=default, metadata={"variable": variable, "parse": parse, "doc": doc})


def load_settings(cls: type[T], environ: Mapping[str, str] | None = None, **given: Any) -> T:
    """Return `cls` filled from the environment; `given` wins, and an empty variable counts as absent. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    values, mistakes = dict(given), []
    for declared in fields(cls):  # type: ignore[arg-type]
        if declared.name in given or "variable" not in declared.metadata:
            continue
        try:
            values.update(_read(declared, environ))
        except ValueError as error:
            mistakes.append(f"{declared.metadata['variable']}: {error}")
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return cls(**values)


def variables(cls: type[Any]) -> dict[str, str]:
    """Return what each variable of a settings dataclass means, by its name."""
    return {f.metadata["variable"]: f.metadata["doc"] for f in fields(cls) if "variable" in f.metadata}


def text(value: str) -> str:
    """Parse: any text; Python marks bytes of a variable that are no text with surrogates, which no record can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8 text") from None
    return value


def servers(value: str) -> str:
    """Parse: addresses of Kafka, host or host:port, separated by commas."""
    given = [server.strip() for server in text(value).split(",") if server.strip()]
    if not given or not all((found := _SERVER.match(server)) and int(found["port"] or 1) in _PORTS for server in given):
        raise ValueError("expected host:port, several separated by commas")
    return ",".join(given)


def path(value: str) -> Path:
    """Parse: a path; ~ is the home directory. It is absolute from then on: an application may change its directory."""
    if not value.strip():
        raise ValueError("is blank")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ValueError("names the home directory of a user who is not known here") from None
    except FileNotFoundError:
        raise ValueError("is relative to a directory that was removed") from None


def kafka_config(value: str) -> tuple[tuple[str, str], ...]:
    """Parse: the path of a properties file with librdkafka settings, one `name=value` a line, # for comments."""
    try:
        lines = path(value).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    pairs = [line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not all(equals and name.strip() for name, equals, _ in pairs):
        raise ValueError("every line must be name=value")
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def switch(value: str) -> bool:
    """Parse: 1, true, yes, on or 0, false, no, off."""
    lowered = value.lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected 1 or 0")


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Parse: a whole number within bounds, both included."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= maximum:
            raise ValueError(f"expected a whole number from {minimum} to {maximum}")
        return number

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """Parse: one of a few words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return value

    return parse


def _read(declared: Field[Any], environ: Mapping[str, str]) -> dict[str, Any]:
    given = environ.get(declared.metadata["variable"], "")
    if given:
        return {declared.name: declared.metadata["parse"](given)}
    if declared.default is MISSING:
        raise ValueError(f"is not set; {declared.metadata['doc']}")
    return {}
