"""Applications that are recorded, one for each way to live and to die: `python delivered.py NAME ARGUMENT…`.

They say on standard output what they did, a JSON object a line.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import Any
from uuid import uuid4

import psutil  # type: ignore[import-untyped]  # it has no type hints
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler


def say(**facts: Any) -> None:
    """Tell the test."""
    print(json.dumps(facts), flush=True)


def run(count: int, size: int = 100, name: str = "step") -> None:
    """Run a chain of one step `count` times: two events each."""
    step = RunnableLambda(lambda value: value).with_config(run_name=name)
    for number in range(count):
        step.invoke({"number": number, "text": "audit " * (size // 6)}, {"callbacks": [AuditCallbackHandler()]})


def steady(count: str, seconds: str = "20", size: str = "100") -> None:
    """Run, flush, and say what is left."""
    run(int(count), int(size))
    begun = time.monotonic()
    say(left=AuditCallbackHandler().flush(float(seconds)), seconds=time.monotonic() - begun)


def without_flush(count: str) -> None:
    """Run, and leave the rest to the interpreter's exit."""
    run(int(count))


def endless(size: str = "100", pause: str = "0") -> None:
    """Run until it is killed, saying how far it is."""
    number = 0
    while True:
        run(10, int(size))
        number += 10
        say(runs=number)
        time.sleep(float(pause))


def on_command() -> None:
    """Do what each line of standard input says: run COUNT, flush SECONDS."""
    for line in sys.stdin:
        verb, argument = line.split()
        if verb == "run":
            run(int(argument))
            say(done=int(argument), at=time.monotonic())
        else:
            begun = time.monotonic()
            left = AuditCallbackHandler().flush(float(argument))
            say(left=left, seconds=time.monotonic() - begun)


def timed(count: str, size: str) -> None:
    """Call a start and an end hook so often, and say how long each hook took: microseconds, in their order."""
    handler, text = AuditCallbackHandler(), "audit " * (int(size) // 6)
    took = []
    for _ in range(int(count)):
        run_id = uuid4()
        begun = time.perf_counter_ns()
        handler.on_chain_start(None, {"text": text}, run_id=run_id, name="step")
        middle = time.perf_counter_ns()
        handler.on_chain_end({"text": text}, run_id=run_id)
        took += [middle - begun, time.perf_counter_ns() - middle]
    say(took=[nanoseconds // 1000 for nanoseconds in took])


def looped(seconds: str) -> None:
    """Run chains on an event loop, and say how long the loop was ever held up: seconds."""
    step = RunnableLambda(lambda value: value)

    async def tick(ends: float) -> float:
        longest = 0.0
        while (now := time.monotonic()) < ends:
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - now)
        return longest

    async def main() -> float:
        ends = time.monotonic() + float(seconds)
        ticking = asyncio.create_task(tick(ends))
        while time.monotonic() < ends:
            await step.ainvoke({"number": 1}, {"callbacks": [AuditCallbackHandler()]})
        return await ticking

    say(longest=asyncio.run(main()))


def measured(events: str, steps: str) -> None:
    """Record so many events, and say after each of some equal parts how many bytes the process holds."""
    handler, part = AuditCallbackHandler(), int(events) // int(steps) // 2
    for _ in range(int(steps)):
        for _ in range(part):
            run_id = uuid4()
            handler.on_chain_start(None, {"text": "audit " * 16}, run_id=run_id, name="step")
            handler.on_chain_end({"text": "audit " * 16}, run_id=run_id)
        say(resident=psutil.Process().memory_info().rss)


def never_ending(runs: str) -> None:
    """Begin runs that never end, and say how many bytes the process holds."""
    handler = AuditCallbackHandler()
    for _ in range(int(runs)):
        handler.on_chain_start(None, {"text": "audit " * 16}, run_id=uuid4(), name="step")
    say(resident=psutil.Process().memory_info().rss)


def sized(*sizes: str) -> None:
    """Run once for each size, then flush."""
    for size in sizes:
        run(1, int(size), name=f"size {size}")
    say(left=AuditCallbackHandler().flush(20))


def exit_in_thread() -> None:
    """End a thread by sys.exit in the middle of a run, then the process the same way."""

    def leave(_: Any) -> None:
        sys.exit(3)

    def work() -> None:
        RunnableLambda(leave).invoke(1, {"callbacks": [AuditCallbackHandler()]})

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    run(1)
    sys.exit(4)


def hooks_at_exit() -> None:
    """Run once more after the pipeline was closed, as an atexit function of the application may."""
    import atexit  # noqa: PLC0415 - the order of registration is what is tried

    atexit.register(run, 1)
    run(1)


def terminated() -> None:
    """Wait for SIGTERM in the middle of a run."""

    def wait(_: Any) -> None:
        say(waiting=True)
        signal.pause()

    RunnableLambda(wait).invoke(1, {"callbacks": [AuditCallbackHandler()]})


def in_tool(end: str) -> None:
    """Flush in the middle of a tool, and never come back from it."""

    @tool
    def erase(name: str) -> str:
        """Erase a customer."""
        say(left=AuditCallbackHandler().flush(20))
        if end == "exit":
            os._exit(3)
        signal.pause()
        return name

    erase.invoke({"name": "bob"}, {"callbacks": [AuditCallbackHandler()]})


def exit_at_exit() -> None:
    """Leave by sys.exit within an atexit function, of which there are more."""
    import atexit  # noqa: PLC0415 - the order of registration is what is tried

    run(1)
    atexit.register(sys.exit, 5)
    run(1)


def forked(count: str) -> None:
    """Fork several times while the sender is at work; each child runs, and ends by os._exit, sys.exit or a full exit."""
    children = []
    for number in range(int(count)):
        run(5)
        child = os.fork()
        if child == 0:
            run(3, name=f"child {number}")
            if number % 3 == 0:
                os._exit(0)
            sys.exit(0)
        children.append(child)
    say(statuses=[os.waitpid(child, 0)[1] for child in children])
    run(5)
    say(left=AuditCallbackHandler().flush(20))


def forked_in_run() -> None:
    """Fork within a tool: the child goes on with a run of its own below it, and both end."""

    def work(value: Any) -> Any:
        child = os.fork()
        if child == 0:
            run(1, name="child")
            sys.exit(0)
        say(status=os.waitpid(child, 0)[1])
        return value

    RunnableLambda(work).invoke(1, {"callbacks": [AuditCallbackHandler()]})
    say(left=AuditCallbackHandler().flush(20))


def forked_from_threads() -> None:
    """Fork while other threads record without a pause."""
    run(1)  # loads what LangChain imports late: a module's lock is not fork's friend
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            run(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            run(2, name="child")
            os._exit(0)
        children.append(child)
        time.sleep(0.01)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    for thread in threads:
        thread.join()
    say(statuses=statuses)
    say(left=AuditCallbackHandler().flush(20))


def _child_of_multiprocessing(number: int) -> int:
    run(3, name=f"child {number}")
    return os.getpid()


def _child_with_handler(handler: AuditCallbackHandler) -> None:
    RunnableLambda(lambda value: value).invoke(1, {"callbacks": [handler]})


def multiprocessed(method: str) -> None:
    """Run in a pool and in single processes."""
    run(2)
    context: Any = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        pids = pool.map(_child_of_multiprocessing, range(4))
        pool.close()
        pool.join()
    process = context.Process(target=_child_of_multiprocessing, args=(9,))
    process.start()
    process.join()
    with_handler = context.Process(target=_child_with_handler, args=(AuditCallbackHandler(),))
    with_handler.start()
    with_handler.join()
    say(pids=sorted({*pids}), exit_codes=[process.exitcode, with_handler.exitcode])
    say(left=AuditCallbackHandler().flush(20))


def preloaded() -> None:
    """Work as gunicorn does with --preload: made in the parent, used in its children, which end by SIGTERM."""
    AuditCallbackHandler()
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            run(4, name=f"worker {number}")
            signal.pause()
        children.append(child)
    time.sleep(1)
    for child in children:
        os.kill(child, signal.SIGTERM)
    say(statuses=[os.waitpid(child, 0)[1] for child in children])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
