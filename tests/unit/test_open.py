"""Step open: what becomes an event, what is rejected, and what stops the worker."""

import base64
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest

from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import RawRecord, raw_record
from langtrail.processors.event import Event, Rejected
from langtrail.processors.open import Open
from langtrail.schemas import (
    AUDIT_EVENT,
    CONTENT_FIELDS,
    CORE_GROUPS,
    KEY_HEADER,
    RAW_EVENT,
    DataKey,
    PrivateKeys,
    UnknownKey,
    encode_group,
    event_hash,
    frame,
    generate_private_key,
    public_key_of,
    registry,
    split_raw,
    unframe,
)
from langtrail.schemas.codec import join_raw
from langtrail.schemas.headers import REVISION_HEADER
from tests.through import through

CONTENT = {
    "input": '{"q": "where is my order?"}',
    "output": '"on its way"',
    "error_message": "HTTP 503",
    "params": "{}",
    "metadata": '{"a": 1}',
    "tags": '["x"]',
}
PRIVATE_KEY = generate_private_key()
DATA_KEY = DataKey.generate([public_key_of(PRIVATE_KEY)])
open_event = partial(through, Open(PrivateKeys([PRIVATE_KEY])).steps)
(SAMPLE,) = sample_events(1)


def event_of(record: RawRecord, value: bytes | None = None) -> Event:
    """Return the event of a record as the worker sees it; `value` replaces the record's."""
    headers = {name: header for name, header in record.headers if isinstance(header, bytes)}
    return Event(record.key, record.value if value is None else value, headers, 0, 17, SAMPLE["occurred_at"] // 1000)


def plain(document: Any, **core: Any) -> Event:
    """Return an unsealed event whose content is this JSON document, whatever it is."""
    record = raw_record(SAMPLE | core, CONTENT)
    framed = unframe(record.value)
    parts = split_raw(framed.datum)
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    return event_of(record, frame(framed.schema_id, join_raw(parts.chain_hash, content, parts.core)))


def reason_of(event: Event) -> str:
    """Return why the event is rejected at this step."""
    with pytest.raises(Rejected) as rejected:
        open_event(event)
    assert rejected.value.stage == "open"
    for text in CONTENT.values():
        assert text not in str(rejected.value)
    return rejected.value.reason


@pytest.mark.parametrize("data_key", [DATA_KEY, None], ids=["sealed", "clear"])
def test_content_comes_out_as_it_went_in(data_key: DataKey | None) -> None:
    """Opening gives the exact texts, without the salt, sealed or not."""
    event = event_of(raw_record(SAMPLE, CONTENT, data_key))
    open_event(event)
    assert event.content == CONTENT
    assert event.head["revision"] == 0
    assert event.head["chain_hash"] == SAMPLE["chain_hash"]


def test_core_is_decoded_and_its_bytes_are_kept() -> None:
    """The core is there twice: as values, and as the bytes that the event hash covers."""
    record = raw_record(SAMPLE, CONTENT, DATA_KEY)
    event = event_of(record)
    open_event(event)
    assert event.core_bytes == b"".join(encode_group(group, record.event) for group in CORE_GROUPS)
    assert event.head["event_hash"] == event_hash(event.core_bytes)
    assert event.core["stream_id"] == SAMPLE["stream_id"]
    assert event.core["occurred_at"] == SAMPLE["occurred_at"]
    assert "content" not in event.core
    assert event.schema == registry().latest(RAW_EVENT)


@pytest.mark.parametrize("data_key", [DATA_KEY, None], ids=["sealed", "clear"])
def test_an_event_without_content_opens(data_key: DataKey | None) -> None:
    """Empty content is no content, although every record of a sealed stream carries its key."""
    event = event_of(raw_record(SAMPLE, {}, data_key))
    open_event(event)
    assert event.content == {}


@pytest.mark.parametrize("value", [b"", b"junk", b"\x00\x00", b"\x01\x00\x00\x00\x01rest", b"\x00\x00\x00\x00\x01"])
def test_bytes_that_are_no_record_are_rejected(value: bytes) -> None:
    """A value that is not Avro in the wire format, or too short for its schema, is malformed."""
    assert reason_of(event_of(raw_record(SAMPLE, CONTENT), value)) == "malformed_record"


def test_a_record_cut_anywhere_is_rejected() -> None:
    """However much of its end is missing, a record never passes for another."""
    record = raw_record(SAMPLE, CONTENT)
    for length in range(5, len(record.value), 7):
        assert reason_of(event_of(record, record.value[:length])) == "malformed_record"


def test_bytes_left_over_are_rejected() -> None:
    """A record with bytes after its end is malformed: they would be in the event hash and nowhere else."""
    record = raw_record(SAMPLE, CONTENT)
    assert reason_of(event_of(record, record.value + b"\x00")) == "malformed_record"


@pytest.mark.parametrize("schema_id", [0, 4_000_000_000, registry().latest(AUDIT_EVENT).id])
def test_a_schema_that_is_no_raw_event_is_rejected(schema_id: int) -> None:
    """An id that the registry does not have, and one of another subject, are unknown here."""
    record = raw_record(SAMPLE, CONTENT)
    assert reason_of(event_of(record, frame(schema_id, record.value[5:]))) == "unknown_schema"


@pytest.mark.parametrize(
    "core",
    [
        {"event_id": "x"},
        {"stream_id": ""},
        {"run_id": SAMPLE["run_id"].upper()},
        {"parent_run_id": SAMPLE["run_id"] + " "},
        {"seq": -1},
    ],
    ids=str,
)
def test_ids_that_the_store_cannot_hold_are_rejected(core: dict[str, Any]) -> None:
    """Avro takes any text for a UUID; the store would not give the same bytes back, so only the canonical form is an id."""
    assert reason_of(event_of(raw_record(SAMPLE | core, CONTENT))) == "malformed_record"


@pytest.mark.parametrize("changed", ["content", "stream", "seq", "header"])
def test_a_broken_seal_is_rejected(changed: str) -> None:
    """Sealed content that was changed, or moved to another stream or number, does not open."""
    record = raw_record(SAMPLE, CONTENT, DATA_KEY)
    core = {"stream": {"stream_id": str(uuid.uuid4())}, "seq": {"seq": SAMPLE["seq"] + 1}}.get(changed, {})
    parts, other = (split_raw(unframe(r.value).datum) for r in (record, raw_record(SAMPLE | core, CONTENT)))
    content = parts.content[:-1] + bytes([parts.content[-1] ^ 1]) if changed == "content" else parts.content
    event = event_of(record, frame(1, join_raw(parts.chain_hash, content, other.core)))
    if changed == "header":
        header = event.headers[KEY_HEADER]
        event.headers[KEY_HEADER] = header[:-1] + bytes([header[-1] ^ 1])
    assert reason_of(event) == "broken_seal"


@pytest.mark.parametrize("content", [b"", b"\x00", b"short", bytes(11), bytes(12)], ids=len)
def test_a_seal_that_is_too_short_is_rejected(content: bytes) -> None:
    """Bytes that cannot be a nonce and a tag are a broken seal; none at all are missing content."""
    parts = split_raw(unframe(raw_record(SAMPLE, CONTENT, DATA_KEY).value).datum)
    event = event_of(raw_record(SAMPLE, CONTENT, DATA_KEY), frame(1, join_raw(parts.chain_hash, content, parts.core)))
    assert reason_of(event) == ("broken_seal" if content else "broken_commitment")


def test_an_unknown_key_stops_the_worker() -> None:
    """Content sealed for a key that is not here is not the record's fault: no dead letter, but an error that names the key."""
    other = DataKey.generate([public_key_of(generate_private_key())])
    with pytest.raises(UnknownKey, match="LANGTRAIL_PRIVATE_KEY_FILE"):
        open_event(event_of(raw_record(SAMPLE, CONTENT, other)))


def test_an_older_key_still_opens() -> None:
    """A worker that was given a new key first opens what was sealed for the old one."""
    event = event_of(raw_record(SAMPLE, CONTENT, DATA_KEY))
    through(Open(PrivateKeys([generate_private_key(), PRIVATE_KEY])).steps, event)
    assert event.content == CONTENT


@pytest.mark.parametrize(
    "document", [b"{", b"[]", b"1", b"\xff", b'"\\ud800"', {"salt": 1}, {"input": {}}, {"surprise": "x"}], ids=str
)
def test_content_of_another_form_is_rejected(document: Any) -> None:
    """Content is a JSON object of the known fields, all of them text."""
    assert reason_of(plain(document)) == "malformed_content"


@pytest.mark.parametrize("salt", ["", "AAAA", "*" * 44, base64.b64encode(bytes(33)).decode()])
def test_a_salt_of_another_form_is_rejected(salt: str) -> None:
    """The salt is 32 bytes in base64."""
    assert reason_of(plain({"salt": salt, **CONTENT})) == "malformed_content"


@pytest.mark.parametrize("field", CONTENT_FIELDS)
def test_every_field_is_held_against_its_commitment(field: str) -> None:
    """A changed text, a missing text and a text that nothing commits to break the commitment, whichever field it is."""
    document = orjson.loads(split_raw(unframe(raw_record(SAMPLE, CONTENT).value).datum).content)
    without = {name: text for name, text in document.items() if name != field}
    uncommitted = raw_record(SAMPLE, {name: text for name, text in CONTENT.items() if name != field})
    parts = split_raw(unframe(uncommitted.value).datum)
    added = event_of(uncommitted, frame(1, join_raw(parts.chain_hash, orjson.dumps(document), parts.core)))
    events: list[Callable[[], Event]] = [
        lambda: plain(document | {field: CONTENT[field] + " "}),
        lambda: plain(without),
        lambda: added,
    ]
    assert [reason_of(event()) for event in events] == ["broken_commitment"] * 3


def test_removed_content_breaks_its_commitments() -> None:
    """Cutting all content away does not make an event without content."""
    assert reason_of(plain(b"")) == "broken_commitment"


def test_a_replayed_record_has_the_revision_of_its_header() -> None:
    """What an operator put back replaces what was stored before: its revision is the higher one."""
    event = event_of(raw_record(SAMPLE, CONTENT))
    event.headers[REVISION_HEADER] = b"12"
    open_event(event)
    assert event.head["revision"] == 12


@pytest.mark.parametrize("revision", [b"", b"-1", b"1.0", b" 1", b"1\n", b"\xd9\xa1", b"9" * 19])
def test_a_revision_that_is_no_whole_number_is_rejected(revision: bytes) -> None:
    """The header is digits and nothing else, and fits the store."""
    event = event_of(raw_record(SAMPLE, CONTENT))
    event.headers[REVISION_HEADER] = revision
    assert reason_of(event) == "malformed_revision"
