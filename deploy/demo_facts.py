"""What has to be true of the story that the demo tells, and what it is judged by."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .ask import Answer, Trail
from .demo_questions import COST, DATA, FAILED, MISSING, OPEN, QUESTIONS, SESSION, WHO
from .demo_story import APPLICATIONS, KILLED, Callback, callbacks
from .output import tally
from .watch_events import APP as WATCH

PRINCIPALS: Final = ["contractor-7", "maria", "ops-bot", "hank", "archiver"]

_KILLED_RUNS: Final = ("archive-agent", "tools", "archive_invoices")
_READ_BYTES: Final = 1 << 20
_TRIES: Final = 20


@dataclass(frozen=True)
class Fact:
    """Something that has to be true, whether it is, and what was found."""

    claim: str
    holds: bool
    found: str


@dataclass(frozen=True)
class Evidence:
    """All that the facts are judged by: the answers, the session, every row of the demo, and what the recorders saw."""

    answers: Mapping[str, Answer]
    session: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    seen: Mapping[str, list[Callback]]
    personal: tuple[str, ...]
    stack_directory: Path


def queryable(trail: Trail, directory: Path) -> tuple[int, int]:
    """Return how many of the events that the applications must have produced can be asked for, and how many these are."""
    expected = Counter(seen for name in APPLICATIONS for seen in callbacks(directory, name))
    of_streams = 2 * len(APPLICATIONS) - 1  # each stream has its open and its close, the killed process's only its open
    answer = trail.sql(
        "SELECT toString(run_id) AS run, event_type FROM trail WHERE environment = 'demo' AND event_type != 'heartbeat'"
    )
    stored = Counter(Callback(*row) for row in answer.rows)
    own = sum(count for callback, count in stored.items() if callback.event_type.startswith("stream_"))
    return (expected & stored).total() + min(own, of_streams), expected.total() + of_streams


def counted(trail: Trail, directory: Path) -> bool:
    """Say whether the tables made from the events, which follow a moment later, know of the last ones too."""
    seen = {name: callbacks(directory, name) for name in APPLICATIONS}
    calls = sum(callback.event_type in ("llm_end", "llm_error") for own in seen.values() for callback in own)
    answer = trail.sql(
        "SELECT sum(requests) AS calls FROM usage_by_principal WHERE principal_id IN {who:Array(String)}", {"who": PRINCIPALS}
    )
    sessions = {session["session_id"]: session["events"] for session in trail.sessions().objects()}
    return answer.rows == [[calls]] and sessions.get(SESSION) == len(seen["crm-sync"])


def given_up(trail: Trail) -> bool:
    """Say whether all runs of the killed process were found to be abandoned."""
    asked = "SELECT count() FROM trail WHERE app = {app:String} AND event_type = 'abandoned' AND environment = 'demo'"
    answer = trail.sql(asked, {"app": WATCH})
    return answer.rows == [[len(_KILLED_RUNS)]]


def gather(trail: Trail, directory: Path, stack_directory: Path) -> Evidence:
    """Ask all questions, and read all that the demo left in the store besides."""
    from .demo_app import PERSONAL  # noqa: PLC0415 - it brings LangChain with it

    return Evidence(
        answers={heading: trail.sql(statement) for heading, statement in QUESTIONS.items()},
        session=trail.replay(SESSION),
        rows=trail.sql("SELECT * FROM trail WHERE environment = 'demo'").objects(),
        seen={name: callbacks(directory, name) for name in APPLICATIONS},
        personal=PERSONAL,
        stack_directory=stack_directory,
    )


def facts(evidence: Evidence) -> list[Fact]:
    """Return everything that has to be true, judged."""
    return [Fact(claim, *judge(evidence)) for claim, judge in _FACTS.items()]


def _triggered(evidence: Evidence) -> tuple[bool, str]:
    found = [row for row in evidence.answers[WHO].objects() if row["trigger_id"] == "crm-sync"]
    who = [(row["tenant"], row["principal_id"], row["trigger"], row["ended"]) for row in found]
    return who == [("Acme Corp", "contractor-7", "schedule", "success")], ", ".join(map(str, who[0][1:3])) if who else "nobody"


def _returned(evidence: Evidence) -> tuple[bool, str]:
    (row,) = evidence.answers[DATA].objects() or [{"redacted": [], "times": [], "returned": ""}]
    found = dict(zip(row["redacted"], row["times"], strict=True))
    text = tally(row["redacted"], row["times"])
    return found == {"EMAIL": 3, "IBAN": 3, "PHONE": 3} and row["returned"].count("company") == 3, text or "no answer"


def _chat(evidence: Evidence) -> tuple[bool, str]:
    chat = [row for row in evidence.rows if row["session_id"] == "support-42"]
    documents = [row for row in chat if row["event_type"] == "retriever_end"]
    streamed = [row for row in chat if row["event_type"] == "llm_end" and row["ttft_us"] is not None]
    prompts = {(row["prompt_name"], row["prompt_version"]) for row in chat}
    holds = len(documents) == len(streamed) == 2 and prompts == {("support", "v3")}
    return holds, f"{len(documents)} retrievals, {len(streamed)} streams"


def _failed(evidence: Evidence) -> tuple[bool, str]:
    errors = [row for row in evidence.answers[FAILED].objects() if row["session_id"] == "refund-A-1009"]
    known = [(row["tenant_id"], row["tool_name"], row["error_type"]) for row in errors]
    holds = known == [("globex", "refund_card", "ConnectionError")] and "[CREDIT_CARD]" in errors[0]["error_message"]
    return holds, ", ".join(str(row["error_type"]) for row in errors) or "no error"


def _cancelled(evidence: Evidence) -> tuple[bool, str]:
    ended = {row["session_id"]: row["ended"] for row in evidence.answers[WHO].objects()}
    ends = [row for row in evidence.rows if (row["session_id"], row["event_type"]) == ("report-Q3", "llm_error")]
    streamed = "".join(row["output"] or "" for row in ends)
    return ended.get("report-Q3") == "cancelled" and "Revenue" in streamed, str(ended.get("report-Q3"))


def _never_ended(evidence: Evidence) -> tuple[bool, str]:
    runs = [row["run"] for row in evidence.answers[OPEN].objects() if row["session_id"] == "archive-2019"]
    return runs == list(_KILLED_RUNS), f"{len(runs)} runs never ended"


def _given_up(evidence: Evidence) -> tuple[bool, str]:
    rows = [row for row in evidence.answers[OPEN].objects() if row["session_id"] == "archive-2019"]
    found = [row["run"] for row in rows if (row["state"], row["said_by"]) == ("abandoned", WATCH)]
    return found == list(_KILLED_RUNS), f"{len(found)} runs are abandoned"


def _priced(evidence: Evidence) -> tuple[bool, str]:
    paying = {row["tenant"] for row in evidence.answers[COST].objects() if row["cost_usd"]}
    answers = [row for row in evidence.rows if row["event_type"] == "llm_end"]
    unpriced = sum(1 for row in answers if not row["cost_nanousd"])
    return paying >= {"acme", "globex"} and not unpriced, f"{len(answers) - unpriced} of {len(answers)}"


def _not_stored(evidence: Evidence) -> tuple[bool, str]:
    stored = json.dumps(evidence.rows, ensure_ascii=False)
    return _none_of(evidence.personal, [value for value in evidence.personal if value in stored])


def _not_in_files(evidence: Evidence) -> tuple[bool, str]:
    for _ in range(_TRIES):
        try:
            found, files = _values_in_files(evidence)
        except FileNotFoundError:  # the engine merged parts meanwhile: what was in this file is in one that was not listed
            continue
        holds, text = _none_of(evidence.personal, found)
        return holds, f"{text}, {files} files"
    return False, "the files change too fast to be read"


def _values_in_files(evidence: Evidence) -> tuple[list[str], int]:
    files = [path for path in evidence.stack_directory.rglob("*") if path.is_file()]
    wanted = [value.encode() for value in evidence.personal]
    return list({value.decode() for path in files for value in _found_in(path, wanted)}), len(files)


def _none_of(values: tuple[str, ...], found: list[str]) -> tuple[bool, str]:
    return not found, f"{len(found)} of {len(values)} values found"


def _found_in(path: Path, wanted: list[bytes]) -> Iterator[bytes]:
    """Yield what of `wanted` is in a file, which may be large: parts overlap by more than the longest value."""
    overlap = max(map(len, wanted))
    with path.open("rb") as file:
        part = file.read(_READ_BYTES)
        while part:
            yield from (value for value in wanted if value in part)
            more = file.read(_READ_BYTES)
            part = part[-overlap:] + more if more else b""


def _all_recorded(evidence: Evidence) -> tuple[bool, str]:
    seen = Counter(callback for own in evidence.seen.values() for callback in own)
    stored = Counter(
        Callback(row["run_id"], row["event_type"]) for row in evidence.rows if row["run_id"] and row["app"] != WATCH
    )
    return seen == stored, f"{seen.total()} seen, {(seen & stored).total()} of them stored"


def _no_gap(evidence: Evidence) -> tuple[bool, str]:
    answer = evidence.answers[MISSING].objects()
    per_app = {row["app"]: (row["streams"], row["numbered"], row["stored"]) for row in answer if row["app"] in APPLICATIONS}
    heartbeats = Counter(row["app"] for row in evidence.rows if row["event_type"] == "heartbeat")
    expected = {
        name: (1, count := len(evidence.seen[name]) + heartbeats[name] + (1 if name == KILLED else 2), count)
        for name in APPLICATIONS
    }
    numbered, stored = (sum(row[index] for row in per_app.values()) for index in (1, 2))
    return per_app == expected, f"{numbered} numbered, {stored} stored"


_FACTS: Final[dict[str, Callable[[Evidence], tuple[bool, str]]]] = {
    "contractor-7 triggered crm-sync, on a schedule": _triggered,
    "its tool returned 3 customers, their personal data replaced": _returned,
    "the chat's retrievals, streamed answers and prompt are known": _chat,
    "the failed tool's error is there, without the card number": _failed,
    "the cancelled report says so, and has what was streamed": _cancelled,
    "the killed process left the runs that never ended": _never_ended,
    "nobody said so, and langtrail found it out": _given_up,
    "every answer of a model has its price": _priced,
    "the store has none of the personal data": _not_stored,
    "nor has any file of the stack, Kafka's included": _not_in_files,
    "every callback an independent recorder saw is stored, once": _all_recorded,
    "no stream has a gap in its numbers": _no_gap,
}
"""What has to be true, and who judges it."""
