"""The demo: its story on the stack, and the command as a newcomer types it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no type hints
import pytest

from langtrail.deploy.ask import connect
from langtrail.deploy.demo_facts import Evidence, counted, facts, gather, given_up, queryable
from langtrail.deploy.demo_questions import QUESTIONS, WHO
from langtrail.deploy.demo_story import APPLICATIONS, run_story
from langtrail.deploy.process import StackError, wait_for
from langtrail.deploy.stack import environment
from langtrail.deploy.tenant_file import apply_tenants
from langtrail.deploy.watch import Watcher
from langtrail.deploy.watch_metrics import WatchMetrics
from langtrail.deploy.watch_settings import WatchSettings
from langtrail.schemas.settings import load_settings
from tests.integration.said import Command

DEPLOY = Path(__file__).parents[2] / "deploy"
LANGTRAIL = [sys.executable, "-m", "langtrail.deploy.cli"]


@pytest.fixture(scope="module")
def evidence(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Run the story once on the stack and return what it left there, when all of it can be asked for."""
    directory = tmp_path_factory.mktemp("story")
    variables = environment(stack)
    apply_tenants(DEPLOY / "demo_tenants.toml", variables["LANGTRAIL_BOOTSTRAP_SERVERS"])
    told: list[str] = []
    run_story(directory, variables, told.append)
    assert any("kill -9" in text for text in told)
    trail = connect(variables)

    def arrived() -> bool:
        there, expected = queryable(trail, directory)
        return there == expected and counted(trail, directory)

    assert wait_for(arrived, 60), f"(there, expected) is {queryable(trail, directory)}"
    impatient = {**variables, "LANGTRAIL_WATCH_SILENT_SECONDS": "3"}
    watcher = Watcher(load_settings(WatchSettings, impatient), WatchMetrics())
    assert wait_for(lambda: watcher.look() and given_up(trail), 30), "the killed process was not found"
    watcher.close()
    return gather(trail, directory, stack)


def test_every_fact_of_the_story_holds(evidence: Evidence) -> None:
    """What the demo claims is true of what its applications left in the store."""
    judged = facts(evidence)
    assert len(judged) >= 10
    assert [fact for fact in judged if not fact.holds] == []


def test_a_fact_that_does_not_hold_is_found(evidence: Evidence) -> None:
    """With one event taken away, or one personal value put back, the facts say so: they are not decoration."""
    lost = next(row for row in evidence.rows if row["event_type"] == "chain_end")
    for rows in (
        [row for row in evidence.rows if row is not lost],
        [*evidence.rows, {**evidence.rows[0], "output": evidence.personal[0]}],
    ):
        changed = Evidence(**{**vars(evidence), "rows": rows})
        assert not all(fact.holds for fact in facts(changed))


def test_the_former_contractors_job_is_named(evidence: Evidence) -> None:
    """Who, why and for which tenant stand in one row of the answer."""
    (row,) = [row for row in evidence.answers[WHO].objects() if row["trigger_id"] == "crm-sync"]
    assert (row["tenant"], row["principal_id"], row["trigger"], row["requests"]) == ("Acme Corp", "contractor-7", "schedule", 1)


def test_the_story_is_what_applications_really_did(evidence: Evidence) -> None:
    """The recorders saw models, tools, a retriever, errors and a tool that never returned, in five processes."""
    assert set(evidence.seen) == set(APPLICATIONS)
    kinds = {callback.event_type for seen in evidence.seen.values() for callback in seen}
    assert {
        "llm_start",
        "llm_end",
        "llm_error",
        "tool_start",
        "tool_end",
        "tool_error",
        "retriever_end",
        "chain_error",
    } <= kinds
    assert "tool_end" not in {callback.event_type for callback in evidence.seen["archive-job"]}


def test_commands_find_the_stack_in_the_directory(
    evidence: Evidence, stack: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any variable, `langtrail` asks the stack in .langtrail; a question of the demo can be pasted as it is shown."""
    (tmp_path / ".langtrail").symlink_to(stack)
    monkeypatch.delenv("LANGTRAIL_SPOOL_DIR")
    sessions = command("sessions", "--tenant", "acme", "--json").json
    assert {"crm-sync-1", "support-42", "archive-2019"} <= {session["session_id"] for session in sessions}
    assert command("sql", QUESTIONS[WHO], "--json").json == evidence.answers[WHO].objects()
    assert command("replay", "crm-sync-1", "--json").json == evidence.session
    assert "read_customers" in command("replay", "crm-sync-1").out


def test_an_application_that_fails_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    """When an application cannot run, the story ends with its name and what it said, and leaves no process."""
    with pytest.raises(StackError, match=r"(?s)archive-job failed.*LANGTRAIL_PUBLIC_KEY"):
        run_story(tmp_path, {"LANGTRAIL_SPOOL_DIR": str(tmp_path), "LANGTRAIL_PUBLIC_KEY": "no key"}, lambda _: None)
    assert processes_of(tmp_path) == []


def test_the_demo_command_shows_it_all_and_leaves_nothing(tmp_path: Path) -> None:
    """`langtrail demo --json` succeeds on a machine of its own: every fact holds, no process and no file stays behind."""
    done = subprocess.run(
        [*LANGTRAIL, "demo", "--json"],
        env=alone(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert all(fact["holds"] for fact in said["facts"])
    assert set(said["answers"]) == set(QUESTIONS)
    assert said["directory"] is None
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C reach the programs that a test starts: one that runs in the background hands on that it ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, or a polite kill, while the stack starts: it is stopped, and nothing stays behind."""
    process = subprocess.Popen(
        [*LANGTRAIL, "demo"], env=alone(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert wait_for(lambda: len(processes_of(tmp_path)) >= 3, 60), "the stack did not begin to start"
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode not in (0, 1)
    assert wait_for(lambda: not processes_of(tmp_path), 10), processes_of(tmp_path)
    assert wait_for(lambda: not list(tmp_path.iterdir()), 10), list(tmp_path.iterdir())


def alone(directory: Path) -> dict[str, str]:
    """Return an environment whose temporary files are in `directory`, without any variable of langtrail's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LANGTRAIL_")}
    return {**own, "TMPDIR": str(directory)}


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of all processes that name a directory."""
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie too
            lines.append(" ".join(process.cmdline()))
    return [line for line in lines if str(directory) in line]
