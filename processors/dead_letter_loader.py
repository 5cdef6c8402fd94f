"""Loads the headers of all dead letters into the table dead_letters, beside the sink's own work: their values stay in Kafka.

Where it goes on is in the table itself: after the largest offset of each partition. Several sinks may load the same letters.
What goes wrong here never stops the sink; it is said once and tried again.
"""

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, Final
from uuid import UUID

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from langtrail.schemas import topic

from .clickhouse import StoreError, connect, store_error
from .dead_letter_facts import bytes_of, core_of, letter_of
from .sink_settings import SinkSettings

COLUMNS: Final = (
    *("topic", "partition", "offset", "rejected_at", "reason", "stage", "error"),
    *("origin_topic", "origin_partition", "origin_offset", "origin_at", "langtrail_version", "revision", "replayed_from"),
    *("bytes", "schema_id", "event_id", "stream_id", "seq"),
)
_TOPIC: Final = topic("dead_letters").name
_POSITIONS: Final = "SELECT partition, max(offset) + 1 FROM dead_letters WHERE topic = {topic:String} GROUP BY partition"
_ROWS: Final = 500
_GATHER_SECONDS: Final = 0.2
_POLL_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 5.0
_REQUEST_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 1.0
_LONGEST_TEXT: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 7_258_118_400_000  # the year 2200

_log = logging.getLogger(__name__)


@contextmanager
def dead_letters_loaded(settings: SinkSettings) -> Iterator[None]:
    """Load dead letters in a thread while the block runs."""
    stop = Event()
    thread = Thread(target=_keep_loading, args=(settings, stop), name="langtrail-dead-letters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_SECONDS)


def row_of(message: Message) -> list[Any]:
    """Return the row of a dead letter, in the order of COLUMNS. Whatever its headers and its bytes hold, the table takes it."""
    letter = letter_of(message)
    schema_id, core = core_of(bytes_of(message.value()))
    core = core or {}
    return [
        _TOPIC,
        letter.partition,
        letter.offset,
        _time(letter.rejected_at_ms) or _EPOCH,
        letter.reason[:_LONGEST_TEXT],
        letter.stage[:_LONGEST_TEXT],
        letter.error[:_LONGEST_TEXT],
        letter.origin_topic[:_LONGEST_TEXT],
        letter.origin_partition,
        letter.origin_offset,
        _time(letter.origin_at_ms),
        letter.version[:_LONGEST_TEXT],
        letter.revision,
        letter.replayed_from and letter.replayed_from[:_LONGEST_TEXT],
        letter.size,
        schema_id,
        _uuid(core.get("event_id")),
        _uuid(core.get("stream_id")),
        core.get("seq"),
    ]


def _keep_loading(settings: SinkSettings, stop: Event) -> None:
    said = ""
    while not stop.is_set():
        try:
            _load(settings, stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, events are stored on, and this is tried again
            sentence = _sentence(error, settings)
            if sentence != said:
                _log.warning("dead letters are not loaded now: %s", sentence)
                said = sentence
            stop.wait(_RETRY_SECONDS)


def _load(settings: SinkSettings, stop: Event) -> None:
    consumer = Consumer(_consumer(settings))
    try:
        client = connect(settings.clickhouse_dsn, timeout_seconds=settings.insert_seconds)
        try:
            consumer.assign(_starts(consumer, client))
            while not stop.is_set():
                if rows := _gathered(consumer):
                    client.insert("dead_letters", rows, COLUMNS, settings={"async_insert": 0})
        finally:
            client.close()
    finally:
        consumer.close()


def _gathered(consumer: Consumer) -> list[list[Any]]:
    """Return rows; one message at a time, because 500 values may be 10 GB."""
    rows: list[list[Any]] = []
    deadline = 0.0
    while len(rows) < _ROWS and (message := consumer.poll(_GATHER_SECONDS if rows else _POLL_SECONDS)) is not None:
        if (error := message.error()) is not None:
            raise KafkaException(error)
        rows.append(row_of(message))
        deadline = deadline or time.monotonic() + _GATHER_SECONDS
        if time.monotonic() > deadline:
            break
    return rows


def _starts(consumer: Consumer, client: Client) -> list[TopicPartition]:
    """Return where to go on in each partition, and say so when dead letters lapsed or the topic was made anew."""
    found = consumer.list_topics(_TOPIC, timeout=_REQUEST_SECONDS).topics[_TOPIC]
    if found.error is not None:
        raise KafkaException(found.error)
    stored = {row[0]: row[1] for row in client.query(_POSITIONS, {"topic": _TOPIC}).result_rows}
    starts = []
    for number in sorted(found.partitions):
        oldest, end = consumer.get_watermark_offsets(TopicPartition(_TOPIC, number), timeout=_REQUEST_SECONDS)
        wanted = stored.get(number, oldest)
        if not oldest <= wanted <= end:
            _log.warning(
                "%s[%d] has no offset %d any more: dead letters lapsed, or the topic was made anew; they are loaded from %d on",
                _TOPIC, number, wanted, oldest,
            )  # fmt: skip
            wanted = oldest
        starts.append(TopicPartition(_TOPIC, number, wanted))
    return starts


def _consumer(settings: SinkSettings) -> dict[str, str]:
    return {
        "queued.max.messages.kbytes": "32768",
        **settings.librdkafka(),
        "group.id": f"{settings.group}-dead-letters",  # required, but without effect: the table says where to go on
        "enable.auto.commit": "false",
        "auto.offset.reset": "error",
        "allow.auto.create.topics": "false",
    }


def _sentence(error: Exception, settings: SinkSettings) -> str:
    if isinstance(error, StoreError):
        return str(error)
    if isinstance(error, ClickHouseError):
        return str(store_error(error, settings.clickhouse_dsn))
    if isinstance(error, KafkaException):
        return f"Kafka: {error.args[0].str()}"
    frame = traceback.extract_tb(error.__traceback__)[-1]  # the text of an unforeseen error may quote a record
    return f"a fault: {type(error).__name__} at {frame.filename}:{frame.lineno}"


def _time(milliseconds: int | None) -> datetime | None:
    if milliseconds is None or not 0 <= milliseconds < _LATEST_MS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
