"""The hashes of the contract, held against their formulas and against values that openssl computed."""

import hashlib
import hmac
from itertools import combinations

import pytest

from langtrail.schemas import chain_hash, commitment, commitments, event_hash, record_hash

SALT = bytes(range(32))
STREAM = bytes.fromhex("019cfb05fe8174aaaf63cd2c0e108913")
COMMITMENT = "9c5439fdd5258db8eb854ca1e19dae9f77fb9fbf87c70f6183d21292315702e3"
EVENT = "24fb17d7862b436e697c135e32174b5db67e3498cddd38bbe2ed088b78629bf1"
CHAIN = "fd9fa1c34c0d872965e88896f91d588d333bab75144a30392a9db64eabf9233d"
RECORD = "70b7b9979475c070db9cb691f732d1b8d7a20120d02dd85a481e798674eedd5f"


def test_a_commitment_is_what_it_says() -> None:
    """HMAC-SHA256 with the salt as key, over the field's name, a zero byte and the exact bytes."""
    expected = hmac.new(SALT, b"input\x00hello", hashlib.sha256).digest()
    assert commitment(SALT, "input", b"hello") == expected


def test_commitments_together_are_the_same() -> None:
    """Several fields committed to in one go have the commitments that each has alone, whatever the values and the salt."""
    texts = {"input": "hello", "output": "", "tags": "é日🙂" * 400}
    for salt in (SALT, b"", bytes(64)):
        assert commitments(salt, texts) == {field: commitment(salt, field, text.encode()) for field, text in texts.items()}


def test_an_event_hash_is_what_it_says() -> None:
    """SHA-256 over a zero byte and the core."""
    assert event_hash(b"core") == hashlib.sha256(b"\x00core").digest()


def test_a_chain_hash_is_what_it_says() -> None:
    """SHA-256 over 0x02, the stream, the number as eight bytes, the link before and the event's hash."""
    expected = hashlib.sha256(b"\x02" + STREAM + b"\x00\x00\x00\x00\x00\x00\x01\x02" + bytes(32) + SALT).digest()
    assert chain_hash(STREAM, 258, bytes(32), SALT) == expected


def test_a_record_hash_is_what_it_says() -> None:
    """SHA-256 over 0x03 and the rest of the record."""
    assert record_hash(b"rest") == hashlib.sha256(b"\x03rest").digest()


def test_published_values_never_change() -> None:
    """The values that a verifier in another language can check itself against."""
    assert commitment(SALT, "input", b"hello").hex() == COMMITMENT
    assert event_hash(b"core").hex() == EVENT
    assert chain_hash(STREAM, 258, bytes(32), SALT).hex() == CHAIN
    assert record_hash(b"rest").hex() == RECORD


def test_no_hash_can_pass_for_another() -> None:
    """The same bytes give different values as event, chain and record hash, and none is the plain SHA-256."""
    data = STREAM + bytes(8) + bytes(32) + SALT
    values = [event_hash(data), chain_hash(STREAM, 0, bytes(32), SALT), record_hash(data), hashlib.sha256(data).digest()]
    assert all(len(value) == 32 for value in values)
    assert all(one != other for one, other in combinations(values, 2))


def test_a_commitment_is_to_one_field() -> None:
    """A value cannot be shown as the content of another field, nor part of it as the field's name."""
    values = {
        commitment(SALT, "input", b"x"),
        commitment(SALT, "output", b"x"),
        commitment(SALT, "input", b"\x00x"),
        commitment(SALT, "inputx", b""),
        commitment(bytes(32), "input", b"x"),
        commitment(SALT, "input", b""),
    }
    assert len(values) == 6


def test_a_chain_depends_on_all_it_links() -> None:
    """Another stream, number, link before or event gives another link."""
    links = {
        chain_hash(STREAM, 1, bytes(32), SALT),
        chain_hash(bytes(16), 1, bytes(32), SALT),
        chain_hash(STREAM, 2, bytes(32), SALT),
        chain_hash(STREAM, 1, SALT, SALT),
        chain_hash(STREAM, 1, bytes(32), bytes(32)),
    }
    assert len(links) == 5


@pytest.mark.parametrize("seq", [-1, 2**64])
def test_a_number_outside_64_bits_is_refused(seq: int) -> None:
    """There is no link for a number that its eight bytes cannot hold."""
    with pytest.raises(OverflowError):
        chain_hash(STREAM, seq, bytes(32), SALT)
