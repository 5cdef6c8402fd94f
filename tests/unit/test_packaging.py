"""What is installed is what is in the tree: the wheel is built here and compared with the folders it comes from."""

import ast
import email
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGES = ("schemas", "producer", "processors", "deploy")
BASE = {"confluent-kafka", "cryptography", "fastavro", "langchain-core", "orjson", "pydantic"}
"""What an application gets that installs langtrail and nothing besides: the producer side."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the tree, so that nothing of an older build can get into it."""
    copy = tmp_path_factory.mktemp("tree")
    for stage in STAGES:
        shutil.copytree(ROOT / stage, copy / stage, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = (copy / "dist").iterdir()
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    """Return the core metadata of the wheel."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def base_requirements(metadata: email.message.Message) -> set[str]:
    """Return the names of the distributions that are required without any extra."""
    required = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    return {re.split(r"[ <>=!~;\[]", text)[0] for text in required}


def test_the_wheel_has_every_file_of_the_stages_and_no_other(wheel: zipfile.ZipFile) -> None:
    """Code, schemas, statements, examples and type markers are all shipped; tests and leftovers are not."""
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = [path for stage in STAGES for path in (ROOT / stage).rglob("*") if path.is_file()]
    tree = {f"langtrail/{path.relative_to(ROOT).as_posix()}" for path in files if path.suffix not in (".pyc", ".so")}
    assert tree - shipped == set()
    assert shipped - tree == set()


def test_the_namespace_is_nobodys(wheel: zipfile.ZipFile) -> None:
    """There is one top-level name, langtrail, and it has no module of its own: each stage is a typed package."""
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"langtrail"}
    assert "langtrail/__init__.py" not in names
    assert {f"langtrail/{stage}/py.typed" for stage in STAGES} < set(names)


def test_the_base_install_is_the_producer_side(metadata: email.message.Message) -> None:
    """Without an extra, an application gets what the producer needs and nothing else."""
    assert base_requirements(metadata) == BASE


def test_the_base_install_is_all_that_the_producer_imports(metadata: email.message.Message) -> None:
    """Each third-party module that schemas and producer import comes with the base install."""
    owners = packages_distributions()
    files = [path for stage in ("schemas", "producer") for path in (ROOT / stage).rglob("*.py")]
    imported = {module for path in files for module in third_party(path)}
    missing = {module for module in imported if not {name.lower() for name in owners[module]} & base_requirements(metadata)}
    assert missing == set()


def third_party(path: Path) -> set[str]:
    """Return the top-level modules that a file imports and that are neither Python's nor ours."""
    tree = ast.parse(path.read_text("utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"langtrail"}


def test_extras_build_on_one_another(metadata: email.message.Message) -> None:
    """Each extra of pyproject.toml is in the metadata, and `dev` brings all that the tests run."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    assert any(text.startswith("langtrail[local]") for text in project["optional-dependencies"]["dev"])


def test_the_command_is_installed(wheel: zipfile.ZipFile, metadata: email.message.Message) -> None:
    """The wheel brings one command, langtrail, its licence, and its readme."""
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert wheel.read(name).decode().split() == ["[console_scripts]", "langtrail", "=", "langtrail.deploy.cli:main"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_contract_is_read_from_the_installed_files(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """From the wheel alone the registry passes its gate, and topics, examples and migrations are there."""
    wheel.extractall(tmp_path)
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import langtrail.schemas
from langtrail.schemas import topics
from langtrail.schemas.compatibility import contract_problems
from langtrail.schemas.example import examples
from langtrail.schemas.statements import migrations
assert langtrail.schemas.__file__.startswith({str(tmp_path)!r}), langtrail.schemas.__file__
print(contract_problems(), len(topics()), len(examples()), len(migrations()) > 0)
"""
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["[]", "5", "34", "True"], run.stderr
