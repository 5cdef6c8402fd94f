"""What an SQL statement does to which tables, as far as its words tell."""

import pytest

from langtrail.producer.effect_sql import understand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM customers", ("SELECT", "read", ("customers",))),
        ('select a.x from shop.orders a join "Line Items" i on 1=1', ("SELECT", "read", ("shop.orders", "Line Items"))),
        ("INSERT INTO t (a) VALUES ('FROM x')", ("INSERT", "write", ("t",))),
        ("UPDATE ONLY t SET a = 1", ("UPDATE", "write", ("t",))),
        ("DELETE FROM `t` WHERE 1=1", ("DELETE", "delete", ("t",))),
        ("DROP TABLE IF EXISTS t", ("DROP", "delete", ("t",))),
        ("TRUNCATE TABLE t", ("TRUNCATE", "delete", ("t",))),
        ("CREATE TABLE IF NOT EXISTS t (a INT)", ("CREATE", "write", ("t",))),
        ("-- note: DROP TABLE x\nSELECT 1 /* FROM y */", ("SELECT", "read", ())),
        ("WITH a AS (SELECT * FROM b) SELECT * FROM a", ("SELECT", "read", ("b", "a"))),
        ("WITH a AS (DELETE FROM b RETURNING *) INSERT INTO c SELECT * FROM a", ("INSERT", "write", ("b", "c", "a"))),
        ("SELECT * FROM generate_series(1, 5)", ("SELECT", "read", ())),
        ("CALL refund(7)", ("CALL", "external", ())),
        ("PRAGMA table_info(t)", ("PRAGMA", "read", ())),
        ("", ("", "external", ())),
    ],
)
def test_verb_effect_and_tables_of_a_statement(text: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    """Words in quotes and comments are not looked at; what changes data within a WITH is named among the tables."""
    assert understand(text) == expected
