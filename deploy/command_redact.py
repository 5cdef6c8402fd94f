"""The command that redacts without any server: langtrail redact."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .errors import CannotRun

if TYPE_CHECKING:
    from io import BufferedReader


def redact(
    policy: Annotated[
        Path | None, typer.Option("--policy", help="TOML with a redaction policy, or a file of tenants.", show_default=False)
    ] = None,
    tenant: Annotated[
        str, typer.Option("--tenant", help="Whose policy, where the file has several tenants.", show_default=False)
    ] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say of each finding which detector found it, and why.")] = False,
) -> None:
    """Redact JSON lines from standard input, {"text": …}, as the worker does; no server is needed.

    For each line one line: {"text": redacted, "findings": [{"type", "start", "end"}]}, offsets in characters of the input. An
    empty line is answered with an empty one. At a line that is no such JSON it stops with status 2, naming the line.
    """
    from langtrail.processors.garbage import garbage_seldom_collected  # noqa: PLC0415 - its packages are an extra
    from langtrail.processors.redact_lines import NotALine, lines_arriving, redacted_lines  # noqa: PLC0415 - as above

    from .policy_file import policy_rules  # noqa: PLC0415 - as above

    try:
        rules = None if policy is None else policy_rules(policy, tenant)
        with garbage_seldom_collected():
            first = 1
            for lines in lines_arriving(cast("BufferedReader", sys.stdin.buffer)):
                sys.stdout.buffer.writelines(redacted_lines(lines, first=first, rules=rules, explain=explain))
                sys.stdout.buffer.flush()
                first += len(lines)
    except NotALine as error:
        raise CannotRun(str(error)) from None
    except BrokenPipeError:  # the reader has seen enough; Python must not flush into the closed pipe when it ends
        _write_no_more()
    except OSError as error:
        _write_no_more()
        raise CannotRun(f"redact stopped: standard input or output failed ({error.strerror})") from None


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
