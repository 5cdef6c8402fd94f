"""The public names of each stage: all listed, all there, in order, and each says what it is."""

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

every_stage = pytest.mark.parametrize("stage", ["schemas", "producer", "processors", "deploy"])


def package(stage: str) -> ModuleType:
    """Import a stage."""
    return importlib.import_module(f"langtrail.{stage}")


def exported(stage: str) -> list[str]:
    """Return what a stage lists as public; nothing for a stage that applications do not import."""
    return list(getattr(package(stage), "__all__", []))


def imported_from_within(stage: str) -> set[str]:
    """Return the names that a stage's __init__ takes from its own files."""
    tree = ast.parse((ROOT / stage / "__init__.py").read_text("utf-8"))
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {alias.asname or alias.name for node in relative for alias in node.names}


def docstrings(stage: str) -> dict[str, str]:
    """Return what the sources of a stage say of their classes and functions: compiled ones do not carry it with them."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / stage).glob("*.py")]
    defined = [node for tree in trees for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return {node.name: ast.get_docstring(node) or "" for node in defined}


def in_order(name: str) -> tuple[int, str]:
    """Return the key to sort by: constants, then classes, then functions, each by name."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@every_stage
def test_every_public_name_can_be_imported(stage: str) -> None:
    """What is listed exists, and a star import brings exactly that."""
    names: dict[str, object] = {}
    exec(f"from langtrail.{stage} import *", names)  # noqa: S102 - a star import is only allowed at the top of a module
    assert [name for name in exported(stage) if not hasattr(package(stage), name)] == []
    assert set(exported(stage)) <= names.keys()


@every_stage
def test_the_list_is_complete(stage: str) -> None:
    """Every name that the package takes from its own files is public, none is left out by mistake."""
    assert imported_from_within(stage) - set(exported(stage)) == set()


@every_stage
def test_the_list_is_sorted_and_has_no_name_twice(stage: str) -> None:
    """Constants, classes and functions stand in the order in which a reader looks for them."""
    assert exported(stage) == sorted(set(exported(stage)), key=in_order)


@every_stage
def test_every_public_class_and_function_says_what_it_promises(stage: str) -> None:
    """The docstring of a public name is there and ends its first paragraph as a sentence."""
    objects = {name: getattr(package(stage), name) for name in exported(stage)}
    written = docstrings("schemas") | docstrings(stage)
    described = {name: written.get(name, "") for name, found in objects.items() if callable(found)}
    assert [name for name, text in described.items() if not re.match(r"(?s)\S.{10,}?[.:](\n\n|$)", text)] == []


def test_applications_import_two_stages() -> None:
    """The names that applications and tools are written against are those of the schemas and the producer."""
    assert {"AuditCallbackHandler", "audit_context", "install"} <= set(exported("producer"))
    assert {"EVENT_TYPES", "decode", "encode", "registry", "topics", "unframe"} <= set(exported("schemas"))
