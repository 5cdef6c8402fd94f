"""Filling a store with made-up events, on the real engine."""

import re
from urllib.parse import urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.errors import CannotRun
from langtrail.deploy.seed import seed, sizes


def test_a_store_is_filled_once(dsn: str, client: Client) -> None:
    """So many events as were asked for, with sessions and usage, once, however often it is called; their size is told."""
    database = urlsplit(dsn).path[1:]
    counts = (
        f"SELECT (SELECT count() FROM {database}.events), (SELECT uniqExact(event_hash) FROM {database}.events), "
        f"(SELECT sum(requests) > 0 FROM {database}.usage_daily)"
    )
    for _ in range(2):
        assert sum(seed(dsn, 600, days=3, jobs=1)) == 600
        assert [tuple(row) for row in client.query(counts).result_rows] == [(600, 600, True)]
    taken = r"events: [\d,]+ rows in \d+ parts, \d+ bytes each on disk, columns \d+\.\d times smaller than unpacked"
    assert re.fullmatch(taken, sizes(dsn))


def test_a_recorded_trail_is_not_spoilt(dsn: str, client: Client) -> None:
    """A database with events of another origin is refused in one sentence, and stays as it is."""
    assert sum(seed(dsn, 10, days=1, jobs=1)) == 10
    database = urlsplit(dsn).path[1:]
    client.command(
        f"INSERT INTO {database}.events SELECT * REPLACE ('langtrail.events' AS _topic) FROM {database}.events LIMIT 1"
    )
    with pytest.raises(CannotRun, match="name another one in LANGTRAIL_CLICKHOUSE_DSN"):
        list(seed(dsn, 10, days=1, jobs=1))


def test_a_large_store_is_filled_with_copies(dsn: str, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the originals the engine copies sessions: each event under an id, a hash and a session of its own, once."""
    monkeypatch.setattr("langtrail.deploy.seed.ORIGINALS", 300)
    monkeypatch.setattr("langtrail.deploy.seed_copies.ROWS_A_COPY", 200)
    database = urlsplit(dsn).path[1:]
    facts = (
        "SELECT count(), uniqExact(event_id), uniqExact(event_hash), uniqExact(_offset), "
        "uniqExact(session_id) > 3 * uniqExactIf(session_id, _offset < 300), uniqExact(toDate(occurred_at)), "
        "uniqExact(root_run_id) > 3 * uniqExactIf(root_run_id, _offset < 300), uniqExact(stream_id) "
        f"FROM {database}.events"
    )
    for _ in range(2):
        assert sum(seed(dsn, 1_100, days=3, jobs=2)) == 1_100
        assert tuple(client.query(facts).result_rows[0]) == (1_100, 1_100, 1_100, 1_100, True, 3, True, 4)
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = {database:String}", {"database": database}
    ).result_rows
    assert "seed_originals" not in {name for (name,) in tables}
