"""examples/*.json as values: one event of each type, for people to read and for tests to feed to any stage.

A file has `description` (one sentence), `core` and `head` (only what is neither null nor empty, times as ISO-8601) and
`content` (what the producer saw: JSON values, plain text for error_message). What follows from these is computed: salt,
commitments, sizes and hashes, so that every run of every stage gives the same bytes. All data are made up.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import orjson

from .codec import CONTENT_FIELDS, CORE_GROUPS, encode, encode_group, join_raw
from .event import EVENT_TYPES
from .hashing import chain_hash, commitment, event_hash, record_hash
from .registry import AUDIT_EVENT, RAW_EVENT, registry
from .sealing import DataKey, associated_data

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_HASH: Final = bytes(32)
_HASHES: Final = ("record_hash", "event_hash", "chain_hash")
_EMPTY: Final[dict[str, Any]] = {"string": "", "long": 0, "boolean": False, "array": []}


@dataclass(frozen=True)
class Example:
    """One event as it is at each stage."""

    event_type: str
    description: str
    core: dict[str, Any]
    """Every core field, commitments included; UUIDs as text, times in microseconds since 1970."""
    content: dict[str, str]
    """The content fields that there are, each the exact text that the core commits to."""
    head: dict[str, Any]
    """Every head field of the AuditEvent but its three hashes."""

    @property
    def salt(self) -> bytes:
        """The salt of the commitments, 32 bytes: made from the event's id, so that an example stays the same."""
        return _salt(self.core["event_id"])

    def core_bytes(self) -> bytes:
        """Return the core as its producer encodes it."""
        return b"".join(encode_group(group, self.core) for group in CORE_GROUPS)

    def chain_hash(self) -> bytes:
        """Return the link of the chain, 32 bytes, as if no event had gone before in the stream."""
        return chain_hash(UUID(self.core["stream_id"]).bytes, self.core["seq"], _NO_HASH, event_hash(self.core_bytes()))

    def raw_event(self, key: DataKey | None = None) -> bytes:
        """Return the datum of the RawEvent, its content in clear, or sealed with `key`."""
        content = b""
        if self.content:
            content = orjson.dumps({"salt": base64.b64encode(self.salt).decode(), **self.content})
            if key is not None:
                content = key.seal(content, associated_data(UUID(self.core["stream_id"]).bytes, self.core["seq"]))
        return join_raw(self.chain_hash(), content, self.core_bytes())

    def audit_event(self) -> bytes:
        """Return the datum of the AuditEvent."""
        hashes = {"record_hash": _NO_HASH, "event_hash": event_hash(self.core_bytes()), "chain_hash": self.chain_hash()}
        rest = encode(registry().latest(AUDIT_EVENT), {**hashes, **self.head, **self.core})[len(_NO_HASH) :]
        return record_hash(rest) + rest


@cache
def examples() -> dict[str, Example]:
    """Return one example for each event type, in the order of EVENT_TYPES."""
    folder = files(__package__).joinpath("examples")
    return {
        event_type: _example(json.loads(folder.joinpath(f"{event_type}.json").read_text("utf-8"))) for event_type in EVENT_TYPES
    }


def _example(document: dict[str, Any]) -> Example:
    core, head = document["core"], document["head"]
    content = {field: _text(field, value) for field, value in document["content"].items()}
    redacted = {field: _text(field, head[field]) for field in CONTENT_FIELDS if field in head and field != "tags"}
    raw, audit = registry().latest(RAW_EVENT), registry().latest(AUDIT_EVENT)
    return Example(
        event_type=core["event_type"],
        description=document["description"],
        core=_complete(raw.avro["fields"][raw.head_length :], {**_content_facts(_salt(core["event_id"]), content), **core}),
        content=content,
        head=_complete(
            [f for f in audit.avro["fields"][: audit.head_length] if f["name"] not in _HASHES], {**head, **redacted}
        ),
    )


def _text(field: str, value: Any) -> str:
    return str(value) if field == "error_message" else orjson.dumps(value).decode()


def _salt(event_id: str) -> bytes:
    return sha256(b"langtrail example " + event_id.encode()).digest()


def _content_facts(salt: bytes, content: dict[str, str]) -> dict[str, Any]:
    commits = {CONTENT_FIELDS[field]: commitment(salt, field, text.encode()) for field, text in content.items()}
    return {**commits, "content_bytes": sum(len(text.encode()) for text in content.values())}


def _complete(fields: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """Return a value for each field: what the file leaves out is null or empty. Raises ValueError for an unknown field."""
    unknown = given.keys() - {field["name"] for field in fields}
    if unknown:
        raise ValueError(f"the example {given.get('event_type', '')} has unknown fields: {', '.join(sorted(unknown))}")
    return {field["name"]: _value(field, given) for field in fields}


def _value(field: dict[str, Any], given: dict[str, Any]) -> Any:
    branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if field["name"] not in given:
        return None if "null" in branches else _EMPTY[_kind(branches[0])]
    value = given[field["name"]]
    is_time = any(isinstance(branch, dict) and branch.get("logicalType") == "timestamp-micros" for branch in branches)
    return (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1) if is_time else value


def _kind(avro_type: Any) -> str:
    return str(avro_type["type"] if isinstance(avro_type, dict) else avro_type)
