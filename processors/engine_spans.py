"""What both engines of regular expressions answer with."""

Spans = list[tuple[int, int]]
"""The spans of a match and of its groups, in characters; (-1, -1) for a group that took no part."""
