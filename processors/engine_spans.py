"""What both engines of regular expressions answer with."""

from typing import Any

Encoded = Any
"""A text as an engine searches it: bytes for RE2, and for Python's own a text."""

Spans = list[tuple[int, int]]
"""The spans of a match and of its groups, in characters; (-1, -1) for a group that took no part."""
