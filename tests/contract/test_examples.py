"""The examples are documentation that holds: one for each event type, true to the contract in every field and hash."""

import base64
import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest

from langtrail.processors.event import Event
from langtrail.processors.pipeline import pipeline
from langtrail.processors.tenant import Tenant
from langtrail.schemas import (
    AUDIT_EVENT,
    CONTENT_FIELDS,
    EVENT_TYPES,
    OUTCOMES,
    RAW_EVENT,
    STREAM_EVENT_TYPES,
    DataKey,
    PrivateKeys,
    associated_data,
    chain_hash,
    commitment,
    decode,
    event_hash,
    frame,
    generate_private_key,
    public_key_of,
    record_hash,
    registry,
    split_raw,
)
from langtrail.schemas import example as loader
from langtrail.schemas.example import Example, examples
from tests.through import through

RAW = registry().latest(RAW_EVENT)
AUDIT = registry().latest(AUDIT_EVENT)
DERIVED = ("abandoned", "gap", "tool_not_executed", "burst")
"""What langtrail derives from other events has an id that is derived too."""
PERSONAL = ("dana.reed", "202-555-0143", "4111", "DE89", "198.51.100.17")
UNUSED = {
    "truncated": "true only above 8 MiB of content, too much for an example to read",
    "clock_skewed": "true only for a clock that is minutes wrong, which would make the story hard to follow",
}

TOLD = {"revision", "subject_tokens", "policy_revision", "redactor_version", "price_version", "processed_at"}
"""What the story tells and a test cannot repeat: times, versions, a replay, a tenant's own policy and key. So is what was
withheld in `custom`: no detector fails there."""
ACME = Tenant("acme", 1, "Acme GmbH", "enterprise", "eu-central-1", "confidential", "regulated")

every_example = pytest.mark.parametrize("example", examples().values(), ids=list(examples()))


def file_of(event_type: str) -> Any:
    """Return an example as its file has it."""
    return json.loads(files("langtrail.schemas").joinpath("examples", f"{event_type}.json").read_text("utf-8"))


def decoded(example: Example) -> dict[str, Any]:
    """Return the AuditEvent of an example, encoded and decoded."""
    return decode(AUDIT, example.audit_event())


def test_every_event_type_has_exactly_one_example() -> None:
    """The files are the event types, no more and no fewer."""
    names = {file.name for file in files("langtrail.schemas").joinpath("examples").iterdir()}
    assert names == {f"{event_type}.json" for event_type in EVENT_TYPES}
    assert list(examples()) == list(EVENT_TYPES)


@every_example
def test_a_file_is_named_after_its_event(example: Example) -> None:
    """The file llm_end.json holds an llm_end, and the description is one sentence."""
    document = file_of(example.event_type)
    assert list(document) == ["description", "core", "content", "head"]
    assert document["core"]["event_type"] == example.event_type
    assert re.fullmatch(r"[A-Z][^.!?]*(\.\d[^.!?]*)*\.", example.description)


@every_example
def test_a_file_has_only_what_is_there_and_in_the_order_of_the_bytes(example: Example) -> None:
    """Nulls, empty texts and what can be computed are left out; the rest stands in the order of the schema."""
    document = file_of(example.event_type)
    core = [field["name"] for field in RAW.avro["fields"][RAW.head_length :]]
    head = [field["name"] for field in AUDIT.avro["fields"][: AUDIT.head_length]]
    assert list(document["core"]) == [name for name in core if name in document["core"]]
    assert list(document["head"]) == [name for name in head if name in document["head"]]
    assert not [name for name, value in document["core"].items() if value in (None, "", [])]
    assert not document["core"].keys() & {*CONTENT_FIELDS.values(), "content_bytes"}


@every_example
def test_an_example_encodes_and_decodes(example: Example) -> None:
    """Both records give back every field of the example, and the core is the tail of both."""
    raw, audit = decode(RAW, example.raw_event()), decoded(example)
    assert {name: raw[name] for name in example.core} == example.core
    assert {name: audit[name] for name in {**example.head, **example.core}} == {**example.head, **example.core}
    assert example.raw_event().endswith(example.core_bytes())
    assert example.audit_event().endswith(example.core_bytes())


def test_examples_are_the_same_in_every_run() -> None:
    """Salts and hashes are made from the files alone, a salt of its own for each."""
    before = [(example.raw_event(), example.audit_event()) for example in examples().values()]
    examples.cache_clear()
    assert [(example.raw_event(), example.audit_event()) for example in examples().values()] == before
    assert len({example.salt for example in examples().values()}) == len(EVENT_TYPES)


@every_example
def test_hashes_of_an_example_hold(example: Example) -> None:
    """Event hash, chain hash and record hash can be computed again from the bytes."""
    audit, datum = decoded(example), example.audit_event()
    parts = split_raw(example.raw_event())
    stream = UUID(example.core["stream_id"]).bytes
    assert audit["event_hash"] == event_hash(parts.core)
    assert audit["chain_hash"] == parts.chain_hash
    assert parts.chain_hash == chain_hash(stream, example.core["seq"], bytes(32), event_hash(parts.core))
    assert audit["record_hash"] == record_hash(datum[32:])


@every_example
def test_commitments_of_an_example_hold(example: Example) -> None:
    """The core commits to each content field that there is and to no other, and counts their bytes."""
    plain = split_raw(example.raw_event()).content
    document = json.loads(plain) if plain else {}
    salt = base64.b64decode(document.pop("salt", ""))
    assert document == example.content
    assert {name: value for name in CONTENT_FIELDS if (value := example.core[CONTENT_FIELDS[name]]) is not None} == {
        name: commitment(salt, name, text.encode()) for name, text in document.items()
    }
    assert sum(len(text.encode()) for text in document.values()) == example.core["content_bytes"]


@every_example
def test_an_example_can_be_sealed(example: Example) -> None:
    """With a key the content is unreadable to others, and the worker's key opens it to the same bytes."""
    private = generate_private_key()
    key = DataKey.generate([public_key_of(private)])
    sealed, plain = split_raw(example.raw_event(key)), split_raw(example.raw_event())
    assert sealed.core == plain.core
    if plain.content:
        bound_to = associated_data(UUID(example.core["stream_id"]).bytes, example.core["seq"])
        assert PrivateKeys([private]).open(key.header, sealed.content, bound_to) == plain.content


@every_example
def test_what_an_auditor_sees_has_no_personal_data(example: Example) -> None:
    """What the story plants in content is in no head, and what redaction found is counted."""
    head = json.dumps(example.head)
    planted = [word for word in PERSONAL if word in json.dumps(example.content)]
    assert not [word for word in PERSONAL if word in head]
    assert bool(example.head["redaction_types"]) == bool(planted)
    assert sum(example.head["redaction_counts"]) == len(re.findall(r"\[(?!WITHHELD)[A-Z_]+\]", "".join(redacted(example))))
    assert (example.head["redaction_status"] == "none") == (not example.content)


def redacted(example: Example) -> list[str]:
    """Return the redacted texts of an example."""
    return [str(example.head[field]) for field in CONTENT_FIELDS if field != "tags" and example.head[field] is not None]


@every_example
def test_redacted_content_is_where_the_content_was(example: Example) -> None:
    """Each content field comes out redacted, as JSON unless it is an error; the status says where one was withheld."""
    there = {field for field in CONTENT_FIELDS if example.head[field] not in (None, [])}
    assert there == example.content.keys()
    assert ("[WITHHELD]" in json.dumps(example.head)) == (example.head["redaction_status"] == "partial")
    for field in there - {"error_message", "tags"}:
        json.loads(example.head[field])


@every_example
def test_the_worker_makes_the_head_of_an_example(example: Example) -> None:
    """What the files show as redacted and enriched is what the worker's steps make of the raw event."""
    steps = pipeline(PrivateKeys([]), {"acme": ACME})
    event = Event(None, frame(RAW.id, example.raw_event()), {}, 0, 0, example.core["occurred_at"] // 1000)
    through(steps, event)
    told = TOLD | ({"metadata", "redaction_status"} if example.event_type == "custom" else set())
    made = {name: value for name, value in event.head.items() if name in example.head.keys() - told}
    assert made == {name: value for name, value in example.head.items() if name not in told}


@every_example
def test_ids_and_times_of_an_example_are_real(example: Example) -> None:
    """An event id is a UUIDv7 of its time, or a UUIDv5 where it was derived; what is processed has happened."""
    event_id, occurred_at = UUID(example.core["event_id"]), example.core["occurred_at"]
    assert event_id.version == (5 if example.event_type in DERIVED else 7)
    if event_id.version == 7:
        assert event_id.int >> 80 == occurred_at // 1000
    assert datetime(2026, 3, 17, tzinfo=UTC).timestamp() * 1e6 < occurred_at < example.head["processed_at"]
    if example.core["latency_us"] is not None:
        assert abs(occurred_at - example.core["started_at"] - example.core["latency_us"]) < 1000


@every_example
def test_values_of_an_example_are_of_the_vocabulary(example: Example) -> None:
    """Outcomes are those of the contract; starts have none and ends have one; streams' own events belong to no run."""
    core = example.core
    assert core["outcome"] in (None, *OUTCOMES)
    if example.event_type.endswith("_start"):
        assert core["outcome"] is None
    if example.event_type.endswith(("_end", "_error")):
        assert None not in (core["outcome"], core["started_at"], core["latency_us"], core["run_id"])
    if example.event_type in STREAM_EVENT_TYPES:
        assert core["run_id"] is None
        assert core["session_id"] == core["stream_id"]


def test_the_examples_tell_one_story_in_order() -> None:
    """Within a stream a later number is a later time by both clocks, and one process stands behind all of it."""
    streams: dict[str, list[Example]] = {}
    for example in examples().values():
        streams.setdefault(example.core["stream_id"], []).append(example)
    for events in streams.values():
        ordered = sorted((e.core["seq"], e.core["occurred_at"], e.core["monotonic_ns"]) for e in events)
        assert [times for _, *times in ordered] == sorted(times for _, *times in ordered)
        assert len({(e.core["app"], e.core["host"], e.core["pid"]) for e in events}) == 1
    assert len(streams) == 3 + len(DERIVED)
    assert {example.core["tenant_id"] for example in examples().values()} == {"acme", ""}


def test_the_numbers_of_the_story_add_up() -> None:
    """What a stream says it kept is its last number less what it dropped; a hole's count is its length."""
    dropped, gap, close = (examples()[name].core for name in ("dropped", "gap", "stream_close"))
    assert close["count"] == close["seq"] + 1 - dropped["count"]
    assert [hole["last_seq"] - hole["first_seq"] + 1 for hole in (dropped, gap)] == [dropped["count"], gap["count"]]


def test_parents_are_where_they_are_named() -> None:
    """The runs of the tool, the model and the retriever hang under the root that chain_start opened."""
    root = examples()["chain_start"].core["run_id"]
    for name in ("llm_start", "llm_end", "tool_start", "tool_end", "side_effect", "retriever_start", "retriever_end"):
        assert examples()[name].core["root_run_id"] == root
        assert examples()[name].core["parent_run_id"] is not None
    for run in ("llm", "tool", "retriever"):
        assert examples()[f"{run}_start"].core["run_id"] == examples()[f"{run}_end"].core["run_id"]
        assert examples()[f"{run}_start"].core["occurred_at"] == examples()[f"{run}_end"].core["started_at"]


def test_between_them_the_examples_use_every_field() -> None:
    """Each field of core and head has a value in at least one example, but for those named with a reason."""
    fields = {name for example in examples().values() for name in {**example.core, **example.head}}
    used = {
        name
        for example in examples().values()
        for name, value in {**example.core, **example.head}.items()
        if value not in (None, "", [], False)
    }
    assert fields - used == UNUSED.keys()


def test_an_unknown_field_in_a_file_is_refused() -> None:
    """A misspelt field would be lost without a word, so it is an error that names it."""
    document = file_of("gap")
    document["core"]["sequence"] = 1
    with pytest.raises(ValueError, match="gap has unknown fields: sequence"):
        loader._example(document)
