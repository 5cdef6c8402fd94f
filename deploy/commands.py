"""All commands of `langtrail`, in the order of its help."""

from collections.abc import Callable

import typer

from . import (
    command_ask,
    command_dead_letters,
    command_export,
    command_find,
    command_import,
    command_pipeline,
    command_question,
    command_redact,
    command_retain,
    command_search,
    command_stack,
    command_store,
    command_tail,
    command_watch,
)
from .demo import demo

app = typer.Typer(
    name="langtrail",
    help="The audit trail for LangChain applications.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_RUN = "Run"
_ASK = "Ask"
_OPERATE = "Operate"

_COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    _RUN: (
        *(command_stack.up, command_stack.down, command_stack.status, command_stack.env, demo),
        *(command_pipeline.run, command_pipeline.worker, command_pipeline.sink, command_pipeline.migrate),
        *(command_watch.watch, command_redact.redact),
    ),
    _ASK: (
        *(command_question.ask, command_ask.sessions, command_ask.replay, command_search.search, command_find.find),
        *(command_tail.tail, command_export.export, command_ask.sql),
    ),
    _OPERATE: (command_store.audit_offsets, command_retain.retain, command_store.row_policies),
}

_SETTINGS = {command_question.ask: command_question.PASSED_ON}

for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel, context_settings=_SETTINGS.get(_command))(_command)
app.command("import", rich_help_panel=_OPERATE)(command_import.import_)
app.add_typer(command_pipeline.tenants, name="tenants", rich_help_panel=_OPERATE)
app.add_typer(command_store.bench, name="bench", rich_help_panel=_OPERATE)
app.add_typer(command_dead_letters.dead_letters, name="dead-letters", rich_help_panel=_OPERATE)
app.add_typer(command_search.text_index, name="text-index", rich_help_panel=_OPERATE)
