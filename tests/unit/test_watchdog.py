"""A worker that gets nowhere: it is noticed, says where it stands, and ends; one that works or has nothing to do does not."""

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import cast

import pytest

from langtrail.processors.app import App
from langtrail.processors.health import liveness
from langtrail.processors.watchdog import AFTER_DELIVERY_SECONDS, STUCK_SECONDS, Watchdog

BEGIN = "import re, time\nfrom langtrail.processors.watchdog import Watchdog\nwatchdog = Watchdog()\nwatchdog.seconds = 0.3\n"
HELD_IN_C = "re.fullmatch('(a+)+b', 'a' * 40)"


def ran(code: str) -> subprocess.CompletedProcess[str]:
    """Run code beside a watchdog of 0.3 seconds."""
    return subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("stuck", ["time.sleep(20)", HELD_IN_C], ids=["waiting", "in C"])
def test_what_gets_nowhere_ends_with_its_stacks(stuck: str) -> None:
    """Even where no Python can run any more, because a search in C holds the interpreter."""
    ended = ran(f"def deep():\n    {stuck}\nwatchdog.step()\ndeep()")
    assert ended.returncode == 1
    assert "most recent call first" in ended.stderr
    assert "in deep" in ended.stderr


def test_steps_and_rest_keep_it_quiet() -> None:
    """A step in time puts the end off, and while there is nothing to do none is due."""
    ended = ran("for _ in range(4):\n    watchdog.step(); time.sleep(0.15)\nwatchdog.rest(); time.sleep(0.5)")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("delivery_seconds", "seconds"), [(1, STUCK_SECONDS), (STUCK_SECONDS, STUCK_SECONDS + AFTER_DELIVERY_SECONDS)]
)
def test_it_waits_longer_than_a_delivery_may_take(delivery_seconds: int, seconds: int) -> None:
    """A broker that takes its time is a failed delivery, which has its own end."""
    assert Watchdog(delivery_seconds).seconds == seconds


@pytest.mark.parametrize(
    ("lag", "batch", "step", "word"),
    [(5, 100, 100, "stuck"), (0, 100, 100, "ok"), (5, 1, 100, "ok"), (5, 100, 1, "ok")],
    ids=["records and no step", "no records", "a batch", "a step"],
)
def test_liveness_is_progress_under_lag(lag: int, batch: float, step: float, word: str) -> None:
    """Only a worker that has records to deal with and made no step for long is stuck."""
    watchdog = Watchdog()
    watchdog.progressed_at = time.monotonic() - step
    app = SimpleNamespace(progressed_at=time.monotonic() - batch, consumer=SimpleNamespace(lag=lambda: {0: 0, 1: lag}))
    assert liveness(cast(App, app), watchdog) == word
