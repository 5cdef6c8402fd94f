"""Which version of an application runs: what it says, and the git commit of its source where that can be read."""

import re
import sys
from functools import cache
from pathlib import Path

_MAX_PARENTS = 12
_MAX_BYTES = 4 * 1024 * 1024
_COMMIT = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_SHORT = 12


def app_version(given: str) -> str:
    """Return the version that was given, else `git:` and the first 12 digits of the commit, else nothing."""
    if given:
        return given
    commit = git_commit()
    return f"git:{commit[:_SHORT]}" if commit else ""


@cache
def git_commit() -> str:
    """Return the commit that is checked out where the running program lies; empty where there is none.

    Only git's own small files are read, no program is run. That the files are changed since the commit cannot be told so.
    """
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if not main:
        return ""
    try:
        return commit_of(Path(main).resolve())
    except (OSError, ValueError):
        return ""


def commit_of(path: Path) -> str:
    """Return the commit checked out around a path; empty without one, and for what is installed into an environment.

    Raises OSError or ValueError when git's files are not as they should be.
    """
    if any((parent / "pyvenv.cfg").is_file() for parent in path.parents[:3]) or "site-packages" in path.parts:
        return ""
    for directory in path.parents[:_MAX_PARENTS]:
        git = directory / ".git"
        if git.is_file():
            git = directory / _read(git).removeprefix("gitdir:").strip()
        if (git / "HEAD").is_file():
            return _head(git)
    return ""


def _head(git: Path) -> str:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return head if _COMMIT.match(head) else ""
    reference = head.removeprefix("ref:").strip()
    common = git / _read(git / "commondir").strip() if (git / "commondir").is_file() else git
    for directory in (git, common):
        if (loose := directory / reference).is_file():
            commit = _read(loose).strip()
            return commit if _COMMIT.match(commit) else ""
    return _packed(common / "packed-refs", reference)


def _packed(path: Path, reference: str) -> str:
    if not path.is_file():
        return ""
    for line in _read(path).splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _COMMIT.match(commit):
            return commit
    return ""


def _read(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_MAX_BYTES)
