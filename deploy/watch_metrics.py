"""What the watch counts, in Prometheus' text format. Labels never hold content or identities."""

import time
from collections import Counter
from collections.abc import Iterable

from .watch_events import Derived


class WatchMetrics:
    """The values. One thread changes them, any may read."""

    def __init__(self) -> None:
        self.looks = 0
        self.failures = 0
        self.look_seconds = 0.0
        self.looked_at = 0.0
        self.complete_to = 0.0
        """Up to when the store had everything at the last look, seconds since 1970."""
        self.streams = 0
        self.written: Counter[str] = Counter()

    def wrote(self, derived: Iterable[Derived]) -> None:
        """Count events that Kafka has."""
        self.written.update(each.event_type for each in derived)

    def looked(self, seconds: float, complete_to_us: int, streams: int) -> None:
        """Count a look that is done."""
        self.looks, self.look_seconds = self.looks + 1, self.look_seconds + seconds
        self.looked_at, self.complete_to, self.streams = time.time(), complete_to_us / 1e6, streams

    def text(self) -> str:
        """Return all values."""
        lines = [
            _metric("looks_total", "counter", "Looks that are done.", self.looks),
            _metric("look_seconds_total", "counter", "Seconds spent on looks.", self.look_seconds),
            _metric("failures_total", "counter", "Looks that Kafka or ClickHouse did not let end.", self.failures),
            _metric("last_look_timestamp_seconds", "gauge", "When the last look ended, seconds since 1970.", self.looked_at),
            _metric("complete_to_timestamp_seconds", "gauge", "Up to when the store had all of Kafka.", self.complete_to),
            _metric("streams", "gauge", "Streams that may still change.", self.streams),
            "# HELP langtrail_watch_events_total Derived events that Kafka has.\n# TYPE langtrail_watch_events_total counter\n",
        ]
        kinds = sorted(self.written.items())
        return "".join([*lines, *(f'langtrail_watch_events_total{{type="{kind}"}} {count}\n' for kind, count in kinds)])


def _metric(name: str, kind: str, meaning: str, value: float) -> str:
    full = f"langtrail_watch_{name}"
    return f"# HELP {full} {meaning}\n# TYPE {full} {kind}\n{full} {value:.15g}\n"
