"""The README keeps its word: its Python runs, its commands exist, its two commands are the Makefile's."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from langtrail.deploy.ask import Trail, connect
from langtrail.deploy.command_retain import RetainSettings
from langtrail.deploy.dead_letter_reader import OperatorSettings
from langtrail.deploy.process import wait_for
from langtrail.deploy.retention_policy import read_retention
from langtrail.deploy.stack import environment
from langtrail.deploy.watch_settings import WatchSettings
from langtrail.processors.sink_settings import SinkSettings
from langtrail.processors.worker_settings import WorkerSettings
from langtrail.producer import ProducerSettings
from langtrail.schemas.settings import variables
from tests.integration.said import Command

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
LANGTRAIL = [sys.executable, "-m", "langtrail.deploy.cli"]


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language; the empty one is the shell's."""
    return [text for name, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if name == language]


@pytest.fixture
def trail(stack: Path) -> Iterator[Trail]:
    """Return the stack's trail."""
    trail = connect(environment(stack))
    yield trail
    trail.close()


def test_the_python_of_the_readme_runs_and_is_recorded(stack: Path, trail: Trail) -> None:
    """The blocks, put together into one program, leave the sessions they name in the trail."""
    program = "\n".join([*blocks("python"), "raise SystemExit(AuditCallbackHandler().flush(20))"])
    environ = {**os.environ, **environment(stack), "LANGTRAIL_APP": "readme"}
    assert subprocess.run([sys.executable, "-c", program], env=environ, timeout=60, check=False).returncode == 0
    asked = "SELECT trigger_id, count() AS events FROM trail WHERE app = 'readme' AND session_id = 's9' GROUP BY ALL ORDER BY 1"
    expected = [{"trigger_id": "nightly", "events": 2}, {"trigger_id": None, "events": 2}]
    assert wait_for(lambda: trail.sql(asked).objects() == expected, 30), trail.sql(asked).objects()


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"^langtrail ([a-z-]+(?: (?:apply|list)\b)?)", "\n".join(blocks("")), re.MULTILINE)))
)
def test_every_command_of_the_readme_exists(command: Command, named: str) -> None:
    """A command that the README names answers --help."""
    status, out, err = command(*named.split(), "--help")
    assert status == 0, err
    assert "Usage" in out


def test_a_shell_that_follows_the_readme_knows_the_commands_and_the_stack(tmp_path: Path) -> None:
    """After the lines that start a stack, `langtrail` is found, and it has the variables that `langtrail env` printed."""
    start = next(block for block in blocks("") if "langtrail up" in block)
    tried = tmp_path / ".venv" / "bin" / "langtrail"
    tried.parent.mkdir(parents=True)
    tried.write_text('#!/bin/sh\n[ "$1" = env ] && echo export LANGTRAIL_TRIED=yes || echo "$* $LANGTRAIL_TRIED"\n')
    tried.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin"}
    shell = ["bash", "-euc", f"{start}\nlangtrail sessions"]
    done = subprocess.run(shell, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["up --detach ", "sessions yes"]


def test_the_policy_of_the_readme_can_be_applied(tmp_path: Path) -> None:
    """The file of tenants is read without a mistake, its own tests included, and redacts as it says."""
    policy, _ = blocks("toml")
    (tmp_path / "tenants.toml").write_text(policy)
    command = [*LANGTRAIL, "redact", "--policy", str(tmp_path / "tenants.toml")]
    text = '{"text": "bob@example.org, ann@acme.com"}'
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"[EMAIL:****], ann@acme.com"' in done.stdout


def test_the_retention_periods_of_the_readme_can_be_used(tmp_path: Path) -> None:
    """The file of retention periods is read without a mistake."""
    _, periods = blocks("toml")
    (tmp_path / "retention.toml").write_text(periods)
    assert read_retention(tmp_path / "retention.toml").days == {"standard": 400, "regulated": 3650}


def test_every_setting_is_in_the_readme() -> None:
    """The table of settings has each variable of each stage, with the words that the stage has for it."""
    stages = (ProducerSettings, WorkerSettings, SinkSettings, WatchSettings, OperatorSettings, RetainSettings)
    declared = {item for stage in stages for item in variables(stage).items()}
    table = set(re.findall(r"^\| `(LANGTRAIL_\w+)` \| (.*) \|$", README, re.MULTILINE))
    assert {name for name, _ in table - declared} == {"LANGTRAIL_ENABLED"}
    assert declared - table == set()


def test_make_targets_of_the_readme_exist() -> None:
    """The two commands are targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    assert {target for target in re.findall(r"^make (\w+)", README, re.MULTILINE) if f"\n{target}:" not in makefile} == set()


@pytest.mark.parametrize("has_its_own", [True, False], ids=["a sitecustomize", "none"])
def test_run_records_an_unchanged_program(stack: Path, trail: Trail, tmp_path: Path, has_its_own: bool) -> None:
    """`langtrail run -- python app.py` records a program that does not know langtrail, and its own sitecustomize still runs."""
    app = f"unchanged-{has_its_own}"
    (tmp_path / "app.py").write_text(
        "import sys\nfrom langchain_core.runnables import RunnableLambda\n"
        f"assert ('sitecustomize_ran' in sys.modules) is {has_its_own}\nRunnableLambda(lambda x: x).invoke('unchanged')\n"
    )
    if has_its_own:
        ran = "import sys, types; sys.modules['sitecustomize_ran'] = types.ModuleType('x')\n"
        (tmp_path / "sitecustomize.py").write_text(ran)
    environ = {**os.environ, **environment(stack), "LANGTRAIL_APP": app, "PYTHONPATH": str(tmp_path)}
    command = [*LANGTRAIL, "run", "--", sys.executable, str(tmp_path / "app.py")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    asked = f"SELECT count() AS events FROM trail WHERE app = '{app}' AND run_id IS NOT NULL"
    assert wait_for(lambda: trail.sql(asked).objects() == [{"events": 2}], 30)
