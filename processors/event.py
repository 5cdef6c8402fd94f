"""An event on its way through the pipeline, and the two ways in which a step may end that way."""

from typing import Any

from langtrail.schemas import RegisteredSchema


class Event:
    """One record of langtrail.raw. Each step reads what the steps before it filled in and adds its own."""

    def __init__(
        self,
        key: bytes | None,
        value: bytes,
        headers: dict[str, bytes],
        partition: int,
        offset: int,
        timestamp_ms: int,
        *,
        core: dict[str, Any] | None = None,
        content: dict[str, str] | None = None,
    ) -> None:
        self.key = key
        self.value = value
        self.headers = headers
        self.partition = partition
        self.offset = offset
        self.timestamp_ms = timestamp_ms

        # open
        self.schema: RegisteredSchema | None = None
        self.core_bytes = b""
        self.content_bytes = b""
        """The content as it came, sealed or not."""
        self.core = core or {}
        """What the steps need of the core, decoded: UUIDs as text, timestamps in microseconds."""
        self.content = content or {}
        """The content fields that are there, by name (input, output, error_message, params, metadata, tags): exact texts.

        JSON, but for error_message.
        """

        # redact, enrich
        self.head: dict[str, Any] = {}
        """The head fields of the AuditEvent, filled step by step; hashes come last."""
        self.withheld: list[str] = []
        """The content fields that redaction could not judge: the event goes on without them, the original is kept sealed."""

        # seal
        self.head_bytes = b""
        """The head as Avro, without its first field, the hash over all the rest."""
        self.output = b""
        """The value for langtrail.events."""

        self.rejected: Rejected | None = None
        """Why it cannot become an event, once a step has said so: it goes through no other."""


class Rejected(Exception):
    """The record cannot become an event: its original bytes go to the dead letters, with `reason` and the text.

    `reason` is one word for counting; the text is a sentence without content.
    """

    def __init__(self, stage: str, reason: str, text: str) -> None:
        super().__init__(text)
        self.stage = stage
        self.reason = reason


def schema_of(event: Event) -> RegisteredSchema:
    """Return the schema of an opened event. Raises ValueError for another."""
    if event.schema is None:
        raise ValueError("every step comes after open")
    return event.schema


class Withheld(Exception):
    """A detector could not judge a field: its content is withheld, the event goes on."""
