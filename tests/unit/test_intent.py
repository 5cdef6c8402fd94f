import pytest

from langtrail.processors.intent import Intent, NewerIntent, decode

INTENT = Intent(lo=10, hi=19, n=9, schema=2, gen=1)


def test_an_intent_survives_the_commit() -> None:
    """What is written as metadata of a commit is read back from it."""
    assert decode(INTENT.encode(), 10) == INTENT


def test_an_intent_is_small() -> None:
    """The metadata of the largest intent is far below the 4096 bytes that a broker takes."""
    assert len(Intent(2**63 - 1, 2**63 - 1, 2**31, 2**31 - 1, 2**31 - 1).encode()) < 200


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        None,
        "committed by another tool",
        "[]",
        "7",
        '{"lo": 10}',
        '{"v":1,"lo":10}',
        '{"v":"1"}',
        '{"v":1,"lo":10,"hi":12,"more":1}',
    ],
)
def test_metadata_of_other_tools_is_no_intent(metadata: str | None) -> None:
    """A commit that is done has no metadata, and what another tool wrote is not taken for an intent."""
    assert decode(metadata, 10) is None


def test_an_intent_belongs_to_its_offset() -> None:
    """An intent at another offset than its own is not one: somebody moved the offset."""
    assert decode(INTENT.encode(), 5) is None


def test_a_newer_intent_is_refused() -> None:
    """The intent of a newer version is not guessed at."""
    with pytest.raises(NewerIntent, match="upgrade"):
        decode('{"v":2,"range":[1,2]}', 1)
