"""Which tool calls a model asked for, and which of them ran: what is left when a root run ends was never executed."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from .labels import mapping_of
from .serialise import snapshot

if TYPE_CHECKING:
    from .runs import Run

_MAX_CALLS = 1_000
_MAX_SESSIONS = 1_024
_MAX_EXECUTED = 8_192
_EARLIER = -1

Session = tuple[str, str]
"""A tenant and one of its sessions."""


class Call(NamedTuple):
    """One tool call that a model asked for, with its arguments as they were then. `answer` counts the answers of its root."""

    run: "Run"
    call_id: str
    name: str
    arguments: bytes
    answer: int
    valid: bool


@dataclass(slots=True)
class ToolCalls:
    """The tool calls of one root run that have not been executed yet."""

    pending: dict[str, Call] = field(default_factory=dict)
    answers: int = 0

    def ask(self, run: "Run", messages: list[Any]) -> None:
        """Take down what a model's answer asks for. Beyond 1,000 calls of one root nothing more is taken down."""
        self.answers += 1
        for message in messages:
            for kind in ("tool_calls", "invalid_tool_calls"):
                for call in getattr(message, kind, None) or ():
                    if call.get("id") and len(self.pending) < _MAX_CALLS:
                        call_id, name = str(call["id"]), str(call.get("name") or "unknown")
                        arguments = snapshot(call.get("args"))
                        self.pending[call_id] = Call(run, call_id, name, arguments, self.answers, kind == "tool_calls")

    def executed(self, call_id: str | None, name: str) -> None:
        """Strike a call off: by its id, or, where a tool was called without one, the first of its name."""
        if call_id is None:
            call_id = next((call.call_id for call in self.pending.values() if call.name == name), None)
        if call_id is not None:
            self.pending.pop(call_id, None)


class ToolCallLedger:
    """The tool calls of all runs of a process: those of open roots, and of graphs that wait for a human, by their session."""

    def __init__(self) -> None:
        self._lock = RLock()  # reentrant: a finaliser may call a hook while it is held
        self._executed: OrderedDict[tuple[Session, str], None] = OrderedDict()
        self._waiting: OrderedDict[Session, dict[str, Call]] = OrderedDict()

    def forget_threads(self) -> None:
        """In a forked child, and while the interpreter finalises: who may have held the lock never lets go of it here."""
        self._lock = RLock()

    def asked(self, run: "Run", messages: list[Any]) -> None:
        """Take down the tool calls in a model's answer. An answer that is the root itself is the application's to act on."""
        if run.top is None:
            return
        calls = run.top.calls
        if calls is None:
            if not any(getattr(each, "tool_calls", None) or getattr(each, "invalid_tool_calls", None) for each in messages):
                return
            calls = run.top.calls = ToolCalls()
        calls.ask(run, [] if run.structured else messages)
        if self._executed and (session := _session(run)):
            for call_id in calls.pending:
                self._executed.pop((session, call_id), None)

    def executed(self, run: "Run", call_id: str | None, name: str) -> None:
        """Note that a tool ran: also under another root of its session, as after a resume or in a thread of its own."""
        if run.top is not None and run.top.calls is not None:
            run.top.calls.executed(call_id, name)
        if call_id is not None and (session := _session(run)):
            with self._lock:
                self._executed[session, call_id] = None
                while len(self._executed) > _MAX_EXECUTED:
                    self._executed.popitem(last=False)

    def never_executed(self, root: "Run", outcome: str, output: Any) -> list[tuple[Call, str]]:
        """Return the calls that no tool ran for when a root ended, each with the reason; none while its graph waits.

        `left_to_application`: the last answer of a root that succeeded; the application has it and may still run the tool.
        """
        session = _session(root)
        with self._lock:
            waiting = self._waiting.pop(session, {}) if session and self._waiting else {}
        if root.calls is None and not waiting:
            return []
        own, root.calls = root.calls or ToolCalls(), None
        left = {key: call for key, call in {**waiting, **own.pending}.items() if (session, key) not in self._executed}
        if outcome == "interrupted":
            self._wait(session, left)
            return []
        answered = _answered(output)
        forms = _forms(left, own.answers, output)
        calls = [call for call in left.values() if call.name not in forms]
        return [(call, _reason(call, outcome, answered, own.answers)) for call in calls]

    def _wait(self, session: Session | None, calls: dict[str, Call]) -> None:
        if calls and session:
            with self._lock:
                self._waiting[session] = {key: call._replace(answer=_EARLIER) for key, call in calls.items()}
                while len(self._waiting) > _MAX_SESSIONS:
                    self._waiting.popitem(last=False)


def _session(run: "Run") -> Session | None:
    """Return what a run shares with those that go on where it paused; None where its session has no name."""
    return (run.identity.tenant_id, run.identity.session_id) if run.identity.session_id else None


def _reason(call: Call, outcome: str, answered: set[str], last: int) -> str:
    if not call.valid:
        return "invalid_arguments"
    if call.call_id in answered:
        return "answered_without_a_run"
    if outcome != "success":
        return f"root_{outcome}"
    return "left_to_application" if call.answer == last else "passed_over"


def _answered(output: Any) -> set[str]:
    """Return the ids of the calls that messages in a root's output answer."""
    messages = mapping_of(output).get("messages", output)
    if not isinstance(messages, (list, tuple)):
        return set()
    return {str(call_id) for message in messages if (call_id := getattr(message, "tool_call_id", None)) is not None}


def _forms(calls: dict[str, Call], last: int, output: Any) -> set[str]:
    """Return the names of the calls by which an agent gave its structured response: no tool is meant to run for them.

    The last answer has the one that was taken; one that did not fit was asked for again, by the same name.
    """
    response = mapping_of(output).get("structured_response")
    if response is None:
        return set()
    names = {call.name for call in calls.values() if call.answer == last}
    own = type(response).__name__
    return {own} if own in names else names
