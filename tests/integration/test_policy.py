"""A tenant's policy, applied while the stack runs, changes what becomes of the very next events."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from langtrail.deploy.ask import connect
from langtrail.deploy.stack import environment
from langtrail.deploy.tenant_file import apply_tenants
from tests.integration.said import Command

APPLICATION = """
import sys
from langchain_core.runnables import RunnableLambda
from langtrail.producer import AuditCallbackHandler
handler = AuditCallbackHandler()
for line in sys.stdin:
    config = {"callbacks": [handler], "metadata": {"tenant_id": sys.argv[1], "session_id": line.strip()}}
    RunnableLambda(lambda text: "done").invoke("mail Bob@Example.org", config=config)
    assert handler.flush(30) == 0
"""
POLICY = '[tenants.{tenant}.redaction]\nversion = "{version}"\ndefault = "{action}"\n'


@pytest.fixture
def application(stack: Path, unique_name: str) -> Iterator[subprocess.Popen[str]]:
    """Return an application of the tenant that is named like this test; each line it is given is a session to hold."""
    argv, variables = [sys.executable, "-c", APPLICATION, unique_name], {**os.environ, **environment(stack)}
    with subprocess.Popen(argv, env=variables, stdin=subprocess.PIPE, text=True, bufsize=1) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_policy_applied_changes_the_next_events(
    stack: Path,
    tmp_path: Path,
    unique_name: str,
    wait_until: Callable[[Callable[[], object], float, str], None],
    application: subprocess.Popen[str],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No restart; seconds later events have the new form, name the policy, and the person is found by a token all the time."""
    variables = environment(stack)
    for name, value in {**variables, "LANGTRAIL_PSEUDONYM_KEY_FILE": str(stack / "pseudonym.key")}.items():
        monkeypatch.setenv(name, value)
    trail = connect(variables)
    file = tmp_path / "tenants.toml"
    started = 0

    def event() -> dict[str, Any]:
        nonlocal started
        started += 1
        session = f"{unique_name}-{started}"
        assert application.stdin
        application.stdin.write(f"{session}\n")
        which = f"session_id = '{session}' AND event_type = 'chain_start'"
        asked = f"SELECT input, policy_revision, subject_tokens FROM trail WHERE {which}"
        wait_until(lambda: trail.sql(asked).rows, 30, "the event in the trail")
        return trail.sql(asked).objects()[0]

    before = event()
    assert "[EMAIL]" in before["input"]
    assert before["policy_revision"] == "default-1"
    (token,) = before["subject_tokens"]
    for tenant, count in ((unique_name, 1), ("another", 0)):
        found = command("find", "--subject", "bob@example.org", "--json", "--tenant", tenant).json
        assert [session["session_id"] for session in found] == [f"{unique_name}-1"] * count
    for version, action, expected in (("1", "mask", "[EMAIL:****]"), ("2", "pseudonym", f"[{token}]")):
        file.write_text(POLICY.format(tenant=unique_name, version=version, action=action))
        apply_tenants(file, variables["LANGTRAIL_BOOTSTRAP_SERVERS"])
        deadline = time.monotonic() + 30
        while not (after := event())["policy_revision"].startswith(f"{version}+"):
            assert time.monotonic() < deadline, "the policy is not live within 30 s"
        assert expected in after["input"]
        assert after["subject_tokens"] == [token]
    trail.close()
