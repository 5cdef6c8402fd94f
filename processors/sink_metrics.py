"""What the sink counts, as one list, and its text in Prometheus' exposition format."""

import time
from collections.abc import Sequence
from enum import Enum
from threading import Lock

from .sink_batch import Batch, Reject


class SinkMetric(Enum):
    """Every metric of the sink: name, type, labels, meaning. Labels never hold content or identities."""

    ROWS = ("langtrail_sink_rows_stored_total", "counter", ("partition",), "Records that ClickHouse has.")
    BATCHES = ("langtrail_sink_batches_total", "counter", ("partition",), "Batches that are done.")
    BATCH_SECONDS = ("langtrail_sink_batch_seconds_total", "counter", ("partition",), "Seconds spent on storing batches.")
    DEAD_LETTERS = (
        "langtrail_sink_dead_letters_total",
        "counter",
        ("partition", "reason"),
        "Records that Kafka acknowledged in langtrail.dead-letters instead.",
    )
    RETRIES = ("langtrail_sink_retries_total", "counter", ("partition", "error"), "Failed tries of a batch, by class of error.")
    LAST_ERROR = (
        "langtrail_sink_last_error_timestamp_seconds",
        "gauge",
        ("partition", "error"),
        "When a batch failed last with this class of error, seconds since 1970.",
    )
    REPLAYS = (
        "langtrail_sink_replays_total",
        "counter",
        ("partition",),
        "Ranges that an earlier sink had left in doubt and that were checked.",
    )
    REPLAYS_INCOMPLETE = (
        "langtrail_sink_replays_incomplete_total",
        "counter",
        ("partition",),
        "Ranges left in doubt of which Kafka did not have every record any more.",
    )
    LAG = ("langtrail_sink_lag_records", "gauge", ("partition",), "Records of langtrail.events that are not stored yet.")
    STALLED = (
        "langtrail_sink_stalled",
        "gauge",
        ("partition",),
        "1 while the store refuses the partition's records until someone mends it.",
    )

    def __init__(self, metric_name: str, kind: str, labels: tuple[str, ...], meaning: str) -> None:
        self.metric_name = metric_name
        self.kind = kind
        self.labels = labels
        self.meaning = meaning


class SinkMetrics:
    """The values, by metric and labels. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: dict[tuple[SinkMetric, tuple[str, ...]], float] = {}
        self._lock = Lock()

    def add(self, metric: SinkMetric, *labels: object, amount: float = 1) -> None:
        """Raise a counter; `labels` are the values of the metric's labels, in their order."""
        key = metric, tuple(map(str, labels))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def set(self, metric: SinkMetric, *labels: object, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._values[metric, tuple(map(str, labels))] = value

    def forget(self, partition: int) -> None:
        """Drop the gauges of a partition that belongs to another sink now."""
        with self._lock:
            for metric in (SinkMetric.LAG, SinkMetric.STALLED):
                self._values.pop((metric, (str(partition),)), None)

    def stored(self, partition: int, batch: Batch, rejects: Sequence[Reject], seconds: float) -> None:
        """Count a batch that is done."""
        self.add(SinkMetric.ROWS, partition, amount=len(batch) - len(rejects))
        self.add(SinkMetric.BATCHES, partition)
        self.add(SinkMetric.BATCH_SECONDS, partition, amount=seconds)
        for reject in rejects:
            self.add(SinkMetric.DEAD_LETTERS, partition, reject.why.reason)

    def failed(self, partition: int, error: Exception) -> None:
        """Count a try that failed."""
        self.add(SinkMetric.RETRIES, partition, type(error).__name__)
        self.set(SinkMetric.LAST_ERROR, partition, type(error).__name__, value=time.time())

    def text(self) -> str:
        """Return all values in Prometheus' text format, metrics in the order of the list."""
        with self._lock:
            values = sorted(self._values.items(), key=lambda item: item[0][1])
        lines = []
        for metric in SinkMetric:
            lines.append(f"# HELP {metric.metric_name} {metric.meaning}\n# TYPE {metric.metric_name} {metric.kind}\n")
            for (owner, labels), value in values:
                if owner is metric:
                    pairs = ",".join(f'{name}="{label}"' for name, label in zip(metric.labels, labels, strict=True))
                    lines.append(f"{metric.metric_name}{{{pairs}}} {value:.15g}\n")
        return "".join(lines)
