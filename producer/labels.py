"""Text as it may stand in the core: names that say nothing of a person, identities that are bounded, all of it encodable."""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from .scrub import holds_credential
from .serialise import text_of

MAX_LABEL: Final = 256
MAX_IDENTIFIER: Final = 1024
_MAX_WHOLE: Final = 2**53
_NOTHING: Final[Mapping[str, Any]] = {}
WITHHELD: Final = "withheld"

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_NINE_DIGITS = re.compile(r"(?:\d[\s().-]{0,2}){9}")


@lru_cache(maxsize=4096)
def label(value: str) -> str:
    """Return a name as it may stand in the core: `withheld` when it is over 256 characters or looks like a person or a key."""
    clean = technical(value)
    return WITHHELD if _NINE_DIGITS.search(clean) else clean


@lru_cache(maxsize=4096)
def technical(value: str) -> str:
    """Return a name that a machine gave (a model, a class, a word of a provider): as `label`, but digits mean nothing in it."""
    clean = text_of(value)
    return WITHHELD if len(clean) > MAX_LABEL or _ADDRESS.search(clean) or holds_credential(clean) else clean


def optional_technical(value: Any) -> str | None:
    """Return a name that a machine gave, None for None and for an empty one."""
    return None if value is None or value == "" else technical(text_of(value))


@lru_cache(maxsize=1024)
def namespace(value: str) -> str:
    """Return LangGraph's path of nested graphs: the names in it as labels, the ids of its tasks as they are."""
    parts = [part.partition(":") for part in identifier(value).split("|")]
    return "|".join(f"{label(node)}{colon}{task}" for node, colon, task in parts)


def whole(value: Any) -> int | None:
    """Return a number that a library gave; None for what is no whole number, or beyond 2^53."""
    return value if type(value) is int and abs(value) <= _MAX_WHOLE else None


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return a mapping that a library gave; an empty one for what is none."""
    if type(value) is dict:  # to ask an abstract class costs 0.5 µs, and an answer is asked a dozen times
        return value
    return value if value is not None and isinstance(value, Mapping) else _NOTHING


def identifier(value: Any) -> str:
    """Return an id that a provider or a library gave; what is over 1024 characters ends in its digest."""
    text = text_of(value)
    if len(text) <= MAX_IDENTIFIER:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[: MAX_IDENTIFIER - len(digest) - 1]}#{digest}"


def optional_identifier(value: Any) -> str | None:
    """Return an id that a provider or a library gave, None for None and for an empty one."""
    return None if value is None or value == "" else identifier(value)
