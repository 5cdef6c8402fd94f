"""What the worker counts, as one list, and its text in Prometheus' exposition format."""

from collections.abc import Iterator
from enum import Enum
from threading import Lock


class Metric(Enum):
    """Every metric of the worker: name, type, labels, meaning. Labels never hold content or identities."""

    RECORDS_IN = (
        "langtrail_worker_records_in_total",
        "counter",
        ("partition",),
        "Records of langtrail.raw that were dealt with: out + rejected.",
    )
    EVENTS_OUT = (
        "langtrail_worker_events_out_total",
        "counter",
        ("partition",),
        "Events that Kafka acknowledged in langtrail.events.",
    )
    REJECTED = (
        "langtrail_worker_rejected_total",
        "counter",
        ("partition", "reason"),
        "Records that Kafka acknowledged in langtrail.dead-letters instead of an event.",
    )
    WITHHELD = (
        "langtrail_worker_withheld_total",
        "counter",
        ("partition",),
        "Events with withheld content: part of events out; their originals are in langtrail.dead-letters too.",
    )
    LAG = ("langtrail_worker_lag_records", "gauge", ("partition",), "Records of langtrail.raw that are not dealt with yet.")
    BATCH_SECONDS = ("langtrail_worker_batch_seconds_total", "counter", (), "Seconds spent on batches, delivery included.")
    BATCHES = ("langtrail_worker_batches_total", "counter", (), "Batches that were finished.")
    HELD_BYTES = ("langtrail_worker_held_bytes", "gauge", (), "Bytes of records that were fetched and are not dealt with yet.")
    REDACT_FAILURES = (
        "langtrail_worker_redact_failures_total",
        "counter",
        ("error",),
        "Content fields that could not be judged and were withheld, by the class of the error.",
    )
    ENRICH_MISSES = (
        "langtrail_worker_enrich_misses_total",
        "counter",
        ("reason",),
        "Look-ups of a tenant or a price that found nothing.",
    )
    TENANTS = ("langtrail_worker_tenants", "gauge", (), "Tenants that are known.")
    TENANT_RECORDS_MALFORMED = (
        "langtrail_worker_tenant_records_malformed_total",
        "counter",
        (),
        "Records of langtrail.tenants that could not be read.",
    )

    def __init__(self, metric_name: str, kind: str, labels: tuple[str, ...], meaning: str) -> None:
        self.metric_name = metric_name
        self.kind = kind
        self.labels = labels
        self.meaning = meaning


Counts = dict[tuple[Metric, tuple[str, ...]], float]
"""Amounts by metric and the values of its labels."""


class Metrics:
    """The values, by metric and labels. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: dict[tuple[Metric, tuple[str, ...]], float] = {}
        self._lock = Lock()

    def add(self, metric: Metric, *labels: object, amount: float = 1) -> None:
        """Raise a counter; `labels` are the values of the metric's labels, in their order."""
        key = metric, _texts(metric, labels)
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def add_all(self, counts: Counts) -> None:
        """Raise many counters at once: whoever reads sees all of it or nothing."""
        with self._lock:
            for key, amount in counts.items():
                self._values[key] = self._values.get(key, 0) + amount

    def set(self, metric: Metric, *labels: object, value: float) -> None:
        """Set a gauge."""
        key = metric, _texts(metric, labels)
        with self._lock:
            self._values[key] = value

    def value(self, metric: Metric, *labels: object) -> float:
        """Return a value, 0 when there is none yet."""
        return self._values.get((metric, _texts(metric, labels)), 0)

    def text(self) -> str:
        """Return all values in Prometheus' text format, metrics in the order of the list."""
        with self._lock:
            values = sorted(self._values.items(), key=lambda item: item[0][1])
        return "".join(line for metric in Metric for line in _lines(metric, values))


def _texts(metric: Metric, labels: tuple[object, ...]) -> tuple[str, ...]:
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.metric_name} has the labels {metric.labels}")
    return tuple(map(str, labels))


def _lines(metric: Metric, values: list[tuple[tuple[Metric, tuple[str, ...]], float]]) -> Iterator[str]:
    yield f"# HELP {metric.metric_name} {metric.meaning}\n# TYPE {metric.metric_name} {metric.kind}\n"
    for (owner, labels), value in values:
        if owner is metric:
            pairs = ",".join(f'{name}="{label}"' for name, label in zip(metric.labels, labels, strict=True))
            yield f"{metric.metric_name}{'{' + pairs + '}' if pairs else ''} {value:.15g}\n"
