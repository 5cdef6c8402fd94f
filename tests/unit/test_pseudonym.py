"""Pseudonyms join a person's records within a tenant, never across tenants, and say nothing of the person."""

from base64 import b64encode
from pathlib import Path

import pytest

from langtrail.processors.pseudonym import Pseudonyms, read_pseudonyms, tokens_of

KEY = Pseudonyms(bytes(32))


def test_tokens_differ_by_tenant_type_and_secret() -> None:
    """Nothing joins where it must not."""
    made = {
        KEY.token("acme", "EMAIL", "a@b.org"),
        KEY.token("globex", "EMAIL", "a@b.org"),
        KEY.token("acme", "PERSON", "a@b.org"),
        Pseudonyms(bytes(31) + b"1").token("acme", "EMAIL", "a@b.org"),
    }
    assert len({token.partition(":")[2] for token in made}) == 4


def test_a_person_is_looked_for_as_all_that_the_subject_may_be() -> None:
    """A phone number may be a national id as well; what is no address has no token of one."""
    tokens = tokens_of(KEY, "acme", "(415) 555-2671")
    assert KEY.token("acme", "PHONE", "+14155552671") in tokens
    assert KEY.token("acme", "NATIONAL_ID", "4155552671") in tokens
    assert len({*tokens}) == len(tokens)
    assert not any(token.startswith(("EMAIL:", "IP_ADDRESS:")) for token in tokens)


def test_the_derivation_is_the_documented_one() -> None:
    """A token can be computed anew elsewhere, from the standards alone: the value is pinned."""
    assert KEY.token("acme", "EMAIL", "bob@example.com") == "EMAIL:tnspudsnktgvtdssaxra"


def test_the_file_of_the_key(tmp_path: Path) -> None:
    """One key, comments allowed; what is wrong is said without what is in the file."""
    file = tmp_path / "key"
    file.write_text(f"# ours\n{b64encode(bytes(32)).decode()}\n")
    assert read_pseudonyms(str(file)).token("a", "EMAIL", "a@b.c") == KEY.token("a", "EMAIL", "a@b.c")
    for content, said in (("", "0 keys"), ("hunter2\n", "not the base64"), ("YQ==\nYQ==\n", "2 keys")):
        file.write_text(content)
        with pytest.raises(ValueError, match=said) as raised:
            read_pseudonyms(str(file))
        assert "hunter2" not in str(raised.value)
    with pytest.raises(ValueError, match="cannot be read"):
        read_pseudonyms(str(tmp_path / "absent"))
