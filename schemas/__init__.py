"""Step 1 of 5: the contract. What an audit event is in motion (Avro on Kafka topics) and at rest (ClickHouse)."""

from .codec import CONTENT_FIELDS, CORE_GROUPS, Frame, decode, encode, encode_group, frame, split_raw, unframe
from .errors import ContentSealBroken, MalformedRecord, SchemaError, UnknownKey, UnknownSchemaId
from .event import EVENT_TYPES, OUTCOMES, STREAM_EVENT_TYPES
from .hashing import chain_hash, commitment, commitments, event_hash, record_hash
from .headers import KEY_HEADER, DeadLetterHeader
from .registry import AUDIT_EVENT, RAW_EVENT, TENANT, RegisteredSchema, registry
from .sealing import DataKey, PrivateKeys, associated_data, generate_private_key, public_key_of
from .topics import Topic, topic, topics

__all__ = [
    "AUDIT_EVENT",
    "CONTENT_FIELDS",
    "CORE_GROUPS",
    "EVENT_TYPES",
    "KEY_HEADER",
    "OUTCOMES",
    "RAW_EVENT",
    "STREAM_EVENT_TYPES",
    "TENANT",
    "ContentSealBroken",
    "DataKey",
    "DeadLetterHeader",
    "Frame",
    "MalformedRecord",
    "PrivateKeys",
    "RegisteredSchema",
    "SchemaError",
    "Topic",
    "UnknownKey",
    "UnknownSchemaId",
    "associated_data",
    "chain_hash",
    "commitment",
    "commitments",
    "decode",
    "encode",
    "encode_group",
    "event_hash",
    "frame",
    "generate_private_key",
    "public_key_of",
    "record_hash",
    "registry",
    "split_raw",
    "topic",
    "topics",
    "unframe",
]
