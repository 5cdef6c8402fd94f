"""A service under supervision: healthy, named when it dies, started again, given pauses when it dies often."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from langtrail.deploy import supervised as module
from langtrail.deploy.process import wait_for
from langtrail.deploy.service import Service
from langtrail.deploy.supervised import Supervised

SECONDS = 20.0


class Answers:
    """What a service answers when it is asked whether it is ready."""

    ready = True

    def __call__(self) -> bool:
        return self.ready


@pytest.fixture
def answers() -> Answers:
    """Return an answer that a test can change."""
    return Answers()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "_ASK_SECONDS", 0.02)
    monkeypatch.setattr(module, "_ASK_SECONDS_STARTING", 0.02)


def supervise(tmp_path: Path, program: str, answers: Answers, start_seconds: float = 60) -> Supervised:
    service = Service("part", (sys.executable, "-c", program), 1234, answers, start_seconds=start_seconds, stop_seconds=0.5)
    return Supervised(service, tmp_path)


@pytest.fixture
def sleeping(tmp_path: Path, answers: Answers) -> Iterator[Supervised]:
    """Return a started service that waits for ever."""
    service = supervise(tmp_path, "import time; print('begun', flush=True); time.sleep(600)", answers)
    service.start()
    yield service
    service.stop()


def watched_until(service: Supervised, state: str) -> list[str]:
    """Watch until the service has this state; return what was said."""
    said: list[str] = []

    def reached() -> bool:
        said.append(service.watch())
        return service.state.state == state

    assert wait_for(reached, SECONDS), said
    return [sentence for sentence in said if sentence]


def test_a_service_becomes_healthy_and_says_so_once(sleeping: Supervised) -> None:
    """One line names it, its port and how long it took."""
    assert sleeping.state.state == "starting"
    (said,) = watched_until(sleeping, "healthy")
    assert said.startswith("part       healthy    port 1234 after ")
    assert sleeping.watch() == ""


def test_a_service_that_stops_answering_is_unhealthy_until_it_answers_again(sleeping: Supervised, answers: Answers) -> None:
    """Several failures in a row are needed, one success is enough."""
    watched_until(sleeping, "healthy")
    answers.ready = False
    assert watched_until(sleeping, "unhealthy") == [f"part runs but does not answer; its log is {sleeping.log}"]
    answers.ready = True
    assert watched_until(sleeping, "healthy") == ["part       healthy    port 1234 again"]


def test_a_service_that_is_not_ready_in_time_is_unhealthy(tmp_path: Path, answers: Answers) -> None:
    """It is said once, and the service goes on trying."""
    answers.ready = False
    service = supervise(tmp_path, "import time; time.sleep(600)", answers, start_seconds=0.1)
    service.start()
    assert watched_until(service, "unhealthy") == [f"part is not ready after 0 s; its log is {service.log}"]
    service.stop()


def test_a_service_that_dies_is_named_with_the_end_of_its_log_and_started_again(tmp_path: Path, answers: Answers) -> None:
    """The status, the next start and the last lines are in what is said."""
    answers.ready = False
    service = supervise(tmp_path, "import sys; print('why it died'); sys.exit(3)", answers)
    service.start()
    first = service.state.process
    said = ""
    deadline = time.monotonic() + SECONDS
    while not said and time.monotonic() < deadline:
        said = service.watch()
    assert said.splitlines()[0].startswith("part ended with status 3 and is started again in 0.01 s; its log ")
    assert said.splitlines()[-1].strip() == "why it died"
    assert wait_for(lambda: service.watch() == "" and service.state.process not in (None, first), SECONDS)
    service.stop()
    assert service.state.state == "stopped"


def test_a_service_that_dies_again_and_again_is_unhealthy_and_tried_slowly(tmp_path: Path, answers: Answers) -> None:
    """After five deaths in a minute the pause is half a minute."""
    answers.ready = False
    service = supervise(tmp_path, "raise SystemExit(1)", answers)
    service.start()
    said = watched_until(service, "unhealthy")
    assert len(said) == 5
    assert "is started again in 30 s: it died 5 times in a minute" in said[-1]
    service.stop()


def test_a_log_that_grows_is_cut(monkeypatch: pytest.MonkeyPatch, sleeping: Supervised) -> None:
    """The part before is kept beside it; the service need not know."""
    monkeypatch.setattr(module, "_LOG_BYTES", 3)
    watched_until(sleeping, "healthy")
    assert wait_for(lambda: sleeping.watch() == "" and sleeping.log.with_name("part.log.1").exists(), SECONDS)
    assert sleeping.log.with_name("part.log.1").read_text() == "begun\n"


def test_a_service_that_ignores_the_request_to_end_is_killed(tmp_path: Path, answers: Answers) -> None:
    """It is gone after its stop_seconds."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
    service = supervise(tmp_path, program, answers)
    service.start()
    assert wait_for(lambda: service.log.exists() and service.log.read_text() == "on\n", SECONDS)
    process = service.state.process
    assert process is not None
    service.stop()
    assert process.running() is None
