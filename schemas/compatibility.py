"""The gate for changes to the contract: says, before a schema is released, whom it would break and what to do instead.

Who holds old bytes must be able to read them with new code (backward), and who runs old code must be able to read new
bytes (forward). Workers are upgraded before producers, so for raw events backward is enough; readers of events and of
tenants are upgraded whenever they like, so there it has to be both (full). Either way with every version before.
"""

import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from typing import Any, Final, Literal

from fastavro.schema import SchemaParseException, UnknownType
from fastavro.validation import validate

from .registry import AUDIT_EVENT, RAW_EVENT, TENANT, RegisteredSchema, compose, fingerprint, strip
from .resolution import expanded, kind, unreadable

Level = Literal["BACKWARD_TRANSITIVE", "FULL_TRANSITIVE"]

LEVELS: Final[dict[str, Level]] = {
    RAW_EVENT: "BACKWARD_TRANSITIVE",
    AUDIT_EVENT: "FULL_TRANSITIVE",
    TENANT: "FULL_TRANSITIVE",
}
"""What each subject promises, in the words of Confluent's registry."""

_KINDS: Final = ("string", "long", "boolean", "bytes", "fixed", "array")
"""What a field may be: the store, and the hashes over its columns, can hold no more."""
_HEADS: Final = {RAW_EVENT: ("chain_hash", "content"), AUDIT_EVENT: ("record_hash", "event_hash", "chain_hash")}
"""The fields that code takes from their place in the bytes: all of a raw head, the hashes of an audit head."""


def breaks(newest: dict[str, Any], before: dict[str, Any], level: Level) -> list[str]:
    """Return what the newest version of a record breaks for a version before it; each item is a clause about the newest."""
    problems = [f"cannot read what was written: {clause}" for clause in unreadable(newest, before)]
    if level == "FULL_TRANSITIVE":
        problems += [f"cannot be read by those who have not upgraded: {clause}" for clause in unreadable(before, newest)]
    return problems


def contract_problems(directory: Traversable | None = None) -> list[str]:
    """Return a sentence for each thing that is wrong with registry.json and avro/ in `directory`; empty is good.

    Without a directory it is the one of this package. Raises OSError and ValueError when a file cannot be read as JSON.
    """
    directory = directory or files(__package__)
    entries = [RegisteredSchema(**entry) for entry in json.loads(directory.joinpath("registry.json").read_text("utf-8"))]
    parts = {
        file.name.removesuffix(".avsc"): json.loads(file.read_text("utf-8")) for file in directory.joinpath("avro").iterdir()
    }
    problems = [*_entry_problems(entries), *_file_problems(entries, parts)]
    if problems:
        return problems
    records = {entry: compose(parts[entry.head], parts.get(entry.core or "")) for entry in entries}
    return [
        *(problem for name in sorted(parts) for problem in _shape_problems(name, parts[name])),
        *(problem for entry in entries for problem in _release_problems(entry, records[entry], parts)),
        *_version_problems(records, parts),
    ]


def _entry_problems(entries: list[RegisteredSchema]) -> Iterator[str]:
    for schema_id, uses in Counter(entry.id for entry in entries).items():
        if uses > 1:
            yield f"Schema id {schema_id} is used {uses} times in registry.json; give each entry a new id, never an old one."
    for subject in sorted({entry.subject for entry in entries} | LEVELS.keys()):
        versions = sorted(entry.version for entry in entries if entry.subject == subject)
        if subject not in LEVELS:
            yield f"{subject} has no compatibility level; add it to LEVELS."
        if not versions or versions != list(range(1, len(versions) + 1)):
            yield f"{subject} has the versions {versions}; number them from 1 without holes."
    answered = {entry.core for entry in entries if entry.subject == AUDIT_EVENT}
    for entry in entries:
        if entry.subject == RAW_EVENT and entry.core not in answered:
            yield f"No AuditEvent has {entry.core}, the core of {_called(entry)}; register one: a worker answers in it."


def _file_problems(entries: list[RegisteredSchema], parts: dict[str, Any]) -> Iterator[str]:
    named = {name for entry in entries for name in (entry.head, entry.core) if name}
    for name in sorted(named - parts.keys()):
        yield f"registry.json names {name}, but there is no avro/{name}.avsc."
    for name in sorted(parts.keys() - named):
        yield f"avro/{name}.avsc is in no entry of registry.json; register it or remove it."
    for name, part in parts.items():
        try:
            expanded(part)
        except (SchemaParseException, UnknownType, KeyError) as error:
            yield f"avro/{name}.avsc is no Avro schema ({type(error).__name__}: {error})."


def _shape_problems(name: str, part: dict[str, Any]) -> Iterator[str]:
    for field in expanded(part)["fields"]:
        branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
        kinds = [kind(branch) for branch in branches]
        if kinds[-1] not in _KINDS:
            yield f"{name}: the field {field['name']} is {kinds[-1]}; the contract uses only {', '.join(_KINDS)}."
        if len(kinds) > 1 and (len(kinds) > 2 or kinds[0] != "null" or kinds[1] == "array"):
            yield f"{name}: the field {field['name']} may only be null or one type, null first; an array is never null."
        if "default" in field and not validate(field["default"], branches[0], raise_errors=False):
            yield f"{name}: the default of the field {field['name']} is no {kinds[0]}."
    if name.startswith("core."):
        groups = [group for group, _ in groupby(field.get("group") for field in part["fields"])]
        if None in groups or len(groups) > len(set(groups)):
            yield f"{name}: each field needs a group, and the fields of a group stand together: they are encoded in one piece."


def _release_problems(entry: RegisteredSchema, record: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    if (now := fingerprint(record)) != entry.fingerprint:
        names = " and ".join(f"{name}.avsc" for name in (entry.head, entry.core) if name)
        yield (
            f"{_called(entry)} is not what was registered (its fingerprint is {now} now): a released schema never changes; "
            f"restore {names} and add a new version."
        )
    for name, uses in Counter(field["name"] for field in record["fields"]).items():
        if uses > 1:
            yield f"{_called(entry)} has {uses} fields {name}; a column has one meaning."
    here, there = (_named_types(parts[name]) if name else {} for name in (entry.head, entry.core))
    for name in sorted(here.keys() & there.keys()):
        if here[name] != there[name]:
            yield f"{entry.head} and {entry.core} define {name} differently; the second definition would be passed over."
    head = tuple(field["name"] for field in parts[entry.head]["fields"])
    start = _HEADS.get(entry.subject, ())
    if head[: len(start)] != start or (entry.subject == RAW_EVENT and len(head) > len(start)):
        only = "only" if entry.subject == RAW_EVENT else "first"
        yield f"{entry.head} must have {', '.join(start)} {only}: they are taken from their place in the bytes."


def _version_problems(records: dict[RegisteredSchema, dict[str, Any]], parts: dict[str, Any]) -> Iterator[str]:
    for subject, level in LEVELS.items():
        *olders, newest = sorted((entry for entry in records if entry.subject == subject), key=lambda entry: entry.version)
        for older in olders:
            for problem in breaks(records[newest], records[older], level):
                yield f"{_called(newest)} breaks version {older.version} ({level}), it {problem}."
            if newest.core and older.core and _moved(parts[newest.core], parts[older.core]):
                yield f"{newest.core} has the fields of {older.core} in another order; a core is hashed and cut by position."


def _moved(newer: dict[str, Any], older: dict[str, Any]) -> bool:
    new, old = ([field["name"] for field in core["fields"]] for core in (newer, older))
    return [name for name in new if name in old] != [name for name in old if name in new]


def _named_types(schema: Any) -> dict[str, Any]:
    """Return the definitions of fixed types and records within a schema, by name."""
    if isinstance(schema, list):
        return {name: found for item in schema for name, found in _named_types(item).items()}
    if not isinstance(schema, dict):
        return {}
    own = {schema["name"]: strip(schema, {"doc"})} if schema.get("type") in ("fixed", "record") else {}
    return {**own, **_named_types([schema.get("type"), schema.get("fields"), schema.get("items")])}


def _called(entry: RegisteredSchema) -> str:
    return f"{entry.subject} version {entry.version}"
