"""The greeting of clickhouse-go, the driver of Grafana's data source."""

import re
from typing import Final

# The driver reads this one answer with the block header of a server's native protocol, which chDB does not write. A revision
# of 0 makes it read every later answer without. Tried with clickhouse-go 2.47.
_QUERY = re.compile(rb"\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*", re.IGNORECASE)
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # field 1: no overflows; field 2: bucket -1; end
_NO_CUSTOM_SERIALISATION: Final = b"\x00"
_REVISION: Final = (0).to_bytes(4, "little")


def is_hello(sql: bytes) -> bool:
    """Say whether a statement is the driver's greeting."""
    return _QUERY.fullmatch(sql) is not None


def hello(display_name: str, version: str, timezone: str) -> bytes:
    """Return the answer to the greeting: one row in the format Native, revision 0."""
    columns = [
        ("displayName()", "String", _text(display_name)),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", _REVISION),
        ("timezone()", "String", _text(timezone)),
    ]
    written = [_text(name) + _text(kind) + _NO_CUSTOM_SERIALISATION + value for name, kind, value in columns]
    return _BLOCK_INFO + bytes([len(columns), 1]) + b"".join(written)


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) > 127:
        raise ValueError("a name of a server, version or time zone has at most 127 bytes")
    return bytes([len(data)]) + data
