"""A tenant's policy, applied while the stack runs, changes what becomes of the very next events."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langtrail.deploy.ask import connect
from langtrail.deploy.stack import environment
from langtrail.deploy.tenant_file import apply_tenants

APPLICATION = """
import sys
from langchain_core.runnables import RunnableLambda
from langtrail.producer import AuditCallbackHandler
handler = AuditCallbackHandler()
config = {"callbacks": [handler], "metadata": {"tenant_id": sys.argv[1], "session_id": sys.argv[2]}}
RunnableLambda(lambda text: "done").invoke("mail Bob@Example.org", config=config)
assert handler.flush(30) == 0
"""
POLICY = '[tenants.{tenant}.redaction]\nversion = "{version}"\ndefault = "{action}"\n'


def test_a_policy_applied_changes_the_next_events(
    stack: Path, tmp_path: Path, unique_name: str, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    """No restart; seconds later events have the new form, name the policy, and the person is found by a token all the time."""
    variables = {**os.environ, **environment(stack)}
    trail = connect(variables)
    file = tmp_path / "tenants.toml"
    started = 0

    def event() -> dict[str, Any]:
        nonlocal started
        started += 1
        session = f"{unique_name}-{started}"
        subprocess.run([sys.executable, "-c", APPLICATION, unique_name, session], env=variables, check=True, timeout=60)
        which = f"session_id = '{session}' AND event_type = 'chain_start'"
        asked = f"SELECT input, policy_revision, subject_tokens FROM trail WHERE {which}"
        wait_until(lambda: trail.sql(asked).rows, 30, "the event in the trail")
        return trail.sql(asked).objects()[0]

    before = event()
    assert "[EMAIL]" in before["input"]
    assert before["policy_revision"] == "default-1"
    (token,) = before["subject_tokens"]
    asked = [sys.executable, "-m", "langtrail.deploy.cli", "find", "--subject", "bob@example.org", "--json"]
    keyed = {**variables, "LANGTRAIL_PSEUDONYM_KEY_FILE": str(stack / "pseudonym.key")}
    for tenant, count in ((unique_name, 1), ("another", 0)):
        command = [*asked, "--tenant", tenant]
        done = subprocess.run(command, env=keyed, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        assert [found["session_id"] for found in json.loads(done.stdout)] == [f"{unique_name}-1"] * count
    for version, action, expected in (("1", "mask", "[EMAIL:****]"), ("2", "pseudonym", f"[{token}]")):
        file.write_text(POLICY.format(tenant=unique_name, version=version, action=action))
        apply_tenants(file, variables["LANGTRAIL_BOOTSTRAP_SERVERS"])
        deadline = time.monotonic() + 30
        while not (after := event())["policy_revision"].startswith(f"{version}+"):
            assert time.monotonic() < deadline, "the policy is not live within 30 s"
        assert expected in after["input"]
        assert after["subject_tokens"] == [token]
    trail.close()
