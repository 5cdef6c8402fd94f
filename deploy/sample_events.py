"""Made-up audit events for benchmarks and tests: as many as are wanted, the same ones for the same seed."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final
from uuid import UUID

from langtrail.schemas import AUDIT_EVENT, CORE_GROUPS, encode, encode_group, event_hash, record_hash, registry

_START_US: Final = 1_790_000_000_000_000
_HASH_BYTES: Final = 32
_PHRASES: Final = (
    "the customer asked for",
    "an invoice of last quarter",
    "and a refund to [IBAN]",
    "please answer politely",
    "in two sentences",
    "retrieve documents about",
    "the contract with [PERSON]",
    "then call search_orders",
    "with the status open",
    "for the region north",
    "and say which ones are late",
    "without quoting prices",
)
_MODELS: Final = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("mistralai", "mistral-large-latest"))
_RUN: Final = ("chain_start", "llm_start", "llm_end", "tool_start", "tool_end", "llm_start", "llm_error", "chain_end")

HEAD: Final[dict[str, Any]] = {
    "revision": 0,
    "params": '{"temperature": 0.2, "max_tokens": 512}',
    "tags": ["seq:step:1"],
    "redaction_status": "ok",
    "redaction_types": ["IBAN", "PERSON"],
    "redaction_counts": [1, 1],
    "subject_tokens": [],
    "policy_revision": "default-1",
    "redactor_version": "0.1.0",
    "retention_class": "standard",
    "clock_skewed": False,
}
"""What the processors added, that hardly changes."""
CORE: Final[dict[str, Any]] = {
    "component": "ChatModel",
    "principal_type": "human",
    "identity_assurance": "asserted",
    "roles": ["support"],
    "trigger": "interactive",
    "app": "sample",
    "app_version": "1.0.0",
    "environment": "test",
    "host": "host-1",
    "pid": 4711,
    "python_version": "3.11",
    "langchain_version": "1.0.0",
    "langtrail_version": "0.1.0",
    "truncated": False,
    "flags": [],
    "ext": [],
}
"""What the producer says, that hardly changes."""


def encode_audit_event(record: dict[str, Any]) -> bytes:
    """Return the Avro datum of an AuditEvent with its event_hash and record_hash filled in, in `record` too.

    Raises MalformedRecord when a field does not fit.
    """
    record["event_hash"] = event_hash(b"".join(encode_group(group, record) for group in CORE_GROUPS))
    record["record_hash"] = bytes(_HASH_BYTES)
    rest = encode(registry().latest(AUDIT_EVENT), record)[_HASH_BYTES:]
    digest = record["record_hash"] = record_hash(rest)
    return digest + rest


def sample_events(count: int, seed: int = 1, **fields: Any) -> Iterator[dict[str, Any]]:
    """Yield `count` AuditEvents of a few tenants' sessions, about 1.5 kB each when encoded; `fields` go into each of them."""
    random = Random(seed)  # noqa: S311 - made-up data, not secrets
    stream = _uuid(random)
    run = session = tenant = ""
    for seq in range(count):
        step = seq % len(_RUN)
        if step == 0:
            run = _uuid(random)
            tenant = f"tenant-{random.randrange(5)}"
            session = f"session-{random.randrange(max(count // 40, 1))}"
        event = {"stream_id": stream, "seq": seq, "tenant_id": tenant, "session_id": session, "root_run_id": run}
        yield _event(random, _RUN[step], event) | fields


def _event(random: Random, event_type: str, event: dict[str, Any]) -> dict[str, Any]:
    seq = event["seq"]
    provider, model = _MODELS[seq % len(_MODELS)]
    finished = event_type in ("llm_end", "llm_error")
    tokens = random.randrange(50, 2000)
    content = event_type.endswith(("_start", "_end"))
    return (
        HEAD
        | CORE
        | event
        | {
            "chain_hash": random.randbytes(_HASH_BYTES),
            "input": _text(random, 26) if content else None,
            "output": _text(random, 20) if event_type.endswith("_end") else None,
            "error_message": "the provider did not answer in time" if event_type.endswith("_error") else None,
            "cost_nanousd": tokens * 150 if event_type == "llm_end" else None,
            "processed_at": _START_US + seq * 1000 + 200_000,
            "event_type": event_type,
            "event_id": _uuid(random),
            "occurred_at": _START_US + seq * 1000,
            "monotonic_ns": seq * 1_000_000,
            "run_id": _uuid(random),
            "parent_run_id": event["root_run_id"],
            "provider": provider if event_type.startswith("llm") else None,
            "request_model": model if event_type.startswith("llm") else None,
            "response_model": model if event_type == "llm_end" else None,
            "input_tokens": tokens if event_type == "llm_end" else None,
            "output_tokens": tokens // 4 if event_type == "llm_end" else None,
            "total_tokens": tokens + tokens // 4 if event_type == "llm_end" else None,
            "outcome": "failure" if event_type.endswith("_error") else "success" if event_type.endswith("_end") else None,
            "started_at": _START_US + seq * 1000 - 900_000 if finished else None,
            "latency_us": random.randrange(900_000) if finished else None,
            "tool_name": "search_orders" if event_type.startswith("tool") else None,
            "principal_id": f"user-{random.randrange(40)}",
            "input_commit": random.randbytes(_HASH_BYTES) if content else None,
            "content_bytes": 900 if content else 0,
        }
    )


def _text(random: Random, phrases: int) -> str:
    return '{"messages": [{"role": "user", "content": "' + " ".join(random.choices(_PHRASES, k=phrases)) + '"}]}'


def _uuid(random: Random) -> str:
    return str(UUID(bytes=random.randbytes(16), version=4))
