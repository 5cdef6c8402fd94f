"""Whether the store has every record that the sink committed: Kafka's offsets held against ClickHouse's, by partition.

A committed offset says: all before it is stored. So every offset from the first stored or oldest kept one up to it must be a
row of `events`, or explained: the record is there under another offset (it was emitted twice, and the engine keeps one), it is
a dead letter of the sink, `langtrail retain` removed it, or Kafka never had a record there. What is neither is missing. An
offset without a row that Kafka has no more cannot be explained from a record; it is counted apart, as unproven.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from langtrail.processors.clickhouse import HASH_BYTES, StoreError, connect, store_error
from langtrail.processors.intent import NewerIntent, decode
from langtrail.processors.sink_batch import event_hash_at
from langtrail.processors.sink_settings import SinkSettings
from langtrail.schemas import MalformedRecord, UnknownSchemaId, registry, topic, unframe

from .errors import CannotRun
from .kafka_ranges import dead_letters_of, read_ranges

_REQUEST_SECONDS: Final = 20
_OFFSETS_A_QUERY: Final = 5_000_000
_HASHES_A_QUERY: Final = 5_000
_SEQUENTIAL: Final = {"select_sequential_consistency": 1}
_BOUNDS: Final = """
SELECT count(), min(_offset), max(_offset) FROM events WHERE _topic = {topic:String} AND _partition = {partition:Int32}
"""
_GAPS: Final = """
SELECT before, at FROM
(
    SELECT
        _offset AS at,
        lagInFrame(_offset, 1, {lo:Int64} - 1) OVER (ORDER BY _offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM
    (
        SELECT DISTINCT _offset FROM events
        WHERE _topic = {topic:String} AND _partition = {partition:Int32} AND _offset BETWEEN {lo:Int64} AND {hi:Int64}
        UNION ALL SELECT {hi:Int64} + 1
    )
)
WHERE at > before + 1 ORDER BY at
"""
_HAVE: Final = (
    "SELECT DISTINCT hex(event_hash) FROM events WHERE _topic = {topic:String} AND _partition = {partition:Int32} "
    "AND event_hash IN (SELECT unhex(arrayJoin({hashes:Array(String)})))"
)
_REMOVED: Final = (
    "SELECT DISTINCT offset FROM removed_events WHERE topic = {topic:String} AND partition = {partition:Int32} "
    "AND offset BETWEEN {lo:Int64} AND {hi:Int64} ORDER BY offset"
)


class Range(NamedTuple):
    """Offsets from lo to hi, both included."""

    lo: int
    hi: int


@dataclass
class PartitionAudit:
    """What Kafka and ClickHouse say of one partition. Offsets are null when there is none."""

    partition: int
    oldest: int
    end: int
    committed: int | None
    in_flight: Range | None
    """The range that a sink is storing, or was storing when it was stopped; it may or may not be stored."""
    first_stored: int | None
    last_stored: int | None
    checked: Range | None = None
    duplicates: int = 0
    """Offsets whose event is stored under another offset."""
    dead_letters: int = 0
    """Offsets whose record the sink wrote to the dead letters."""
    removed: int = 0
    """Offsets whose event was stored, and removed by `langtrail retain`."""
    no_record: int = 0
    """Offsets at which Kafka has no record though it has later and earlier ones."""
    missing: list[Range] = field(default_factory=list)
    """On Kafka, committed, and not stored: lost."""
    unproven: list[Range] = field(default_factory=list)
    """Committed, not stored, and not on Kafka any more: lost, or an event whose other copy is stored; nothing can tell."""
    wrong: str | None = None
    """What is wrong with the committed offset itself."""

    @property
    def is_complete(self) -> bool:
        """Whether everything committed is proved to be stored or explained."""
        return not (self.missing or self.unproven or self.wrong)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values; ranges are [lo, hi]."""
        plain = asdict(self) | {"complete": self.is_complete}
        for name in ("in_flight", "checked"):
            plain[name] = list(plain[name]) if plain[name] else None
        return plain | {name: [list(each) for each in plain[name]] for name in ("missing", "unproven")}


def audit_offsets(settings: SinkSettings) -> list[PartitionAudit]:
    """Return the audit of every partition of the sink's topic, by number. The sink may run meanwhile.

    Raises CannotRun when Kafka or ClickHouse do not answer, or the topic is missing.
    """
    consumer = Consumer(
        {
            **settings.librdkafka(),
            "group.id": settings.group,
            "enable.auto.commit": "false",
            "enable.partition.eof": "true",
            "fetch.wait.max.ms": "10",  # nothing new is waited for where a partition ends
        }
    )
    try:
        client = connect(settings.clickhouse_dsn)
        try:
            return [_audit(consumer, client, settings, number) for number in _numbers(consumer, settings.topic)]
        finally:
            client.close()
    except KafkaException as error:
        raise CannotRun(f"Kafka at {settings.bootstrap_servers}: {error.args[0].str()}") from None
    except StoreError as error:
        raise CannotRun(str(error)) from None
    except ClickHouseError as error:
        raise CannotRun(str(store_error(error, settings.clickhouse_dsn))) from None
    finally:
        consumer.close()


def _numbers(consumer: Consumer, name: str) -> list[int]:
    found = consumer.list_topics(name, _REQUEST_SECONDS).topics[name]
    if found.error:
        raise CannotRun(f"Kafka has no topic {name}; run `langtrail migrate`")
    return sorted(found.partitions)


def _audit(consumer: Consumer, client: Client, settings: SinkSettings, number: int) -> PartitionAudit:
    place = TopicPartition(settings.topic, number)
    (commit,) = consumer.committed([place], timeout=_REQUEST_SECONDS)
    if commit.error:
        raise KafkaException(commit.error)
    # The store is asked after Kafka has said what is committed: what it says may only be more.
    oldest, end = consumer.get_watermark_offsets(place, timeout=_REQUEST_SECONDS)
    stored, first, last = _ask(client, _BOUNDS, settings.topic, number)[0]
    audit = PartitionAudit(number, oldest, end, None, None, first if stored else None, last if stored else None)
    if commit.offset == OFFSET_INVALID:
        audit.wrong = "rows are stored, but the sink has committed nothing" if stored else None
        return audit
    audit.committed = commit.offset
    try:
        intent = decode(commit.metadata, commit.offset)
    except NewerIntent as error:
        raise CannotRun(f"{settings.topic}[{number}]: {error}") from None
    audit.in_flight = Range(intent.lo, intent.hi) if intent else None
    if not oldest <= commit.offset <= end:
        audit.wrong = f"the committed offset {commit.offset} is not on Kafka, which has {oldest} to {end}"
    begin = min(oldest, first) if stored else oldest
    if begin < commit.offset:
        audit.checked = Range(begin, commit.offset - 1)
        _explain(audit, list(_gaps(client, settings.topic, number, audit.checked)), consumer, client, settings)
    return audit


def _gaps(client: Client, name: str, number: int, checked: Range) -> Iterator[Range]:
    """Yield the ranges of offsets that no row has, lowest first."""
    for lo in range(checked.lo, checked.hi + 1, _OFFSETS_A_QUERY):
        hi = min(lo + _OFFSETS_A_QUERY - 1, checked.hi)
        for before, at in _ask(client, _GAPS, name, number, lo=lo, hi=hi):
            yield Range(before + 1, at - 1)


def _explain(audit: PartitionAudit, gaps: Sequence[Range], consumer: Consumer, client: Client, settings: SinkSettings) -> None:
    if not gaps:
        return
    letters = dead_letters_of(consumer, topic("dead_letters").name, settings.topic, audit.partition, "sink")
    missing: list[int] = []
    unproven: list[Range] = []
    for gap in _without_removed(audit, gaps, client, settings):
        kept = Range(max(gap.lo, audit.oldest), min(gap.hi, audit.end - 1))
        gone = Range(gap.lo, min(gap.hi, audit.oldest - 1))
        if gone.lo <= gone.hi:
            dead = sorted(offset for offset in letters if gone.lo <= offset <= gone.hi)
            audit.dead_letters += len(dead)
            unproven += _between(gone, dead)
        if kept.lo <= kept.hi:
            missing += _explain_kept(audit, kept, letters, consumer, client, settings)
    audit.missing, audit.unproven = _ranges(missing), unproven


def _without_removed(audit: PartitionAudit, gaps: Sequence[Range], client: Client, settings: SinkSettings) -> Iterator[Range]:
    """Yield what is left of the gaps when the offsets that were removed are taken out, and count these."""
    for gap in gaps:
        removed = [row[0] for row in _ask(client, _REMOVED, settings.topic, audit.partition, lo=gap.lo, hi=gap.hi)]
        audit.removed += len(removed)
        yield from _between(gap, removed)


def _explain_kept(
    audit: PartitionAudit, kept: Range, letters: set[int], consumer: Consumer, client: Client, settings: SinkSettings
) -> list[int]:
    """Count what explains the offsets of a range that Kafka still has; return those that nothing explains."""
    unexplained: list[int] = []
    hashes: dict[int, str] = {}
    records = 0

    def look_up() -> None:
        found = {row[0] for row in _ask(client, _HAVE, settings.topic, audit.partition, hashes=list(set(hashes.values())))}
        audit.duplicates += sum(value in found for value in hashes.values())
        unexplained.extend(offset for offset, value in hashes.items() if value not in found)
        hashes.clear()

    for offset, value in read_ranges(consumer, settings.topic, audit.partition, kept.lo, kept.hi):
        records += 1
        if offset in letters:
            audit.dead_letters += 1
        elif (event := _event_hash(value)) is None:
            unexplained.append(offset)
        else:
            hashes[offset] = event
            if len(hashes) == _HASHES_A_QUERY:
                look_up()
    if hashes:
        look_up()
    audit.no_record += kept.hi - kept.lo + 1 - records
    return sorted(unexplained)


def _event_hash(value: bytes | None) -> str | None:
    try:
        schema_id, datum = unframe(value)
        at = event_hash_at(registry().by_id(schema_id))
    except (MalformedRecord, UnknownSchemaId, ValueError):
        return None
    return datum[at : at + HASH_BYTES].hex().upper()


def _ask(client: Client, query: str, name: str, number: int, **parameters: object) -> Sequence[Sequence[Any]]:
    return client.query(query, {"topic": name, "partition": number, **parameters}, settings=_SEQUENTIAL).result_rows


def _ranges(offsets: Iterable[int]) -> list[Range]:
    found: list[Range] = []
    for offset in offsets:
        if found and found[-1].hi == offset - 1:
            found[-1] = Range(found[-1].lo, offset)
        else:
            found.append(Range(offset, offset))
    return found


def _between(whole: Range, taken: Sequence[int]) -> list[Range]:
    """Return what is left of a range without the taken offsets, which are sorted and lie within it."""
    edges = [whole.lo - 1, *taken, whole.hi + 1]
    return [Range(a + 1, b - 1) for a, b in pairwise(edges) if b > a + 1]
