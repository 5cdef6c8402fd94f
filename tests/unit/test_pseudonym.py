"""Pseudonyms join a person's records within a tenant, never across tenants, and say nothing of the person."""

import re
from base64 import b64encode
from pathlib import Path

import pytest

from langtrail.processors.pseudonym import Pseudonyms, canonical_of, read_pseudonyms

KEY = Pseudonyms(bytes(32))


def token(kind: str, spelling: str) -> str:
    """Return the token of an identifier, however it is written."""
    return KEY.token("acme", kind, canonical_of(kind, spelling) or "")


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("EMAIL", ("Bob@Example.COM", "bob@example.com", "mailto:bob@example.com", "bob\u200b@example.com")),
        ("PHONE", ("+44 (0)20 7946 0958", "+442079460958", "0044 20 7946 0958", "+\uff14\uff14 20 7946 0958")),
        ("CREDIT_CARD", ("4539 1488 0343 6467", "4539-1488-0343-6467", "4539148803436467")),
        ("IBAN", ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432")),
        ("IP_ADDRESS", ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1")),
        ("MAC_ADDRESS", ("00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e")),
        ("PERSON", ("Ann  Lee", "ann lee")),
    ],
)
def test_every_spelling_has_one_token(kind: str, spellings: tuple[str, ...]) -> None:
    """What is written differently joins all the same."""
    tokens = {token(kind, spelling) for spelling in spellings}
    assert len(tokens) == 1
    assert re.fullmatch(rf"{kind}:[a-z2-7]{{20}}", tokens.pop())


def test_tokens_differ_by_tenant_type_and_secret() -> None:
    """Nothing joins where it must not."""
    made = {
        KEY.token("acme", "EMAIL", "a@b.org"),
        KEY.token("globex", "EMAIL", "a@b.org"),
        KEY.token("acme", "PERSON", "a@b.org"),
        Pseudonyms(bytes(31) + b"1").token("acme", "EMAIL", "a@b.org"),
    }
    assert len({token.partition(":")[2] for token in made}) == 4


def test_the_derivation_is_the_documented_one() -> None:
    """A token can be computed anew elsewhere, from the standards alone: the value is pinned."""
    assert KEY.token("acme", "EMAIL", "bob@example.com") == "EMAIL:tnspudsnktgvtdssaxra"


@pytest.mark.parametrize(("kind", "value"), [("EMAIL", "nobody"), ("PHONE", "12"), ("IP_ADDRESS", "1.2.3")])
def test_what_is_none_has_no_canonical_form(kind: str, value: str) -> None:
    """Then it is no subject."""
    assert canonical_of(kind, value) is None


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
