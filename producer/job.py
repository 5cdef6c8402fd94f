"""What started this process, where that can be proved: cron, a systemd timer, a Kubernetes job; and whose process it is.

Nothing is guessed: a process that shows none of these signs has the trigger `unknown`.
"""

import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .app_version import git_commit
from .labels import label
from .serialise import text_of
from .settings import ProducerSettings

_SCHEDULERS = {"cron", "crond", "CRON", "anacron", "fcron", "atd"}
_MAX_ANCESTORS = 16
_CRON_JOB_POD = re.compile(r"^(?P<name>.+)-(?P<minutes>\d{8,10})-[a-z0-9]{5}$")
_ONE_WEEK_MINUTES = 7 * 24 * 60
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Job:
    """Why a process runs. `is_job`: it runs once and ends, whoever or whatever started it."""

    trigger: str
    trigger_id: str | None
    os_user: str
    program: str
    is_job: bool = False


def detect(settings: ProducerSettings, environ: Mapping[str, str] | None = None, proc: Path = _PROC) -> Job:
    """Return why this process runs: what the settings say, else what the environment proves.

    A schedule that has no name of its own is named after the program it runs.
    """
    environ = os.environ if environ is None else environ
    trigger, trigger_id, is_job = (settings.trigger, None, False) if settings.trigger else _proved(environ, proc)
    trigger_id = settings.trigger_id or trigger_id
    name = program()
    if trigger == "schedule" and not trigger_id:
        trigger_id = name
    return Job(trigger, label(trigger_id) if trigger_id else None, os_user(), name, is_job)


def process_facts(settings: ProducerSettings) -> dict[str, str]:
    """Return what a process says of itself once, when its stream opens: its OS user, its program, the commit of its source."""
    job = detect(settings)
    facts = {"os_user": job.os_user, "program": job.program, "git_commit": git_commit()}
    return {name: value for name, value in facts.items() if value}


def os_user() -> str:
    """Return the name of the user that the kernel runs this process for; its number where it has no name.

    Environment variables are not asked: anybody can set them.
    """
    try:
        import pwd  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return text_of(os.environ.get("USERNAME", ""))
    try:
        return text_of(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        return str(os.geteuid())


def host() -> str:
    """Return the name of the machine, as it may be recorded: to the kernel it is bytes."""
    return text_of(socket.gethostname())


def program() -> str:
    """Return the program that runs: its script, or the module after `-m`; not its arguments, which may be secret."""
    original = sys.orig_argv
    if "-m" in original[1:-1]:
        return label(original[original.index("-m") + 1])
    script = sys.argv[0] if getattr(sys, "argv", None) else ""
    return label(Path(script).name if script and script != "-c" else "python")


def _proved(environ: Mapping[str, str], proc: Path) -> tuple[str, str | None, bool]:
    if "TRIGGER_UNIT" in environ and ("TRIGGER_TIMER_REALTIME_USEC" in environ or "TRIGGER_TIMER_MONOTONIC_USEC" in environ):
        return "schedule", environ["TRIGGER_UNIT"], True
    if "TRIGGER_UNIT" in environ and "TRIGGER_PATH" in environ:
        return "event", environ["TRIGGER_UNIT"], True
    if "KUBERNETES_SERVICE_HOST" in environ and (name := _cron_job(environ.get("HOSTNAME", ""))):
        return "schedule", name, True
    if _descends_from_scheduler(proc):
        return "schedule", None, True
    return "unknown", None, "KUBERNETES_SERVICE_HOST" in environ and "JOB_COMPLETION_INDEX" in environ


def _cron_job(host: str) -> str | None:
    """Return the CronJob of Kubernetes that a pod is named after; the minute it was due is in the name, and must be likely."""
    pod = _CRON_JOB_POD.match(host)
    return pod["name"] if pod and 0 <= time.time() / 60 - int(pod["minutes"]) < _ONE_WEEK_MINUTES else None


def _descends_from_scheduler(proc: Path) -> bool:
    """Tell whether cron or at is among the processes that started this one, as Linux tells it."""
    pid, left = str(os.getpid()), _MAX_ANCESTORS
    while left:
        try:
            stat = (proc / pid / "stat").read_text(encoding="utf-8", errors="replace")  # the kernel cuts a name anywhere
        except OSError:
            return False
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        if name in _SCHEDULERS:
            return True
        pid, left = stat[stat.rindex(")") + 2 :].split()[1], left - 1
        if pid == "0":
            return False
    return False
