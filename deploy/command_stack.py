"""Commands of the local stack: up, down, status, env."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from .servers import DEFAULT_DIRECTORY

Directory = Annotated[Path, typer.Option("--dir", help="Where the stack keeps data, logs and keys.")]


def up(
    directory: Directory = DEFAULT_DIRECTORY,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is healthy; the stack goes on.")] = False,
) -> None:
    """Start Kafka, ClickHouse, a worker, a sink and a watch on this machine."""
    from . import stack  # noqa: PLC0415 - other commands do without the local stack

    raise typer.Exit(stack.up(directory, detach=detach, echo=typer.echo))


def down(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Stop the local stack; its data stays."""
    from . import stack  # noqa: PLC0415

    stack.down(directory)


def status(
    directory: Directory = DEFAULT_DIRECTORY, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show what of the local stack runs, and where. Exit status 1 when not all of it is healthy."""
    from . import stack  # noqa: PLC0415

    found = stack.status(directory)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        for service in found.services:
            typer.echo(f"{service.name:<11} {service.state:<10} port {service.port or '-'}  pid {service.pid or '-'}")
    raise typer.Exit(0 if all(service.state == "healthy" for service in found.services) else 1)


def env(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Print the variables that a producer and a client need: eval "$(langtrail env)"."""
    from . import stack  # noqa: PLC0415

    for name, value in stack.environment(directory).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
