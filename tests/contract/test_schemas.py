"""The contract directory is total: each schema, field, topic and type is there, described, and used."""

import json
import re
from collections import Counter
from importlib.resources import files
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import pytest

from langtrail.schemas import (
    AUDIT_EVENT,
    CONTENT_FIELDS,
    CORE_GROUPS,
    EVENT_TYPES,
    OUTCOMES,
    RAW_EVENT,
    STREAM_EVENT_TYPES,
    TENANT,
    RegisteredSchema,
    UnknownSchemaId,
    frame,
    registry,
    topics,
    unframe,
)
from langtrail.schemas.example import Example, examples
from langtrail.schemas.registry import Registry, fingerprint

SCHEMAS = [registry().by_id(schema_id) for schema_id in (1, 2, 3)]
UNITS = {
    "_us": "microseconds",
    "_ns": "nanoseconds",
    "_at": "UTC, microseconds since 1970",
    "_bytes": "Bytes",
}

every_schema = pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.subject)


def fields_of(schema: RegisteredSchema) -> list[dict[str, Any]]:
    """Return the fields of a schema, those of nested records too."""
    fields = list(schema.avro["fields"])
    for field in schema.avro["fields"]:
        items = field["type"].get("items") if isinstance(field["type"], dict) else None
        if isinstance(items, dict):
            fields += items["fields"]
    return fields


def names_in_docs(kind: str) -> list[str]:
    """Return the names of a standard that the doc strings of an AuditEvent give, one for each mention."""
    found = [
        re.search(rf"{kind}: (.+?)(?:\. OCSF|\.$| of the next event)", field["doc"])
        for field in registry().latest(AUDIT_EVENT).avro["fields"]
    ]
    texts = [match[1] for match in found if match]
    return [name.partition(" ")[0] for text in texts for name in re.split(r", | or ", text)]


def test_ids_are_explicit() -> None:
    """The ids that are on the wire since the first release stay with their schemas."""
    assert [(schema.id, schema.subject, schema.version) for schema in SCHEMAS] == [
        (1, RAW_EVENT, 1),
        (2, AUDIT_EVENT, 1),
        (3, TENANT, 1),
    ]
    assert registry().subjects() == sorted([RAW_EVENT, AUDIT_EVENT, TENANT])


@every_schema
def test_fingerprints_are_those_of_the_files(schema: RegisteredSchema) -> None:
    """The registry names exactly what a reader depends on."""
    assert fingerprint(schema.avro) == schema.fingerprint


@every_schema
def test_every_record_and_field_is_described(schema: RegisteredSchema) -> None:
    """A doc string is a sentence or more."""
    for described in (schema.avro, *fields_of(schema)):
        assert re.fullmatch(r"[A-Za-z0-9].{10,}\.", described.get("doc", "")), described["name"]


@every_schema
def test_a_field_says_its_unit(schema: RegisteredSchema) -> None:
    """The doc string of a time, a duration or a size names its unit."""
    for field in (field for field in schema.avro["fields"] if "long" in json.dumps(field["type"])):
        unit = next((unit for ending, unit in UNITS.items() if field["name"].endswith(ending)), "")
        assert unit in field["doc"], field["name"]


def test_a_name_of_opentelemetry_stands_for_one_field() -> None:
    """An exporter can go by the doc strings: no two fields claim one OpenTelemetry attribute."""
    names = names_in_docs("OTel")
    assert len(names) > 40
    assert [name for name, uses in Counter(names).items() if uses > 1] == []


def test_a_name_of_ocsf_stands_for_one_field() -> None:
    """No two fields claim one OCSF attribute, but for those that hold many: fingerprints of attestations, and unmapped."""
    names = names_in_docs("OCSF")
    assert len(names) > 35
    assert [name for name, uses in Counter(names).items() if uses > 1] == ["attestation_list[].fingerprint", "unmapped"]


def test_the_vocabulary_is_in_the_doc_strings() -> None:
    """A reader of the schema alone knows the values of outcome."""
    (outcome,) = [field for field in registry().latest(RAW_EVENT).avro["fields"] if field["name"] == "outcome"]
    assert [value for value in OUTCOMES if value not in outcome["doc"]] == []


def test_event_types_are_unique_words() -> None:
    """There are 34 event types, all in snake case, the stream's own among them."""
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES)) == 34
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", event_type) for event_type in EVENT_TYPES)
    assert set(STREAM_EVENT_TYPES) < set(EVENT_TYPES)


def test_both_events_have_the_same_core() -> None:
    """The fields after the head are equal in raw and audit events, and no head has a field of theirs."""
    raw, audit = registry().latest(RAW_EVENT), registry().latest(AUDIT_EVENT)
    names = [[field["name"] for field in schema.avro["fields"]] for schema in (raw, audit)]
    assert names[0][raw.head_length :] == names[1][audit.head_length :]
    assert not set(names[0][raw.head_length :]) & set(names[0][: raw.head_length] + names[1][: audit.head_length])


def test_groups_cover_the_core_in_order() -> None:
    """The groups are consecutive and together they are the core."""
    raw = registry().latest(RAW_EVENT)
    groups = [field["group"] for field in raw.avro["fields"][raw.head_length :]]
    assert tuple(dict.fromkeys(groups)) == CORE_GROUPS
    assert groups == sorted(groups, key=CORE_GROUPS.index)


def test_content_and_its_commitments_are_fields() -> None:
    """Each content field is a head field of the AuditEvent, and what commits to it is a core field."""
    raw, audit = registry().latest(RAW_EVENT), registry().latest(AUDIT_EVENT)
    assert set(CONTENT_FIELDS) < {field["name"] for field in audit.avro["fields"][: audit.head_length]}
    commitments = [field["name"] for field in raw.avro["fields"] if field["name"].endswith("_commit")]
    assert list(CONTENT_FIELDS.values()) == commitments


def test_an_audit_event_has_no_field_for_raw_content() -> None:
    """Bytes of any length are in the raw event only; what the AuditEvent holds as bytes are hashes."""
    raw, audit = ({field["name"]: field["type"] for field in schema.avro["fields"]} for schema in SCHEMAS[:2])
    assert [name for name, avro_type in raw.items() if avro_type == "bytes"] == ["content"]
    assert "content" not in audit
    assert "bytes" not in audit.values()


def test_a_worker_answers_in_the_core_of_its_input() -> None:
    """The output for a raw event is the newest AuditEvent with the same core; a core without one is an error."""
    raw, audit = registry().latest(RAW_EVENT), registry().latest(AUDIT_EVENT)
    assert registry().output_for(raw) is audit
    newer = RegisteredSchema(7, AUDIT_EVENT, 2, "", "core.v1", "")
    stranger = RegisteredSchema(8, RAW_EVENT, 2, "", "x", "")
    both = Registry([raw, audit, newer, stranger])
    assert both.output_for(raw).id == 7
    assert both.latest(AUDIT_EVENT).id == 7
    assert [schema.id for schema in both.versions(AUDIT_EVENT)] == [2, 7]
    with pytest.raises(UnknownSchemaId, match="no AuditEvent has the core x"):
        both.output_for(stranger)


def test_an_unknown_id_says_what_to_do() -> None:
    """A record from a newer version asks for an upgrade."""
    with pytest.raises(UnknownSchemaId, match="schema id 99 is not in this version's registry; upgrade langtrail"):
        registry().by_id(99)
    with pytest.raises(KeyError):
        registry().latest("no.such-subject")
    assert registry().versions("no.such-subject") == []


@every_schema
def test_every_subject_has_its_topic(schema: RegisteredSchema) -> None:
    """A subject is the value of exactly one topic, under the name that Confluent's tools look for."""
    named = [topic.name for topic in topics().values() if topic.value == schema.subject]
    assert [f"{name}-value" for name in named] == [schema.subject]


def test_every_value_of_a_topic_is_a_subject() -> None:
    """A topic names no subject that the registry does not have."""
    assert {topic.value for topic in topics().values()} - {None} == set(registry().subjects())


def test_every_file_of_the_contract_is_used() -> None:
    """The folder avro holds the registered schemas and nothing else."""
    named = {f"{part}.avsc" for schema in SCHEMAS for part in (schema.head, schema.core) if part}
    assert {file.name for file in files("langtrail.schemas").joinpath("avro").iterdir()} == named


@every_schema
def test_the_published_schema_is_plain_avro(schema: RegisteredSchema) -> None:
    """A registry hands out the schema with docs and logical types, and without an attribute of ours."""
    published = json.loads(schema.published())
    assert fingerprint(published) == schema.fingerprint
    assert '"group"' not in schema.published()
    assert all("doc" in field for field in published["fields"])
    fastavro.parse_schema(published)


def ordinary_reader(value: bytes) -> Any:
    """Decode as Confluent's deserializer does: magic byte and id off, then the schema that the registry publishes."""
    assert value[0] == 0
    schema = registry().by_id(int.from_bytes(value[1:5], "big"))
    buffer = BytesIO(value[5:])
    record = fastavro.schemaless_reader(buffer, fastavro.parse_schema(json.loads(schema.published())), None)
    assert not buffer.read()
    return record


@pytest.mark.parametrize("example", examples().values(), ids=list(examples()))
def test_ordinary_readers_read_our_bytes(example: Example) -> None:
    """A reader that knows only the published schema gets UUIDs, times with a zone, and the same values."""
    for schema_id, datum in ((1, example.raw_event()), (2, example.audit_event())):
        value = frame(schema_id, datum)
        assert unframe(value) == (schema_id, datum)
        record = ordinary_reader(value)
        assert record["event_id"] == UUID(example.core["event_id"])
        assert record["occurred_at"].tzinfo is not None
        assert round(record["occurred_at"].timestamp() * 1e6) == example.core["occurred_at"]
        assert (record["component"], record["ext"]) == (example.core["component"], example.core["ext"])
