"""Dead letters as an operator sees them: where each lies, why, and where it came from. Their content is never opened."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import nlargest
from typing import Any, Final

from confluent_kafka import Message

from langtrail.processors.dead_letter_facts import DeadLetter, bytes_of, core_of, headers_of, letter_of
from langtrail.schemas import RAW_EVENT, DeadLetterHeader, registry
from langtrail.schemas.headers import REPLAYED_FROM_HEADER, REVISION_HEADER

from .ask import connect
from .dead_letter_reader import TOPIC

_READABLE: Final = frozenset((*DeadLetterHeader, REPLAYED_FROM_HEADER, REVISION_HEADER))
_TIMES: Final = frozenset(
    field["name"] for field in registry().latest(RAW_EVENT).avro["fields"] if "timestamp-micros" in str(field["type"])
)
_REPLAYED: Final = (
    "SELECT arrayJoin(JSONExtract(ifNull(input, ''), 'letters', 'Array(String)')) AS letter, max(occurred_at) FROM trail"
    " WHERE event_type = 'custom' AND component = 'dead-letters replay'"
    " AND occurred_at >= fromUnixTimestamp64Milli({since:Int64}) GROUP BY letter"
)


def replayed_at(letters: Sequence[DeadLetter], variables: Mapping[str, str]) -> dict[str, str]:
    """Return when dead letters were last put back, ISO-8601 by their names, as the events of the replays in the store say.

    Each of these names a thousand letters at most. Without a store nothing is known. Raises AskError.
    """
    if not letters or not variables.get("LANGTRAIL_CLICKHOUSE_DSN"):
        return {}
    trail = connect(variables)
    try:
        return dict(trail.sql(_REPLAYED, {"since": min(letter.rejected_at_ms for letter in letters)}).rows)
    finally:
        trail.close()


def newest(messages: Iterable[Message], reason: str | None, limit: int) -> list[DeadLetter]:
    """Return the dead letters with this reason (None: any), the newest first, at most `limit` of them."""
    letters = (letter for letter in map(letter_of, messages) if reason in (None, letter.reason))
    return nlargest(limit, letters, key=lambda letter: (letter.rejected_at_ms, letter.partition, letter.offset))


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """Return what is known of a dead letter as JSON has it: times in ISO-8601, `bytes` is the size of its value."""
    return {
        "topic": TOPIC,
        "partition": letter.partition,
        "offset": letter.offset,
        "rejected_at": _iso(letter.rejected_at_ms * 1000),
        "reason": letter.reason,
        "stage": letter.stage,
        "error": letter.error,
        "origin_topic": letter.origin_topic,
        "origin_partition": letter.origin_partition,
        "origin_offset": letter.origin_offset,
        "origin_at": None if letter.origin_at_ms is None else _iso(letter.origin_at_ms * 1000),
        "langtrail_version": letter.version,
        "revision": letter.revision,
        "replayed_from": letter.replayed_from,
        "bytes": letter.size,
        "key": letter.key,
    }


def described(message: Message) -> dict[str, Any]:
    """Return all that can be said of a dead letter: headers, schema id, and the core as its bytes have it. Never content.

    Of headers that are not langtrail's, and of the wrapped key, only the size is given. `core` is null for bytes that are no
    event; it was not held against any hash.
    """
    schema_id, core = core_of(bytes_of(message.value()))
    return as_json(letter_of(message)) | {
        "headers": [[name, _header(name, value)] for name, value in headers_of(message)],
        "schema_id": schema_id,
        "core": None if core is None else {name: _plain(name, value) for name, value in core.items()},
    }


def _header(name: str, value: bytes | None) -> str | None:
    if value is None:
        return None
    return value.decode(errors="backslashreplace") if name in _READABLE else f"{len(value)} bytes"


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return _iso(value) if name in _TIMES and value is not None else value


def _iso(microseconds: int) -> str:
    """Return a time since 1970 in UTC; what no calendar has stays a number."""
    try:
        return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{microseconds} µs"
