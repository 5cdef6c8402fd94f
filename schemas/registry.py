"""registry.json as values: which schema has which id. Ids are explicit, never reused, and the same on every machine."""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import fastavro
import fastavro.types

from .errors import UnknownSchemaId

RAW_EVENT: Final = "langtrail.raw-value"
AUDIT_EVENT: Final = "langtrail.events-value"
TENANT: Final = "langtrail.tenants-value"


@dataclass(frozen=True)
class RegisteredSchema:
    """One version of one subject: a whole record, or a head and the core that follows it."""

    id: int
    subject: str
    version: int
    head: str
    core: str | None
    fingerprint: str

    @cached_property
    def avro(self) -> dict[str, Any]:
        """The record schema as published: docs, defaults and logical types included."""
        return compose(_load(self.head), _load(self.core) if self.core else None)

    @cached_property
    def wire(self) -> fastavro.types.Schema:
        """The schema to encode and decode with: the same bytes, but UUIDs stay text and timestamps stay integers."""
        return fastavro.parse_schema(strip(self.avro, {"logicalType", "doc", "group"}))

    @cached_property
    def head_length(self) -> int:
        """How many fields come before the core."""
        return len(_load(self.head)["fields"])

    def published(self) -> str:
        """Return the schema as the text a registry hands out."""
        return json.dumps(strip(self.avro, {"group"}))


class Registry:
    """All registered schemas, by id and by subject."""

    def __init__(self, schemas: list[RegisteredSchema]) -> None:
        self._by_id = {schema.id: schema for schema in schemas}

    def by_id(self, schema_id: int) -> RegisteredSchema:
        """Return the schema with this id. Raises UnknownSchemaId."""
        try:
            return self._by_id[schema_id]
        except KeyError:
            raise UnknownSchemaId(f"schema id {schema_id} is not in this version's registry; upgrade langtrail") from None

    def versions(self, subject: str) -> list[RegisteredSchema]:
        """Return the versions of a subject, oldest first; empty for an unknown subject."""
        return sorted((s for s in self._by_id.values() if s.subject == subject), key=lambda s: s.version)

    def latest(self, subject: str) -> RegisteredSchema:
        """Return the newest version of a subject. Raises KeyError for an unknown subject."""
        versions = self.versions(subject)
        if not versions:
            raise KeyError(subject)
        return versions[-1]

    def subjects(self) -> list[str]:
        """Return the names of all subjects, sorted."""
        return sorted({schema.subject for schema in self._by_id.values()})

    def output_for(self, raw: RegisteredSchema) -> RegisteredSchema:
        """Return the newest AuditEvent that has the core of `raw`: a worker answers in its input's core."""
        same_core = [s for s in self.versions(AUDIT_EVENT) if s.core == raw.core]
        if not same_core:
            raise UnknownSchemaId(f"no AuditEvent has the core {raw.core} of schema id {raw.id}")
        return same_core[-1]


@cache
def registry() -> Registry:
    """Return the registry that is checked in beside this file."""
    entries = json.loads(files(__package__).joinpath("registry.json").read_text())
    return Registry([RegisteredSchema(**entry) for entry in entries])


def compose(head: dict[str, Any], core: dict[str, Any] | None) -> dict[str, Any]:
    """Return one record schema with the fields of the head, then those of the core."""
    fields = head["fields"] + (core["fields"] if core else [])
    return {**head, "fields": _define_once(fields, set())}


def fingerprint(schema: object) -> str:
    """Return SHA-256, in hexadecimal, over all of a schema that a reader depends on (docs and groups left out)."""
    return sha256(json.dumps(strip(schema, {"doc", "group"}), sort_keys=True).encode()).hexdigest()


def strip(schema: object, attributes: set[str]) -> Any:
    """Return a copy of an Avro schema without the named attributes."""
    if isinstance(schema, dict):
        return {key: strip(value, attributes) for key, value in schema.items() if key not in attributes}
    if isinstance(schema, list):
        return [strip(item, attributes) for item in schema]
    return schema


@cache
def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files(f"{__package__}.avro").joinpath(f"{name}.avsc").read_text())
    return loaded


def _define_once(schema: Any, seen: set[str]) -> Any:
    """Replace the second definition of a named type by its name, as Avro asks for."""
    if isinstance(schema, list):
        return [_define_once(item, seen) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("fixed", "record"):
        if schema["name"] in seen:
            return schema["name"]
        seen.add(schema["name"])
    return {key: _define_once(value, seen) if key in ("type", "fields", "items") else value for key, value in schema.items()}
