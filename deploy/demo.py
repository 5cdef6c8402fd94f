"""The demo: `langtrail demo` starts a local stack of its own, runs sample applications, and shows the trail they left."""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from .demo_display import Display, Step
    from .demo_facts import Evidence, Fact

_QUERYABLE_SECONDS: Final = 60
_WATCH_SECONDS: Final = 0.3
_IMPATIENT: Final = {"LANGTRAIL_WATCH_SECONDS": "1", "LANGTRAIL_WATCH_SILENT_SECONDS": "3"}
"""A process is given up after three of its heartbeats, and that of the story beats every second."""
_GIVEN_UP_SECONDS: Final = 20


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack's files, and say where they are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a local stack, run sample applications, show the trail they left. Leaves nothing running."""
    import langgraph  # noqa: F401, PLC0415 - the sample applications need it: better said now than after the stack has started

    from .demo_display import Display  # noqa: PLC0415 - other commands do without it
    from .demo_facts import facts  # noqa: PLC0415 - as above

    began = time.monotonic()
    display = Display(to_stderr=as_json)
    with _interruptible(), _directory(keep=keep) as directory:
        with _stack(directory / "stack", display) as variables:
            evidence = _run(directory, variables, display)
            judged = facts(evidence)
            if not as_json:
                display.answers(evidence)
                display.facts(judged)
        seconds = time.monotonic() - began
        kept = directory / "stack" if keep else None
        if as_json:
            _print_json(evidence, judged, seconds, kept)
        else:
            display.end(judged, seconds, kept)
    raise typer.Exit(0 if all(fact.holds for fact in judged) else 1)


def _run(directory: Path, variables: dict[str, str], display: "Display") -> "Evidence":
    """Run the story, wait until all of it can be asked for, and ask."""
    from .ask import connect  # noqa: PLC0415 - as above
    from .demo_facts import counted, gather, given_up, queryable  # noqa: PLC0415 - as above
    from .demo_models import uses_real_model  # noqa: PLC0415 - as above
    from .demo_story import run_story  # noqa: PLC0415 - as above
    from .process import StackError, wait_for  # noqa: PLC0415 - as above
    from .tenant_file import apply_tenants  # noqa: PLC0415 - as above

    with display.step("the tenants", "what is known of the tenants acme and globex is published"):
        apply_tenants(Path(__file__).with_name("demo_tenants.toml"), variables["LANGTRAIL_BOOTSTRAP_SERVERS"])
    done = "five applications ran; one was cancelled half way, one was killed in the middle of a tool"
    if uses_real_model():
        done = "five applications ran (the chat with your OPENAI_API_KEY); one was cancelled, one killed"
    with display.step("the sample applications", done) as step:
        run_story(directory, variables, step.tell)
    trail = connect(variables)
    with display.step("from Kafka to ClickHouse", "") as step:

        def arrived() -> bool:
            there, expected = queryable(trail, directory)
            step.tell(f"{there} of {expected} events can be asked for")
            step.done = f"all {expected} events can be asked for"
            return there == expected and counted(trail, directory)

        if not wait_for(arrived, _QUERYABLE_SECONDS):
            there, expected = queryable(trail, directory)
            raise StackError(
                f"only {there} of {expected} events arrived in ClickHouse within {_QUERYABLE_SECONDS} s; "
                "run `langtrail demo --keep` and look into stack/logs of its directory"
            )
    with display.step("what nobody sent", "langtrail found the runs of the killed process, and ended them"):
        wait_for(lambda: given_up(trail), _GIVEN_UP_SECONDS)  # the facts say whether it did
    return gather(trail, directory, directory / "stack")


@contextmanager
def _stack(directory: Path, display: "Display") -> Iterator[dict[str, str]]:
    """Run a local stack until the block is left; yields its variables."""
    from . import stack  # noqa: PLC0415 - the local stack is an extra

    try:
        os.environ.update(_IMPATIENT)
        done = "Apache Kafka, ClickHouse, a worker, a sink and a watch run on this machine"
        with display.step("the local stack", done) as step, _watched(directory, step):
            stack.up(directory, detach=True, echo=step.tell)
        yield stack.environment(directory)
    finally:
        with _uninterrupted(), display.step("stopping all of it", "all of it is stopped"):
            stack.down(directory)


@contextmanager
def _watched(directory: Path, step: "Step") -> Iterator[None]:
    """Tell how far each service is while the block runs."""
    from . import stack  # noqa: PLC0415 - as above

    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            step.tell(", ".join(f"{service.name} {service.state}" for service in stack.status(directory).services))

    thread = threading.Thread(target=watch, name="demo-watch", daemon=True)
    if step.is_shown:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if step.is_shown:
            thread.join()


@contextmanager
def _directory(*, keep: bool) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="langtrail-demo-"))
    try:
        yield directory
    finally:
        if keep:
            typer.echo(f"kept: {directory}", err=True)
        else:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make the end of the terminal, and a polite kill, what Ctrl-C is: everything is stopped on the way out."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not keep the first one from stopping everything."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_json(evidence: "Evidence", judged: "list[Fact]", seconds: float, kept: Path | None) -> None:
    from .output import print_json  # noqa: PLC0415 - as above

    print_json(
        {
            "facts": [asdict(fact) for fact in judged],
            "answers": {heading: answer.objects() for heading, answer in evidence.answers.items()},
            "seconds": round(seconds, 1),
            "directory": str(kept) if kept else None,
        }
    )
