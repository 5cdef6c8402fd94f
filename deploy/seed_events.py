"""Made-up sessions for large stores: tenants, people, models, prompts and tools as a year of use would leave them.

Session number i of a seed is always the same, whoever makes it, so parts of a store can be made side by side.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, islice
from random import Random
from typing import Any, Final
from uuid import UUID

from .seed_values import CORE, HEAD, MODELS, TOOLS, words

_DAY_US: Final = 86_400_000_000
_TENANTS: Final = 20
_PEOPLE_OF_A_TENANT: Final = 200
_TURNS: Final = (1, 1, 1, 2, 2, 3, 3, 4, 6, 9)
_LATEST_HOUR: Final = 22
"""No session goes on past midnight, so that a copy of it can be moved to any other day as a whole."""
_RARE_EVERY: Final = 4
"""So many prompts have one with a number that hardly any other has."""


@dataclass(frozen=True)
class Period:
    """Where the sessions lie in time: microseconds since 1970, the end not included."""

    begin_us: int
    days: int


def stream_events(seed: int, number: int, period: Period, events: int, sessions: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield the AuditEvents of one process, without their hashes: its opening, these sessions' events, and its end.

    They are `events` altogether; the last session is cut, and the end left out of a stream of one event.
    """
    random = Random(f"{seed}:stream:{number}")  # noqa: S311 - made-up data, not secrets
    stream = {
        "stream_id": _uuid(random),
        "tenant_id": "",
        "session_id": "",
        "principal_id": "",
        "app": "app-0",
        "host": "host-0",
    }
    own = {**HEAD, **CORE, **stream, "content_bytes": 0, "trigger": "unknown"}

    def said(event_type: str) -> dict[str, Any]:
        ids = {"event_type": event_type, "event_id": _uuid(random), "chain_hash": random.randbytes(32), "monotonic_ns": 0}
        return {**own, **ids, "occurred_at": period.begin_us, "processed_at": period.begin_us}

    of_sessions = (event for session in sessions for event in session_events(seed, session, period))
    opened, closed = [said("stream_open")], [said("stream_close")][: events - 1]
    for seq, event in enumerate(chain(opened, islice(of_sessions, max(0, events - 2)), closed)):
        yield {**event, "stream_id": stream["stream_id"], "seq": seq}


def session_events(seed: int, number: int, period: Period) -> Iterator[dict[str, Any]]:
    """Yield the AuditEvents of one session in their order, without their hashes, stream and number."""
    session = _Session(Random(f"{seed}:{number}"), number, period)  # noqa: S311 - made-up data, not secrets
    for _ in range(session.random.choice(_TURNS)):
        yield from session.turn()


class _Session:
    """A conversation of one person with one application."""

    def __init__(self, random: Random, number: int, period: Period) -> None:
        self.random = random
        tenant = _skewed(random, _TENANTS)
        self._who = {
            "tenant_id": f"tenant-{tenant:02}",
            "tenant_name": f"Tenant {tenant:02}",
            "principal_id": f"user-{tenant:02}-{random.choices(range(_PEOPLE_OF_A_TENANT), cum_weights=_people())[0]:03}",
            "session_id": f"session-{number:08}",
            "thread_id": f"session-{number:08}",
            "app": f"app-{tenant % 6}",
            "host": f"host-{number % 8}",
        }
        self._provider, self._model, self._nanousd = random.choices(MODELS, (5, 3, 2, 1))[0]
        day = random.randrange(period.days)
        self._now = period.begin_us + day * _DAY_US + int(min(max(random.gauss(13, 3), 0), _LATEST_HOUR) * 3_600_000_000)
        self._history = "You are a careful assistant. Answer in two sentences and quote the source."

    def turn(self) -> Iterator[dict[str, Any]]:
        """Yield a question, its model calls, sometimes a tool, and the answer."""
        random, root = self.random, _uuid(self.random)
        question = self._text(10, 60)
        self._history = f"{self._history[-6000:]} Human: {question}"
        yield self._event("chain_start", root, None, root, input=question)
        for _ in range(random.choice((0, 0, 1, 2))):
            yield from self._model_call(root, '{"tool_calls": 1}')
            yield from self._tool_call(root)
        answer = self._text(20, 120)
        yield from self._model_call(root, answer)
        self._history = f"{self._history} AI: {answer}"
        yield self._event(
            "chain_end", root, None, root, output=answer, outcome="success", latency_us=random.randrange(9_000_000)
        )
        self._now += random.randrange(1_000_000, 180_000_000)

    def _model_call(self, root: str, answer: str) -> Iterator[dict[str, Any]]:
        random, run = self.random, _uuid(self.random)
        tokens, latency = len(self._history) // 4, random.randrange(300_000, 6_000_000)
        model = {"component": "ChatModel", "provider": self._provider, "request_model": self._model}
        yield self._event("llm_start", run, root, root, input=self._history, **model)
        self._now += latency
        if random.random() < 0.02:
            failed = {"error_message": "the provider did not answer in time", "error_type": "APITimeoutError"}
            yield self._event("llm_error", run, root, root, outcome="failure", latency_us=latency, **failed, **model)
            return
        output = len(answer) // 4
        counts = {"input_tokens": tokens, "output_tokens": output, "total_tokens": tokens + output}
        cost = {"cost_nanousd": (tokens + 4 * output) * self._nanousd, "price_version": "2026-01", "model_family": self._model}
        done = {"response_model": self._model, "finish_reason": "stop", "outcome": "success", "latency_us": latency}
        yield self._event("llm_end", run, root, root, output=answer, **counts, **cost, **done, **model)

    def _tool_call(self, root: str) -> Iterator[dict[str, Any]]:
        random, run = self.random, _uuid(self.random)
        name = random.choice(TOOLS)
        tool = {"component": "Tool", "tool_name": name, "tool_call_id": f"call_{run[:8]}", "tool_effect": "read"}
        found = self._text(15, 90)
        yield self._event("tool_start", run, root, root, input=f'{{"query": "{self._text(3, 8)}"}}', **tool)
        self._now += random.randrange(20_000, 900_000)
        self._history = f"{self._history} Tool: {found}"
        yield self._event(
            "tool_end", run, root, root, output=found, outcome="success", latency_us=random.randrange(900_000), **tool
        )

    def _event(self, event_type: str, run: str, parent: str | None, root: str, **fields: Any) -> dict[str, Any]:
        random = self.random
        self._now += random.randrange(500, 20_000)
        content = fields.get("input") or fields.get("output")
        return {
            **HEAD,
            **CORE,
            **self._who,
            "event_type": event_type,
            "event_id": _uuid(random),
            "occurred_at": self._now,
            "processed_at": self._now + 150_000,
            "monotonic_ns": self._now % _DAY_US * 1000,
            "run_id": run,
            "parent_run_id": parent,
            "root_run_id": root,
            "chain_hash": random.randbytes(32),
            "input_commit": random.randbytes(32) if "input" in fields else None,
            "output_commit": random.randbytes(32) if "output" in fields else None,
            "content_bytes": len(content or ""),
            **fields,
        }

    def _text(self, fewest: int, most: int) -> str:
        """Return words as often as language has them, some of them masked, and now and then a number of its own."""
        random = self.random
        vocabulary, weights = _vocabulary()
        text = " ".join(random.choices(vocabulary, cum_weights=weights, k=random.randrange(fewest, most)))
        return f"{text} ORD{random.randrange(10**8):08}" if random.randrange(_RARE_EVERY) == 0 else text


@cache
def _vocabulary() -> tuple[tuple[str, ...], tuple[float, ...]]:
    vocabulary = words()
    return vocabulary, tuple(accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))


@cache
def _people() -> tuple[float, ...]:
    """Return how much each person of a tenant does, added up: the first ten times as much as the last."""
    return tuple(accumulate(1 / (rank + 20) for rank in range(_PEOPLE_OF_A_TENANT)))


def _skewed(random: Random, count: int) -> int:
    """Return a number below `count`, small ones much more often."""
    return min(int(random.paretovariate(0.6)) - 1, count * 50) % count


def _uuid(random: Random) -> str:
    return str(UUID(bytes=random.randbytes(16), version=4))
