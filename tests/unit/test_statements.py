import re

import pytest

from langtrail.schemas.statements import Migration, QuestionError, migrations, question, questions


def test_migrations_are_numbered_without_holes() -> None:
    """The files are numbered from 0 on, and come in that order."""
    assert [migration.version for migration in migrations()] == list(range(len(migrations())))


def test_every_migration_gives_its_reasons() -> None:
    """Each file begins with a comment that says more than a name."""
    for migration in migrations():
        comment = [line for line in migration.sql.splitlines() if line.startswith("--")]
        assert migration.sql.startswith("-- ")
        assert len(comment) >= 3, migration.name


def test_every_statement_can_be_run_again() -> None:
    """Two that migrate at once must not hurt each other, so each statement leaves alone what is there, or replaces a view."""
    again = re.compile(
        r"(CREATE (TABLE|VIEW|MATERIALIZED VIEW)|ALTER TABLE .*) IF (NOT )?EXISTS|CREATE OR REPLACE VIEW"
        r"|ALTER TABLE \w+ MODIFY SETTING"
    )
    for migration in migrations():
        assert migration.statements
        assert [statement[:60] for statement in migration.statements if not again.match(statement)] == []


def test_views_of_events_are_known_by_their_names() -> None:
    """The sink completes each view of events whose name ends so: one of another name would stay incomplete after a crash."""
    made = [s for migration in migrations() for s in migration.statements if s.startswith("CREATE MATERIALIZED VIEW")]
    assert made
    for statement in made:
        assert re.match(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+_of_events TO \w+ AS\b", statement), statement[:80]
        assert len(re.findall(r"\bFROM events\b", statement)) == 1


def test_every_table_that_is_filled_has_a_window_for_tokens() -> None:
    """Without a window of its own a table behind a materialised view would take a repeated insert twice."""
    tables = [s for migration in migrations() for s in migration.statements if "MergeTree" in s and "migrations" not in s]
    assert len(tables) == 7
    assert all("non_replicated_deduplication_window" in table for table in tables)


def test_statements_end_at_a_semicolon_at_the_end_of_a_line() -> None:
    """Comments are left out, and a semicolon within a line ends nothing."""
    migration = Migration(1, "x", "-- a; comment;\nSELECT ';' AS a,\n  -- more;\n  2;\n\nSELECT 3;\n")
    assert migration.statements == ("SELECT ';' AS a,\n  2", "SELECT 3")


def test_the_checksum_is_of_the_whole_file() -> None:
    """A changed comment is a change: the ledger tells what was applied to the letter."""
    assert Migration(1, "x", "SELECT 1;").checksum != Migration(1, "x", "-- one\nSELECT 1;").checksum


def test_every_question_has_help_and_declares_its_parameters() -> None:
    """Each placeholder of a question is declared with a meaning, and nothing else is."""
    assert {"sessions", "replay"} <= questions().keys()
    for asked in questions().values():
        assert asked.help.endswith("."), asked.name
        placeholders = set(re.findall(r"\{(\w+):", asked.sql))
        assert {parameter.name for parameter in asked.parameters} == placeholders, asked.name
        assert all(parameter.type and parameter.doc for parameter in asked.parameters)


def test_defaults_are_filled_in() -> None:
    """A parameter that is not given has its default; NULL is None."""
    assert question("sessions").bind({}) == {"tenant": None, "limit": "1000"}
    assert question("sessions").bind({"limit": 5, "tenant": "acme"}) == {"tenant": "acme", "limit": 5}


def test_a_missing_parameter_is_named() -> None:
    """A parameter without a default has to be given; the error says which and what it means."""
    with pytest.raises(QuestionError, match="replay needs the parameter session: id of the session"):
        question("replay").bind({})


def test_an_unknown_parameter_is_named() -> None:
    """A parameter that the question does not have is refused."""
    with pytest.raises(QuestionError, match="replay has no parameter sesion"):
        question("replay").bind({"session": "s", "sesion": "s"})
