"""What the sink is about to store, as metadata of a Kafka offset commit: written before the insert, so a crash can be undone.

The commit at offset `lo` says: everything before `lo` is stored, and lo to hi may or may not be. The next commit, at hi + 1, is
the mark that it was. The idea is eBay's block aggregator, https://github.com/eBay/block-aggregator.
"""

import json
from dataclasses import asdict, dataclass

_VERSION = 1


class NewerIntent(Exception):
    """The intent was written by a newer langtrail; this version must not guess what it means."""


@dataclass(frozen=True)
class Intent:
    """One batch before its insert: offsets lo to hi of a partition, both included."""

    lo: int
    hi: int
    n: int
    """How many records lie in the range; fewer when it is read again means that Kafka has lost some."""
    schema: int
    """Id of their schema."""
    gen: int
    """Generation of the deduplication tokens."""

    def encode(self) -> str:
        """Return the metadata text, about 80 bytes of the 4096 that a broker takes."""
        return json.dumps({"v": _VERSION, **asdict(self)}, separators=(",", ":"))


def decode(metadata: str | None, offset: int) -> Intent | None:
    """Return the intent that a commit at `offset` carries, None for a commit that is done or was made by another tool.

    Raises NewerIntent.
    """
    try:
        fields = json.loads(metadata or "null")
    except ValueError:
        return None
    if not isinstance(fields, dict) or not isinstance(version := fields.pop("v", None), int):
        return None
    if version > _VERSION:
        raise NewerIntent(f"the offset {offset} was committed by a newer sink (intent version {version}); upgrade langtrail")
    try:
        intent = Intent(**fields)
    except TypeError:
        return None
    return intent if intent.lo == offset <= intent.hi else None
