"""Sealed content opens for its recipients, as it was sealed and where it was sealed, or not at all."""

import base64
import dataclasses
import os
from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from langtrail.schemas import (
    ContentSealBroken,
    DataKey,
    PrivateKeys,
    UnknownKey,
    associated_data,
    generate_private_key,
    public_key_of,
)

STREAM = UUID("019cfb05-fe81-74aa-af63-cd2c0e108913").bytes
BOUND_TO = associated_data(STREAM, 7)
CONTENT = b'{"salt": "", "input": "hello"}'
KEY_ID_BYTES = 8
WRAP_BYTES = 88


@pytest.fixture(scope="module")
def private() -> str:
    """Return a worker's private key."""
    return generate_private_key()


@pytest.fixture(scope="module")
def key(private: str) -> DataKey:
    """Return a stream's data key, wrapped for that worker."""
    return DataKey.generate([public_key_of(private)])


def flipped(data: bytes, at: int) -> bytes:
    """Return the bytes with one bit of one byte changed."""
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, 12, 16, 100_000])
def test_what_is_sealed_opens(private: str, key: DataKey, size: int) -> None:
    """Content of any length comes back, from two fresh key rings alike."""
    content = os.urandom(size)
    sealed = key.seal(content, BOUND_TO)
    assert len(sealed) == 12 + size + 16
    assert [PrivateKeys([private]).open(key.header, sealed, BOUND_TO) for _ in range(2)] == [content, content]


def test_a_seal_hides_the_content(key: DataKey) -> None:
    """The sealed bytes hold no part of the content, and the same content is never sealed to the same bytes."""
    sealed = {key.seal(CONTENT, BOUND_TO) for _ in range(100)}
    assert len(sealed) == 100
    assert not [one for one in sealed if b"hello" in one or b"salt" in one]


def test_every_recipient_can_open() -> None:
    """A key wrapped for three workers is opened by each of them alone."""
    privates = [generate_private_key() for _ in range(3)]
    key = DataKey.generate([public_key_of(private) for private in privates])
    assert len(key.header) == 3 * WRAP_BYTES
    sealed = key.seal(CONTENT, BOUND_TO)
    assert {PrivateKeys([private]).open(key.header, sealed, BOUND_TO) for private in privates} == {CONTENT}


def test_old_keys_open_old_content() -> None:
    """After a rotation a worker with the new and the old key opens what was sealed for either."""
    old, new = generate_private_key(), generate_private_key()
    ring = PrivateKeys([new, old])
    for private in (old, new):
        key = DataKey.generate([public_key_of(private)])
        assert ring.open(key.header, key.seal(CONTENT, BOUND_TO), BOUND_TO) == CONTENT


def test_each_stream_has_its_own_key(private: str, key: DataKey) -> None:
    """The key of one stream does not open the content of another."""
    other = DataKey.generate([public_key_of(private)])
    assert other.header != key.header
    with pytest.raises(ContentSealBroken):
        PrivateKeys([private]).open(other.header, key.seal(CONTENT, BOUND_TO), BOUND_TO)


def test_a_missing_key_is_named_and_is_not_the_record_s_fault(key: DataKey) -> None:
    """Content sealed for a key that is not here raises UnknownKey with the key's id and what to do."""
    key_id = key.header[:KEY_ID_BYTES].hex()
    for ring in (PrivateKeys([generate_private_key()]), PrivateKeys([])):
        with pytest.raises(UnknownKey, match=f"sealed for key {key_id}; add its private key to LANGTRAIL_PRIVATE_KEY_FILE"):
            ring.open(key.header, key.seal(CONTENT, BOUND_TO), BOUND_TO)


def test_all_missing_keys_are_named() -> None:
    """With several recipients, none of them here, each is named."""
    key = DataKey.generate([public_key_of(generate_private_key()) for _ in range(2)])
    ids = [key.header[at : at + KEY_ID_BYTES].hex() for at in (0, WRAP_BYTES)]
    with pytest.raises(UnknownKey, match=", ".join(ids)):
        PrivateKeys([generate_private_key()]).open(key.header, key.seal(CONTENT, BOUND_TO), BOUND_TO)


def test_any_flipped_byte_of_the_content_breaks_the_seal(private: str, key: DataKey) -> None:
    """Nonce, ciphertext and tag: no byte of them can be changed."""
    ring, sealed = PrivateKeys([private]), key.seal(CONTENT, BOUND_TO)
    for at in range(len(sealed)):
        with pytest.raises(ContentSealBroken):
            ring.open(key.header, flipped(sealed, at), BOUND_TO)


def test_any_cut_of_the_content_breaks_the_seal(private: str, key: DataKey) -> None:
    """Content torn at any place, or longer than it was, does not open."""
    ring, sealed = PrivateKeys([private]), key.seal(CONTENT, BOUND_TO)
    for broken in (*(sealed[:end] for end in range(len(sealed))), sealed + b"x"):
        with pytest.raises(ContentSealBroken):
            ring.open(key.header, broken, BOUND_TO)


def test_content_cannot_be_moved_to_another_event(private: str, key: DataKey) -> None:
    """The seal holds for one stream and one number; any flipped byte of either breaks it."""
    ring, sealed = PrivateKeys([private]), key.seal(CONTENT, BOUND_TO)
    moved = [flipped(BOUND_TO, at) for at in range(len(BOUND_TO))]
    for bound_to in (*moved, b"", associated_data(STREAM, 8), associated_data(bytes(16), 7)):
        with pytest.raises(ContentSealBroken):
            ring.open(key.header, sealed, bound_to)


def test_any_flipped_byte_of_the_wrapped_key_breaks_the_seal(private: str, key: DataKey) -> None:
    """The wrapped key in the header cannot be changed; a changed id of the recipient names a key that nobody has."""
    ring, sealed = PrivateKeys([private]), key.seal(CONTENT, BOUND_TO)
    for at in range(len(key.header)):
        with pytest.raises(UnknownKey if at < KEY_ID_BYTES else ContentSealBroken):
            ring.open(flipped(key.header, at), sealed, BOUND_TO)


@pytest.mark.parametrize("size", [0, 1, WRAP_BYTES - 1, WRAP_BYTES + 1, 2 * WRAP_BYTES - 1])
def test_a_header_of_wrong_length_is_broken(private: str, key: DataKey, size: int) -> None:
    """A header that is no whole number of wraps is refused, and its length is said."""
    header = (key.header * 2)[:size]
    with pytest.raises(ContentSealBroken, match=f"langtrail-key has {size} bytes, no multiple of {WRAP_BYTES}"):
        PrivateKeys([private]).open(header, key.seal(CONTENT, BOUND_TO), BOUND_TO)


def test_garbage_is_one_of_two_errors(private: str, key: DataKey) -> None:
    """Random headers and contents raise UnknownKey or ContentSealBroken, never anything else."""
    random, ring = Random(3), PrivateKeys([private])  # noqa: S311 - test data
    start = key.header[:KEY_ID_BYTES]
    for _ in range(300):
        header = random.choice((start, random.randbytes(KEY_ID_BYTES))) + random.randbytes(random.choice((80, 80, 7)))
        with pytest.raises((UnknownKey, ContentSealBroken)):
            ring.open(header, random.randbytes(random.randrange(60)), BOUND_TO)


def test_an_error_is_not_kept(private: str, key: DataKey) -> None:
    """A header that did not open leaves the ring as it was: the right one opens afterwards."""
    ring, sealed = PrivateKeys([private]), key.seal(CONTENT, BOUND_TO)
    for _ in range(2):
        with pytest.raises(ContentSealBroken):
            ring.open(flipped(key.header, 50), sealed, BOUND_TO)
        assert ring.open(key.header, sealed, BOUND_TO) == CONTENT


def test_keys_are_one_line_of_base64(private: str) -> None:
    """A private and a public key are 32 bytes in base64 each, and white space around them does not count."""
    assert len(base64.b64decode(private)) == len(base64.b64decode(public_key_of(private))) == 32
    assert public_key_of(f" {private}\n") == public_key_of(private) != private


BAD_KEYS = ["", "not base64!", base64.b64encode(b"hunter2hunter2").decode(), base64.b64encode(bytes(33)).decode(), "пароль"]


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_bad_key_is_refused_without_being_quoted(bad: str) -> None:
    """A key that is none says what is expected, and never what was given: it may be a secret all the same."""
    attempts: list[Callable[[], object]] = [
        lambda: DataKey.generate([public_key_of(generate_private_key()), bad]),
        lambda: PrivateKeys([generate_private_key(), bad]),
        lambda: public_key_of(bad),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"not an X25519 (public|private) key: 32 bytes as one line of base64") as error:
            attempt()
        assert not bad or bad not in str(error.value)
        assert "hunter2" not in repr(error.value)
        assert error.value.__context__ is None


def test_a_key_for_nobody_is_refused() -> None:
    """What is sealed has at least one recipient, or nobody could ever open it."""
    with pytest.raises(ValueError, match="no X25519 public key"):
        DataKey.generate([])


def test_a_public_key_without_strength_is_refused() -> None:
    """The all-zero point, with which anyone could open, is no recipient."""
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is the library's
        DataKey.generate([base64.b64encode(bytes(32)).decode()])


def test_a_data_key_shows_no_secret(private: str, key: DataKey) -> None:
    """The text of a data key or a ring in a log tells nothing that opens content."""
    shown = repr(key) + repr(PrivateKeys([private]))
    assert private not in shown
    assert base64.b64decode(private).hex() not in shown
    assert [field.name for field in dataclasses.fields(key)] == ["header", "_cipher"]
