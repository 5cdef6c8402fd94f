"""The scope of a tenant: whatever is asked with --tenant, and however, only that tenant's events come back."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from langtrail.deploy.ask import AskError, Trail
from langtrail.deploy.question_values import base_type
from langtrail.deploy.row_policies import ROLE, SETTING, TABLES, VIEWS, row_policies, tenant_role
from langtrail.schemas.statements import Question, questions
from tests.integration.said import Said

SCOPED = [question for question in questions().values() if not question.for_operators]
GIVEN: dict[str, object] = {
    "principal": "maria",
    "id": "call-1",
    "run_id": str(uuid5(NAMESPACE_URL, "read")),
    "session": "s-chat",
    "text": "order",
    "phrases": [],
    "width": 60,
    "topic": "langtrail.events",
    "partition": 0,
    "after": -1,
    "began": "2026-01-01 00:00:00",
    "types": [],
}
"""Values for the parameters that have to be given, and for those whose default is SQL."""
ATTACKS = [
    "acme' OR '1'='1",
    "acme\\' OR tenant_id != \\'",
    "acme') UNION ALL SELECT * FROM merge(currentDatabase(), '.*') --",
    "{tenant:String}",
    "acme\t\n\x00globex",
    "\\N",
    "NULL",
    "",
]

by_name = pytest.mark.parametrize("question", SCOPED, ids=lambda question: question.name)


@pytest.fixture(scope="module")
def both(two_tenants: str) -> Iterator[Trail]:
    """Return the store of both tenants."""
    trail = Trail(two_tenants)
    yield trail
    trail.close()


@pytest.fixture(scope="module")
def alone(one_tenant: str) -> Iterator[Trail]:
    """Return the store of acme alone."""
    trail = Trail(one_tenant)
    yield trail
    trail.close()


def asked(trail: Trail, question: Question, **given: object) -> list[dict[str, Any]]:
    """Return the answer, without what depends on when it was stored and asked."""
    needed = {p.name: GIVEN[p.name] for p in question.parameters if p.default in (None, "[]")}
    rows = trail.ask(question.name, **{**needed, **given}).objects()
    depends = ("stored", "to_store", "_ingested_at", "now")
    return [{name: value for name, value in row.items() if not name.startswith(depends)} for row in rows]


def test_every_question_filters_on_the_tenant() -> None:
    """Each file has the parameter and compares it with the tenant of the events; only what is for operators has not."""
    condition = "{tenant:Nullable(String)} IS NULL OR "
    for question in SCOPED:
        (tenant,) = [parameter for parameter in question.parameters if parameter.name == "tenant"]
        assert (tenant.type, tenant.default) == ("Nullable(String)", "NULL"), question.name
        assert question.sql.count(condition) == question.sql.count("tenant_id = {tenant:Nullable(String)}"), question.name
    assert {question.name for question in questions().values() if question.for_operators} == {"accounting", "dead-letters"}


@by_name
def test_a_tenant_sees_what_it_would_see_alone(both: Trail, alone: Trail, question: Question) -> None:
    """Beside another tenant with the same sessions, runs and principals the answer is that of a store with one tenant."""
    scoped = asked(both, question, tenant="acme")
    assert scoped == asked(alone, question)
    assert scoped


@by_name
def test_nobody_else_is_in_the_answer(both: Trail, question: Question) -> None:
    """No row names another tenant, in whichever column."""
    assert "globex" not in json.dumps(asked(both, question, tenant="acme"), default=str)
    assert "acme" not in json.dumps(asked(both, question, tenant="globex"), default=str)


@by_name
def test_a_tenant_that_is_sql_is_nobody(both: Trail, question: Question) -> None:
    """Quotes, comments, UNION, merge(), placeholders and escapes in the tenant are a name that no tenant has."""
    first = SCOPED.index(question) % 3
    for attack in ATTACKS[first::3]:
        assert asked(both, question, tenant=attack) == [], attack


@by_name
def test_no_other_parameter_widens_the_scope(both: Trail, question: Question) -> None:
    """The same in every other parameter that is text: never an event of another tenant."""
    texts = [p.name for p in question.parameters if p.name != "tenant" and base_type(p) == "String"]
    for name in texts:
        for attack in ATTACKS[SCOPED.index(question) % 2 : 3]:
            rows = asked(both, question, **{"tenant": "acme", name: attack})
            assert "globex" not in json.dumps(rows, default=str), (name, attack)


@pytest.mark.parametrize("arguments", [
    ("ask", "who-triggered", "--session", "s-chat' OR tenant_id = 'globex"),
    ("ask", "errors", "--limit", "1 UNION ALL SELECT * FROM trail"),
    ("ask", "errors", "--since", "2026-01-01' OR '1'='1"),
    ("ask", "run", f"--run-id={GIVEN['run_id']}') OR 1=1 --"),
    ("ask", "errors", "tenant=globex"),
    ("ask", "errors", "tenant_id=globex"),
    ("ask", "errors", "--tenant', '1'='1", "x"),
    ("replay", "s-chat' OR tenant_id = 'globex"),
    ("sessions", "--limit", "0 UNION ALL SELECT 1"),
    ("search", "order' OR tenant_id = 'globex"),
    ("search", "--phrase", "]) OR 1=1 OR has([''"),
    ("export", "--since", "2026-01-01' OR '1'='1"),
])  # fmt: skip
def test_the_commands_hold_the_scope(
    command: Callable[..., Said], two_tenants: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Around the command line, too: refused, or nothing of the other tenant."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)
    said = command(*arguments, "--tenant", "acme")
    assert "globex" not in said.out
    assert said.status in (0, 2)
    if said.status == 0:
        assert said.err == ""


def test_a_value_that_names_a_table_function_reads_nothing(both: Trail) -> None:
    """A question reads the tables of its statement: a value never becomes SQL."""
    with pytest.raises(AskError):
        both.ask("run", run_id="merge('system', 'tables')", tenant="acme")
    assert (
        both.ask("search", text="merge currentDatabase", phrases=["merge(currentDatabase(), '.*')"], tenant="acme").rows == []
    )


@pytest.fixture(scope="module")
def client(two_tenants: str) -> Iterator[Client]:
    """Return a client of the store."""
    client = clickhouse_connect.get_client(dsn=two_tenants, autogenerate_session_id=False)
    yield client
    client.close()


@pytest.mark.parametrize("cluster", [None, "main"])
def test_row_policies_are_what_the_parser_takes(client: Client, cluster: str | None) -> None:
    """Every statement is ClickHouse's own syntax, the tenant's name quoted whatever it is."""
    statements = [*row_policies("langtrail", cluster), *tenant_role("acme", cluster), *tenant_role("o'hara \\ `x`", cluster)]
    for statement in statements:
        assert client.command("SELECT formatQuerySingleLine({sql:String})", {"sql": statement})
        assert ("ON CLUSTER" in statement) == (cluster is not None)
    assert any(f"{SETTING} = 'acme' CONST" in statement for statement in statements)
    assert any("o\\'hara" in statement for statement in statements)


def test_the_command_prints_what_the_parser_takes(
    client: Client, command: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, two_tenants: str
) -> None:
    """One statement a line, for the database of the DSN, and a role for each tenant that is named."""
    monkeypatch.setenv("LANGTRAIL_CLICKHOUSE_DSN", two_tenants)
    said = command("row-policies", "--tenant", "acme", "--tenant", "o'hara")
    assert said.status == 0
    statements = said.out.splitlines()
    assert statements == [f"{one};" for one in [*row_policies("two_tenants"), *tenant_role("acme"), *tenant_role("o'hara")]]
    for statement in statements:
        assert client.command("SELECT formatQuerySingleLine({sql:String})", {"sql": statement.removesuffix(";")})


def test_every_table_with_a_tenant_has_a_policy(client: Client) -> None:
    """A new table or view with a tenant in it cannot be forgotten."""
    found = client.query(
        "SELECT t.name, any(t.engine) FROM system.tables AS t JOIN system.columns AS c USING (database) "
        "WHERE t.database = currentDatabase() AND c.table = t.name AND c.name = 'tenant_id' GROUP BY t.name"
    ).result_rows
    assert {table for table, engine in found if engine.endswith("MergeTree")} == set(TABLES)
    assert {table for table, engine in found if engine == "View"} == set(VIEWS)
    statements = row_policies("langtrail")
    for table in TABLES:
        tenants, operators = (statement for statement in statements if f"ON `langtrail`.`{table}` FOR" in statement)
        assert tenants.endswith(f"tenant_id = getSetting('{SETTING}') TO {ROLE}")
        assert operators.endswith(f"USING 1 TO ALL EXCEPT {ROLE}")
