"""The file of tenants: a policy becomes a part of the record; what is wrong is named with its line, and nothing is applied."""

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from langtrail.deploy.policy_file import PolicyFileError, policy_rules
from langtrail.deploy.tenant_file import TenantFileError, apply_tenants, read_tenants, with_pseudonyms
from langtrail.deploy.toml_lines import LineNumbers
from langtrail.processors.policy_reader import parse_policy

GOOD = """
[tenants.acme]
name = "Acme"

[tenants.acme.redaction]
version = "3"
detectors.EMAIL = "mask"

[[tenants.acme.redaction.tests]]
text = "bob@example.org"
expected = "[EMAIL:****]"

[tenants.globex]
"""
WRONG = """
[tenants.acme.redaction]
version = "3"
allow = [
  "a",
]
detectors.EMIAL = "mask"

[[tenants.acme.redaction.custom]]
name = "one"
type = "SECRET"
pattern = "x"

[[tenants.acme.redaction.custom]]
name = "two"
type = "SECRET"
pattern = "(?<=x)y"
"""


def written(directory: Path, text: str) -> Path:
    """Return a file with this text."""
    file = directory / "tenants.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_policy_becomes_text_in_the_tenant_s_record(tmp_path: Path) -> None:
    """A worker reads the same policy from it, of the same revision; a tenant without one has the default."""
    acme, globex = read_tenants(written(tmp_path, GOOD))
    assert acme.policy is not None
    assert parse_policy(acme.policy).revision == acme.policy_revision
    assert dict(parse_policy(acme.policy).actions) == {"EMAIL": "mask"}
    assert (globex.policy, globex.policy_revision) == (None, "default-1")


def test_every_mistake_is_named_with_its_line_and_nothing_is_applied(tmp_path: Path) -> None:
    """All at once, before a server is asked."""
    with pytest.raises(TenantFileError) as raised:
        apply_tenants(written(tmp_path, WRONG), "127.0.0.1:1")
    lines = sorted(line.rpartition("toml:")[2].partition(":")[0] for line in str(raised.value).splitlines())
    assert lines == ["17", "4", "7"]


def test_a_mistake_outside_a_policy_has_its_line_too(tmp_path: Path) -> None:
    """Unknown tables and keys, and values of another type, each where it stands."""
    text = '[tenants.acme]\nname = "Acme"\nregion = 7\nlegal_hold = "yes"\ncolour = "red"\n\n[others]\nx = 1\n'
    with pytest.raises(TenantFileError) as error:
        read_tenants(written(tmp_path, text))
    told = [line.removeprefix(f"{tmp_path}/tenants.toml:") for line in str(error.value).splitlines()]
    assert told == [
        "7: unknown table or key others; only [tenants.ID] is known",
        "5: [tenants.acme] has the unknown key colour",
        "3: [tenants.acme] region must be text",
        "4: [tenants.acme] legal_hold must be true or false",
    ]


def test_tenants_whose_policies_need_a_key_are_named(tmp_path: Path) -> None:
    """Only workers have the key: who applies the file is told of whom a worker without it withholds everything."""
    assert with_pseudonyms(written(tmp_path, GOOD)) == []
    keyed = '\n[tenants.keyed.redaction]\nversion = "1"\ndetectors.EMAIL = "pseudonym"\n'
    assert with_pseudonyms(written(tmp_path, GOOD + keyed)) == ["keyed"]


def test_a_policy_that_fails_its_own_tests_is_not_applied(tmp_path: Path) -> None:
    """The line is that of the test."""
    with pytest.raises(TenantFileError, match=r"toml:9: .*tests\.0 became '\[EMAIL:\*\*\*\*\]', expected"):
        apply_tenants(written(tmp_path, GOOD.replace('"[EMAIL:****]"', '"[EMAIL]"')), "127.0.0.1:1")


def test_lines_of_what_is_written_in_other_ways() -> None:
    """Quoted keys, dotted keys, nested lists of tables; what looks like a table within a text is none."""
    text = '["a.b"]\nc.d = 1\nt = """\n[x]\n"""\n[[l]]\n[[l.m]]\nk = 1\n[[l.m]]\nk = 2\n'
    line_of = LineNumbers(text)
    wheres = (("a.b", "c", "d"), ("x",), ("l", 0), ("l", 0, "m", 1, "k"), ("l", 0, "m", 1, "absent"))
    assert [line_of(where) for where in wheres] == [2, 1, 6, 10, 9]


def test_a_policy_is_tried_without_a_server(tmp_path: Path) -> None:
    """From a file of tenants or one of its own, by the command."""
    own = tmp_path / "own.toml"
    own.write_text('version = "1"\ndefault = "drop"\n')
    for file, text in ((written(tmp_path, GOOD), "mail [EMAIL:****]"), (own, "mail ")):
        done = subprocess.run(
            [sys.executable, "-m", "langtrail.deploy.cli", "redact", "--policy", str(file), "--explain"],
            input=b'{"text": "mail bob@example.org"}\n',
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert json.loads(done.stdout)["text"] == text


def test_pseudonyms_need_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one the sentence says which variable to set."""
    file = written(tmp_path, 'version = "1"\ndefault = "pseudonym"')
    monkeypatch.delenv("LANGTRAIL_PSEUDONYM_KEY_FILE", raising=False)
    with pytest.raises(PolicyFileError, match="LANGTRAIL_PSEUDONYM_KEY_FILE"):
        policy_rules(file)
    key = tmp_path / "key"
    key.write_text(b64encode(bytes(32)).decode())
    monkeypatch.setenv("LANGTRAIL_PSEUDONYM_KEY_FILE", str(key))
    assert policy_rules(file, "acme").tenant_id == "acme"
