"""The content of an event: one JSON document with a salt, and the commitments to each of its fields."""

from typing import Final

from orjson import dumps

from langtrail.schemas import CONTENT_FIELDS
from langtrail.schemas.hashing import hmac_by

from .avro_pieces import NULL, SOME, long
from .draft import Draft
from .fresh import Fresh, fresh
from .partial import Partial

_PLACES: Final = {name: (place, name.encode() + b"\x00") for place, name in enumerate(CONTENT_FIELDS)}
_NO_COMMITMENTS: Final = [NULL] * len(CONTENT_FIELDS)
_WHOLE: Final = b"\x00"
_TRUNCATED: Final = b"\x01"
_NO_FACTS: Final = b"".join(_NO_COMMITMENTS) + long(0) + _WHOLE


def content_of(draft: Draft, random: Fresh | None = None) -> tuple[bytes, bytes]:
    """Return the content as JSON with a salt (empty without content), and group content of the core.

    `random`: values for this event alone, else they are made. tests/unit/producer/test_core.py holds that the commitments
    are schemas.commitment. A draft whose content could not be recorded in full is flagged.
    """
    given = draft.content
    if not given:
        return b"", _NO_FACTS
    salt, blocks, _ = random or fresh()
    document = {"salt": salt}
    pieces, total, cut = _NO_COMMITMENTS.copy(), 0, _WHOLE
    for name, data in given.items():
        document[name] = data.decode()
        place, prefix = _PLACES[name]
        pieces[place] = SOME + hmac_by(blocks, prefix + data)
        total += len(data)
        if type(data) is not bytes:
            cut = _note_partial(draft, data, cut)
    pieces += (long(total), cut)
    return dumps(document), b"".join(pieces)


def _note_partial(draft: Draft, data: bytes, cut: bytes) -> bytes:
    """Take note of a field that could not be recorded whole. Return whether anything of the event is cut so far."""
    if not isinstance(data, Partial):
        return cut
    if data.incomplete and "payload_error" not in draft.flags:
        draft.flags = (*draft.flags, "payload_error")
    return _TRUNCATED if data.truncated else cut
