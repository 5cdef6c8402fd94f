"""How a batch is stored, on the real engine: once, whatever is repeated, cut off or cannot be read."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Message

from langtrail.deploy.sample_events import encode_audit_event, sample_events
from langtrail.processors.clickhouse import Store, StoreRefused, StoreUnavailable
from langtrail.processors.sink_batch import Batch, Reject
from langtrail.processors.sink_load import Loader, flaw
from langtrail.schemas import AUDIT_EVENT, frame, registry

SCHEMA = registry().latest(AUDIT_EVENT)
TOPIC = "langtrail.events"


@dataclass
class Place:
    """An empty database, its loader, and what the loader gave up as dead letters."""

    dsn: str
    client: Client
    letters: list[Reject] = field(default_factory=list)

    def loader(self, dsn: str | None = None, generation: int = 0) -> Loader:
        """Return a loader that keeps dead letters here."""
        return Loader(Store(dsn or self.dsn, 30), self.letters.extend, TOPIC, generation)

    def ask(self, query: str) -> Any:
        """Return the only value of the only row of an answer."""
        return self.client.query(query).result_rows[0][0]


@pytest.fixture
def place(empty_store: str) -> Iterator[Place]:
    """Return an empty database."""
    client = clickhouse_connect.get_client(dsn=empty_store, autogenerate_session_id=False)
    yield Place(empty_store, client)
    client.close()


def datums(count: int, **fields: Any) -> list[bytes]:
    """Return so many made-up events."""
    return [encode_audit_event(event) for event in sample_events(count, **fields)]


def batch(records: Sequence[bytes], lo: int = 0, *, doubtful: bool = False) -> Batch:
    """Return a batch of records from offset `lo` on."""
    rows = [message(lo + at, datum) for at, datum in enumerate(records)]
    return Batch(lo, 0.0, SCHEMA, lo + len(rows) - 1, 0, rows, [], doubtful)


def message(offset: int, datum: bytes) -> Message:
    """Return a record as it came from Kafka."""
    return Message(topic=TOPIC, partition=1, offset=offset, key=b"k", value=frame(SCHEMA.id, datum), timestamp=(1, 5))


def test_a_batch_is_one_block(place: Place) -> None:
    """The largest batch is one part of the table, in spite of its size: its token stands for one block."""
    place.loader()(1, batch(datums(500) * 100))
    parts = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events'"
    assert place.ask(parts) == 1
    assert place.ask("SELECT count() FROM events") == 50_000


def test_a_repeated_insert_is_dropped_everywhere(place: Place) -> None:
    """The same batch inserted again leaves events, usage and session_index as they were."""
    counts = "SELECT (SELECT count() FROM events), (SELECT count() FROM usage), (SELECT count() FROM session_index)"
    place.loader()(1, batch(datums(400)))
    before = place.client.query(counts).result_rows
    place.loader()(1, batch(datums(400)))
    assert place.client.query(counts).result_rows == before
    assert before[0][:2] == (400, 100)


def test_events_of_many_months_are_one_insert(place: Place) -> None:
    """A producer with a wild clock must not stop its partition: a batch may lie in more than a hundred months."""
    records = [encode_audit_event(e | {"occurred_at": month * 2_678_400_000_000}) for month, e in enumerate(sample_events(105))]
    place.loader()(1, batch(records))
    assert place.ask("SELECT count() FROM events") == 105
    assert place.ask("SELECT uniqExact(toYYYYMM(occurred_at)) FROM events") > 100


def test_a_doubtful_batch_stores_what_is_missing(place: Place) -> None:
    """Of a batch that may be stored already only what the store lacks goes in."""
    records = datums(100)
    place.loader()(1, batch(records[:60]))
    place.loader()(1, batch(records, doubtful=True))
    place.loader()(1, batch(records, doubtful=True))
    assert place.ask("SELECT count() FROM events") == 100
    assert place.ask("SELECT uniqExact(event_hash) FROM events") == 100


def test_what_is_stored_is_told_by_events_and_not_by_offsets(place: Place) -> None:
    """An event that was emitted twice in the range counts as stored after a merge has left one of the two."""
    twice = datums(50) + datums(50, processed_at=1_790_000_000_000_000)
    place.loader()(1, batch(twice))
    place.client.command("OPTIMIZE TABLE events FINAL")
    assert place.ask("SELECT count() FROM events") == 50
    place.loader()(1, batch(twice, doubtful=True))
    assert place.ask("SELECT count() FROM events") == 50


def test_rows_that_were_lost_behind_a_known_token_are_stored_again(place: Place) -> None:
    """When the engine knows the token but not the rows, they go in under a token that it cannot know."""
    place.loader()(1, batch(datums(80)))
    place.client.command("DELETE FROM events WHERE 1", settings={"mutations_sync": 2})
    place.loader()(1, batch(datums(80)))
    assert place.ask("SELECT count() FROM events") == 0, "a plain repeat is dropped"
    place.loader()(1, batch(datums(80), doubtful=True))
    assert place.ask("SELECT count() FROM events") == 80


def test_a_new_generation_is_not_dropped(place: Place) -> None:
    """After rows were deleted, Kafka is read again under a higher generation."""
    place.loader()(1, batch(datums(80)))
    place.client.command("DELETE FROM events WHERE 1", settings={"mutations_sync": 2})
    place.loader(generation=1)(1, batch(datums(80)))
    assert place.ask("SELECT count() FROM events") == 80


def test_bad_records_are_found_and_the_others_stored(place: Place) -> None:
    """A batch that the engine cannot read loses only its bad records, each with what is wrong with it."""
    records = datums(200)
    records[7], records[50] = records[7][:-9], b"\xff" * 300
    records[120] = encode_audit_event(next(sample_events(1, run_id="not a uuid")))
    rejects = place.loader()(1, batch(records))
    assert [reject.message.offset() for reject in rejects] == [7, 50, 120]
    assert place.letters == rejects
    assert {reject.why.reason for reject in rejects} == {"malformed_record"}
    assert "UUID" in str(rejects[2].why)
    assert place.ask("SELECT count() FROM events") == 197
    place.loader()(1, batch(records, doubtful=True))
    assert place.ask("SELECT count() FROM events") == 197


def test_records_that_are_well_formed_are_never_given_up(place: Place) -> None:
    """When the engine can read none of the records though nothing is wrong with them, it is the table's fault: they wait."""
    place.client.command("ALTER TABLE events MODIFY COLUMN component UUID", settings={"mutations_sync": 2})
    with pytest.raises(StoreRefused, match="well formed"):
        place.loader()(1, batch(datums(20)))
    assert place.letters == []


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ("RENAME TABLE events TO gone", 60, "table is missing"),
        ("ALTER TABLE events DROP COLUMN ext", 16, "column of the records"),
    ],
)
def test_what_someone_must_mend_is_refused(place: Place, change: str, code: int, says: str) -> None:
    """A missing table or column is not a matter of trying again; the sentence says what to run."""
    place.client.command(change)
    with pytest.raises(StoreRefused, match=f"{says}.*langtrail migrate") as refused:
        place.loader()(1, batch(datums(5)))
    assert refused.value.code == code


def test_a_wrong_password_is_refused_without_repeating_it(place: Place) -> None:
    """The sentence names the variable to check, not the password."""
    parts = urlsplit(place.dsn)
    wrong = f"http://{parts.username}:wrong-pass-word@{parts.hostname}:{parts.port}{parts.path}"
    with pytest.raises(StoreRefused, match="LANGTRAIL_CLICKHOUSE_DSN") as refused:
        place.loader(wrong)(1, batch(datums(5)))
    assert "wrong-pass-word" not in str(refused.value)


def test_a_store_that_is_away_is_unavailable(place: Place) -> None:
    """Nothing listens there: it may later."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnavailable, match="does not answer"):
            place.loader(f"http://u:p@127.0.0.1:{taken.getsockname()[1]}/x")(1, batch(datums(5)))


def test_a_reply_that_is_cut_off_stores_once(place: Place, store_proxy: Any) -> None:
    """The connection ends after the server did it: nobody sends it again unasked, and what is there is not stored twice."""
    fault = store_proxy.fault
    loader = place.loader(store_proxy.dsn(place.dsn))
    loader(1, batch(datums(10)))
    for number, records in enumerate((batch(datums(300, seed=2), lo=10), batch(datums(300, seed=3), lo=310)), start=1):
        store_proxy.each_once(fault(executed=True))
        with pytest.raises(StoreUnavailable):
            loader(1, records)
        assert len(store_proxy.inserts) == 1 + number
        records.doubtful = True
        loader(1, records)
    assert len({insert.token for insert in store_proxy.inserts}) == len(store_proxy.inserts) == 3
    assert place.ask("SELECT count() FROM events") == 610
    calls = place.ask("SELECT count() FROM events WHERE event_type IN ('llm_end', 'llm_error')")
    assert place.ask("SELECT sum(requests) FROM usage_daily") == calls


@pytest.mark.parametrize("executed", [False, True], ids=["refused", "executed"])
@pytest.mark.parametrize("code", [None, 159, 202, 210, 241, 252, 319, 1000, 1001])
def test_whatever_the_store_answers_the_batch_is_stored_once(
    place: Place, store_proxy: Any, code: int | None, executed: bool
) -> None:
    """Done or not, an error or a reset: tried again in doubt, each event is in the table once, and none is a dead letter."""
    answered = store_proxy.fault(executed=executed, code=code)
    store_proxy.each_once(answered, answered)
    loader, records = place.loader(store_proxy.dsn(place.dsn)), batch(datums(90))
    for _ in range(3):
        with suppress(StoreUnavailable):
            loader(1, records)
        records.doubtful = True
    assert place.ask("SELECT count() FROM events") == place.ask("SELECT uniqExact(event_hash) FROM events") == 90
    assert place.ask("SELECT sum(requests) FROM usage_daily") == 22
    assert place.letters == []


def test_an_insert_that_is_cut_in_the_middle_stores_nothing_of_it(place: Place, store_proxy: Any) -> None:
    """A sink that dies while it sends leaves no part of a batch; sent again, all of it is there once."""
    store_proxy.each_once(store_proxy.fault(half=True))
    loader, records = place.loader(store_proxy.dsn(place.dsn)), batch(datums(4_000))
    with pytest.raises(StoreUnavailable):
        loader(1, records)
    assert place.ask("SELECT count() FROM events") == 0
    records.doubtful = True
    loader(1, records)
    assert place.ask("SELECT count() FROM events") == 4_000


def test_a_view_that_fails_in_the_middle_of_an_insert_is_completed(place: Place) -> None:
    """When the events were written and a view's table was not, the next try writes what is missing there, each once."""
    place.client.command(
        "CREATE MATERIALIZED VIEW fails TO usage AS SELECT tenant_id FROM events WHERE throwIf(event_type = 'llm_end')"
    )
    records = batch(datums(400))
    with pytest.raises(StoreUnavailable):
        place.loader()(1, records)
    place.client.command("DROP VIEW fails")
    records.doubtful = True
    place.loader()(1, records)
    place.loader()(1, records)
    expected = place.ask("SELECT count() FROM events WHERE event_type IN ('llm_end', 'llm_error')")
    assert place.ask("SELECT count() FROM events") == 400
    assert place.ask("SELECT count() FROM usage FINAL") == place.ask("SELECT sum(requests) FROM usage_daily") == expected
    assert place.ask("SELECT uniqExact(session_id) FROM session_index") == place.ask("SELECT uniqExact(session_id) FROM events")


def test_an_insert_has_no_time_limit_of_the_servers(place: Place, store_proxy: Any) -> None:
    """An insert that a server ends by its clock may be half done; who waits is the sink."""
    place.loader(store_proxy.dsn(place.dsn))(1, batch(datums(5)))
    (insert,) = store_proxy.inserts
    assert "max_execution_time" not in insert.settings
    assert (insert.settings["async_insert"], insert.settings["max_insert_threads"]) == ("0", "1")


def test_flaws_are_named_without_quoting() -> None:
    """A record is well formed when it is the one encoding of itself; what is wrong otherwise is said without its bytes."""
    (good,) = datums(1)
    assert flaw(SCHEMA, good) is None
    assert "left over" in str(flaw(SCHEMA, good + b"more"))
    assert "not a record" in str(flaw(SCHEMA, b"secret"))
    upper = encode_audit_event(next(sample_events(1, run_id="A4F0C4B2-0000-4000-8000-000000000000")))
    assert flaw(SCHEMA, upper) == "the field run_id is not a UUID in its usual form"
