"""Reads langtrail.raw as an outsider would: Avro's schema files, SHA-256 and nothing of langtrail.

    python raw_reader.py BOOTSTRAP_SERVERS SCHEMA_DIRECTORY APP

Prints JSON: for each stream of the application its records in the order of their first arrival, and what is wrong with them.
"""

import hashlib
import io
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer, TopicPartition

TOPIC = "langtrail.raw"
_HEAD_BYTES = 5


def main() -> None:
    """Read all of the topic and print what is in it."""
    servers, schemas, app = sys.argv[1:]
    decode = _decoder(Path(schemas))
    streams: dict[str, list[dict[str, Any]]] = {}
    for value, partition, offset in _records(servers):
        event = decode(value)
        if event["app"] == app:
            event.update(partition=partition, offset=offset, sha256=hashlib.sha256(value).hexdigest())
            streams.setdefault(event["stream_id"], []).append(event)
    json.dump({stream_id: _judge(stream_id, events) for stream_id, events in streams.items()}, sys.stdout)


def _judge(stream_id: str, copies: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one stream: each event once, by its number, and the numbers of those that are not as they should be."""
    first: dict[int, dict[str, Any]] = {}
    conflicting = [copy["seq"] for copy in copies if first.setdefault(copy["seq"], copy)["sha256"] != copy["sha256"]]
    events = [first[seq] for seq in sorted(first)]
    named = {seq for event in events for seq in _named(event)}
    return {
        "events": [{name: value for name, value in event.items() if name != "event_hash"} for event in events],
        "copies": len(copies),
        "conflicting": conflicting,
        "broken_links": _broken_links(stream_id, events),
        "missing": [seq for seq in range(events[-1]["seq"] + 1) if seq not in first and seq not in named],
        "out_of_order": _out_of_order(copies, first),
    }


def _named(event: dict[str, Any]) -> range:
    if event["event_type"] != "dropped":
        return range(0)
    return range(event["first_seq"], event["last_seq"] + 1)


def _broken_links(stream_id: str, events: list[dict[str, Any]]) -> list[int]:
    """Follow the chain: an event that Kafka refused is in it by the hash that its `dropped` event tells."""
    told = {e["first_seq"]: e["ext"]["event_hash"] for e in events if e["event_type"] == "dropped" and "event_hash" in e["ext"]}
    hashes = {**told, **{event["seq"]: event["event_hash"] for event in events}}
    links = {event["seq"]: event["chain_hash"] for event in events}
    chain, broken = bytes(32), []
    for seq in sorted(hashes):
        linked = b"\x02" + uuid.UUID(stream_id).bytes + seq.to_bytes(8, "big") + chain + bytes.fromhex(hashes[seq])
        chain = hashlib.sha256(linked).digest()
        if seq in links and links[seq] != chain.hex():
            broken.append(seq)
            chain = bytes.fromhex(links[seq])
    return broken


def _out_of_order(copies: list[dict[str, Any]], first: dict[int, dict[str, Any]]) -> list[int]:
    """Return the numbers that first arrived, in their partition, after a higher one of the same stream."""
    highest: dict[int, int] = {}
    late = []
    for copy in copies:
        if copy is first[copy["seq"]]:
            if copy["seq"] < highest.get(copy["partition"], -1):
                late.append(copy["seq"])
            highest[copy["partition"]] = max(copy["seq"], highest.get(copy["partition"], -1))
    return late


def _decoder(directory: Path) -> Any:
    head = json.loads((directory / "raw_head.v1.avsc").read_text())
    core = json.loads((directory / "core.v1.avsc").read_text())
    names: dict[str, Any] = {}
    schema = _plain({**head, "fields": head["fields"] + core["fields"]}, names)
    parsed, parsed_head = fastavro.parse_schema(schema), fastavro.parse_schema(_plain(head, {}))

    def decode(value: bytes) -> dict[str, Any]:
        assert value[:_HEAD_BYTES] == b"\x00\x00\x00\x00\x01"
        buffer = io.BytesIO(value[_HEAD_BYTES:])
        fastavro.schemaless_reader(buffer, parsed_head, None)
        event_hash = hashlib.sha256(b"\x00" + buffer.read()).hexdigest()
        record: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEAD_BYTES:]), parsed, None)
        kept = ("event_type", "seq", "stream_id", "run_id", "component", "app", "pid", "occurred_at", "event_id")
        more = ("first_seq", "last_seq", "count", "previous_stream_id", "outcome")
        return {
            **{name: record[name] for name in (*kept, *more)},
            "ext": {item["key"]: item["value"] for item in record["ext"]},
            "chain_hash": record["chain_hash"].hex(),
            "content_bytes": len(record["content"]),
            "event_hash": event_hash,
        }

    return decode


def _plain(schema: Any, names: dict[str, Any]) -> Any:
    """Return a schema whose values stay numbers and text, with each named type defined once."""
    if isinstance(schema, list):
        return [_plain(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "fixed" and names.setdefault(schema["name"], schema) is not schema:
        return schema["name"]
    return {key: _plain(value, names) for key, value in schema.items() if key not in ("logicalType", "group", "doc")}


def _records(servers: str) -> Any:
    config = {"bootstrap.servers": servers, "group.id": "reader", "enable.auto.commit": False, "log_level": 0}
    consumer = Consumer({**config, "fetch.message.max.bytes": 20_000_000, "receive.message.max.bytes": 100_000_000})
    partitions = consumer.list_topics(TOPIC, timeout=20).topics[TOPIC].partitions
    ends = {number: consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=20) for number in partitions}
    left = {number: end - begin for number, (begin, end) in ends.items() if end > begin}
    consumer.assign([TopicPartition(TOPIC, number, ends[number][0]) for number in left])
    while left:
        message = consumer.poll(20)
        assert message is not None, "the broker does not hand out what it has"
        assert message.error() is None, message.error()
        partition, offset = message.partition(), message.offset()
        if partition in left and offset is not None:
            yield message.value(), partition, offset
            if offset + 1 >= ends[partition][1]:
                del left[partition]
    consumer.close()


if __name__ == "__main__":
    main()
