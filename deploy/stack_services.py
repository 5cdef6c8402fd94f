"""The services of the local stack, and what each is told in its environment."""

import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from .clickhouse_server import clickhouse_service, dsn
from .kafka import kafka_service
from .process import LOOPBACK
from .service import Service
from .stack_files import private_key_file, spool
from .stack_state import StackState

SERVERS: Final = ("kafka", "clickhouse")
PIPELINE: Final = ("worker", "sink")
SERVICES: Final = (*SERVERS, *PIPELINE)


def environment(directory: Path, state: StackState) -> dict[str, str]:
    """Return all that a producer and a client of this stack need, by variable. Nothing in it opens sealed content."""
    return {
        "LANGTRAIL_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{state.ports['kafka']}",
        "LANGTRAIL_CLICKHOUSE_DSN": dsn(state.ports["clickhouse"], state.password),
        "LANGTRAIL_PUBLIC_KEY": state.public_key,
        "LANGTRAIL_SCHEMA_REGISTRY_URL": f"http://{LOOPBACK}:{state.ports['schema_registry']}",
        "LANGTRAIL_SPOOL_DIR": str(spool(directory)),
    }


def services(directory: Path, state: StackState) -> dict[str, Service]:
    """Return the services by name, in the order of their start. Raises StackError when Kafka cannot be downloaded."""
    ports = state.ports
    told = _told(directory, state)
    return {
        "kafka": kafka_service(directory / "kafka", ports["kafka"], ports["kafka_controller"]),
        "clickhouse": clickhouse_service(directory / "clickhouse", ports["clickhouse"], state.password),
        "worker": _pipeline("worker", ports["worker"], {**told, "LANGTRAIL_WORKER_PORT": str(ports["worker"])}),
        "sink": _pipeline("sink", ports["sink"], {**told, "LANGTRAIL_SINK_PORT": str(ports["sink"])}),
    }


def _told(directory: Path, state: StackState) -> dict[str, str]:
    return {
        **environment(directory, state),
        "LANGTRAIL_PRIVATE_KEY_FILE": str(private_key_file(directory)),
        "LANGTRAIL_WORKER_STATE_DIR": str(directory / "worker"),
        "LANGTRAIL_KAFKA_CONFIG_FILE": "",  # the user's own is for another cluster; an empty variable counts as absent
        "LANGTRAIL_ENABLED": "",
    }


def _pipeline(name: str, port: int, environ: Mapping[str, str]) -> Service:
    return Service(name, (sys.executable, "-m", "langtrail.deploy.cli", name), port, _ready(port), environ)


def _ready(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/ready", timeout=2) as response:
                return bool(response.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False

    return ready
