"""Which prompt a model was asked with: what the application says, else the prompt that was formatted just before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .labels import label, optional_technical
from .serialise import text_of

if TYPE_CHECKING:
    from .runs import Run

Prompt = tuple[str | None, str | None]
"""Name and version."""


def formatted(run: "Run", metadata: Mapping[str, Any]) -> None:
    """Note the prompt that a run of a prompt template formats, for the runs that follow it under the same parent.

    Metadata given to the template alone reaches no other run, and a prompt pulled from LangChain's hub names itself there.
    """
    found = _from_hub(metadata) or (run.identity.prompt_name, run.identity.prompt_version)
    if found != (None, None):
        run.prompt, run.shared = found, None
        if run.parent is not None:
            run.parent.prompt, run.parent.shared = found, None


def prompt_of(run: "Run") -> Prompt:
    """Return name and version of the prompt of a run: what it names itself counts before what was formatted before it."""
    own = (run.identity.prompt_name, run.identity.prompt_version)
    if run.prompt is None:
        return own
    inherited = run.parent is None or own == (run.parent.identity.prompt_name, run.parent.identity.prompt_version)
    return run.prompt if inherited else own


def _from_hub(metadata: Mapping[str, Any]) -> Prompt | None:
    repository = metadata.get("lc_hub_repo")
    if repository is None:
        return None
    owner = metadata.get("lc_hub_owner")
    name = f"{text_of(owner)}/{text_of(repository)}" if owner and owner != "-" else text_of(repository)
    commit = metadata.get("lc_hub_commit_hash")
    return label(name), optional_technical(commit)
