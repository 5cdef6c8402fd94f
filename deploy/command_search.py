"""The commands search and text-index."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from .ask import Answer, AskError, connect, with_content
from .command_ask import AsJson, Tenant
from .excerpt import excerpt
from .output import console, print_json, shortened, visible
from .question_values import moment
from .reads import recorded
from .search import Tell
from .search import search as find
from .servers import environ

Since = Annotated[
    str | None, typer.Option("--since", help="From this time on: 2026-11-22T08:30, or 7d (ago).", show_default=False)
]
Until = Annotated[str | None, typer.Option("--until", help="Before this time.", show_default=False)]

_BEFORE: Final = 40
_AROUND: Final = 160

text_index = typer.Typer(help="The index that makes search fast: it takes about a quarter of the space.", no_args_is_help=True)


def search(
    text: Annotated[str, typer.Argument(help="What to look for: all of its words, in any order and case.")],
    phrase: Annotated[bool, typer.Option("--phrase", help="The words follow one another.")] = False,
    tenant: Tenant = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Search what went in, what came out and what failed, as it is stored: redacted. The newest first."""
    when = {"since": since and moment(since, "since"), "until": until and moment(until, "until")}
    trail = connect()
    asked = {"text": text, "phrase": phrase or None, **when, "limit": limit}
    with recorded("search", asked, user=trail.user, tenant=tenant) as reading:
        with _telling() as tell:
            answer = find(trail, text, phrase=phrase, tenant=tenant, limit=limit, tell=tell, **when)
        reading.ends(len(answer.rows))
        rows = [with_content(row) for row in answer.objects()]
        if as_json:
            print_json(rows)
        else:
            _print(rows, text)
        if len(rows) == limit:
            typer.echo(f"langtrail: these are the newest {limit} rows; there may be more: --limit", err=True)


@text_index.command("add")
def add() -> None:
    """Make the index over all that is stored, and over what is stored from now on."""
    from .text_index import add as make  # noqa: PLC0415 - its driver is slow to import

    with _telling() as tell:
        found = make(_dsn(), lambda index: tell(f"{index.parts_left} parts to do"))
    typer.echo(f"the text index is there: {(found.size_bytes or 0) / 1e6:,.1f} MB")


@text_index.command("drop")
def drop() -> None:
    """Remove the index; search reads instead."""
    from .text_index import drop as remove  # noqa: PLC0415 - as above

    remove(_dsn())
    typer.echo("there is no text index any more; search reads instead")


@text_index.command("status")
def status(as_json: AsJson = False) -> None:
    """Say whether there is an index, and how large it is. Exit status 1 when there is none, or not all of it."""
    from .text_index import status as look  # noqa: PLC0415 - as above

    found = look(_dsn())
    is_whole = found.size_bytes is not None and not found.parts_left
    if as_json:
        print_json({"size_bytes": found.size_bytes, "parts_left": found.parts_left})
    elif found.size_bytes is None:
        typer.echo("there is no text index; `langtrail text-index add` makes one")
    else:
        typer.echo(f"text index: {found.size_bytes / 1e6:,.1f} MB, {found.parts_left} parts to do")
    raise typer.Exit(0 if is_whole else 1)


def around(value: Any, text: str) -> Text:
    """Return what is around the first word of `text` in a recorded value, the word in bold; its beginning without any."""
    words = sorted(text.split(), key=len, reverse=True)
    for shown in (excerpt(value), str(value)):
        line = visible(" ".join(shown.split()))
        for word in words:
            at = line.casefold().find(word.casefold())
            if at >= 0:
                start = max(0, at - _BEFORE)
                cut = Text(("…" if start else "") + shortened(line[start:], _AROUND))
                cut.stylize("bold", at - start + bool(start), at - start + bool(start) + len(word))
                return cut
    return Text(shortened(visible(" ".join(excerpt(value).split())), _AROUND))


def _print(rows: list[dict[str, Any]], text: str) -> None:
    from .tables import print_answer  # noqa: PLC0415 - rich's tables are not needed for JSON

    columns = ("time", "tenant", "session", "event", "name", "by", "text")
    print_answer(Answer(columns, [_for_people(row, text) for row in rows]), console())


def _for_people(row: Mapping[str, Any], text: str) -> list[Any]:
    time = row["occurred_at"][: len("2026-01-01T00:00:00")].replace("T", " ")
    values = [row[name] for name in ("output", "input", "error_message") if row[name] is not None]
    words = text.casefold().split()
    values.sort(key=lambda value: -sum(word in str(value).casefold() for word in words))
    named = [row[name] for name in ("tenant_id", "session_id", "event_type", "name", "principal_id")]
    return [time, *named, around(values[0] if values else None, text)]


@contextmanager
def _telling() -> Iterator[Tell]:
    """Show on a terminal what is being done."""
    told = console(stderr=True)
    if not told.is_terminal:
        yield lambda _: None
        return
    with told.status("searching") as status:
        yield lambda what: status.update(Text(f"searching: {what}"))


def _dsn() -> str:
    dsn = environ().get("LANGTRAIL_CLICKHOUSE_DSN", "")
    if not dsn:
        raise AskError("no ClickHouse server is known: start one with `langtrail up`, or set LANGTRAIL_CLICKHOUSE_DSN")
    return dsn
