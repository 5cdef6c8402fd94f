"""What is written out for speed is what the contract's ordinary encoding gives."""

import base64
import random
import string
from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson
import pytest

from langtrail.producer.avro_pieces import long, optional_text, text
from langtrail.producer.content import content_of
from langtrail.producer.core import CoreWriter, drafted
from langtrail.producer.draft import Draft
from langtrail.producer.identity import Identity
from langtrail.producer.ids import uuid7, uuid_text
from langtrail.producer.serialise import MAX_FIELD_BYTES, snapshot_text
from langtrail.producer.settings import ProducerSettings
from langtrail.schemas import CONTENT_FIELDS, RAW_EVENT, commitment, decode, encode, registry
from langtrail.schemas.codec import encode_long, join_raw

SEED = 7
STREAM = "01a20302-9ca0-7641-8857-606240232968"
_LONGS = ("input_tokens", "latency_us", "started_at", "attempt", "step", "first_seq", "last_seq", "count", "ttft_us")


def random_text(rng: random.Random) -> str:
    """Return a text of any length, beyond ASCII, too."""
    return "".join(rng.choices(string.printable + "äß€漢🙂", k=rng.choice((0, 1, 5, 63, 64, 300))))


def random_long(rng: random.Random) -> int:
    """Return a whole number of any size."""
    return rng.getrandbits(rng.randrange(1, 62))


def random_draft(rng: random.Random) -> tuple[Draft, dict[str, Any]]:
    """Return a draft with some fields of every group, and the core fields that it stands for."""
    core: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for field in registry().latest(RAW_EVENT).avro["fields"]:
        group = field.get("group")
        if group in ("model", "outcome", "place", "tool", "policy", "stream") and rng.random() < 0.4:
            value = random_long(rng) if "long" in str(field["type"]) else random_text(rng)
            groups.setdefault(group, {})[field["name"]] = value
            core[field["name"]] = value
    identity = Identity(
        tenant_id=random_text(rng),
        session_id=rng.choice(("", random_text(rng))),
        principal_id=random_text(rng),
        roles=("a", random_text(rng)),
    )
    who = {field.name: getattr(identity, field.name) for field in fields(Identity) if not field.name.startswith("prompt_")}
    core.update(who, roles=list(identity.roles))
    component, run_id = random_text(rng), rng.choice((None, STREAM))
    content = {name: random_text(rng).encode() for name in CONTENT_FIELDS if rng.random() < 0.5}
    draft = drafted(
        "llm_end",
        component,
        identity,
        run_ids=(run_id, None, None),
        groups=groups,
        content=content,
        flags=("orphan", "late"),
        ext={"b": "2", "a": "1"},
    )
    core.update(event_type="llm_end", component=component, run_id=run_id, session_id=identity.session_id or STREAM)
    core.update(flags=list(draft.flags), ext=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    return draft, core


def test_the_pieces_are_the_ordinary_encoding() -> None:
    """For 500 random drafts with any fields absent, the core is the bytes that fastavro writes for the whole record."""
    rng = random.Random(SEED)  # noqa: S311 - test data
    settings = ProducerSettings(app="tests")
    writer = CoreWriter(settings, STREAM)
    schema = registry().latest(RAW_EVENT)
    for _ in range(500):
        draft, expected = random_draft(rng)
        seq, at, monotonic = (random_long(rng) for _ in range(3))
        content, facts = content_of(draft)
        event_id = uuid7(at // 1000 % 2**48)
        core = writer.core(draft, seq, event_id, at, monotonic, facts)
        record = decode(schema, join_raw(bytes(32), b"", core))
        assert encode(schema, record) == join_raw(bytes(32), b"", core)
        expected.update(event_id=event_id, stream_id=STREAM, seq=seq, occurred_at=at, monotonic_ns=monotonic)
        expected.update(app="tests", content_bytes=sum(map(len, draft.content.values())))
        assert {name: record[name] for name in expected} == expected
        salt = orjson.loads(content)["salt"] if content else ""
        check_commitments(record, draft.content, salt)


@pytest.mark.parametrize("exponent", range(1, 63))
def test_numbers_of_any_length_are_zigzag_varints(exponent: int) -> None:
    """At each power of two, and beside it."""
    for number in (2**exponent - 1, 2**exponent, 2**exponent + 1):
        assert long(number) == encode_long(number)


def check_commitments(record: dict[str, Any], content: dict[str, bytes], salt: str) -> None:
    """Each commitment is that of the contract, absent where there is no content."""
    for name, fact in CONTENT_FIELDS.items():
        given = content.get(name)
        made = commitment(_salt(salt), name, given) if given is not None else None
        assert record[fact] == made


def _salt(text_of_salt: str) -> bytes:
    return base64.b64decode(text_of_salt)


def test_content_is_one_document_with_its_salt() -> None:
    """Every field is the exact text that was committed to."""
    draft = drafted("custom", "c", Identity(), content={"input": b'{"a":1}', "error_message": "ä".encode()})
    content, facts = content_of(draft)
    document = orjson.loads(content)
    assert {name: value for name, value in document.items() if name != "salt"} == {"input": '{"a":1}', "error_message": "ä"}
    assert len(_salt(document["salt"])) == 32
    assert facts.endswith(long(9) + b"\x00")
    assert content_of(draft)[0] != content


def test_truncated_content_is_said() -> None:
    """One field that was cut is enough."""
    cut = snapshot_text("x" * (MAX_FIELD_BYTES + 1))
    assert content_of(drafted("custom", "c", Identity(), content={"input": b"1", "output": cut}))[1].endswith(b"\x01")
    assert content_of(drafted("custom", "c", Identity())) == (b"", bytes(8))


@pytest.mark.parametrize("number", [0, 1, 63, 64, 2047, 2048, 2**27 - 1, 2**27, 2**28, 1_700_000_000_000_000, 2**62, -1])
def test_numbers_are_zigzag_varints(number: int) -> None:
    """At the edges of the tables, too."""
    assert long(number) == encode_long(number)


def test_a_uuid_is_written_as_it_writes_itself() -> None:
    """With leading zeros, too."""
    for number in (0, 1, 2**128 - 1, UUID(STREAM).int):
        assert uuid_text(number) == str(UUID(int=number))


def test_text_that_is_not_valid_unicode_is_escaped() -> None:
    """A lone surrogate does not cost the event."""
    assert text("\ud800") == b"\x0c\\ud800"
    assert optional_text(None) == b"\x00"
