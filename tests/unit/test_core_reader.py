"""The quick reader of cores: what it reads is what the Avro library reads, whatever the bytes."""

import random
import string
from collections.abc import Iterator
from typing import Any

import pytest

from langtrail.deploy.sample_events import sample_events
from langtrail.deploy.sample_raw_events import raw_record
from langtrail.processors.core_reader import CoreReader, Odd
from langtrail.schemas import CORE_GROUPS, RAW_EVENT, MalformedRecord, decode, encode_group, registry, unframe
from langtrail.schemas.codec import join_raw, split_raw

SCHEMA = registry().latest(RAW_EVENT)
FIELDS = SCHEMA.avro["fields"][SCHEMA.head_length :]
(SAMPLE,) = sample_events(1)


def value(field: dict[str, Any], chance: random.Random) -> Any:
    """Return a value at random that the field may have."""
    avro_type = field["type"]
    if isinstance(avro_type, list):
        if chance.random() < 0.4:
            return None
        avro_type = avro_type[1]
    kind = avro_type["type"] if isinstance(avro_type, dict) else avro_type
    if isinstance(avro_type, dict) and avro_type.get("logicalType") == "uuid":
        return SAMPLE["event_id"]
    if kind == "array":
        return [
            text(chance) if field["name"] != "ext" else {"key": text(chance), "value": ""} for _ in range(chance.randrange(3))
        ]
    return {
        "string": text(chance),
        "long": chance.choice((0, -1, 63, 64, -(2**62), 2**62 - 1, chance.getrandbits(40))),
        "boolean": chance.random() < 0.5,
    }.get(kind, chance.randbytes(32))


def text(chance: random.Random) -> str:
    """Return a text at random: empty, short, longer than one byte can say."""
    return "".join(chance.choices(string.ascii_letters + "é日🙂", k=chance.choice((0, 5, 63, 64, 300))))


def datums(count: int) -> Iterator[bytes]:
    """Yield raw events with fields at random, many of them alike."""
    chance = random.Random(5)  # noqa: S311 - always the same ones
    core = {field["name"]: value(field, chance) for field in FIELDS}
    for _ in range(count):
        for field in chance.sample(FIELDS, chance.choice((0, 2, len(FIELDS)))):
            core[field["name"]] = value(field, chance)
        yield join_raw(bytes(32), b"", b"".join(encode_group(group, core) for group in CORE_GROUPS))


def test_it_reads_what_the_library_reads() -> None:
    """Each field that is read has the value that fastavro gives, first time and again."""
    reader = CoreReader(SCHEMA)
    for datum in [*datums(300)] * 2:
        values = reader.read(split_raw(datum).core)
        record = decode(SCHEMA, datum)
        assert values == {name: record[name] for name in values}
        assert {"event_type", "stream_id", "seq", "tenant_id", "started_at", "input_tokens", "tags_commit"} <= values.keys()


def test_it_takes_nothing_that_the_library_refuses() -> None:
    """Bytes changed, cut or added: whatever is read is read the same by fastavro; for the rest the reader says Odd."""
    reader, chance, odd = CoreReader(SCHEMA), random.Random(6), 0  # noqa: S311 - always the same ones
    for datum in datums(1000):
        core = bytearray(split_raw(datum).core)
        at = chance.randrange(len(core))
        core[at : at + chance.randrange(2)] = chance.choice((b"", b"\0", b"\x80", b"\x02", b"\xff", b"Hh"))
        try:
            values = reader.read(bytes(core))
        except Odd:
            odd += 1
            continue
        record = decode(SCHEMA, join_raw(bytes(32), b"", bytes(core)))
        assert values == {name: record[name] for name in values}
    assert odd > 100


def test_a_number_of_more_than_64_bits_is_cut_to_64() -> None:
    """Avro's longs have 64 bits; the library drops what is more, and nothing here may go on with a larger number."""
    core = split_raw(unframe(raw_record(SAMPLE | {"seq": 0}, {}).value).datum).core
    seq = core.index(SAMPLE["stream_id"].encode()) + 36
    core = core[:seq] + b"\xfe" + b"\xff" * 8 + b"\x7f" + core[seq + 1 :]
    record = decode(SCHEMA, join_raw(bytes(32), b"", core))
    assert CoreReader(SCHEMA).read(core)["seq"] == record["seq"] < 2**63


def test_a_core_cut_anywhere_is_odd() -> None:
    """However much is missing of it, and though its first groups are known already."""
    reader = CoreReader(SCHEMA)
    core = split_raw(unframe(raw_record(SAMPLE, {}).value).datum).core
    reader.read(core)
    for length in range(len(core)):
        with pytest.raises(Odd):
            reader.read(core[:length])


def test_what_is_remembered_is_bounded() -> None:
    """However many users there are, the reader forgets rather than grow."""
    reader = CoreReader(SCHEMA)
    for number in range(5000):
        core = SAMPLE | {"principal_id": f"user-{number}", "flags": [f"flag-{number}"]}
        reader.read(b"".join(encode_group(group, core) for group in CORE_GROUPS))
    assert max(len(reader._known), len(reader._known_rests)) <= 4096


def test_the_library_has_the_last_word() -> None:
    """A core that only fastavro can judge is not taken on trust: these bytes are refused by both."""
    core = split_raw(unframe(raw_record(SAMPLE, {}).value).datum).core
    with pytest.raises(Odd):
        CoreReader(SCHEMA).read(core + b"\0")
    with pytest.raises(MalformedRecord):
        decode(SCHEMA, join_raw(bytes(32), b"", core + b"\0"))
