"""The shape of the tree: which stage may import which, how long a file may be, and that everything says what it is."""

import ast
import re
import runpy
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple, TypeGuard

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "schemas": set[str](),
    "producer": {"schemas"},
    "processors": {"schemas"},
    "deploy": {"schemas", "producer", "processors"},
}
"""What each stage may import besides itself."""
OPENS = {
    "schemas": r"Step 1 of 5\b",
    "producer": r"Step 2 of 5\b",
    "processors": r"Step 3 of 5\b.*\bStep 4 of 5\b",
    "deploy": r"Step 5 of 5\b",
}
ALL_AT_ONCE = (
    *("all", "any", "bytes", "dict", "frozenset", "join", "list"),
    *("max", "min", "next", "set", "sorted", "sum", "tuple"),
)
"""What uses a generator up before anything else happens."""
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """A Python file of the repository."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Return the path from the root."""
        return self.path.relative_to(ROOT).as_posix()

    def functions(self) -> Iterator[Function]:
        """Yield every function and method."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, Function))


class Import(NamedTuple):
    """One module that a file imports; `level` is the number of its dots."""

    source: Source
    line: int
    module: str
    level: int

    def __str__(self) -> str:
        """Return what a reader looks for."""
        return f"{self.source.name}:{self.line} {'.' * self.level}{self.module}"


@cache
def sources(folder: str) -> list[Source]:
    """Return the Python files of a folder."""
    paths = (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)
    return [Source(path, ast.parse(path.read_text("utf-8"), str(path))) for path in paths]


def imports(source: Source) -> Iterator[Import]:
    """Yield every import of a file, those within functions too."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(source, node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "langtrail":
            yield from (Import(source, node.lineno, f"langtrail.{alias.name}", 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(source, node.lineno, node.module or "", node.level)


def neighbours(source: Source) -> set[str]:
    """Return the files of its own stage that a file imports when it runs."""
    for_types = {id(node) for block in ast.walk(source.tree) if is_for_types(block) for node in ast.walk(block)}
    found = [
        node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom) and node.level and id(node) not in for_types
    ]
    return {name for node in found for name in ([node.module] if node.module else [alias.name for alias in node.names])}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return files that import one another in a circle; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def is_for_types(node: ast.AST) -> bool:
    """Tell whether this is a block that only a type checker reads."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def stage_of(found: Import) -> str:
    """Return the stage that an absolute import of ours names, or nothing."""
    parts = found.module.split(".")
    return parts[1] if found.level == 0 and parts[0] == "langtrail" and len(parts) > 1 else ""


def compiled(stages: dict[str, list[Source]]) -> list[Source]:
    """Return the files that setup.py has compiled."""
    modules = runpy.run_path(str(ROOT / "setup.py"))["COMPILED"]
    return [source for stage, names in modules.items() for source in stages[stage] if source.path.stem in names]


def takes_all(node: ast.AST) -> TypeGuard[ast.Call]:
    """Tell whether this is a call that needs each item of a generator once, at once: it is compiled without a generator."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in ALL_AT_ONCE


@pytest.fixture(scope="module")
def stages() -> dict[str, list[Source]]:
    """Return the files of each stage."""
    return {stage: sources(stage) for stage in MAY_IMPORT}


@pytest.fixture(scope="module")
def everything(stages: dict[str, list[Source]]) -> list[Source]:
    """Return every Python file of the stages and the tests."""
    return [source for files in (*stages.values(), sources("tests")) for source in files]


def test_stages_import_one_way(stages: dict[str, list[Source]]) -> None:
    """Producer and processors know the schemas and not one another; only deploy knows all; the schemas know nobody."""
    assert all(len(files) > 5 for files in stages.values())
    for stage, files in stages.items():
        across = [found for source in files for found in imports(source) if stage_of(found) not in ("", stage)]
        assert [str(found) for found in across if stage_of(found) not in MAY_IMPORT[stage]] == []


def test_imports_are_relative_within_a_stage_and_absolute_across(stages: dict[str, list[Source]]) -> None:
    """A stage never names itself, and one dot is as far as a relative import goes: each file exists once."""
    for stage, files in stages.items():
        found = [found for source in files for found in imports(source)]
        assert [str(one) for one in found if stage_of(one) == stage] == []
        assert [str(one) for one in found if one.level > 1] == []


def test_no_imports_of_a_stage_run_in_a_circle(stages: dict[str, list[Source]]) -> None:
    """Each file stands on others and none of these on it, those imports that only a function makes included."""
    for files in stages.values():
        graph = {source.path.stem: neighbours(source) for source in files if source.path.stem != "__init__"}
        assert sum(map(len, graph.values())) > 10
        assert circle(graph) == []


def test_a_circle_of_imports_would_be_found() -> None:
    """Also one that a function's import closes; what only types need closes none."""
    written = {
        "a": "from .b import x",
        "b": "def f() -> None:\n    from .c import x",
        "c": "if TYPE_CHECKING:\n    from .a import x\nfrom . import d",
        "d": "",
    }
    graph = {name: neighbours(Source(Path(name), ast.parse(text))) for name, text in written.items()}
    assert graph == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert circle(graph) == []
    assert set(circle(graph | {"d": {"b"}})) == {"b", "c", "d"}


def test_no_file_imports_a_stage_by_its_bare_name(everything: list[Source]) -> None:
    """The folder schemas is imported as langtrail.schemas: under its bare name it would be loaded twice."""
    bare = [found for source in everything for found in imports(source) if found.level == 0]
    assert [str(found) for found in bare if found.module.split(".")[0] in MAY_IMPORT] == []


def test_stages_are_flat(stages: dict[str, list[Source]]) -> None:
    """No stage has a package within; producer/site is no package but a folder for Python's own start-up hook."""
    nested = [source.name for files in stages.values() for source in files if source.path.parent.parent != ROOT]
    assert nested == ["producer/site/sitecustomize.py"]


def test_what_is_compiled_means_what_its_source_says(stages: dict[str, list[Source]]) -> None:
    """A generator would become a list, a cached property one without a cache, a copy empty; the cause of an error is lost."""
    assert len(compiled(stages)) > 70
    for source in compiled(stages):
        named = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
        assert not named & {"cached_property", "copy", "deepcopy"}, source.name
        taken = {id(argument) for call in ast.walk(source.tree) if takes_all(call) for argument in call.args}
        generators = [node for node in ast.walk(source.tree) if isinstance(node, ast.GeneratorExp)]
        assert [f"{source.name}:{node.lineno}" for node in generators if id(node) not in taken] == []
        raised = [node for node in ast.walk(source.tree) if isinstance(node, ast.Raise) and isinstance(node.cause, ast.Name)]
        assert [f"{source.name}:{node.lineno}" for node in raised] == []


def test_every_file_says_what_it_is(stages: dict[str, list[Source]]) -> None:
    """Each source file opens with a docstring, and its first line is a sentence or a title."""
    files = [source for files in stages.values() for source in files]
    assert [source.name for source in files if len((ast.get_docstring(source.tree) or "").split("\n")[0]) < 15] == []


@pytest.mark.parametrize("stage", OPENS)
def test_a_stage_says_which_step_it_is(stage: str) -> None:
    """The five steps can be read off the packages."""
    (package,) = [source for source in sources(stage) if source.name == f"{stage}/__init__.py"]
    assert re.match(OPENS[stage], ast.get_docstring(package.tree) or "", re.DOTALL)


def test_no_file_is_long(everything: list[Source]) -> None:
    """A file ends at 400 lines at the very most."""
    lengths = {source.name: len(source.path.read_text("utf-8").splitlines()) for source in everything}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_long(everything: list[Source]) -> None:
    """A function ends at 60 lines at the very most."""
    lengths = {
        f"{source.name} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for source in everything
        for function in source.functions()
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_every_test_says_what_is_true() -> None:
    """The docstring of each test is one line, and a sentence."""
    tests = [(source, function) for source in sources("tests") for function in source.functions()]
    silent = [
        f"{source.name} {function.name}"
        for source, function in tests
        if function.name.startswith("test_") and not re.fullmatch(r"\S.{15,}\.", ast.get_docstring(function) or "")
    ]
    assert len(tests) > 100
    assert silent == []
