"""What recording costs an application: `python tests/benchmarks/producer.py [RUNS]`.

A chain of four steps (ten events) runs with and without the handler, in turn, in one process; content is sealed and spooled, no
broker is set. The figures are the medians, over several rounds, of the time that recording adds.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from langtrail.schemas import generate_private_key, public_key_of

ROUNDS = 5
TEXT = "audit trail policy customer transfer invoice " * 20
SIZES = {"0.9 kB": TEXT, "100 kB": TEXT * 110, "1 MB": TEXT * 1100}


def main(runs: int) -> None:
    """Print the added time of a chain and of an event, for small and large texts."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["LANGTRAIL_SPOOL_DIR"] = directory
        os.environ["LANGTRAIL_PUBLIC_KEY"] = public_key_of(generate_private_key())
        for size, text in SIZES.items():
            measure(size, text, runs if len(text) < 10_000 else max(runs // 50, 4))


def measure(size: str, text: str, runs: int) -> None:
    """Print what recording adds to a chain that carries this text from step to step."""
    from langtrail.producer import AuditCallbackHandler  # noqa: PLC0415 - the settings are in the environment by now

    run = chain()
    recorded = {"callbacks": [AuditCallbackHandler()]}
    timed(lambda: run(text, recorded), min(runs, 50))
    timed(lambda: run(text, None), min(runs, 50))
    wall, cpu = [], []
    for _ in range(ROUNDS):
        plain, with_it = timed(lambda: run(text, None), runs), timed(lambda: run(text, recorded), runs)
        wall.append(with_it[0] - plain[0])
        cpu.append(with_it[1] - plain[1])
    added, used = statistics.median(wall), statistics.median(cpu)
    print(
        f"producer: {size} of text: {added:,.0f} µs a chain of ten events, {added / 10:,.0f} µs an event, CPU {used / 10:,.0f}"
    )


def chain() -> Callable[[str, object], object]:
    """Return a prompt, a model, a parser and a tool in a row."""
    from langchain_core.language_models import FakeListChatModel  # noqa: PLC0415 - LangChain after the settings, as above
    from langchain_core.output_parsers import StrOutputParser  # noqa: PLC0415
    from langchain_core.prompts import ChatPromptTemplate  # noqa: PLC0415
    from langchain_core.tools import tool  # noqa: PLC0415

    @tool
    def lookup(question: str) -> str:
        """Look a policy up."""
        return f"Policy {question}: active"

    prompt = ChatPromptTemplate.from_messages([("system", "You are concise."), ("user", "{question}")])
    steps = prompt | FakeListChatModel(responses=[TEXT]) | StrOutputParser() | lookup
    return lambda text, config: steps.invoke({"question": text}, config=config)  # type: ignore[arg-type]  # made above


def timed(call: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return wall and CPU microseconds of one call, on average."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(runs):
        call()
    return (time.perf_counter() - wall) / runs * 1e6, (time.process_time() - cpu) / runs * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
