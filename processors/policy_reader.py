"""A table of TOML becomes a policy, or a list of everything that is wrong with it."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from .detector import Detector
from .detectors import DETECTORS
from .engine import HAS_RE2, compiled, encode
from .engine_types import Spans
from .entities import DETECTOR, Asked, CannotFind, asked_of, entity_detector, finder
from .findings import CUSTOM_TYPE, TYPES
from .key_rules import KEY_RULE, NUMBER_RULE
from .policy import (
    ACTIONS,
    OFF,
    PathRule,
    Policy,
    PolicyTest,
    allowed_pattern,
    custom_detector,
    revision_of,
    toml_of,
)
from .spellings import REGIONS

FIELDS: Final = ("input", "output", "error_message", "params", "metadata", "tags")
"""The first part of every path."""
MOST_ENTRIES: Final = 200
"""Entries of `allow`, `paths` and `tests` that a policy may have."""
MOST_CUSTOM: Final = 32
"""Patterns of its own that a policy may have."""
_LONGEST_PATTERN = 500
_LEAST_ALLOWED = 3
_MOST_STARS = 2
_MOST_DEEP = 2
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,47}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_DETECTOR_NAMES = frozenset((*(detector.name for detector in DETECTORS), KEY_RULE, NUMBER_RULE, DETECTOR))
_KEYS = ("version", "default", "detectors", "paths", "allow", "custom", "entities", "phone_region", "tests")
_ENTITY = re.compile(r"[A-Z][A-Z0-9_]{0,47}")
_MODEL = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Mistake(NamedTuple):
    """Something that is wrong."""

    where: tuple[str | int, ...]
    """Keys and positions that lead to it in the policy's table."""
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.where))} {self.text}".lstrip()


class PolicyError(ValueError):
    """A policy cannot be used; `mistakes` has all that is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes


def parse_policy(text: str) -> Policy:
    """Return the policy of a tenant's record. Raises PolicyError, also for what a later version of langtrail wrote."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise PolicyError([Mistake((), "is not TOML")]) from None
    return read_policy(table)


def read_policy(table: Any) -> Policy:
    """Return the policy that a table describes; its own tests are not run. Raises PolicyError with all mistakes at once."""
    if not isinstance(table, dict):
        raise PolicyError([Mistake((), "is not a table")])
    if mistakes := [*_mistakes(table)]:
        raise PolicyError(mistakes)
    custom = table.get("custom", [])
    actions = {**table.get("detectors", {}), **{one["name"]: one["action"] for one in custom if "action" in one}}
    return Policy(
        revision=revision_of(table["version"], toml_of(table)),
        default=table.get("default", "placeholder"),
        actions=tuple(sorted(actions.items())),
        paths=tuple(_path_rule(one) for one in table.get("paths", [])),
        allow=tuple(allowed_pattern(one) for one in table.get("allow", [])),
        custom=(*(custom_detector(one["name"], one["type"], one["pattern"]) for one in custom), *_entities(table)),
        tests=tuple(PolicyTest(**one) for one in table.get("tests", [])),
        phone_region=table.get("phone_region", ""),
    )


def _entities(table: Mapping[str, Any]) -> Iterator[Detector]:
    """Yield the detector of named entities, if the policy asks for any."""
    if "entities" not in table:
        return
    asked = asked_of(table["entities"])
    try:
        yield entity_detector(asked, finder(asked))
    except CannotFind as error:
        raise PolicyError([Mistake(("entities",), str(error))]) from None


def _path_rule(one: Mapping[str, Any]) -> PathRule:
    return PathRule(one["path"], OFF if one.get("exclude") else one["action"], one.get("type", ""))


def _mistakes(table: Mapping[str, Any]) -> Iterator[Mistake]:
    for key in table:
        if key not in _KEYS:
            yield Mistake((key,), f"is not known; there are {', '.join(_KEYS)}")
    version = table.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield Mistake(("version",), "must be text of up to 48 letters, digits, dots, dashes and underscores")
    if "default" in table and table["default"] not in ACTIONS[:-1]:
        yield Mistake(("default",), f"must be one of {', '.join(ACTIONS[:-1])}")
    region = table.get("phone_region", "")
    if not isinstance(region, str) or ("phone_region" in table and region not in REGIONS):
        yield Mistake(("phone_region",), "must be the two capitals of a country (ISO 3166-1), like DE")
    yield from _of_detectors(table)
    yield from _of_lists(table)
    yield from _of_names([one.get("name") for _, one in _entries(table, "custom")])
    yield from _of_entities(table.get("entities"))


def _entries(table: Mapping[str, Any], key: str) -> list[tuple[int, Any]]:
    """Return the entries of a list that are of the right type, with their positions."""
    given = table.get(key, [])
    kind, most, _ = _LISTS[key]
    return [(i, one) for i, one in enumerate(given[:most]) if isinstance(one, kind)] if isinstance(given, list) else []


def _of_lists(table: Mapping[str, Any]) -> Iterator[Mistake]:
    for key, (kind, most, of_entry) in _LISTS.items():
        given = table.get(key, [])
        if not isinstance(given, list):
            yield Mistake((key,), "must be a list")
            continue
        if len(given) > most:
            yield Mistake((key,), f"has {len(given)} entries, {most} at most")
        for index, one in enumerate(given):
            if not isinstance(one, kind):
                yield Mistake((key, index), "must be text" if kind is str else "must be a table")
        for index, one in _entries(table, key):
            yield from of_entry((key, index), one)


def _of_names(names: list[Any]) -> Iterator[Mistake]:
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            yield Mistake(("custom", index, "name"), "is the name of another pattern too")


def _of_detectors(table: Mapping[str, Any]) -> Iterator[Mistake]:
    given = table.get("detectors", {})
    if not isinstance(given, dict):
        yield Mistake(("detectors",), "must be a table")
        return
    own = [one for _, entry in _entries(table, "custom") for one in (entry.get("name"), entry.get("type"))]
    for name, action in given.items():
        if name not in TYPES and name not in _DETECTOR_NAMES and name not in own:
            yield Mistake(("detectors", name), f"is neither a detector nor a type; types are {', '.join(TYPES)}")
        if action not in ACTIONS:
            yield Mistake(("detectors", name), f"must be one of {', '.join(ACTIONS)}")


def _of_entities(given: Any) -> Iterator[Mistake]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield Mistake(("entities",), "must be a table")
        return
    if not HAS_RE2:
        yield Mistake(("entities",), "needs google-re2: run `pip install google-re2`")
    names = given.get("find")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and _ENTITY.fullmatch(n) for n in names):
        yield Mistake(("entities", "find"), "must be a list of names in capitals, as the recogniser has them, like PERSON")
    for key, value in given.items():
        if key not in Asked._fields:
            yield Mistake(("entities", key), f"is not known; there are {', '.join(Asked._fields)}")
        elif key != "find" and not (isinstance(value, str) and _MODEL.fullmatch(value)):
            yield Mistake(("entities", key), "must be text of a-z, 0-9 and _")


def _of_allowed(where: tuple[str | int, ...], value: str) -> Iterator[Mistake]:
    if len(re.sub(r"[\s*]", "", value)) < _LEAST_ALLOWED:
        yield Mistake(where, f"must have at least {_LEAST_ALLOWED} characters besides *: it would allow too much")
    if len(re.findall(r"\*+", value)) > _MOST_STARS:
        yield Mistake(where, f"may have * {_MOST_STARS} times at most")


def _of_keys(
    where: tuple[str | int, ...], one: Mapping[str, Any], needed: tuple[str, ...], more: tuple[str, ...]
) -> Iterator[Mistake]:
    for key in needed:
        if not isinstance(one.get(key), str) or (not one[key] and key != "expected"):
            yield Mistake((*where, key), "is needed, as text")
    for key, value in one.items():
        if key not in (*needed, *more):
            yield Mistake((*where, key), f"is not known; there are {', '.join((*needed, *more))}")
        elif key in more and key != "exclude" and not isinstance(value, str):
            yield Mistake((*where, key), "must be text")


def _of_path(where: tuple[str | int, ...], one: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _of_keys(where, one, ("path",), ("action", "exclude", "type"))
    path = one.get("path")
    if isinstance(path, str) and path:
        parts = path.split(".")
        if parts[0] not in (*FIELDS, "*", "**") or "" in parts:
            yield Mistake((*where, "path"), f"must begin with a field ({', '.join(FIELDS)}) or *, and have no empty part")
        if parts.count("**") > _MOST_DEEP:
            yield Mistake((*where, "path"), f"may have ** {_MOST_DEEP} times at most")
    if ("action" in one) is ("exclude" in one):
        yield Mistake(where, "needs either action or exclude = true")
    if "action" in one and one["action"] not in ACTIONS:
        yield Mistake((*where, "action"), f"must be one of {', '.join(ACTIONS)}")
    if "exclude" in one and one["exclude"] is not True:
        yield Mistake((*where, "exclude"), "must be true, or not be there")
    yield from _of_type(where, one)
    if "type" in one and one.get("action") in (None, OFF):
        yield Mistake((*where, "type"), "says what the whole value is, and needs an action that takes it away")


def _of_type(where: tuple[str | int, ...], one: Mapping[str, Any]) -> Iterator[Mistake]:
    kind = one.get("type")
    if isinstance(kind, str) and kind and kind not in TYPES and not re.fullmatch(CUSTOM_TYPE, kind):
        yield Mistake((*where, "type"), f"must be one of {', '.join(TYPES)}, or CUSTOM_ and up to 20 of A-Z, 0-9 and _")


def _of_custom(where: tuple[str | int, ...], one: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _of_keys(where, one, ("name", "type", "pattern"), ("action",))
    yield from _of_type(where, one)
    name, pattern = one.get("name"), one.get("pattern")
    if isinstance(name, str) and name and (not _NAME.fullmatch(name) or name in _DETECTOR_NAMES):
        yield Mistake((*where, "name"), "must be up to 48 of a-z, 0-9 and _, and not the name of a detector of langtrail's")
    if "action" in one and one["action"] not in ACTIONS[:-1]:
        yield Mistake((*where, "action"), f"must be one of {', '.join(ACTIONS[:-1])}")
    if isinstance(pattern, str) and pattern:
        yield from (Mistake((*where, "pattern"), text) for text in _of_pattern(pattern))


def _of_pattern(pattern: str) -> Iterator[str]:
    if len(pattern) > _LONGEST_PATTERN:
        yield f"has {len(pattern)} characters, {_LONGEST_PATTERN} at most"
        return
    try:
        search = compiled(pattern).search
    except ValueError as error:
        yield str(error)
        return
    empty: list[Spans] = []

    def take(groups: Spans) -> int:
        empty.append(groups)
        return 0

    search(encode(""), take)
    if empty:
        yield "matches the empty text: it would match everywhere"


def _of_test(where: tuple[str | int, ...], one: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _of_keys(where, one, ("text", "expected"), ("field",))
    if one.get("field", "input") not in FIELDS:
        yield Mistake((*where, "field"), f"must be one of {', '.join(FIELDS)}")


_LISTS: Final[dict[str, tuple[type, int, Callable[[tuple[str | int, ...], Any], Iterator[Mistake]]]]] = {
    "allow": (str, MOST_ENTRIES, _of_allowed),
    "paths": (dict, MOST_ENTRIES, _of_path),
    "custom": (dict, MOST_CUSTOM, _of_custom),
    "tests": (dict, MOST_ENTRIES, _of_test),
}
