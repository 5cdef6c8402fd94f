"""From callback to queryable: `python tests/benchmarks/latency.py [SECONDS]`.

A whole local stack runs on this machine. An application makes 500 events a second; each event's time is from `occurred_at`,
taken in the hook, to `_ingested_at`, taken by ClickHouse when the insert that makes it queryable is done.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from langtrail.deploy import stack
from langtrail.deploy.ask import connect
from langtrail.deploy.process import wait_for

EVENTS_PER_SECOND = 500
APPLICATION = """
import sys, time
from langchain_core.runnables import RunnableLambda
from langtrail.producer import AuditCallbackHandler
step, handler = RunnableLambda(lambda text: text), AuditCallbackHandler()
pause, runs = 2 / float(sys.argv[2]), int(float(sys.argv[1]) * float(sys.argv[2]) / 2)
begin = time.monotonic()
for run in range(runs):
    step.invoke(f"question {run} of bob{run}@example.com", {"callbacks": [handler], "metadata": {"session_id": f"s{run % 97}"}})
    time.sleep(max(0.0, begin + run * pause - time.monotonic()))
sys.exit(handler.flush(30))
"""
ASKED = """
SELECT count() AS events, toInt64(quantile(0.5)(ms)) AS median_ms, toInt64(quantile(0.99)(ms)) AS p99_ms,
       toInt64(max(ms)) AS max_ms
FROM (SELECT dateDiff('millisecond', occurred_at, _ingested_at) AS ms FROM trail WHERE app = 'latency' AND run_id IS NOT NULL)
"""


def main(seconds: int) -> None:
    """Print the median, the 99th percentile and the longest time."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        stack.up(place, detach=True, echo=lambda _: None)
        try:
            measure(place, seconds)
        finally:
            stack.down(place)


def measure(place: Path, seconds: int) -> None:
    """Run the application against the stack and print what the store says of its events."""
    variables = stack.environment(place)
    environ = {**os.environ, **variables, "LANGTRAIL_APP": "latency"}
    subprocess.run([sys.executable, "-c", APPLICATION, str(seconds), str(EVENTS_PER_SECOND)], env=environ, check=True)
    trail = connect(variables)
    expected = seconds * EVENTS_PER_SECOND
    assert wait_for(lambda: trail.sql(ASKED).objects()[0]["events"] == expected, 60), "events are missing"
    (found,) = trail.sql(ASKED).objects()
    trail.close()
    print(
        f"callback to queryable at {EVENTS_PER_SECOND} events/s: median {found['median_ms']} ms, "
        f"99th percentile {found['p99_ms']} ms, longest {found['max_ms']} ms, {found['events']:,} events"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
