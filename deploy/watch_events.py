"""What the watch derives, as records of langtrail.raw: a pure function of what was seen, the same bytes whoever derives it.

Every derived event is a stream of its own, with one event, number 0: its event_id and its stream_id are UUIDv5 of what it says,
its time is taken from the events that it is derived from, and it names no process, because any process would have derived it.
So whatever is derived twice is one event in the store, the chain of each is whole, and no other stream's numbers are touched.
Two watches with different limits may say different things of the same facts: these are two events, never two under one id.
It has no content: a commitment to a text is a function of a random salt. What it is about says its input by other events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from langtrail.schemas import CORE_GROUPS, RAW_EVENT, chain_hash, encode_group, event_hash, frame, registry
from langtrail.schemas.codec import join_raw

APP: Final = "langtrail-watch"
"""The application that a derived event names."""

_NAMESPACE: Final = UUID("b1388674-e8a7-5ac7-aca3-2a8322e957ee")
_NIL: Final = UUID(int=0)
"""In place of the ids, while an event is named by all else that it says."""
_WHO: Final = (
    *("principal_id", "principal_type", "identity_assurance", "auth_issuer", "token_id", "roles", "on_behalf_of"),
    *("trigger", "trigger_id", "client_ip"),
)
_OF_A_RUN: Final = (
    *("session_id", "run_id", "parent_run_id", "root_run_id", "component", "provider", "request_model", "attempt"),
    *("thread_id", "checkpoint_ns", "node", "step", "trace_id", "span_id", "tool_name", "tool_call_id", "tool_effect"),
    *("prompt_name", "prompt_version", *_WHO),
)
COPIED: Final = ("tenant_id", "environment", *_OF_A_RUN)
"""Core fields that an event about a run has from the run's own start."""

_NOBODY: Final[dict[str, Any]] = {
    "principal_id": "langtrail",
    "principal_type": "service",
    "identity_assurance": "unknown",
    "roles": [],
    "trigger": "unknown",
    "session_id": "",
    "component": "langtrail",
}
_WHERE: Final[dict[str, Any]] = {
    "app": APP,
    "app_version": "",
    "host": "",
    "pid": 0,
    "python_version": "",
    "langchain_version": "",
    "langtrail_version": "",
}
_KEY_BYTES: Final = 0xFFFF
_CONTENT: Final[dict[str, Any]] = {"content_bytes": 0, "truncated": False}


@dataclass(frozen=True)
class Derived:
    """One event to be written: what identifies it, and its record. `occurred_at` is in microseconds since 1970."""

    event_type: str
    event_id: UUID
    tenant_id: str
    occurred_at: int
    key: bytes
    value: bytes
    says: str
    """A sentence for the log, without anything that a person wrote."""


def abandoned(run: Mapping[str, Any], closed_by: str, at: int) -> Derived:
    """Return the end of a run whose process will not tell it. `closed_by`: stream_close, later_boot, silence or deadline.

    `run` has the fields COPIED of its start, with `started_at` and `stream_id`.
    """
    core = {
        **{name: run[name] for name in COPIED},
        "outcome": "abandoned",
        "started_at": run["started_at"],
        "occurred_at": max(at, run["started_at"] + 1),
    }
    ext = {"closed_by": closed_by, "kind": run["kind"], "stream_id": str(run["stream_id"])}
    says = f"run {run['run_id']} of stream {run['stream_id']} will not end ({closed_by})"
    return _derived("abandoned", (str(run["run_id"]), str(run["stream_id"])), core, ext, says)


def not_executed(call: Mapping[str, Any]) -> Derived:
    """Return that a tool call was never executed. `call` has the fields COPIED of the model's run, the call and `at`."""
    from langtrail.producer.labels import identifier, label  # noqa: PLC0415 - the producer's package loads LangChain

    core = {
        **{name: call[name] for name in COPIED},
        "tool_name": label(call["call_name"] or "unknown"),
        "tool_call_id": identifier(call["call_id"]),
        "tool_effect": None,
        "occurred_at": call["at"],
    }
    ext = {"reason": "root_abandoned", "stream_id": str(call["stream_id"])}
    what = str(call["root_run_id"]), str(call["run_id"]), call["call_id"]
    return _derived("tool_not_executed", what, core, ext, f"a tool call of run {call['run_id']} was never executed")


def gap(hole: Mapping[str, Any]) -> Derived:
    """Return that numbers of a stream are missing and nothing explains it, since the event after them, `at`."""
    first, last, stream = hole["first_seq"], hole["last_seq"], str(hole["stream_id"])
    core = {
        **_NOBODY,
        "tenant_id": hole["tenant_id"],
        "environment": hole["environment"],
        "first_seq": first,
        "last_seq": last,
        "count": last - first + 1,
        "occurred_at": hole["at"],
    }
    says = f"stream {stream} has no numbers {first} to {last}, and nothing explains it"
    return _derived("gap", (stream, str(first), str(last)), core, {"stream_id": stream}, says)


def burst(tenant_id: str, kind: str, window_at: int, window_us: int, limit: int) -> Derived:
    """Return that a tenant had a burst in the window that began at `window_at`: at least `limit` errors, denials or dollars.

    It says no more than that, however often it is looked at while the window goes on.
    """
    core = {**_NOBODY, "tenant_id": tenant_id, "environment": "", "component": kind, "count": limit}
    core |= {"started_at": window_at, "occurred_at": window_at}
    ext = {"unit": "usd" if kind == "spend" else kind, "window_seconds": str(window_us // 1_000_000)}
    says = f"a burst of {kind}: {limit} or more in {ext['window_seconds']} s"
    return _derived("burst", (tenant_id, kind, str(window_at), str(window_us)), core, ext, says)


def _derived(event_type: str, what: tuple[str, ...], core: dict[str, Any], ext: dict[str, str], says: str) -> Derived:
    record = {
        **_WHERE,
        **_CONTENT,
        **core,
        "event_type": event_type,
        "event_id": str(_NIL),
        "stream_id": str(_NIL),
        "seq": 0,
        "monotonic_ns": 0,
        "ext": [{"key": key, "value": value} for key, value in sorted(ext.items())],
    }
    # A length before each part: no two lists of parts make the same name.
    parts = (event_type, *what, event_hash(_encoded(record)).hex())
    name = "".join(f"{len(part)}:{part}" for part in parts)
    event_id, stream_id = uuid5(_NAMESPACE, name), uuid5(_NAMESPACE, f"stream {name}")
    encoded = _encoded(record | {"event_id": str(event_id), "stream_id": str(stream_id)})
    chain = chain_hash(stream_id.bytes, 0, bytes(32), event_hash(encoded))
    value = frame(registry().latest(RAW_EVENT).id, join_raw(chain, b"", encoded))
    key = (record["session_id"] or str(stream_id)).encode()[:_KEY_BYTES]
    return Derived(event_type, event_id, record["tenant_id"], record["occurred_at"], key, value, says)


def _encoded(record: dict[str, Any]) -> bytes:
    plain = _plain(record)
    return b"".join(encode_group(group, plain) for group in CORE_GROUPS)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with UUIDs as text, as Avro has them, and what no event is without."""
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in record.items()}
    return {"flags": [], "roles": [], **values}
