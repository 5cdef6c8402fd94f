"""The worker's metrics as Prometheus reads them."""

import pytest

from langtrail.processors.metrics import Counts, Metric, Metrics


def test_every_metric_is_described_before_it_has_a_value() -> None:
    """The text names each metric with its type and meaning, so that a dashboard can be made at once."""
    text = Metrics().text()
    for metric in Metric:
        assert f"# HELP {metric.metric_name} {metric.meaning}\n# TYPE {metric.metric_name} {metric.kind}\n" in text


def test_names_follow_prometheus_conventions() -> None:
    """Counters end in _total, nothing else does, and all have one prefix."""
    for metric in Metric:
        assert metric.metric_name.startswith("langtrail_worker_")
        assert metric.metric_name.endswith("_total") == (metric.kind == "counter")


def test_values_are_written_with_their_labels() -> None:
    """Counters add up, gauges are replaced."""
    metrics = Metrics()
    metrics.add(Metric.REJECTED, 0, "broken_seal")
    metrics.add(Metric.REJECTED, 0, "broken_seal", amount=2)
    metrics.set(Metric.LAG, 1, value=5)
    metrics.set(Metric.LAG, 1, value=4)
    lines = metrics.text().splitlines()
    assert 'langtrail_worker_rejected_total{partition="0",reason="broken_seal"} 3' in lines
    assert 'langtrail_worker_lag_records{partition="1"} 4' in lines


def test_many_counters_are_raised_at_once() -> None:
    """A batch's counts arrive together."""
    metrics = Metrics()
    counts: Counts = {(Metric.RECORDS_IN, ("0",)): 10, (Metric.EVENTS_OUT, ("0",)): 9}
    metrics.add_all(counts)
    metrics.add_all(counts)
    assert metrics.value(Metric.RECORDS_IN, 0) == 20
    assert metrics.value(Metric.EVENTS_OUT, 0) == 18
    assert metrics.value(Metric.EVENTS_OUT, 1) == 0


def test_wrong_labels_are_a_fault() -> None:
    """A metric takes exactly its labels."""
    with pytest.raises(ValueError, match="partition"):
        Metrics().add(Metric.RECORDS_IN)
