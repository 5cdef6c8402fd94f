"""Commands for the dead letters: list, show, replay."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from langtrail.processors.dead_letter_facts import DeadLetter

from .ask import AskError
from .command_ask import AsJson
from .dead_letter_reader import TOPIC, operator_settings, read, read_one
from .dead_letters import as_json, described, newest, replayed_at
from .output import console, print_json, visible
from .reads import recorded
from .servers import environ

dead_letters = typer.Typer(help="What could not become an event, or not all of it: look, mend, put back.", no_args_is_help=True)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAMED_AT_MOST: Final = 20
_COLUMNS: Final = ("letter", "rejected_at", "replayed_at", "reason", "stage", "origin", "bytes", "key", "error")


def since(value: str) -> int:
    """Return milliseconds since 1970 of a time (ISO-8601, UTC when it names no zone) or of so long ago: 30s, 15m, 2h, 7d."""
    if ago := re.fullmatch(r"(\d{1,9})([smhd])", value):
        return max(0, round((time.time() - int(ago[1]) * _UNITS[ago[2]]) * 1000))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter("expected a time such as 2026-03-17T14:00, or how long ago: 30s, 15m, 2h, 7d") from None
    return max(0, round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def place(value: str) -> tuple[int, int]:
    """Return partition and offset of a dead letter's name."""
    if not (found := re.fullmatch(r"(\d{1,9}):(\d{1,18})", value)):
        raise typer.BadParameter("expected PARTITION:OFFSET, as `langtrail dead-letters list` names them")
    return int(found[1]), int(found[2])


@dead_letters.command("list")
def list_letters(
    reason: Annotated[str | None, typer.Option("--reason", help="Only of this reason.", show_default=False)] = None,
    from_time: Annotated[
        str | None, typer.Option("--since", help="Only since this time, or so long ago: 2h, 7d.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 1000,
    as_json_: AsJson = False,
) -> None:
    """List the dead letters, the newest first: where, when, why, where from, and when an operator last put them back."""
    from .ask import Answer  # noqa: PLC0415 - only for people
    from .tables import print_answer  # noqa: PLC0415 - as above

    since_ms = since(from_time) if from_time else 0
    connection = operator_settings()
    asked = {"reason": reason, "since": from_time, "limit": limit}
    with recorded("dead-letters list", asked, resource=TOPIC) as reading:
        letters = newest(read(connection, since_ms), reason, limit)
        reading.ends(len(letters))
    replayed = _replayed_at(letters)
    if as_json_:
        print_json([as_json(letter) | {"replayed_at": replayed.get(letter.name)} for letter in letters])
    else:
        print_answer(Answer(_COLUMNS, [_row(letter, replayed.get(letter.name)) for letter in letters]), console())


@dead_letters.command("show")
def show(letter: Annotated[str, typer.Argument(help="PARTITION:OFFSET.")], as_json_: AsJson = False) -> None:
    """Show one dead letter: its headers and what its bytes say of the event, never its content."""
    from .tables import cell  # noqa: PLC0415 - only for people

    connection, wanted = operator_settings(), place(letter)
    with recorded("dead-letters show", {"letter": letter}, resource=TOPIC) as reading:
        shown = described(read_one(connection, *wanted))
        reading.ends(1)
    if as_json_:
        print_json(shown)
        return
    headers, core = shown.pop("headers"), shown.pop("core") or {}
    facts = [(name, value) for name, value in core.items() if value not in (None, [])]
    for title, pairs in (("dead letter", [*shown.items()]), ("headers", headers), ("core, as the bytes say", facts)):
        for name, value in [(f"── {title}", ""), *pairs] if pairs else ():
            console().print(f"{visible(name):28} {cell(value).plain}".rstrip())


@dead_letters.command("replay")
def replay(
    letters: Annotated[list[str] | None, typer.Argument(help="PARTITION:OFFSET of each.", show_default=False)] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="All of this reason.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    as_json_: AsJson = False,
) -> None:
    """Put records back where they came from, to be processed again: after a policy, a key or a version was mended.

    Of an event that is stored already the new revision replaces the old one. Each record is put back once, however many dead
    letters it has. Exit status 1: some of what was asked for is not there, or does not say where it came from.
    """
    from .dead_letter_replay import choose, put_back, with_stored_revisions  # noqa: PLC0415 - slow to import
    from .operator_record import Operation, record_operation  # noqa: PLC0415 - as above

    names = {"{}:{}".format(*place(name)) for name in letters or ()}
    wanted = _wanted(names, reason, every=every)
    variables, connection = environ(), operator_settings()
    choice = with_stored_revisions(choose(read(connection), wanted), variables)
    written = []
    if choice.records:
        details = {"letters": [record.letter.name for record in choice.records[:1000]], "reason": reason, "all": every}
        operation = Operation("custom", "dead-letters replay", TOPIC, len(choice.records), details=details)
        record_operation(variables, operation)
        written = put_back(connection, choice)
    absent = sorted(names - choice.found) + [r.letter.name for r in choice.records if r not in written]
    done: dict[str, list[Any]] = {
        "replayed": [
            {
                "letter": record.letter.name,
                "topic": record.letter.origin_topic,
                "partition": record.letter.origin_partition,
                "revision": record.revision + 1,
            }
            for record in written
        ],
        "not_there": absent,
        "without_origin": choice.homeless,
    }
    _say(done, as_json_=as_json_)
    raise typer.Exit(1 if absent or choice.homeless or not written else 0)


def _wanted(names: set[str], reason: str | None, *, every: bool) -> Callable[[DeadLetter], bool]:
    if bool(names) + (reason is not None) + every != 1:
        raise typer.BadParameter("name dead letters as PARTITION:OFFSET, or a --reason, or --all: one of the three")
    return lambda letter: every or letter.name in names or letter.reason == reason


def _say(done: dict[str, list[Any]], *, as_json_: bool) -> None:
    if as_json_:
        print_json(done)
        return
    count = len(done["replayed"])
    typer.echo(f"put back {count:,} record{'' if count == 1 else 's'}" if any(done.values()) else "no dead letter matches")
    for what, title in (("not_there", "not there"), ("without_origin", "without a place to go back to")):
        if names := done[what]:
            more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
            typer.echo(f"{title}: {', '.join(names[:_NAMED_AT_MOST])}{more}")


def _replayed_at(letters: list[DeadLetter]) -> dict[str, str]:
    """Return when the letters were put back; a store that does not answer keeps nobody from looking at them."""
    try:
        return replayed_at(letters, environ())
    except AskError as error:
        typer.echo(f"langtrail: which of these were put back is not known: {error}", err=True)
        return {}


def _row(letter: DeadLetter, replayed: str | None) -> list[Any]:
    known = as_json(letter)
    origin = f"{letter.origin_topic}[{letter.origin_partition}]@{letter.origin_offset}"
    at = (known["rejected_at"][:19], replayed and replayed[:19])
    return [letter.name, *at, letter.reason, letter.stage, origin, letter.size, letter.key, letter.error]
