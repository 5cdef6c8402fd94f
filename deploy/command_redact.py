"""The command that redacts without any server: langtrail redact."""

import os
import sys
from typing import Annotated

import typer

from .errors import CannotRun


def redact(
    explain: Annotated[bool, typer.Option("--explain", help="Say of each finding which detector found it, and why.")] = False,
) -> None:
    """Redact JSON lines from standard input, {"text": …}, as the worker does; no server is needed.

    For each line one line: {"text": redacted, "findings": [{"type", "start", "end"}]}, offsets in characters of the input. An
    empty line is answered with an empty one. At a line that is no such JSON it stops with status 2, naming the line.
    """
    from langtrail.processors.redact_lines import NotALine, redacted_lines  # noqa: PLC0415 - its packages are an extra

    try:
        for line in redacted_lines(sys.stdin.buffer, explain=explain):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    except NotALine as error:
        raise CannotRun(str(error)) from None
    except BrokenPipeError:  # the reader has seen enough; Python must not flush into the closed pipe when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
