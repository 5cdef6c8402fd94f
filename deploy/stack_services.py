"""The services of the local stack, and what each is told in its environment."""

import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from .clickhouse_server import clickhouse_service, dsn
from .kafka import kafka_service
from .process import LOOPBACK, answers_ok
from .service import Service
from .stack_files import private_key_file, pseudonym_key_file, spool
from .stack_state import StackState

SERVERS: Final = ("kafka", "clickhouse")
PIPELINE: Final = ("worker", "sink", "watch")
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


def services(directory: Path, state: StackState, only: Collection[str]) -> dict[str, Service]:
    """Return the services that are named, in the order of their start. Raises StackError when Kafka cannot be downloaded."""
    ports, told = state.ports, _told(directory, state)
    made: dict[str, Callable[[], Service]] = {
        "kafka": lambda: kafka_service(directory / "kafka", ports["kafka"], ports["kafka_controller"]),
        "clickhouse": lambda: clickhouse_service(directory / "clickhouse", ports["clickhouse"], state.password),
        "worker": lambda: _pipeline("worker", ports["worker"], {**told, "LANGTRAIL_WORKER_PORT": str(ports["worker"])}),
        "sink": lambda: _pipeline("sink", ports["sink"], {**told, "LANGTRAIL_SINK_PORT": str(ports["sink"])}),
        "watch": lambda: _pipeline(
            "watch",
            ports["watch"],
            {**environment(directory, state), "LANGTRAIL_KAFKA_CONFIG_FILE": "", "LANGTRAIL_WATCH_PORT": str(ports["watch"])},
        ),
    }
    return {name: make() for name, make in made.items() if name in only}


def _told(directory: Path, state: StackState) -> dict[str, str]:
    return {
        **environment(directory, state),
        "LANGTRAIL_PRIVATE_KEY_FILE": str(private_key_file(directory)),
        "LANGTRAIL_PSEUDONYM_KEY_FILE": str(pseudonym_key_file(directory)),
        "LANGTRAIL_WORKER_STATE_DIR": str(directory / "worker"),
        "LANGTRAIL_SINK_INSTANCE": "local",  # the only sink: killed and started again, it has its partitions back at once
        "LANGTRAIL_KAFKA_CONFIG_FILE": "",  # the user's own is for another cluster; an empty variable counts as absent
        "LANGTRAIL_ENABLED": "",
    }


def _pipeline(name: str, port: int, environ: Mapping[str, str]) -> Service:
    argv = (sys.executable, "-m", "langtrail.deploy.cli", name)
    return Service(name, argv, port, partial(answers_ok, port, "/ready"), environ)
