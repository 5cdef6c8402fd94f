"""Where the data of an INSERT begins, and which format a statement answers in."""

import pytest

from langtrail.deploy.clickhouse_statement import (
    InsertHead,
    first_word,
    insert_head,
    is_concatenable,
    output_format,
    returns_rows,
)


@pytest.mark.parametrize(
    ("text", "statement", "settings", "input_format", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2\n", "INSERT INTO t ", "", "CSV", b"1,2\n"),
        (b"insert into t (a, b) format  Native\r\n\x00\x01", "insert into t (a, b) ", "", "Native", b"\x00\x01"),
        (b"INSERT INTO t FORMAT RowBinary\n\n\x01", "INSERT INTO t ", "", "RowBinary", b"\n\x01"),
        (b"INSERT INTO t FORMAT Avro", "INSERT INTO t ", "", "Avro", b""),
        (b"INSERT INTO t (format, values) VALUES (1, 2)", "INSERT INTO t (format, values) ", "", "Values", b" (1, 2)"),
        (b"INSERT INTO `a format b` VALUES (1)", "INSERT INTO `a format b` ", "", "Values", b" (1)"),
        (
            b"/* VALUES */ INSERT INTO t -- FORMAT CSV\n SETTINGS a='FORMAT TSV' FORMAT CSV\nx",
            "/* VALUES */ INSERT INTO t -- FORMAT CSV\n ",
            "SETTINGS a='FORMAT TSV' ",
            "CSV",
            b"x",
        ),
        (b"INSERT INTO t FORMAT CSV SETTINGS x=1\n1\n", "INSERT INTO t ", " SETTINGS x=1", "CSV", b"1\n"),
        (b"INSERT INTO TABLE db.t FORMAT JSONEachRow {}", "INSERT INTO TABLE db.t ", "", "JSONEachRow", b"{}"),
    ],
)
def test_the_data_of_an_insert_is_found(text: bytes, statement: str, settings: str, input_format: str, data: bytes) -> None:
    """The statement ends before its settings, FORMAT or VALUES, and the data begins where ClickHouse says it does."""
    head = insert_head(text)
    assert head == InsertHead(statement.encode(), settings.encode(), input_format, head.data_at if head else -1)
    assert head is not None
    assert text[head.data_at :] == data


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 'INSERT INTO t FORMAT CSV'",
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE '/x' FORMAT CSV",
        b"CREATE TABLE insert (a Int8) ENGINE = Memory",
        b"",
        b"INSERT INTO t",
    ],
)
def test_a_statement_without_data_is_left_whole(text: bytes) -> None:
    """What brings no data of its own is not cut."""
    assert insert_head(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", "TabSeparated"),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\n FORMAT Native\n", "Native"),
        (b"SELECT 1 FORMAT JSONEachRow SETTINGS max_threads = 1;", "JSONEachRow"),
        (b"SELECT 'FORMAT CSV'", "TabSeparated"),
        (b"SELECT 1 FORMAT JSON -- FORMAT CSV", "JSON"),
        (b"SELECT 1 FORMAT JSON /* c */ SETTINGS log_comment = 'FORMAT CSV'", "JSON"),
        (b"SELECT format('{}', 1) AS format FROM t", "TabSeparated"),
        (b"SELECT * FROM (SELECT 1 AS format) FORMAT CSV;", "CSV"),
        (b"FORMAT", "TabSeparated"),
    ],
)
def test_the_format_of_an_answer_is_known_before_it_runs(text: bytes, name: str) -> None:
    """A FORMAT at the end counts, else the default."""
    assert output_format(text, "TabSeparated") == name


def test_statements_that_return_rows_are_told_from_commands() -> None:
    """A client is told a format only when there are rows, be it none."""
    assert [returns_rows(text) for text in (b"(SELECT 1)", b"-- c\nshow tables", b"CREATE TABLE t", b"SET a = 1")] == [
        True,
        True,
        False,
        False,
    ]
    assert first_word(b"  /* x */ (select 1)") == "SELECT"


def test_only_formats_without_header_and_footer_are_sent_in_pieces() -> None:
    """Blocks of these formats can be put together; of the others they cannot."""
    assert all(is_concatenable(name) for name in ("Native", "TSV", "JSONEachRow", "csv"))
    assert not any(is_concatenable(name) for name in ("JSON", "CSVWithNames", "Parquet", "Avro", "Pretty"))
