"""Step 1 of the pipeline: take a record of langtrail.raw apart, open its content, and hold it against its commitments."""

import re
from binascii import a2b_base64
from functools import cache, lru_cache
from typing import Any, Final

import orjson

from langtrail.schemas import (
    CONTENT_FIELDS,
    KEY_HEADER,
    RAW_EVENT,
    ContentSealBroken,
    MalformedRecord,
    PrivateKeys,
    RegisteredSchema,
    UnknownSchemaId,
    associated_data,
    commitments,
    decode,
    event_hash,
    registry,
    split_raw,
    unframe,
)
from langtrail.schemas.codec import PREFIX_BYTES, schema_id_of
from langtrail.schemas.headers import REVISION_HEADER

from .core_reader import CoreReader, Odd
from .event import Event, Rejected, schema_of

_SALT_BYTES: Final = 32
_REMEMBERED: Final = 4096
_DOCUMENT: Final = frozenset(("salt", *CONTENT_FIELDS))
_REVISION: Final = re.compile(rb"[0-9]{1,18}")
_UUIDS: Final = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12} )+")


class Open:
    """The steps that fill in schema, core, core bytes, content, and the head fields event_hash, chain_hash and revision.

    They raise Rejected for what cannot become an event, and UnknownKey for content sealed for a key that is not here: then the
    record is not at fault, and the worker has to stop.
    """

    def __init__(self, keys: PrivateKeys) -> None:
        self._keys = keys
        self.steps = (_take_apart, _read_core, self._unseal, _check)
        """In their order."""

    def _unseal(self, event: Event) -> None:
        content, wrapped_key = event.content_bytes, event.headers.get(KEY_HEADER)
        if content and wrapped_key is not None:
            core = event.core
            bound_to = associated_data(_stream(core["stream_id"]), core["seq"])
            try:
                content = self._keys.open(wrapped_key, content, bound_to)
            except ContentSealBroken as error:
                raise Rejected("open", "broken_seal", str(error)) from None
        event.content = _parse(content) if content else {}


def _take_apart(event: Event) -> None:
    try:
        value = event.value
        event.schema = _raw_schema(schema_id_of(value))
        event.head["chain_hash"], event.content_bytes, event.core_bytes = split_raw(value, PREFIX_BYTES)
    except MalformedRecord as error:
        raise Rejected("open", "malformed_record", str(error)) from None
    except UnknownSchemaId as error:
        raise Rejected("open", "unknown_schema", str(error)) from None


def _read_core(event: Event) -> None:
    schema = schema_of(event)
    try:
        event.core = _reader(schema.id).read(event.core_bytes)
    except Odd:
        event.core = _decoded_core(schema, unframe(event.value).datum)  # says what is wrong, if anything is
    if event.core["seq"] < 0:
        raise Rejected("open", "malformed_record", "the field seq is negative")


def _check(event: Event) -> None:
    salt = _salt(event.content) if event.content else b""
    _check_commitments(event.core, event.content, salt)
    event.head["event_hash"] = event_hash(event.core_bytes)
    event.head["revision"] = _revision(event)


def _revision(event: Event) -> int:
    """Return the number that an operator's replay wrote beside the record, 0 for a record straight from a producer."""
    given = event.headers.get(REVISION_HEADER)
    if given is None:
        return 0
    if not _REVISION.fullmatch(given):
        raise Rejected("open", "malformed_revision", f"the header {REVISION_HEADER} is not a whole number of at most 18 digits")
    return int(given)


def _decoded_core(schema: RegisteredSchema, datum: bytes) -> dict[str, Any]:
    """Return all of the core. Raises Rejected."""
    try:
        record = decode(schema, datum)
    except MalformedRecord as error:
        raise Rejected("open", "malformed_record", str(error)) from None
    head_fields, uuid_fields = _layout(schema)
    for field in head_fields:
        del record[field]
    _check_ids(record, uuid_fields)
    return record


@lru_cache(maxsize=_REMEMBERED)
def _stream(stream_id: str) -> bytes:
    return bytes.fromhex(stream_id.replace("-", ""))


@cache
def _raw_schema(schema_id: int) -> RegisteredSchema:
    schema = registry().by_id(schema_id)
    if schema.subject != RAW_EVENT:
        raise UnknownSchemaId(f"schema id {schema.id} is {schema.subject} {schema.version}, no raw event")
    return schema


@cache
def _reader(schema_id: int) -> CoreReader:
    return CoreReader(_raw_schema(schema_id))


@cache
def _layout(schema: RegisteredSchema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the head fields and of the core fields that hold UUIDs."""
    fields = schema.avro["fields"]
    core = fields[schema.head_length :]
    return (
        tuple(field["name"] for field in fields[: schema.head_length]),
        tuple(field["name"] for field in core if _is_uuid(field["type"])),
    )


def _is_uuid(avro_type: Any) -> bool:
    branches = avro_type if isinstance(avro_type, list) else [avro_type]
    return any(isinstance(branch, dict) and branch.get("logicalType") == "uuid" for branch in branches)


def _check_ids(core: dict[str, Any], uuid_fields: tuple[str, ...]) -> None:
    # Avro takes any text for a UUID and any long for a number; the store, and the hash over its columns, do not.
    ids = [core[field] for field in uuid_fields if core[field] is not None]
    if not _UUIDS.fullmatch(" ".join((*ids, ""))):
        raise Rejected("open", "malformed_record", f"one of {', '.join(uuid_fields)} is no UUID in its canonical form")


def _parse(plain: bytes) -> dict[str, str]:
    """Return the content document: its fields and its salt, all text."""
    try:
        document = orjson.loads(plain)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not document.keys() <= _DOCUMENT:
        raise Rejected("open", "malformed_content", "the content is no JSON object of the content fields and their salt")
    if not all(isinstance(text, str) for text in document.values()):
        raise Rejected("open", "malformed_content", "a content field is no text")
    return document


def _check_commitments(core: dict[str, Any], fields: dict[str, str], salt: bytes) -> None:
    made = commitments(salt, fields)
    for field, commit_field in CONTENT_FIELDS.items():
        if core.get(commit_field) != made.get(field):
            raise Rejected("open", "broken_commitment", f"the content of {field} is not what the core commits to")


def _salt(document: dict[str, str]) -> bytes:
    """Take the salt out of a content document."""
    try:
        salt = a2b_base64(document.pop("salt", ""), strict_mode=True)
    except ValueError:
        salt = b""
    if len(salt) != _SALT_BYTES:
        raise Rejected("open", "malformed_content", f"the salt of the content is not {_SALT_BYTES} bytes in base64")
    return salt
