"""What a read-only request may do at the local ClickHouse server: read, and nothing else, whatever it says."""

from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

Call = Any


FORBIDDEN = [
    "INSERT INTO langtrail.x VALUES (1)",
    "CREATE TABLE x (a Int8) ENGINE = Memory",
    "DROP DATABASE langtrail",
    "SET readonly = 0",
    "SET max_threads = 1",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS format_template_row = '/etc/passwd'",
    "SELECT file('/etc/passwd')",
    r"SELECT `fil\x65`('/etc/passwd')",
    r"""SELECT "\x66ile" /* x */ ('/etc/passwd')""",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT x FROM (SELECT '/etc/passwd' AS f) ARRAY JOIN arrayMap(n -> file(n), [f]) AS x",
    "WITH (SELECT file('/etc/passwd')) AS x SELECT x",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT 1 WHERE 'x' IN file('/etc/passwd', 'LineAsString', 'a String')",
    "DESCRIBE file('/etc/passwd', 'CSVWithNames')",
    "DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSV')",
    "EXPLAIN QUERY TREE SELECT file('/etc/passwd')",
    "SHOW TABLES WHERE file('/etc/passwd') != ''",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('/etc/passwd')))",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT 1 INTO OUTFILE '/tmp/langtrail-must-not-exist'",
    "SHOW TABLES INTO OUTFILE '/tmp/langtrail-must-not-exist'",
    "KILL QUERY WHERE 1",
    "SYSTEM STOP MERGES",
    "BACKUP DATABASE langtrail TO File('/tmp/langtrail-must-not-exist')",
    "ATTACH TABLE x",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_a_read_only_statement_changes_nothing_and_reads_no_file(http_call: Call, sql: str) -> None:
    """With readonly 1 or 2, nothing gets around the engine's and the server's checks."""
    for readonly in ("1", "2"):
        answer = http_call(sql.encode(), readonly=readonly)
        assert answer.code in (164, 358, 62, 46, 344), answer.body
        assert b"root:" not in answer.body


def test_a_read_only_statement_of_any_size_is_looked_at(http_call: Call) -> None:
    """Padding beyond the parser's limit does not hide what a statement does."""
    padded = b"SELECT " + b" " * 300_000 + b"file('/etc/passwd')"
    assert http_call(padded, readonly="1").code != 0
    assert http_call(padded, readonly="1", max_query_size="1000000").code == 164
    assert http_call(b"SELECT '\xff', file('/etc/passwd')", readonly="1").code == 62


def test_read_only_statements_read(http_call: Call, table: str) -> None:
    """What only reads is answered: names and texts that look forbidden included."""
    for sql in (
        f"SELECT count() FROM {table}",
        "SELECT input, url FROM (SELECT 'file' AS input, 'file(x)' AS url) WHERE input = 'file'",
        "SHOW TABLES",
        f"DESCRIBE {table}",
        "EXPLAIN SELECT 1",
        "SELECT format('{}', number) FROM numbers(2)",
        "SELECT {x:String}",
    ):
        assert http_call(sql.encode(), readonly="1", param_x="file('x')", max_threads="1").status == 200


def test_a_read_only_client_cannot_insert(clickhouse_server: str, client: Client, table: str) -> None:
    """Its data is refused as well as its statements, and its session does not change that."""
    reader = clickhouse_connect.get_client(dsn=clickhouse_server, settings={"readonly": 1})
    with pytest.raises(DatabaseError, match="readonly mode"):
        reader.insert(table, [[1, "x"]], column_names=["a", "b"])
    with pytest.raises(DatabaseError, match="readonly mode"):
        reader.command(f"TRUNCATE TABLE {table}")
    assert reader.query(f"SELECT count() FROM {table}").result_rows == [(0,)]
    reader.close()


def test_get_only_reads(http_call: Call, table: str) -> None:
    """As with ClickHouse, a statement that changes something needs POST."""
    assert http_call(method="GET", query="SELECT 1").body == b"1\n"
    for sql in (f"DROP TABLE {table}", f"INSERT INTO {table} VALUES (1, 'x')", "SYSTEM STOP MERGES"):
        assert http_call(method="GET", query=sql).code == 164
