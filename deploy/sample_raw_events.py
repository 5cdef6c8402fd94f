"""Made-up raw events for benchmarks and tests: the sample events as a producer ships them, sealed when a key is given."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from uuid import UUID

import orjson

from langtrail.processors.validators import luhn
from langtrail.schemas import (
    CONTENT_FIELDS,
    CORE_GROUPS,
    KEY_HEADER,
    RAW_EVENT,
    DataKey,
    associated_data,
    commitment,
    encode_group,
    frame,
    registry,
)
from langtrail.schemas.codec import join_raw

from .sample_events import sample_events

_PEOPLE: Final = ("jane.doe", "k.lindqvist", "omar", "mei_tanaka", "r.o'neil", "ana.souza")


@dataclass(frozen=True)
class RawRecord:
    """A record of langtrail.raw. `event` has its core fields, `content` what a worker finds when it is opened."""

    key: bytes
    value: bytes
    headers: list[tuple[str, str | bytes | None]]
    event: dict[str, Any]
    content: dict[str, str]


def raw_record(event: dict[str, Any], content: Mapping[str, str], data_key: DataKey | None = None) -> RawRecord:
    """Return the record of an event with this content. Raises MalformedRecord when a field does not fit."""
    salt = hashlib.sha256(event["event_id"].encode()).digest()
    commits: dict[str, bytes | None] = dict.fromkeys(CONTENT_FIELDS.values())
    commits |= {CONTENT_FIELDS[name]: commitment(salt, name, text.encode()) for name, text in content.items()}
    core = event | commits
    sealed = orjson.dumps({"salt": base64.b64encode(salt).decode(), **content}) if content else b""
    headers: list[tuple[str, str | bytes | None]] = []
    if data_key is not None:
        headers.append((KEY_HEADER, data_key.header))
        sealed = sealed and data_key.seal(sealed, associated_data(UUID(event["stream_id"]).bytes, event["seq"]))
    core_bytes = b"".join(encode_group(group, core) for group in CORE_GROUPS)
    value = frame(registry().latest(RAW_EVENT).id, join_raw(event["chain_hash"], sealed, core_bytes))
    return RawRecord(event["session_id"].encode(), value, headers, core, dict(content))


def sample_raw_records(count: int, seed: int = 1, data_key: DataKey | None = None, **fields: Any) -> Iterator[RawRecord]:
    """Yield `count` records of about 1.8 kB; every third has personal data in its texts. `fields` overrides values in each."""
    random = Random(seed)  # noqa: S311 - made-up data, not secrets
    for number, event in enumerate(sample_events(count, seed, **fields)):
        personal = _personal(random) if number % 3 == 0 else ""
        texts = {name: event[name] for name in ("input", "output", "error_message", "params") if event[name] is not None}
        if "input" in texts:
            texts["input"] = f'{{"asked": {texts["input"]}, "before": {texts["input"]}, "note": "{personal}"}}'
        yield raw_record(event, texts, data_key)


def _personal(random: Random) -> str:
    """Return a sentence with an e-mail address, a phone number and a payment card that are nobody's."""
    card = f"4{random.randrange(10**14):014}"
    card += next(digit for digit in "0123456789" if luhn(card + digit))
    groups = " ".join(card[at : at + 4] for at in range(0, 16, 4))
    phone = f"+44 20 {random.randrange(7000, 8000)} {random.randrange(10_000):04}"
    return f"write to {random.choice(_PEOPLE)}{random.randrange(1000)}@example.com or call {phone} about card {groups}"
