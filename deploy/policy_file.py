"""A redaction policy from a file of its own, or from a file of tenants, to be tried without any server."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langtrail.processors.policy_reader import read_policy
from langtrail.processors.pseudonym import Pseudonyms, read_pseudonyms
from langtrail.processors.redact import rules_of
from langtrail.processors.treatment import PseudonymsMissing, Rules
from langtrail.schemas.settings import SettingsError

from .errors import CannotRun
from .policy_mistakes import policy_mistakes
from .toml_lines import LineNumbers, toml_refused_as

KEY_VARIABLE = "LANGTRAIL_PSEUDONYM_KEY_FILE"


class PolicyFileError(CannotRun):
    """The policy cannot be tried; the text has a line for each mistake."""


def policy_rules(path: Path, tenant: str = "") -> Rules:
    """Return what holds under a file's policy; its pseudonyms are those of `tenant`. Raises PolicyFileError, SettingsError."""
    with toml_refused_as(PolicyFileError, path):
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    where, table = _policy_in(document, path, tenant)
    line_of = LineNumbers(text)
    mistakes = [f"{path}:{line_of((*where, *one.where))}: {one}" for one in policy_mistakes(table)]
    if mistakes:
        raise PolicyFileError("\n".join(mistakes))
    try:
        return rules_of(read_policy(table), pseudonyms(os.environ), where[1] if where else tenant)
    except PseudonymsMissing as missing:
        raise PolicyFileError(str(missing)) from None


def pseudonyms(variables: Mapping[str, str]) -> Pseudonyms | None:
    """Return what makes tokens with the key that is configured, None without one. Raises SettingsError."""
    try:
        return read_pseudonyms(variables[KEY_VARIABLE]) if variables.get(KEY_VARIABLE) else None
    except ValueError as error:
        raise SettingsError(f"{KEY_VARIABLE}: {error}") from None


def _policy_in(document: dict[str, Any], path: Path, tenant: str) -> tuple[tuple[str, ...], Any]:
    """Return where in a file the policy is, and the policy."""
    tables = document.get("tenants")
    if not isinstance(tables, dict):
        return (), document
    found = [name for name, table in tables.items() if isinstance(table, dict) and "redaction" in table]
    chosen = [name for name in found if name == tenant or not tenant]
    if len(chosen) != 1:
        raise PolicyFileError(f"{path} has policies of the tenants {', '.join(found) or '(none)'}: say which with --tenant")
    return ("tenants", chosen[0], "redaction"), tables[chosen[0]]["redaction"]
