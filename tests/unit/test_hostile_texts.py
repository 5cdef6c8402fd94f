"""Texts in which every line asks for a look at all lines around it: each is looked at once."""

import time

import pytest

from langtrail.processors.redact import redact_text

HEADS = "".join(f'"|"|password|b{number:04}|\n' for number in range(5000))
SECRETS = "".join(f"kind: Secret\ndata:\n  user: ${{X{number:04}}}\n" for number in range(2500))
PAIRS = "".join(f"data:\n  user: ${{X{number:04}}}\nkind: Secret\n" for number in range(2500))
ADDRESSES = "[{}]".format(", ".join(f'"10.{number % 250}.{number // 250}.7"' for number in range(5000)))


@pytest.mark.parametrize("text", [HEADS, SECRETS, PAIRS, ADDRESSES], ids=["heads", "secrets", "pairs", "addresses"])
def test_what_stands_around_is_looked_at_once(text: str) -> None:
    """Time is that of its length, and not of its square: that would be some seconds."""
    start = time.process_time()
    redact_text(text)
    assert time.process_time() - start < 1


def test_values_of_a_manifest_are_those_of_its_secret() -> None:
    """All in the same manifest, before and behind the word, and none in the next one."""
    data = "data:\n  {}: YWRtaW4x\n"
    text = "\n---\n".join([data.format("a") + "kind: Secret\n" + data.format("b"), "kind: Pod\n" + data.format("c")])
    assert redact_text(text).text.count("YWRtaW4x") == 1
    assert redact_text(text).text.endswith("c: YWRtaW4x\n")


def test_values_of_a_secret_are_taken_as_far_as_it_is_looked_at() -> None:
    """What is left of a value there goes, as the others do."""
    lines = "".join(f"  user{number:04}: YWRtaW4x\n" for number in range(400))
    found = redact_text(f"kind: Secret\ndata:\n{lines}").findings
    assert [finding.end for finding in found][-1] == len("kind: ") + 4000


def test_a_row_may_be_the_head_of_further_rows() -> None:
    """Where it says so: but not every row of a table."""
    rows = "".join(f'"|"|password|b{number}|\n"|"|sunshine|c{number}|\n' for number in range(3))
    assert "sunshine" not in redact_text(rows).text
