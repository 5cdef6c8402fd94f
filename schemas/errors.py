"""The errors of the contract.

SchemaError
├── MalformedRecord      the bytes are not what their schema says
├── UnknownSchemaId      the record names a schema that this version does not have
├── UnknownKey           the content is sealed for keys that are not here
└── ContentSealBroken    the content does not open with the right key: it was changed
"""


class SchemaError(Exception):
    """Something does not keep the contract. Its text never quotes content, and nothing besides it is shown."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.__suppress_context__ = True  # what it was raised in may quote content; compiled code forgets `from None`


class MalformedRecord(SchemaError):
    """The bytes are not what their schema says."""


class UnknownSchemaId(SchemaError):
    """The record names a schema that this version does not have."""


class UnknownKey(SchemaError):
    """The content is sealed for keys that are not here: add the private key, the record is not at fault."""


class ContentSealBroken(SchemaError):
    """The content does not open with the right key: it, its stream or its number was changed."""
