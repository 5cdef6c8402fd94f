"""Search over what went in, what came out and what failed: all words, or words that follow one another."""

import re
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .ask import Answer, AskError, Trail

_FIRST_WINDOW: Final = timedelta(hours=1)
_WIDER: Final = 4
_FIRST_INDEXED: Final = timedelta(days=1)
"""A word that has not enough events in the last day is not so frequent that all of them could not be looked up at once."""
INDEX: Final = "by_text"
_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"
_ONE_WORD = re.compile(r"[^\W_\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]*")
_MARKS: Final = string.punctuation + "\u2026\u2013\u2014\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u3002\u3001"
_INDEXED: Final = (
    "SELECT count() > 0 AS is_there FROM system.data_skipping_indices "
    "WHERE database = currentDatabase() AND table = 'events' AND name = {name:String}"
)
_BOUNDS: Final = "SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM events"

Tell = Callable[[str], None]


def search(
    trail: Trail,
    text: str,
    *,
    phrase: bool = False,
    tenant: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 100,
    tell: Tell = lambda _: None,
) -> Answer:
    """Return the events that have all words of `text`, or the whole of it as a phrase: the newest first, at most `limit`.

    Case is folded. `since` and `until` are times as ClickHouse takes them. The last day is searched first. What has to be read
    rather than looked up is read from the newest on, in wider and wider stretches of time, until there are enough; `tell` is
    told how far back it is.
    Raises AskError when there is no word in the text, and when the store does not answer.
    """
    if not any(character.isalnum() for character in text):
        raise AskError("there is no word in the text to search for")
    asked: dict[str, Any] = {"text": text, "phrases": phrases(text, whole=phrase), "tenant": tenant}
    looked_up = not asked["phrases"] and is_indexed(trail)
    columns: tuple[str, ...] = ()
    rows: list[list[Any]] = []
    for first, last in _windows(trail, since, until, looked_up=looked_up):
        tell(first)
        part = trail.ask("search", **asked, since=first, until=last, limit=limit - len(rows))
        columns, rows = part.columns or columns, rows + part.rows
        if len(rows) >= limit:
            break
    return Answer(columns, rows)


def phrases(text: str, *, whole: bool) -> list[str]:
    """Return what has to stand together: the whole text, or each of its words that the store takes for several.

    These are words with a mark in them, such as shop-42, and Chinese and Japanese words.
    """
    if whole:
        return [text]
    return [word for word in text.split() if not _ONE_WORD.fullmatch(word.strip(_MARKS))]


def is_indexed(trail: Trail) -> bool:
    """Tell whether there is a text index."""
    ((is_there,),) = trail.sql(_INDEXED, {"name": INDEX}).rows
    return bool(is_there)


def _windows(trail: Trail, since: str | None, until: str | None, *, looked_up: bool) -> Iterator[tuple[str, str]]:
    """Yield stretches of time over all that is stored, the newest first.

    They are a day and all before it for what is looked up in an index, else each is four times as wide as the one before.
    """
    ((first, last),) = trail.sql(_BOUNDS).rows
    begin = max(filter(None, (_time(since), datetime.fromisoformat(first))))
    end = min(filter(None, (_time(until), datetime.fromisoformat(last) + timedelta(microseconds=1))))
    width = _FIRST_INDEXED if looked_up else _FIRST_WINDOW
    while begin < end:
        start = max(begin, end - width)
        yield start.strftime(_TIME), end.strftime(_TIME)
        end, width = start, end - begin if looked_up else width * _WIDER


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.strptime(text, _TIME).replace(tzinfo=UTC)
