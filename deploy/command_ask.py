"""Commands that ask: sql, sessions, replay. What they read is recorded before it is shown."""

from typing import Annotated

import typer

from .ask import connect
from .output import console, print_json
from .question_values import moment
from .reads import recorded

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Only of this tenant.", show_default=False)]


def sql(statement: Annotated[str, typer.Argument(help="What to ask, in ClickHouse's SQL.")], as_json: AsJson = False) -> None:
    """Ask in SQL, for operators: every tenant's events, read-only. Start with the views trail and usage_daily."""
    from .tables import print_answer  # noqa: PLC0415 - rich's tables are not needed by other commands

    trail = connect()
    with recorded("sql", {"statement": statement}, user=trail.user) as reading:
        answer = trail.sql(statement)
        reading.ends(len(answer.rows))
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

    trail = connect()
    with recorded("sessions", {"limit": limit}, user=trail.user, tenant=tenant) as reading:
        answer = trail.sessions(tenant, limit)
        reading.ends(len(answer.rows))
        if as_json:
            print_json(answer.objects())
        else:
            print_answer(sessions_for_people(answer), console())


def replay(
    session: Annotated[str, typer.Argument(help="Id of the session.")],
    tenant: Tenant = None,
    at: Annotated[
        str | None, typer.Option("--at", help="As it was then: 2026-11-22T08:30:00Z, or 2h (ago).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a session from start to finish: who ran what, when, with which tokens and cost, and how it ended."""
    from .tree import session_tree  # noqa: PLC0415 - as above

    then = moment(at, "at") if at else None
    trail = connect()
    with recorded("replay", {"session": session, "at": then}, user=trail.user, tenant=tenant, session=session) as reading:
        events = trail.replay(session, tenant, then)
        reading.ends(len(events))
        if as_json:
            print_json(events)
        else:
            console().print(session_tree(events))
