"""Commands that ask: sql, sessions, replay."""

from typing import Annotated

import typer

from .ask import connect
from .output import console, print_json

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Only of this tenant.", show_default=False)]


def sql(statement: Annotated[str, typer.Argument(help="What to ask, in ClickHouse's SQL.")], as_json: AsJson = False) -> None:
    """Ask in SQL, for operators: every tenant's events, read-only. Start with the views trail and usage_daily."""
    from .tables import print_answer  # noqa: PLC0415 - rich's tables are not needed by other commands

    answer = connect().sql(statement)
    if as_json:
        print_json(answer.objects())
    else:
        print_answer(answer, console())


def sessions(
    tenant: Tenant = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="How many at most.", show_default="1000")] = None,
    as_json: AsJson = False,
) -> None:
    """List the sessions, the one that was active last first."""
    from .tables import print_answer, sessions_for_people  # noqa: PLC0415 - as above

    answer = connect().sessions(tenant, limit)
    if as_json:
        print_json(answer.objects())
    else:
        print_answer(sessions_for_people(answer), console())


def replay(
    session: Annotated[str, typer.Argument(help="Id of the session.")], tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Show a session from start to finish: who ran what, when, with which tokens and cost, and how it ended."""
    from .tree import session_tree  # noqa: PLC0415 - as above

    events = connect().replay(session, tenant)
    if as_json:
        print_json(events)
    else:
        console().print(session_tree(events))
