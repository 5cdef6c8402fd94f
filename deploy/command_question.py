"""The command ask: questions that have a name, listed, explained and answered."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from langtrail.schemas.statements import Question, questions

from .answer_files import ARROW_SETTINGS, arrow_table, csv_line, write_parquet
from .ask import Answer, AskError, connect, with_content
from .command_ask import AsJson, Tenant
from .excerpt import excerpt
from .output import console, print_json, shortened
from .question_values import asked_question, option, parsed
from .reads import recorded

_CONTENT: Final = ("input", "output", "error", "error_message", "params")
_EXCERPT_CHARACTERS: Final = 300
PASSED_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Settings of the command: options that are a question's own are passed on to it, --help too."""

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, with a line of headings.")]
AsParquet = Annotated[Path | None, typer.Option("--parquet", help="Write a Parquet file.", metavar="FILE", show_default=False)]


def ask(
    context: typer.Context,
    question: Annotated[str | None, typer.Argument(help="Name of the question; without it, they are listed.")] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    parquet: AsParquet = None,
    want_help: Annotated[bool, typer.Option("--help", help="Show this, or what a question takes.")] = False,
) -> None:
    """Ask a question that has a name: langtrail ask who-triggered --trigger-id crm-sync (or trigger_id=crm-sync)."""
    if question is None or question.startswith("-"):
        _without_question(context, question, as_json=as_json, want_help=want_help)
        return
    asked = asked_question(question)
    if want_help:
        _explain(asked)
        return
    if asked.command is not None:
        raise AskError(f"{asked.name} has a command of its own: langtrail {asked.command} --help")
    if as_json + as_csv + (parquet is not None) > 1:
        raise AskError("choose one of --json, --csv and --parquet")
    given = given_options(context.args)
    if tenant is not None and "tenant" in given:
        raise AskError("the tenant is given twice")
    values = parsed(asked, given | ({} if tenant is None else {"tenant": tenant}))
    scope = _text(values.get("tenant"))
    trail = connect()
    with recorded("ask", {"question": asked.name, **values}, user=trail.user, tenant=scope) as reading:
        if parquet is not None:
            table = arrow_table(trail.formatted(asked.sql, asked.bind(values), "Arrow", **ARROW_SETTINGS))
            reading.ends(table.num_rows)
            write_parquet(parquet, [table])
            return
        answer = trail.ask(asked.name, **values)
        if as_csv and not answer.columns:  # a server may leave the names out when there are no rows
            answer = trail.sql(f"SELECT * FROM ({asked.sql}) LIMIT 0", asked.bind(values))  # noqa: S608 - our own statement
        reading.ends(len(answer.rows))
        _print(answer, as_json=as_json, as_csv=as_csv)
        _say_if_cut(asked, values, answer)


def given_options(words: Sequence[str]) -> dict[str, str]:
    """Return the values in --name value, --name=value and name=value by name. Raises AskError for anything else."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        if not name or not (equals or word.startswith("--")):
            raise AskError(f"{word!r} is neither --name value nor name=value")
        if not equals:
            following = next(rest, None)
            if following is None:
                raise AskError(f"{word} needs a value")
            value = following
        given[name] = value
    return given


def _without_question(context: typer.Context, word: str | None, *, as_json: bool, want_help: bool) -> None:
    if want_help:
        typer.echo(context.get_help())
    elif word is not None or context.args:
        raise AskError("name the question first: langtrail ask QUESTION --name value; `langtrail ask` lists them")
    elif as_json:
        print_json([_described(asked) for asked in _listed()])
    else:
        from .tables import table  # noqa: PLC0415 - rich's tables are not needed otherwise

        rows = [[asked.name, asked.help] for asked in _listed()]
        console().print(table(["question", "what it answers"], rows, console().width))
        console().print("\nlangtrail ask QUESTION --help says what it takes.")


def _listed() -> Iterable[Question]:
    return (asked for asked in questions().values() if asked.command is None)


def _described(asked: Question) -> dict[str, Any]:
    parameters = [{"name": p.name, "type": p.type, "doc": p.doc, "default": p.default} for p in asked.parameters]
    return {"name": asked.name, "help": asked.help, "parameters": parameters}


def _explain(asked: Question) -> None:
    from .tables import table  # noqa: PLC0415 - as above

    needed = {None: "needed", "NULL": ""}
    rows = [[option(p), p.doc, needed.get(p.default, f"default {p.default}")] for p in asked.parameters]
    console().print(asked.help)
    console().print(table(["option", "what it says", ""], rows, console().width))
    console().print("--json, --csv and --parquet FILE choose what comes out.")


def _print(answer: Answer, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json([with_content(row) for row in answer.objects()])
    elif as_csv:
        typer.echo(csv_line(answer.columns) + "".join(csv_line(row) for row in answer.rows), nl=False)
    else:
        from .tables import print_answer  # noqa: PLC0415 - as above

        print_answer(_for_people(answer), console())


def _for_people(answer: Answer) -> Answer:
    """Return the answer with the gist of its content, where a cell would be pages."""
    rows = [with_content(row) for row in answer.objects()]
    return Answer(answer.columns, [[_gist(name, value) for name, value in row.items()] for row in rows])


def _gist(name: str, value: Any) -> Any:
    return shortened(excerpt(value), _EXCERPT_CHARACTERS) if name in _CONTENT and value is not None else value


def _say_if_cut(asked: Question, values: dict[str, object], answer: Answer) -> None:
    """Say on standard error that there may be more: an answer that was cut must not pass for the whole."""
    limit = asked.bind(values).get("limit")
    if limit is not None and len(answer.rows) == int(str(limit)):
        typer.echo(f"langtrail: these are {limit} rows, the limit; there may be more: --limit", err=True)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
