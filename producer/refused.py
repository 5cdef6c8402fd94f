"""Messages that Kafka refuses for good are kept in the spool, apart: refused/STREAM_ID/SEQ.value and SEQ.json.

SEQ.value holds the exact bytes of the Kafka value, SEQ.json its key and why it was refused. `langtrail import` tries again.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import SpoolDamaged
from .outlet import Headers
from .spool import replace_file

DIRECTORY = "refused"


@dataclass(frozen=True)
class Refused:
    """One message that was set aside."""

    path: Path
    key: bytes
    value: bytes
    headers: Headers
    why: str

    @property
    def name(self) -> str:
        """Stream and number, as the files are named."""
        return f"{self.path.parent.name}/{self.path.stem}"

    def remove(self) -> None:
        """Remove the files: Kafka has taken it after all."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".json").unlink(missing_ok=True)


def set_aside(spool: Path, stream_id: str, seq: int, key: bytes, value: bytes, headers: Headers, why: str) -> str:
    """Keep a message; return its path within the spool. Raises OSError when it cannot be kept."""
    directory = spool / DIRECTORY / stream_id
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"{seq:020d}.value"
    document = {
        "key": base64.b64encode(key).decode(),
        "headers": [[name, base64.b64encode(header).decode()] for name, header in headers if isinstance(header, bytes)],
        "why": why,
    }
    replace_file(path.with_suffix(".json"), json.dumps(document).encode())
    replace_file(path, value)
    return str(path.relative_to(spool))


def refused(spool: Path) -> Iterator[Refused]:
    """Return what was set aside in a spool, in order. Raises SpoolDamaged for a file that cannot be read."""
    for path in sorted((spool / DIRECTORY).glob("*/*.value")):
        try:
            described = json.loads(path.with_suffix(".json").read_text())
            headers: Headers = [(name, base64.b64decode(header)) for name, header in described["headers"]]
            yield Refused(path, base64.b64decode(described["key"]), path.read_bytes(), headers, described["why"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SpoolDamaged(f"{path.name} cannot be read ({type(error).__name__})") from None
