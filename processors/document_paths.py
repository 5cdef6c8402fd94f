"""Where each value of a JSON text stands, as a path of keys and positions: what the paths of a policy are compared with."""

import json
import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\],])|([^\s{}\[\],:"]+)', re.DOTALL)
SEPARATOR: Final = "\0"
"""Between the parts of a path."""


class Place(NamedTuple):
    """One string, number, true, false or null of a JSON text."""

    path: str
    """Keys and positions from the outside in, joined by SEPARATOR."""
    start: int
    """Its first character; for a string, after the quote."""
    end: int
    is_string: bool


def places(text: str, root: str) -> list[Place]:
    """Return the values of a JSON text in order; JSON in a string is that string's. Text that is no JSON is one place."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return [Place(root, 0, len(text), is_string=True)]
    found: list[Place] = []
    # For each open container its path, and the key or position of the next value; None when a key comes first.
    open_ones: list[tuple[str, str | int | None]] = []
    for match in _TOKEN.finditer(text):
        mark, is_key = match[2], match[1] is not None and bool(open_ones) and open_ones[-1][1] is None
        if is_key:
            open_ones[-1] = (open_ones[-1][0], json.loads(match[0], strict=False))
        elif mark in ("}", "]"):
            open_ones.pop()
        elif mark == ",":
            path, member = open_ones[-1]
            open_ones[-1] = (path, member + 1 if isinstance(member, int) else None)
        else:
            path = SEPARATOR.join((open_ones[-1][0], str(open_ones[-1][1]))) if open_ones else root
            if mark:
                open_ones.append((path, 0 if mark == "[" else None))
            else:
                group = 1 if match[1] is not None else 3
                found.append(Place(path, *match.span(group), is_string=group == 1))
    return found
