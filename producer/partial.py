"""Content that could not be recorded whole."""


class Partial(bytes):
    """The bytes that are recorded of what could not be recorded whole: it was cut, or part of it is no data."""

    truncated = False
    incomplete = False
