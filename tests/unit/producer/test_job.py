"""What starts a process, whose process it is and which version runs: only what can be proved."""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langtrail.producer import AuditCallbackHandler, ProducerSettings, job
from langtrail.producer.app_version import app_version, commit_of
from tests.unit.producer.trail import Trail


def proved(environ: dict[str, str], proc: Path, **settings: Any) -> job.Job:
    """Return why a process runs, by its environment and its ancestors."""
    return job.detect(ProducerSettings(**settings), environ, proc)


def ancestors(proc: Path, *names: str) -> Path:
    """Write what Linux tells of this process and those that started it."""
    pids = [os.getpid(), *range(900_001, 900_001 + len(names)), 0]
    for pid, parent, name in zip(pids, pids[1:], ["python3", *names], strict=False):
        (proc / str(pid)).mkdir()
        (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0")
    return proc


def test_a_process_that_shows_nothing_has_an_unknown_trigger(tmp_path: Path) -> None:
    """Nothing is guessed."""
    assert proved({"INVOCATION_ID": "x"}, ancestors(tmp_path, "sh", "sshd")).trigger == "unknown"


def test_cron_is_known_by_the_process_that_started_this_one(tmp_path: Path) -> None:
    """The schedule has no name of its own: it is named after the program."""
    found = proved({}, ancestors(tmp_path, "sh", "cron", "systemd"))
    assert (found.trigger, found.trigger_id, found.is_job) == ("schedule", job.program(), True)


def test_a_timer_of_systemd_names_its_unit(tmp_path: Path) -> None:
    """The manager tells a timer's service which unit triggered it."""
    found = proved({"TRIGGER_UNIT": "export.timer", "TRIGGER_TIMER_REALTIME_USEC": "1"}, tmp_path)
    assert (found.trigger, found.trigger_id) == ("schedule", "export.timer")
    assert proved({"TRIGGER_UNIT": "inbox.path", "TRIGGER_PATH": "/inbox"}, tmp_path).trigger == "event"


def test_a_cron_job_of_kubernetes_is_known_by_its_pod(tmp_path: Path) -> None:
    """The pod's name ends in the minute it was due, which must be a recent one."""
    minute = int(time.time() // 60)
    cluster = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": f"crm-export-{minute}-x7k2p"}
    found = proved(cluster, tmp_path)
    assert (found.trigger, found.trigger_id) == ("schedule", "crm-export")
    assert proved({**cluster, "HOSTNAME": "crm-export-12345678-x7k2p"}, tmp_path).trigger == "unknown"
    assert proved({**cluster, "HOSTNAME": "web-7d9f8b6c5d-x7k2p"}, tmp_path).trigger == "unknown"
    assert proved({**cluster, "HOSTNAME": "x", "JOB_COMPLETION_INDEX": "0"}, tmp_path).is_job


def test_what_is_set_counts_before_what_is_proved(tmp_path: Path) -> None:
    """LANGTRAIL_TRIGGER and LANGTRAIL_TRIGGER_ID."""
    found = proved({}, ancestors(tmp_path, "cron"), trigger="api", trigger_id="orders")
    assert (found.trigger, found.trigger_id) == ("api", "orders")
    assert proved({}, tmp_path, trigger="schedule").trigger_id == job.program()


def test_the_process_says_once_who_runs_what(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream's first event has the OS user, whatever the environment claims, and the program."""
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    RunnableLambda(lambda x: x).invoke(1, {"callbacks": [AuditCallbackHandler()]})
    facts = {item["key"]: item["value"] for item in trail.one("stream_open")["ext"]}
    assert facts["os_user"] == job.os_user() != "somebody-else"
    assert facts["program"] == job.program()
    assert trail.one("chain_start")["principal_id"] == job.os_user()


def test_names_of_bytes_that_are_no_text_are_escaped(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes any bytes for the name of a program, a user or a machine; what runs is recorded all the same."""
    monkeypatch.delenv("LANGTRAIL_APP")
    for arguments in ("sys.argv", "sys.orig_argv"):
        monkeypatch.setattr(arguments, ["/srv/\udcf6rders.py"])
    monkeypatch.setattr("socket.gethostname", lambda: "host-\udcf6")
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_name="user-\udcf6"))
    RunnableLambda(lambda x: x).invoke(1, {"callbacks": [AuditCallbackHandler()]})
    opened = trail.one("stream_open")
    assert (opened["app"], opened["host"]) == ("\\udcf6rders", "host-\\udcf6")
    assert {"key": "program", "value": "\\udcf6rders.py"} in opened["ext"]
    assert trail.one("chain_start")["principal_id"] == "user-\\udcf6"


def test_a_parent_whose_name_the_kernel_cut_within_a_character_is_passed_over(tmp_path: Path) -> None:
    """Linux keeps 15 bytes of a name."""
    ancestors(tmp_path, "sh", "cron")
    (tmp_path / "900001" / "stat").write_bytes(b"900001 (lange_datei_na\xc3) S 900002 1 1 0")
    assert proved({}, tmp_path).trigger == "schedule"


def test_the_commit_is_read_from_gits_own_files(tmp_path: Path) -> None:
    """A branch, a packed branch, a detached head, a worktree; nothing where there is no repository."""
    commit, other = "a" * 40, "b" * 40
    git, program = tmp_path / ".git", tmp_path / "app" / "main.py"
    (git / "refs" / "heads").mkdir(parents=True)
    program.parent.mkdir()
    assert commit_of(program) == ""
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert commit_of(program) == ""
    (git / "packed-refs").write_text(f"# pack-refs\n{other} refs/heads/main-2\n{commit} refs/heads/main\n^{other}\n")
    assert commit_of(program) == commit
    (git / "refs" / "heads" / "main").write_text(f"{other}\n")
    assert commit_of(program) == other
    (git / "HEAD").write_text(f"{commit}\n")
    assert commit_of(program) == commit
    tree, linked = tmp_path / "tree", git / "worktrees" / "tree"
    linked.mkdir(parents=True)
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {linked}\n")
    (linked / "HEAD").write_text("ref: refs/heads/main\n")
    (linked / "commondir").write_text("../..\n")
    assert commit_of(tree / "main.py") == other


def test_a_version_that_is_given_counts(tmp_path: Path) -> None:
    """LANGTRAIL_APP_VERSION stands as it is; what is installed into an environment has no commit."""
    assert app_version("1.2.3") == "1.2.3"
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("a" * 40)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("")
    assert commit_of(tmp_path / ".venv" / "bin" / "pytest") == ""
