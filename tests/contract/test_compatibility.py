"""The gate lets harmless changes of the contract pass and names each breaking one, with what to do instead."""

import json
import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from langtrail.schemas import AUDIT_EVENT, RAW_EVENT, TENANT
from langtrail.schemas.compatibility import LEVELS, breaks, contract_problems
from langtrail.schemas.registry import compose, fingerprint

Fields = list[dict[str, Any]]
Change = Callable[[Fields], object]


class Contract:
    """A copy of the contract that a test may break."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, file: str) -> Any:
        """Return a file of the contract as JSON."""
        return json.loads(self.directory.joinpath(file).read_text())

    def save(self, file: str, document: Any) -> None:
        """Write a file of the contract."""
        self.directory.joinpath(file).write_text(json.dumps(document))

    def change(self, part: str, change: Change, *, to: str = "") -> None:
        """Change the fields of a head or core, in place or into a new file."""
        document = self.load(f"avro/{part}.avsc")
        change(document["fields"])
        self.save(f"avro/{to or part}.avsc", document)

    def register(self, subject: str, version: int, head: str, core: str | None) -> None:
        """Add an entry, with a new id and the right fingerprint."""
        entries = self.load("registry.json")
        record = compose(self.load(f"avro/{head}.avsc"), self.load(f"avro/{core}.avsc") if core else None)
        entry = {"subject": subject, "version": version, "head": head, "core": core, "fingerprint": fingerprint(record)}
        self.save("registry.json", [*entries, {"id": max(e["id"] for e in entries) + 1, **entry}])

    def new_core(self, change: Change) -> list[str]:
        """Release core.v2 in both events, and return what the gate says."""
        self.change("core.v1", change, to="core.v2")
        self.register(RAW_EVENT, 2, "raw_head.v1", "core.v2")
        self.register(AUDIT_EVENT, 2, "audit_head.v1", "core.v2")
        return self.problems()

    def new_head(self, subject: str, head: str, change: Change) -> list[str]:
        """Release a second version of a head, and return what the gate says."""
        self.change(f"{head}.v1", change, to=f"{head}.v2")
        self.register(subject, 2, f"{head}.v2", None if subject == TENANT else "core.v1")
        return self.problems()

    def problems(self) -> list[str]:
        """Return what the gate says of the contract as it is now."""
        return contract_problems(self.directory)


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """Return a copy of the contract that is checked in."""
    with as_file(files("langtrail.schemas")) as schemas:
        shutil.copytree(schemas / "avro", tmp_path / "avro")
        shutil.copy(schemas / "registry.json", tmp_path)
    return Contract(tmp_path)


def find(fields: Fields, name: str) -> dict[str, Any]:
    """Return a field by its name."""
    return next(field for field in fields if field["name"] == name)


def without(name: str) -> Change:
    """Remove a field."""
    return lambda fields: fields.remove(find(fields, name))


def with_type(name: str, avro_type: Any) -> Change:
    """Give a field another type, and no default."""

    def change(fields: Fields) -> None:
        field = find(fields, name)
        field.pop("default", None)
        field["type"] = avro_type

    return change


def unchanged(fields: Fields) -> None:
    """Leave all fields as they are."""


def with_name(name: str, new_name: str, **attributes: Any) -> Change:
    """Give a field another name."""
    return lambda fields: find(fields, name).update(name=new_name, **attributes)


def with_new(after: str, **field: Any) -> Change:
    """Put a new field behind another."""
    return lambda fields: fields.insert(fields.index(find(fields, after)) + 1, field)


def swapped(name: str, other: str) -> Change:
    """Let two fields change places."""

    def change(fields: Fields) -> None:
        here, there = fields.index(find(fields, name)), fields.index(find(fields, other))
        fields[here], fields[there] = fields[there], fields[here]

    return change


NULLABLE: dict[str, Any] = {"type": ["null", "string"], "default": None, "doc": "New."}

HARMLESS = {
    "a new nullable field": with_new("component", name="agent_version", group="event", **NULLABLE),
    "a new group at the end": with_new("ext", name="risk", group="risk", **NULLABLE),
    "a field with a default is gone": without("attempt"),
    "another doc string": lambda fields: find(fields, "seq").update(doc="Better said."),
    "nothing": unchanged,
}

BREAKING = {
    "a removed field without default": (without("seq"), "not upgraded: AuditEvent.seq"),
    "a new field without default": (with_new("component", name="size", type="long", group="event"), "size was not written"),
    "another type": (with_type("seq", "string"), "seq was written as long and is read as string"),
    "a logical type lost": (with_type("occurred_at", "long"), "occurred_at was written as long (timestamp-micros)"),
    "another logical type": (
        with_type("occurred_at", {"type": "long", "logicalType": "timestamp-millis"}),
        "is read as long (timestamp-millis)",
    ),
    "null no longer allowed": (with_type("provider", "string"), "provider was written as null and is read as string"),
    "null allowed from now on": (with_type("pid", ["null", "long"]), "pid was written as null and is read as long"),
    "other items": (with_type("roles", {"type": "array", "items": "long"}), "roles[] was written as string"),
    "a shorter hash": (
        with_type("input_commit", ["null", {"type": "fixed", "name": "langtrail.Hash", "size": 16}]),
        "raw_head.v1 and core.v2 define langtrail.Hash differently",
    ),
    "another name": (with_name("component", "what"), "component was not written and has no default"),
    "another order": (swapped("provider", "request_model"), "fields of core.v1 in another order"),
    "a group torn apart": (swapped("tenant_id", "response_id"), "fields of a group stand together"),
    "a field without a group": (with_new("ext", name="x", **NULLABLE), "each field needs a group"),
    "an enum": (
        with_new("component", name="x", type={"type": "enum", "name": "E", "symbols": ["a"]}, group="event", default="a"),
        "the field x is enum",
    ),
    "a map": (with_new("component", name="x", type={"type": "map", "values": "long"}, group="event", default={}), "x is map"),
    "a double": (with_new("component", name="x", type=["null", "double"], default=None, group="event"), "x is double"),
    "an array that may be null": (
        with_new("component", name="x", type=["null", {"type": "array", "items": "long"}], default=None, group="event"),
        "an array is never null",
    ),
    "three branches": (
        with_new("component", name="x", type=["null", "long", "string"], default=None, group="event"),
        "null or one type, null first",
    ),
    "a default of another type": (
        with_new("component", name="x", type=["null", "long"], default=0, group="event"),
        "the default of the field x is no null",
    ),
    "a field that is there twice": (with_new("component", name="seq", group="event", **NULLABLE), "has 2 fields seq"),
    "a field that the head has": (with_new("component", name="content", group="event", **NULLABLE), "has 2 fields content"),
    "no Avro at all": (with_type("seq", "lng"), "avro/core.v2.avsc is no Avro schema"),
}


def test_the_contract_that_is_checked_in_passes() -> None:
    """The registry, its files and all their versions keep every rule of the gate."""
    assert contract_problems() == []


def test_each_subject_promises_its_level() -> None:
    """Raw events promise that new workers read old bytes; events and tenants promise both directions."""
    assert LEVELS == {RAW_EVENT: "BACKWARD_TRANSITIVE", AUDIT_EVENT: "FULL_TRANSITIVE", TENANT: "FULL_TRANSITIVE"}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_harmless_new_core_passes(contract: Contract, change: Change) -> None:
    """A new core that old and new code can read is let through."""
    assert contract.new_core(change) == []


@pytest.mark.parametrize(("change", "sentence"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_new_core_is_stopped(contract: Contract, change: Change, sentence: str) -> None:
    """A new core that breaks a reader, a hash or the store is stopped, and the field is named."""
    problems = contract.new_core(change)
    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize("part", ["core.v1", "raw_head.v1", "audit_head.v1", "tenant.v1"])
def test_a_released_file_never_changes(contract: Contract, part: str) -> None:
    """A field added to a released file is stopped with the advice to add a new version."""
    name = contract.load(f"avro/{part}.avsc")["fields"][-1]["name"]
    contract.change(part, with_new(name, name="new", group="rest", **NULLABLE))
    assert any("a released schema never changes" in text and "add a new version" in text for text in contract.problems())


@pytest.mark.parametrize(
    "change",
    [
        swapped("provider", "request_model"),
        without("attempt"),
        with_type("seq", "string"),
        with_type("occurred_at", "long"),
        with_name("component", "what"),
        lambda fields: find(fields, "provider").pop("default"),
        with_new("component", name="agent_version", group="event", **NULLABLE),
    ],
    ids=["order", "removed", "type", "logical type", "name", "default", "new"],
)
def test_no_change_of_a_released_core_passes(contract: Contract, change: Change) -> None:
    """What would be harmless in a new version is not in a released one: records of it exist."""
    contract.change("core.v1", change)
    problems = contract.problems()
    assert [problem.partition(" version")[0] for problem in problems] == [RAW_EVENT, AUDIT_EVENT]
    assert all("restore" in problem and "add a new version" in problem for problem in problems)


def test_doc_strings_may_change_after_a_release(contract: Contract) -> None:
    """What only people read is no part of the fingerprint."""
    contract.change("core.v1", lambda fields: find(fields, "seq").update(doc="Said in other words."))
    assert contract.problems() == []


def test_an_audit_event_may_gain_a_nullable_head_field(contract: Contract) -> None:
    """Enrichment grows by fields with a default."""
    assert contract.new_head(AUDIT_EVENT, "audit_head", with_new("price_version", name="risk", **NULLABLE)) == []


def test_an_audit_event_may_not_gain_a_required_head_field(contract: Contract) -> None:
    """A head field without a default could not be read from older events."""
    problems = contract.new_head(AUDIT_EVENT, "audit_head", with_new("price_version", name="risk", type="long"))
    assert any("AuditEvent.risk was not written and has no default" in problem for problem in problems)


def test_a_raw_head_is_two_fields_for_ever(contract: Contract) -> None:
    """The head of a raw event is cut off by position, so it can neither grow nor change its order."""
    problems = contract.new_head(RAW_EVENT, "raw_head", with_new("content", name="x", **NULLABLE))
    assert any("raw_head.v2 must have chain_hash, content only" in problem for problem in problems)


def test_the_hashes_of_an_audit_event_stay_in_front(contract: Contract) -> None:
    """The record hash covers all bytes after itself, so it is the first field of every version."""
    front = {"name": "x", **NULLABLE}
    problems = contract.new_head(AUDIT_EVENT, "audit_head", lambda fields: fields.insert(0, front))
    assert any("must have record_hash, event_hash, chain_hash first" in problem for problem in problems)


def test_tenants_are_read_by_old_and_new_code(contract: Contract) -> None:
    """A tenant's record may gain a field with a default, and may not lose one without."""
    assert contract.new_head(TENANT, "tenant", with_new("policy", name="contact", **NULLABLE)) == []
    contract.change("tenant.v1", without("updated_at"), to="tenant.v3")
    contract.register(TENANT, 3, "tenant.v3", None)
    broken = contract.problems()
    assert len([problem for problem in broken if "Tenant.updated_at was not written" in problem]) == 2


def test_raw_events_promise_one_direction_only() -> None:
    """A new required field would break readers of raw events that are older: nobody promised them anything."""
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    new: dict[str, Any] = {"type": "record", "name": "R", "fields": []}
    assert breaks(new, old, "BACKWARD_TRANSITIVE") == []
    assert breaks(new, old, "FULL_TRANSITIVE") == [
        "cannot be read by those who have not upgraded: R.a was not written and has no default"
    ]


def test_ids_are_used_once(contract: Contract) -> None:
    """Two entries with one id are stopped."""
    entries = contract.load("registry.json")
    contract.save("registry.json", [{**entry, "id": 1} for entry in entries])
    assert any("Schema id 1 is used 3 times" in problem for problem in contract.problems())


def test_versions_have_no_holes(contract: Contract) -> None:
    """A subject that goes from version 1 to 3 is stopped."""
    contract.register(TENANT, 3, "tenant.v1", None)
    assert contract.problems() == ["langtrail.tenants-value has the versions [1, 3]; number them from 1 without holes."]


def test_every_subject_has_a_level(contract: Contract) -> None:
    """A new subject must say what it promises."""
    contract.register("langtrail.new-value", 1, "tenant.v1", None)
    assert contract.problems() == ["langtrail.new-value has no compatibility level; add it to LEVELS."]


def test_every_raw_core_has_an_audit_event(contract: Contract) -> None:
    """A core that workers could not answer in is stopped."""
    contract.change("core.v1", unchanged, to="core.v2")
    contract.register(RAW_EVENT, 2, "raw_head.v1", "core.v2")
    assert any("No AuditEvent has core.v2" in problem for problem in contract.problems())


def test_every_file_is_registered(contract: Contract) -> None:
    """A schema that no entry names, and an entry that names no file, are stopped."""
    contract.change("core.v1", unchanged, to="core.v9")
    assert contract.problems() == ["avro/core.v9.avsc is in no entry of registry.json; register it or remove it."]
    contract.directory.joinpath("avro/core.v9.avsc").rename(contract.directory / "avro/core.v1.avsc")
    contract.directory.joinpath("avro/tenant.v1.avsc").unlink()
    assert contract.problems() == ["registry.json names tenant.v1, but there is no avro/tenant.v1.avsc."]
