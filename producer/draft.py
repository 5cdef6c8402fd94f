"""A draft: an event but for its number and its times. Its core is encoded already, its content is a snapshot."""

Content = dict[str, bytes]
"""Content fields by name: the exact bytes that are recorded of each."""


class Shared:
    """What the events of one run have in common, encoded once.

    `tenant`, `session` and `run` are the end of group event, `middle` the groups from place to stream. `key` is that of the
    record in Kafka. An event of no session has neither key nor session: it belongs to its stream.
    """

    __slots__ = ("key", "middle", "run", "session", "tenant")

    def __init__(self, key: bytes, tenant: bytes, session: bytes, run: bytes, middle: bytes) -> None:
        self.key, self.tenant, self.session, self.run, self.middle = key, tenant, session, run, middle


class Draft:
    """One event to be. `model` and `outcome` are encoded groups; flags and ext are encoded when it is kept.

    `taken`: a stream has a number for it, so it is in the trail, or in a hole that is named there.
    """

    __slots__ = ("content", "event_type", "ext", "flags", "model", "outcome", "shared", "taken")

    def __init__(
        self,
        event_type: str,
        shared: Shared,
        model: bytes,
        outcome: bytes,
        content: Content,
        flags: tuple[str, ...],
        ext: dict[str, str],
    ) -> None:
        self.event_type, self.shared, self.model, self.outcome = event_type, shared, model, outcome
        self.content, self.flags, self.ext = content, flags, ext
        self.taken = False
