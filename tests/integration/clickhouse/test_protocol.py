"""The local ClickHouse server, spoken to as clients do: unmodified clickhouse-connect, and plain HTTP."""

import gzip
import http.client
import json
import socket
import threading
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import brotli  # type: ignore[import-untyped]  # it has no type hints
import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]  # it has no type hints
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

Wait = Callable[[Callable[[], object], float, str], None]
Call = Any


def count(client: Client, table: str) -> int:
    return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])


def test_clickhouse_connect_reads_and_writes(client: Client, table: str) -> None:
    """Inserts, queries, commands and their summaries work as against a server."""
    assert client.database == "langtrail"
    assert client.insert(table, [[1, "x"], [2, "ü"]], column_names=["a", "b"]).written_rows == 2
    assert client.raw_insert(table, ["a", "b"], "3\tz\n", fmt="TabSeparated").written_rows == 1
    # One thread: of two, the engine may count the rows of one only after it has answered.
    found = client.query(
        f"SELECT a, b, toDateTime64('2026-01-01 00:00:00.123', 3, 'UTC') FROM {table} ORDER BY a", settings={"max_threads": 1}
    )
    assert [row[:2] for row in found.result_rows] == [(1, "x"), (2, "ü"), (3, "z")]
    assert found.summary["read_rows"] == "3"
    assert client.command(f"SELECT count() FROM {table}") == 3
    assert client.query(f"SELECT a FROM {table} LIMIT 0").column_names == ("a",)
    assert client.query(f"SELECT a FROM {table} WHERE a < 0").result_rows == []


def test_parameters_arrive_as_they_were_given(client: Client) -> None:
    """Quotes, tabs, line ends and backslashes in a parameter are data."""
    text = "it's\n\t\\N \\' \"quoted\" ü"
    assert client.query("SELECT {x:String}", {"x": text}).result_rows == [(text,)]
    assert client.query("SELECT {x:Array(String)}", {"x": [text, ""]}).result_rows == [([text, ""],)]


def test_a_setting_of_a_request_ends_with_it(client: Client) -> None:
    """SET holds for a session; a request's own settings for the request alone."""
    ask = "SELECT getSetting('max_block_size')"
    default = client.query(ask).result_rows
    assert client.query(ask, settings={"max_block_size": 18}).result_rows == [(18,)]
    assert client.query(ask).result_rows == default
    client.command("SET max_block_size = 17")
    assert client.query(ask, settings={"max_block_size": 18}).result_rows == [(18,)]
    assert client.query(ask).result_rows == [(17,)]


def test_a_session_keeps_its_temporary_tables(clickhouse_server: str, client: Client, http_call: Call) -> None:
    """They are there for the session's next request and for nobody else."""
    client.command("CREATE TEMPORARY TABLE mine (a Int8)")
    client.insert("mine", [[1]], column_names=["a"])
    assert client.query("SELECT a FROM mine").result_rows == [(1,)]
    assert http_call(b"SELECT a FROM mine").code == 60
    assert http_call(b"SELECT 1", session_id="unknown", session_check="1").code == 372


def test_a_session_takes_one_request_at_a_time(http_call: Call, client: Client, unique_name: str, wait_until: Wait) -> None:
    """A second request at the same time is told so, as by ClickHouse."""
    slow = threading.Thread(target=http_call, args=(b"SELECT sleep(1)",), kwargs={"session_id": unique_name})
    slow.start()
    running = "SELECT count() FROM system.processes WHERE query = 'SELECT sleep(1)'"
    wait_until(lambda: client.query(running).result_rows == [(1,)], 5, "the first request runs")
    assert http_call(b"SELECT 1", session_id=unique_name).code == 373
    slow.join()
    assert http_call(b"SELECT 1", session_id=unique_name).body == b"1\n"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("lz4", lz4.frame.compress), ("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)],
)
def test_compressed_inserts(
    client: Client, http_call: Call, table: str, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    """Data may come compressed, and in chunks of unknown number."""
    body = compress(b"".join(b"%d\tx\n" % number for number in range(5000)))
    pieces = (body[at : at + 700] for at in range(0, len(body), 700))
    headers = http_call.with_headers(Content_Encoding=encoding)  # an iterator has no length: it is sent in chunks
    answer = http_call(pieces, headers=headers, query=f"INSERT INTO {table} FORMAT TabSeparated")
    assert (answer.status, json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"]) == (200, "5000")
    assert client.query(f"SELECT count(), sum(a) FROM {table}").result_rows == [(5000, 5000 * 4999 // 2)]


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", "br", False])
def test_clickhouse_connect_compresses_as_it_likes(clickhouse_server: str, table: str, compress: str | bool) -> None:
    """Whatever the client prefers is understood, both ways."""
    own = clickhouse_connect.get_client(dsn=clickhouse_server, compress=compress)
    own.insert(table, [[number, "x" * 50] for number in range(3000)], column_names=["a", "b"])
    assert len(own.query(f"SELECT * FROM {table}").result_rows) == 3000
    own.close()


def test_an_insert_is_one_block_and_its_token_counts_once(client: Client, table: str) -> None:
    """A large insert makes one part, and the same token is stored once."""
    client.command(f"SYSTEM STOP MERGES {table}")
    rows = b"".join(b"%d\t%s\n" % (number, b"x" * 1000) for number in range(20_000))
    for _ in range(2):
        client.raw_insert(table, ["a", "b"], rows, fmt="TabSeparated", settings={"insert_deduplication_token": "batch 1"})
    parts = f"SELECT count(), sum(rows) FROM system.parts WHERE table = '{table}' AND active"
    assert client.query(parts).result_rows == [(1, 20_000)]


def test_data_that_does_not_parse_inserts_nothing(client: Client, http_call: Call, table: str) -> None:
    """Rows before the mistake are not kept."""
    answer = http_call(f"INSERT INTO {table} FORMAT TabSeparated\n1\ta\n2\tb\nthree\tc\n".encode())
    assert (answer.status, answer.code) == (400, 27)
    assert http_call(f"INSERT INTO {table} FORMAT Avro\nno avro".encode()).code == 1001
    assert http_call(b"\x04\x22M\x18 and nonsense", headers=http_call.with_headers(Content_Encoding="lz4")).code == 271
    assert count(client, table) == 0


def test_what_goes_wrong_while_rows_are_written_is_answered(client: Client, http_call: Call, table: str) -> None:
    """A broken constraint, too many partitions, a view that fails: an insert that was not done is not answered with 200."""
    client.command(
        f"CREATE TABLE {table}_p (a Int64, CONSTRAINT small CHECK a < 5) ENGINE = MergeTree ORDER BY a PARTITION BY a"
    )
    client.command(f"CREATE MATERIALIZED VIEW {table}_v TO {table} AS SELECT throwIf(a = 3) AS a FROM {table}_p")
    insert = f"INSERT INTO {table}_p"
    assert http_call(f"{insert} FORMAT CSV\n1\n9\n".encode()).code == 469
    assert http_call(f"{insert} SETTINGS max_partitions_per_insert_block = 1 FORMAT CSV\n1\n2\n".encode()).code == 252
    assert http_call(f"{insert} VALUES (3);".encode()).code == 395
    assert http_call(f"{insert} VALUES (1), (2);".encode()).status == 200
    assert count(client, table) == 2
    client.command(f"DROP VIEW {table}_v")
    client.command(f"DROP TABLE {table}_p")


def test_a_client_that_dies_in_an_insert_inserts_nothing(client: Client, http_call: Call, table: str, wait_until: Wait) -> None:
    """Data whose end never came is not stored."""
    head = (
        f"POST /?database=langtrail&query={quote(f'INSERT INTO {table} FORMAT TabSeparated')} HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: 1000000\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in http_call.credentials.items())
        + "\r\n"
    )
    with socket.create_connection((http_call.url.hostname, http_call.url.port)) as dying:
        dying.sendall(head.encode() + b"1\ta\n" * 1000)
    running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'"
    wait_until(lambda: client.query(running).result_rows == [(0,)], 10, "the insert ended")
    assert count(client, table) == 0


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        (b"SELECT * FROM no_such_table", 404, 60),
        (b"SELECT * FROM no_such_database.t", 404, 81),
        (b"SELECT FROM WHERE", 400, 62),
        (b"SELECT 1; SELECT 2", 400, 62),
        (b"SELECT throwIf(1)", 500, 395),
        (b"SELECT 1 INTO OUTFILE '/tmp/langtrail-must-not-exist'", 500, 358),
        (b"SELECT 1 FORMAT Nope", 404, 73),
    ],
)
def test_errors_have_clickhouses_code_and_status(http_call: Call, sql: bytes, status: int, code: int) -> None:
    """The code is in a header and in the text, which names the version too."""
    answer = http_call(sql)
    assert (answer.status, answer.code) == (status, code)
    assert answer.body.startswith(b"Code: %d. DB::Exception: " % code)
    assert b"(version 26." in answer.body


def test_an_unknown_setting_is_refused(http_call: Call) -> None:
    """A parameter that is no setting is not silently dropped."""
    assert http_call(b"SELECT 1", no_such_setting="1").code == 115


def test_a_name_cannot_break_out_of_its_quotes(http_call: Call) -> None:
    """The name of a database is a name, whatever is in it."""
    for name in ("a`b", "a\\`; DROP DATABASE langtrail", "a\\"):
        assert http_call(b"SELECT 1", database=name).code == 81


def test_credentials_are_taken_from_where_clickhouse_takes_them(http_call: Call, clickhouse_server: str) -> None:
    """Basic authentication, two headers, or two parameters."""
    user, password = http_call.url.username or "", http_call.url.password or ""
    assert http_call(b"SELECT 1", headers={}, user=user, password=password).body == b"1\n"
    assert clickhouse_connect.get_client(dsn=clickhouse_server).ping()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="},
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer token"},
        {"X-ClickHouse-User": "langtrail", "X-ClickHouse-Key": "wrong"},
        {"X-ClickHouse-User": "langtrail"},
    ],
)
def test_a_wrong_password_is_refused(http_call: Call, headers: dict[str, str]) -> None:
    """ClickHouse's code 516 and status 403, whatever was wrong; a ping needs no password."""
    answer = http_call(b"SELECT 1", headers=headers)
    assert (answer.status, answer.code) == (403, 516)
    assert http_call(method="GET", headers={}).status == 403
    ping = http.client.HTTPConnection(http_call.url.hostname or "", http_call.url.port)
    ping.request("GET", "/ping")
    assert ping.getresponse().read() == b"Ok.\n"
    ping.close()


def test_a_large_answer_comes_in_pieces(client: Client, http_call: Call) -> None:
    """Nobody waits for, or holds, all of it; it is whole at the end, compressed or not."""
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(500000)") as stream:
        assert sum(len(block) for block in stream) == 500_000
    answer = http_call(b"SELECT number FROM numbers(500000) FORMAT RowBinary")
    assert (answer.headers["Transfer-Encoding"], len(answer.body)) == ("chunked", 4_000_000)
    headers = http_call.with_headers(Accept_Encoding="gzip")
    answer = http_call(b"SELECT number FROM numbers(500000) FORMAT CSV", headers=headers, enable_http_compression="1")
    assert gzip.decompress(answer.body).count(b"\n") == 500_000
    whole = http_call(b"SELECT number FROM numbers(500000) FORMAT JSONCompact")
    assert json.loads(whole.body)["rows"] == 500_000


def test_an_error_within_a_large_answer_reaches_the_client(client: Client) -> None:
    """Rows were sent already, so the error is at the end of the body, where the driver looks for it."""
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000"
    with pytest.raises(DatabaseError, match="395"), client.query_row_block_stream(sql) as stream:
        assert sum(len(block) for block in stream) < 900_000


def test_a_long_statement_holds_nobody_up_and_ends_with_its_client(http_call: Call, client: Client, wait_until: Wait) -> None:
    """Others are answered meanwhile; when its client leaves, the statement is cancelled."""
    ours = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'"
    leaving = http.client.HTTPConnection(http_call.url.hostname or "", http_call.url.port)
    leaving.request("POST", "/", b"SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", http_call.credentials)
    wait_until(lambda: client.query(ours).result_rows == [(1,)], 10, "the statement runs")
    assert client.ping()
    leaving.close()
    wait_until(lambda: client.query(ours).result_rows == [(0,)], 10, "the statement was cancelled")


def test_forms_and_tables_that_come_with_a_query(clickhouse_server: str, client: Client) -> None:
    """Queries in multipart forms, and external tables, are understood."""
    form = clickhouse_connect.get_client(dsn=clickhouse_server, form_encode_query_params=True)
    assert form.query("SELECT {x:String}", {"x": "a\tb"}).result_rows == [("a\tb",)]
    form.close()
    data = ExternalData(file_name="given", data=b"1,x\n2,y\n", fmt="CSV", structure="a Int8, b String")
    assert client.query("SELECT sum(a), max(b) FROM given", external_data=data).result_rows == [(3, "y")]


def test_headers_tell_what_was_answered(http_call: Call) -> None:
    """Query id, format, time zone and summary are there; a command names no format."""
    answer = http_call(b"SELECT 1 AS x FORMAT JSONEachRow", query_id="mine")
    assert (answer.body, answer.headers["X-ClickHouse-Query-Id"]) == (b'{"x":1}\n', "mine")
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "1"
    assert http_call(b"SELECT 1 WHERE 0").headers["X-ClickHouse-Format"] == "TabSeparated"
    assert "X-ClickHouse-Format" not in http_call(b"SET max_threads = 1").headers


def test_the_greeting_of_clickhouse_go_is_answered(http_call: Call) -> None:
    """With block header and revision 0, after which the driver of Grafana reads plain Native."""
    answer = http_call(b"SELECT displayName(), version(), revision(), timezone()", default_format="Native")
    assert answer.body.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00")
    assert b"\nrevision()\x06UInt32\x00\x00\x00\x00\x00" in answer.body


def test_clickhouses_own_compression_is_refused_clearly(http_call: Call) -> None:
    """The answer says what to use instead."""
    answer = http_call(b"SELECT 1", compress="1")
    assert (answer.status, answer.code) == (501, 48)
    assert b"HTTP content encodings" in answer.body
