"""The command that removes events whose time is over: langtrail retain."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from langtrail.schemas.settings import SettingsError, load_settings, path, setting

from .ask import Answer, connect
from .command_ask import AsJson
from .errors import CannotRun
from .output import console, print_json
from .servers import environ

if TYPE_CHECKING:
    from rich.console import Console

    from .removal import Removal
    from .retain import Over

_COLUMNS: Final = ("tenant", "class", "month", "events", "arrived from", "to", "")
_HOLD: Final = "stays: legal hold"


@dataclass(frozen=True, kw_only=True)
class RetainSettings:
    """What `langtrail retain` reads from the environment, beside where the servers are."""

    retention_file: Path | None = setting(
        "LANGTRAIL_RETENTION_FILE", path, default=None, doc="TOML with the days that each retention class is kept"
    )
    operator_key_file: Path | None = setting(
        "LANGTRAIL_OPERATOR_KEY_FILE", path, default=None, doc="file with the Ed25519 private key that signs removals, base64"
    )


def retain(
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="TOML, days by class. Default: LANGTRAIL_RETENTION_FILE.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove events whose retention period is over, counted from their arrival, and keep the proof of what went.

    A tenant under legal hold loses nothing, a class that the file does not name is kept for ever. What a run did not finish,
    the next one does. Each removal is an event: `langtrail ask erasures` shows them.
    """
    from langtrail.processors.clickhouse import connect as connect_store  # noqa: PLC0415 - its packages are an extra

    from .legal_holds import legal_holds  # noqa: PLC0415 - as above
    from .removal import read_operator_key  # noqa: PLC0415 - as above
    from .retain import Retention  # noqa: PLC0415 - as above
    from .retention_policy import read_retention  # noqa: PLC0415 - as above

    variables = environ()
    settings = load_settings(RetainSettings, variables)
    file = policy or settings.retention_file
    if file is None:
        raise SettingsError("LANGTRAIL_RETENTION_FILE: is not set; or name a file with --policy")
    periods = read_retention(file)
    key = read_operator_key(settings.operator_key_file) if settings.operator_key_file else None
    trail = connect(variables)  # it looks whether the tables are of this version
    trail.close()
    dsn = variables["LANGTRAIL_CLICKHOUSE_DSN"]
    client = connect_store(dsn, timeout_seconds=3600)
    try:
        retention = Retention(client, dsn, periods, legal_holds(variables), datetime.now(UTC))
        over, unfinished = retention.over(), retention.unfinished()
        if as_json and dry_run:
            print_json({"over": [_plain(each) for each in over], "unfinished": [each.facts() for each in unfinished]})
            return
        _show(over, unfinished, console(stderr=as_json))
        if dry_run or not (unfinished or any(not each.held for each in over)):
            return
        _confirm(yes=yes)
        done = [_said(each, as_json=as_json) for each in retention.remove(_user(), key, _recorder(variables))]
        if as_json:
            print_json([each.facts() | {"public_key": each.public_key, "signature": each.signature} for each in done])
    finally:
        client.close()


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CannotRun("nothing was removed: say --yes, or --dry-run to look")
    if not typer.confirm("Remove them?"):
        raise CannotRun("nothing was removed")


def _show(over: list["Over"], unfinished: list["Removal"], to: "Console") -> None:
    from .tables import print_answer  # noqa: PLC0415 - only for people

    for left in unfinished:
        to.print(f"removal {left.removal_id} was not finished: tenant {left.tenant_id!r}, {left.retention_class}, {left.month}")
    rows = [[*_plain(each).values()] for each in over]
    print_answer(Answer(_COLUMNS, [[*row[:-1], _HOLD if row[-1] else ""] for row in rows]), to)


def _plain(over: "Over") -> dict[str, Any]:
    return {
        "tenant_id": over.tenant_id,
        "retention_class": over.retention_class,
        "month": over.month,
        "events": over.events,
        "arrived_first": over.arrived_first.isoformat(timespec="seconds"),
        "arrived_last": over.arrived_last.isoformat(timespec="seconds"),
        "held": over.held,
    }


def _said(removal: "Removal", *, as_json: bool) -> "Removal":
    signed = f"signed by {removal.public_key}" if removal.signature else "not signed: LANGTRAIL_OPERATOR_KEY_FILE is not set"
    typer.echo(
        f"removed {removal.events} events of tenant {removal.tenant_id!r}, class {removal.retention_class}, "
        f"month {removal.month}; removal {removal.removal_id}, {signed}",
        err=as_json,
    )
    return removal


def _user() -> str:
    from langtrail.producer.job import os_user  # noqa: PLC0415 - slow to import

    return os_user()


def _recorder(variables: Mapping[str, str]) -> Any:
    from .operator_record import Operation, record_operation  # noqa: PLC0415 - slow to import

    def record(removal: "Removal", outcome: str | None) -> None:
        signature = {"public_key": removal.public_key, "signature": removal.signature} if removal.signature else {}
        proof = {name: str(value) for name, value in removal.facts().items() if name not in ("tenant_id", "events")}
        operation = Operation(
            "retention",
            "langtrail retain",
            "events",
            removal.events,
            tenant=removal.tenant_id,
            outcome=outcome,
            facts={**proof, **signature},
            policy_id=removal.retention_class,
            policy_version=removal.policy[:16],
        )
        record_operation(variables, operation)

    return record
