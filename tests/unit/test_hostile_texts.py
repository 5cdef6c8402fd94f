"""What stands around a match counts for all matches around it, though it is looked at once."""

from langtrail.processors.redact import redact_text


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
