"""What a local stack keeps in its directory: ports, password, key pair, data, logs. Made once, kept for the next start."""

import os
import secrets
import shutil
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from langtrail.schemas import generate_private_key, public_key_of

from .process import StackError, free_port, is_disk_full, port_is_free
from .stack_state import StackState, read_state

PORTS: Final = ("kafka", "kafka_controller", "clickhouse", "worker", "sink", "watch", "schema_registry")
_LEAST_FREE_MIB: Final = 256
_MIB: Final = 1024 * 1024


def logs(directory: Path) -> Path:
    """Return where the logs are."""
    return directory / "logs"


def private_key_file(directory: Path) -> Path:
    """Return the file of the workers' private keys."""
    return directory / "private.keys"


def pseudonym_key_file(directory: Path) -> Path:
    """Return the file of the secret that pseudonyms are made with."""
    return directory / "pseudonym.key"


def spool(directory: Path) -> Path:
    """Return where producers keep their spools."""
    return directory / "spool"


def make_directory(directory: Path) -> None:
    """Make the directory for its owner alone, and what lies in it. Raises StackError when it cannot be, or the disk is full."""
    try:
        for path in (directory, logs(directory), spool(directory)):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free // _MIB
    except OSError as error:
        reason = "the disk is full" if is_disk_full(error) else error.strerror
        raise StackError(f"{directory} cannot be made: {reason}") from error
    if free < _LEAST_FREE_MIB:
        raise StackError(
            f"the disk of {directory} has {free} MiB left: make room, the stack needs {_LEAST_FREE_MIB} MiB to start"
        )


def prepare(directory: Path, asked: Mapping[str, int]) -> StackState:
    """Return the state to start with: ports that are free now, the password and the key of the last start or new ones.

    `asked` gives ports by name (PORTS). Raises StackError when one of those is in use.
    """
    last = read_state(directory) or StackState()
    _make_pseudonym_key(pseudonym_key_file(directory))
    return StackState(
        ports=_ports(last.ports, asked),
        password=last.password or secrets.token_urlsafe(18),
        public_key=_public_key(private_key_file(directory)),
    )


def _ports(last: Mapping[str, int], asked: Mapping[str, int]) -> dict[str, int]:
    for name, port in asked.items():
        if name not in PORTS:
            raise StackError(f"there is no port called {name}; there are {', '.join(PORTS)}")
        if not port_is_free(port):
            raise StackError(f"port {port} for {name} is in use by another program: stop it, or choose another port")
    chosen = {name: port for name, port in {**last, **asked}.items() if name in asked or port_is_free(port)}
    while missing := [name for name in PORTS if name not in chosen]:
        port = free_port()
        if port not in chosen.values():
            chosen[missing[0]] = port
    return chosen


def _public_key(file: Path) -> str:
    """Return the public key of the newest private key; the file is made when there is none. It is never overwritten."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        keys = [line.strip() for line in file.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not keys:
            raise StackError(f"{file} holds no key: restore it, or remove it to begin with a new one") from None
        try:
            return public_key_of(keys[0])
        except ValueError as error:
            raise StackError(f"{file}: the first line is {error}") from None
    key = generate_private_key()
    with os.fdopen(descriptor, "w") as new:
        new.write(
            f"# Private keys of this stack's workers, the newest first. Who has them can read what producers sealed.\n{key}\n"
        )
    return public_key_of(key)


def _make_pseudonym_key(file: Path) -> None:
    """Make the secret when there is none. It is never overwritten: with another one nothing would join with what is stored."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as new:
        key = b64encode(secrets.token_bytes(32)).decode()
        new.write(f"# The secret of this stack's pseudonyms. Who has it can test whom a token stands for.\n{key}\n")
