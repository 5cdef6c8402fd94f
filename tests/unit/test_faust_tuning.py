"""Records in runs: none is lost, none is moved, and what one message to Faust holds is bounded."""

from dataclasses import dataclass

import pytest
from faust.types import TP

from langtrail.processors import faust_tuning
from langtrail.processors.faust_tuning import RUN_BYTES, RUN_RECORDS, Run, runs


@dataclass
class Fetched:
    """A record as aiokafka has it, as far as it matters here."""

    offset: int
    value: bytes | None = b"12345"
    timestamp: int = 1_790_000_000_123
    timestamp_type: int = 0


@pytest.mark.parametrize("count", [0, 1, RUN_RECORDS, RUN_RECORDS + 1, 3 * RUN_RECORDS])
def test_runs_together_are_what_was_fetched(count: int) -> None:
    """Every record is in one run, in order; only the last run is shorter than it may be."""
    records = [Fetched(offset) for offset in range(count)]
    found = [*runs(records)]
    assert [record for run in found for record in run] == records
    assert [len(run) for run in found[:-1]] == [RUN_RECORDS] * (len(found) - 1)
    assert all(run for run in found)


def test_large_records_make_short_runs() -> None:
    """A run is bounded in bytes as well; a record that is larger than the bound goes alone; one without a value counts."""
    half, whole = bytes(RUN_BYTES // 2), bytes(RUN_BYTES + 1)
    records = [Fetched(number, value) for number, value in enumerate((half, half, half, whole, None, half))]
    assert [[record.offset for record in run] for run in runs(records)] == [[0, 1], [2], [3], [4, 5]]


def test_a_run_ends_where_its_last_record_is() -> None:
    """What is committed after a run is the offset that follows its last record, whatever gaps there are before."""
    run = Run(TP("langtrail.raw", 1), [Fetched(5), Fetched(9, None), Fetched(12)], generation_id=3)
    assert (run.tp, run.offset, run.size, run.generation_id) == (TP("langtrail.raw", 1), 12, 10, 3)


def test_a_run_of_one_record_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is read when it is used."""
    monkeypatch.setattr(faust_tuning, "RUN_RECORDS", 1)
    assert [len(run) for run in runs([Fetched(0), Fetched(1)])] == [1, 1]
