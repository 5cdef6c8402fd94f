"""Where the servers are: what the LANGTRAIL_* variables say, or else the local stack in .langtrail."""

import os
from pathlib import Path

DEFAULT_DIRECTORY = Path(".langtrail")


def environ(directory: Path = DEFAULT_DIRECTORY) -> dict[str, str]:
    """Return the process's environment, filled up with what the local stack in `directory` knows, if there is one."""
    if not (directory / "stack.json").exists():
        return dict(os.environ)
    from .stack import environment  # noqa: PLC0415 - the local stack is an extra

    return {**environment(directory), **{name: value for name, value in os.environ.items() if value}}
