"""Runs the producer's tests over versions of Python and langchain-core, with and without LangGraph: `make matrix`.

    python tests/matrix.py [PYTHON …]

A PYTHON is a version such as 3.12 or the path of an interpreter; without any, every version that langtrail supports. One that
is not there is named in the table and fails the run: leave it out by naming the others. Each cell is an environment of its
own under build/matrix, made by venv and pip (by uv where it is on PATH), with langtrail installed from its wheel. The exit
status is 0 when every cell passed.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "matrix"
TESTS = "tests/unit/producer"
PYTHONS = ("3.11", "3.12", "3.13")
NEEDED = (
    *("pytest", "httpx", "requests", "sqlalchemy", "numpy", "pandas"),
    *("opentelemetry-sdk", "opentelemetry-instrumentation-dbapi"),
)
"""What the producer's tests import beside what langtrail brings; of the versions that requirements-dev.txt has."""
LANGCHAIN = ("langchain-core", "langchain", "langgraph", "langgraph-prebuilt", "langgraph-checkpoint")
OLD_PARTS = ("langgraph-checkpoint<4.1", "langgraph-prebuilt<1.0.9")
"""Later ones claim to work with langchain-core 1.0 and the LangGraph of its time, and cannot be imported there."""


@dataclass(frozen=True)
class Cell:
    """One environment. `core` is a version of langchain-core, or "newest"."""

    python: str
    interpreter: Path
    core: str
    langgraph: bool

    @property
    def directory(self) -> Path:
        """Where its environment and the log of its run are."""
        return BUILD / f"{self.python}-core-{self.core}-{'with' if self.langgraph else 'without'}-langgraph"


@dataclass(frozen=True)
class Result:
    """What came of a cell: versions as installed, pytest's last line, whether all is well."""

    cell: Cell
    core: str
    langgraph: str
    said: str
    good: bool


class Failed(Exception):
    """A command failed; the text is the last of what it said."""


def main() -> int:
    """Run every cell, print the table, and return the exit status."""
    wanted = sys.argv[1:] or list(PYTHONS)
    found = {name: interpreter_of(name) for name in wanted}
    BUILD.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel()
    usable = {version_of(path): path for path in found.values() if path}
    choices = product(usable.items(), (oldest(), pinned("langchain-core"), "newest"), (True, False))
    cells = [Cell(name, path, core, langgraph) for (name, path), core, langgraph in choices]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(lambda cell: run(cell, wheel), cells))
    missing = [name for name, path in found.items() if not path]
    print_table(results, missing, [name for name in PYTHONS if name not in usable and name not in missing])
    return 0 if not missing and all(result.good for result in results) else 1


def run(cell: Cell, wheel: Path) -> Result:
    """Make a cell's environment, run the tests in it, and say on standard error what came of it."""
    try:
        make_environment(cell, wheel)
        core, langgraph = installed(cell, "langchain-core"), installed(cell, "langgraph")
        said, good = run_tests(cell)
        if bool(langgraph) != cell.langgraph:
            said, good = f"LangGraph is {'missing' if cell.langgraph else 'brought by something'}", False
    except Failed as error:
        core, langgraph, said, good = cell.core, "", str(error), False
    sys.stderr.write(f"{'passed' if good else 'FAILED'}  {cell.directory.relative_to(ROOT)}: {said}\n")
    return Result(cell, core, langgraph, said, good)


def make_environment(cell: Cell, wheel: Path) -> None:
    """Install langtrail, the cell's langchain-core and what the tests need."""
    shutil.rmtree(cell.directory, ignore_errors=True)
    call(str(cell.interpreter), "-m", "venv", str(cell.directory))
    core = "langchain-core" if cell.core == "newest" else f"langchain-core=={cell.core}"
    needed = [f"{name}=={pinned(name, cell.python)}" for name in NEEDED]
    graph = ["langchain", "langgraph", *(OLD_PARTS if cell.core == oldest() else ())] if cell.langgraph else []
    install = installer(str(cell.directory / "bin" / "python"))
    call(*install, f"{wheel}[oidc]", core, *needed, *graph)
    if cell.core == "newest":  # also where something that one of them asks for holds the others back
        call(*install, "--upgrade", "--no-deps", *[name for name in LANGCHAIN if installed(cell, name)])


def installer(python: str) -> list[str]:
    """Return the command that installs packages for an interpreter: uv where there is one, for its speed."""
    uv = shutil.which("uv")
    return [*([uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]), "--quiet"]


def run_tests(cell: Cell) -> tuple[str, bool]:
    """Return the last line of pytest and whether it passed; all it said is in pytest.log of the environment."""
    left_out = [] if cell.langgraph else ["--ignore", f"{TESTS}/langgraph"]
    command = [str(cell.directory / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS, *left_out]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (cell.directory / "pytest.log").write_text(done.stdout + done.stderr)
    return (done.stdout.strip() or done.stderr.strip() or "pytest said nothing").splitlines()[-1], done.returncode == 0


def installed(cell: Cell, name: str) -> str:
    """Return the installed version of a distribution, empty when there is none."""
    code = f"from importlib.metadata import distributions as d; print(next((x.version for x in d(name={name!r})), ''))"
    return call(str(cell.directory / "bin" / "python"), "-c", code)


def interpreter_of(name: str) -> Path | None:
    """Return the interpreter of that version or path: from PATH, where it runs, else one of pyenv's."""
    if "/" in name:
        return Path(name) if Path(name).is_file() else None
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{name}")
    for path in [*([Path(on_path)] if on_path else []), *sorted(pyenv.glob(f"versions/{name}.*/bin/python"), reverse=True)]:
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:  # pyenv's shims may not
            return path
    return None


def version_of(interpreter: Path) -> str:
    """Return an interpreter's version, such as 3.12."""
    return call(str(interpreter), "-c", "import sys; print('%d.%d' % sys.version_info[:2])")


def oldest() -> str:
    """Return the oldest langchain-core that langtrail's metadata admits."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (least,) = [text.partition(">=")[2] for text in dependencies if text.startswith("langchain-core")]
    return least if least.count(".") == 2 else f"{least}.0"


def pinned(name: str, python: str = "3.11") -> str:
    """Return the version of a package that requirements-dev.txt has for a Python."""
    before = tuple(map(int, python.split(".")))
    for line in (ROOT / "requirements-dev.txt").read_text().splitlines():
        found = re.match(rf"{re.escape(name)}==(\S+)(?: ; python_full_version (<|>=) '([0-9.]+)')?", line)
        if found and (not found[2] or (before < tuple(map(int, found[3].split(".")))) == (found[2] == "<")):
            return found[1]
    raise Failed(f"{name} is not in requirements-dev.txt")


def build_wheel() -> Path:
    """Build langtrail's wheel from the tree as it is."""
    shutil.rmtree(BUILD / "wheel", ignore_errors=True)
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(BUILD / "wheel"), str(ROOT))
    return next((BUILD / "wheel").glob("*.whl"))


def call(*command: str) -> str:
    """Run a command and return what it printed: one that builds a wheel builds it for any Python. Raises Failed."""
    environment = {**os.environ, "LANGTRAIL_PURE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{Path(command[0]).name} failed: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    return done.stdout.strip()


def print_table(results: list[Result], missing: list[str], left_out: list[str]) -> None:
    """Print a line for each cell, and for each interpreter that is not there."""
    print(f"\n{'Python':<8}{'langchain-core':<16}{'LangGraph':<12}result")
    for result in results:
        verdict = "" if result.good else "FAILED: "
        print(f"{result.cell.python:<8}{result.core:<16}{result.langgraph or '-':<12}{verdict}{result.said}")
    for name in missing:
        print(f"{name:<8}{'':<28}FAILED: there is no python{name} on PATH or under pyenv")
    for name in left_out:
        print(f"{name:<8}{'':<28}left out")


if __name__ == "__main__":
    sys.exit(main())
