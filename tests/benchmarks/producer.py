"""What recording costs an application, and where it goes: `python tests/benchmarks/producer.py [RUNS]`.

A chain of four steps (ten events) runs without callbacks, with a handler that does nothing and with ours, in turn, in one
process; content is sealed and spooled. The figures are medians, over several rounds, of the time that a handler adds to a
chain. No broker is set, but for one part with a broker that does not answer, and the last, in which Kafka takes the events
meanwhile; the sender's work is timed by itself, too.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from langtrail.deploy.kafka import kafka_service
from langtrail.deploy.process import LOOPBACK, free_port
from langtrail.deploy.service import running
from langtrail.deploy.topics import create_topics
from langtrail.schemas import generate_private_key, public_key_of
from tests.benchmarks.producer_stages import hook_times, sender_costs, stage_costs

ROUNDS = 5
TEXT = "audit trail policy customer transfer invoice " * 20
SIZES = {"0.9 kB": TEXT, "100 kB": TEXT * 110, "1 MB": TEXT * 1100}
KB_64 = TEXT * 72
NOBODY_ANSWERS = "127.0.0.1:9"
PARTS: dict[str, dict[str, str]] = {
    "sizes": {},
    "stages": {},
    "hooks": {},
    "hooks-no-broker": {"LANGTRAIL_BOOTSTRAP_SERVERS": NOBODY_ANSWERS},
    "effects": {"LANGTRAIL_SIDE_EFFECTS": "1"},
}
"""Each part runs in a process of its own: a process has one pipeline, and its settings."""

Run = Callable[[str, object], object]


def main(runs: int) -> int:
    """Run all parts; return 1 when one failed."""
    os.environ["LANGTRAIL_PUBLIC_KEY"] = public_key_of(generate_private_key())
    failed = sum(run_part(part, settings, runs) for part, settings in PARTS.items())
    with kafka() as servers:
        failed += run_part("kafka", {"LANGTRAIL_BOOTSTRAP_SERVERS": servers}, runs)
    return 1 if failed else 0


def run_part(part: str, settings: dict[str, str], runs: int) -> bool:
    """Run one part in its own process; tell whether it failed."""
    command = [sys.executable, __file__, str(runs), part]
    return subprocess.run(command, env={**os.environ, **settings}, check=False).returncode != 0


@contextmanager
def kafka() -> Iterator[str]:
    """Run Kafka on this machine, and say where."""
    with tempfile.TemporaryDirectory() as directory:
        service = kafka_service(Path(directory, "kafka"), free_port(), free_port())
        with running(service, Path(directory)):
            servers = f"{LOOPBACK}:{service.port}"
            create_topics(servers)
            yield servers


def measured(part: str, runs: int) -> None:
    """Run one part."""
    with spool():
        if part == "sizes":
            for size, text in SIZES.items():
                show_added(f"{size} of text", text, chain(), runs if len(text) < 10_000 else max(runs // 50, 4))
        elif part == "stages":
            show_stages(runs)
        elif part == "effects":
            show_added("0.9 kB of text, side effects watched", TEXT, chain(), runs)
            show_added("the same, and a query in its tool", TEXT, chain(query=True), runs)
        elif part == "kafka":
            show_added("0.9 kB of text, and Kafka takes it meanwhile", TEXT, chain(), runs, flush)
            show_hooks("0.9 kB, Kafka takes it meanwhile", TEXT, runs)
            flush()
            show_hooks("64 kB, Kafka takes it meanwhile", KB_64, runs)
        else:
            broker = "no broker set" if part == "hooks" else "a broker that nobody reaches"
            show_hooks(f"0.9 kB, {broker}", TEXT, runs)
            show_hooks(f"64 kB, {broker}", KB_64, runs)


@contextmanager
def spool() -> Iterator[None]:
    """Spool into a directory that is gone afterwards: once nothing writes into it any more."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["LANGTRAIL_SPOOL_DIR"] = directory
        try:
            yield
        finally:
            from langtrail.producer.pipeline import pipeline  # noqa: PLC0415 - the settings are in the environment by now

            pipeline().close(0)


def show_added(what: str, text: str, run: Run, runs: int, settle: Callable[[], object] = lambda: None) -> None:
    """Print what recording adds to a chain that carries this text from step to step. `settle`: before each round, untimed."""
    wall, cpu = added(run, text, recorded(), runs, settle)
    print(f"producer: {what}: {wall:,.0f} µs a chain of ten events, {wall / 10:,.0f} µs an event, CPU {cpu / 10:,.0f}")


def show_stages(runs: int) -> None:
    """Print where the time of an event goes."""
    run, ours = chain(), recorded()
    _, nothing = added(run, TEXT, does_nothing(), runs)
    within, beside = within_hooks_and_beside(run, ours, runs)
    stages = stage_costs(TEXT)
    rest = within - sum(microseconds for _, microseconds in stages)
    print("producer: µs an event; each stage in a loop of its own, the rest is what they cost beside that in a chain")
    print(f"producer:   {nothing / 10:6.1f}  LangChain's dispatch, with a handler that does nothing")
    for stage, microseconds in stages:
        print(f"producer:   {microseconds:6.1f}  {stage}")
    print(f"producer:   {rest:6.1f}  capture: the run, who is behind it, where it is; and caches full of LangChain's own code")
    print(f"producer:   {beside - nothing / 10:6.1f}  LangChain's own code, slower for all that ran in between")
    print(f"producer:   {within + beside:6.1f}  all of it")
    for stage, microseconds in sender_costs(TEXT):
        print(f"producer:   {microseconds:6.1f}  {stage}")


def within_hooks_and_beside(run: Run, ours: object, runs: int) -> tuple[float, float]:
    """Return the microseconds that an event adds to a chain, in our hooks and outside of them: medians of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        plain, _ = timed(lambda: run(TEXT, None), runs)
        with hook_times() as times:
            total, _ = timed(lambda: run(TEXT, ours), runs)
        within = sum(map(sum, times.values())) / runs
        rounds.append((within / 10, (total - plain - within) / 10))
    within, beside = (statistics.median(column) for column in zip(*rounds, strict=True))
    return within, beside


def show_hooks(what: str, text: str, runs: int) -> None:
    """Print the median, the 99th percentile and the longest time of each hook."""
    run, ours = chain(), recorded()
    timed(lambda: run(text, ours), min(runs, 50))
    with hook_times() as times:
        timed(lambda: run(text, ours), runs)
    for hook, seen in sorted(times.items()):
        p50, p99 = statistics.median(seen), statistics.quantiles(seen, n=100)[98]
        print(f"producer: {what}: {hook}: p50 {p50:,.0f} µs, p99 {p99:,.0f} µs, longest {max(seen):,.0f} µs")


def recorded() -> object:
    """Return a config with our handler."""
    from langtrail.producer import AuditCallbackHandler  # noqa: PLC0415 - the settings are in the environment by now

    return {"callbacks": [AuditCallbackHandler()]}


def does_nothing() -> object:
    """Return a config with a handler that does nothing."""
    from langchain_core.callbacks import BaseCallbackHandler  # noqa: PLC0415 - LangChain after the settings, as above

    return {"callbacks": [BaseCallbackHandler()]}


def chain(*, query: bool = False) -> Run:
    """Return a prompt, a model, a parser and a tool in a row. `query`: the tool asks a database."""
    import sqlite3  # noqa: PLC0415 - after the settings: its connections are watched

    from langchain_core.language_models import FakeListChatModel  # noqa: PLC0415 - as above
    from langchain_core.output_parsers import StrOutputParser  # noqa: PLC0415
    from langchain_core.prompts import ChatPromptTemplate  # noqa: PLC0415
    from langchain_core.tools import tool  # noqa: PLC0415

    if query:
        recorded()
    database = sqlite3.connect(":memory:", check_same_thread=False)

    @tool
    def lookup(question: str) -> str:
        """Look a policy up."""
        if query:
            database.execute("SELECT 1").fetchone()
        return f"Policy {question}: active"

    prompt = ChatPromptTemplate.from_messages([("system", "You are concise."), ("user", "{question}")])
    steps = prompt | FakeListChatModel(responses=[TEXT]) | StrOutputParser() | lookup
    return lambda text, config: steps.invoke({"question": text}, config=config)  # type: ignore[arg-type]  # made above


def flush() -> None:
    """Wait until Kafka has everything: what is measured next is to run alone."""
    from langtrail.producer.pipeline import pipeline  # noqa: PLC0415 - the settings are in the environment by now

    if pipeline().flush(30):
        raise TimeoutError("Kafka did not take the events")


def added(run: Run, text: str, config: object, runs: int, settle: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """Return the wall and CPU microseconds that a config adds to a chain: the median of several rounds."""
    timed(lambda: run(text, config), min(runs, 50))
    timed(lambda: run(text, None), min(runs, 50))
    rounds = []
    for _ in range(ROUNDS):
        settle()
        rounds.append((timed(lambda: run(text, None), runs), timed(lambda: run(text, config), runs)))
    wall, cpu = ([with_it[clock] - plain[clock] for plain, with_it in rounds] for clock in (0, 1))
    return statistics.median(wall), statistics.median(cpu)


def timed(call: Callable[[], Any], runs: int) -> tuple[float, float]:
    """Return wall and CPU microseconds of one call, on average."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(runs):
        call()
    return (time.perf_counter() - wall) / runs * 1e6, (time.process_time() - cpu) / runs * 1e6


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    if len(sys.argv) > 2:
        measured(sys.argv[2], given)
    else:
        sys.exit(main(given))
