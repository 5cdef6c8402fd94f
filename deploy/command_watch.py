"""The command `langtrail watch`."""

from typing import Annotated

import typer

from langtrail.schemas.settings import load_settings

from .servers import environ


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look at everything once, say what was found, and end.")] = False,
    wait: Annotated[float, typer.Option("--wait", help="With --once: seconds to wait for the store.", min=0)] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print JSON.")] = False,
) -> None:
    """Find what never ended, is missing or comes in bursts, and record it as events, until stopped."""
    from .watch import run_watch, watch_once  # noqa: PLC0415 - other commands do without it
    from .watch_settings import WatchSettings  # noqa: PLC0415 - as above

    settings = load_settings(WatchSettings, environ())
    if not once:
        raise typer.Exit(run_watch(settings))
    from .output import print_json  # noqa: PLC0415 - as above

    found = watch_once(settings, wait)
    if as_json:
        print_json({"written": found})
    else:
        typer.echo(", ".join(f"{count} {kind}" for kind, count in found.items()) or "nothing new")
