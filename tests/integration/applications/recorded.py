"""An application that exercises LangChain and LangGraph in every way, beside a recorder that is not ours.

Usage: recorded.py OUTPUT. Writes to OUTPUT what the recorder saw, one JSON array a line: hook, run id, parent run id.
Every text has personal data planted in it.
"""

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForRetrieverRun, dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode

from langtrail.producer import AuditCallbackHandler, audit_context

PLANTED = (
    "ingrid.planted@example.no",
    "+47 912 34 567",
    "4012 8888 8888 1881",
    "NO93 8601 1117 947",
    "078-05-1123",
    "203.0.113.77",
    "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
    "hunter2-planted",
)
_EMAIL, _PHONE, _CARD, _IBAN, _SSN, _ADDRESS, _KEY, _ = PLANTED
TEXT = f"I am {_EMAIL}, phone {_PHONE}, card {_CARD}, IBAN {_IBAN}, SSN {_SSN} at {_ADDRESS}, key {_KEY}"

HOOKS = (
    *(f"on_{kind}_{phase}" for kind in ("chain", "llm", "tool", "retriever") for phase in ("start", "end", "error")),
    *("on_chat_model_start", "on_custom_event", "on_retry", "on_text"),
)


class Recorder(BaseCallbackHandler):
    """Writes down every hook it is called with."""

    run_inline = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []

    def note(self, hook: str, run_id: UUID, parent_run_id: UUID | None) -> None:
        """Keep one call."""
        self.seen.append((hook, str(run_id), str(parent_run_id) if parent_run_id else None))


def _noting(hook: str) -> Any:
    def noted(self: Recorder, *_: Any, run_id: UUID, parent_run_id: UUID | None = None, **__: Any) -> None:
        self.note(hook, run_id, parent_run_id)

    return noted


for _hook in HOOKS:
    setattr(Recorder, _hook, _noting(_hook))

recorder = Recorder()


def config(session: str, tenant: str) -> RunnableConfig:
    """Return a run's config with both handlers."""
    metadata = {"session_id": session, "tenant_id": tenant, "user_id": f"user of {tenant}", "note": TEXT}
    return {"callbacks": [recorder, AuditCallbackHandler()], "metadata": metadata, "tags": [PLANTED[0]]}


class Shelf(BaseRetriever):
    """Finds one document with personal data in text and metadata."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [Document(page_content=TEXT, metadata={"author": PLANTED[0], "password": PLANTED[7]})]


@tool
def customers(country: str) -> str:
    """Read customers."""
    return json.dumps([{"name": "Ingrid", "email": PLANTED[0], "nested": json.dumps({"card": PLANTED[2]})}])


@tool
def broken(country: str) -> str:
    """Fail, with personal data in the exception."""
    raise ConnectionError(f"no route for {TEXT}")


def model(*answers: AIMessage) -> GenericFakeChatModel:
    """Return a model that gives these answers."""
    return GenericFakeChatModel(messages=iter(answers or (AIMessage(content=f"noted: {TEXT}"),)))


def chain() -> Any:
    """Return prompt, model and parser."""
    return ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{q}")]) | model() | StrOutputParser()


class State(TypedDict):
    """Messages of the graph."""

    messages: list[BaseMessage]


def graph(tool_name: str) -> Any:
    """Return an agent of two steps: the model asks for a tool, the tool runs."""
    call = {"name": tool_name, "args": {"country": TEXT}, "id": "call_1", "type": "tool_call"}
    asking = model(AIMessage(content="", tool_calls=[call]))

    def think(state: State) -> State:
        return {"messages": [*state["messages"], asking.invoke(state["messages"])]}

    builder = (
        StateGraph(State).add_node("think", think).add_node("tools", ToolNode([customers, broken], handle_tool_errors=False))
    )
    return builder.add_edge(START, "think").add_edge("think", "tools").add_edge("tools", END).compile()


def progress(value: str, config: RunnableConfig) -> str:
    """Send a custom event."""
    dispatch_custom_event("progress", {"text": TEXT}, config=config)
    return value


def sync_runs() -> None:
    """Invoke, stream, batch, parallel, retriever, tool, custom event."""
    chain().invoke({"q": TEXT}, config("s-invoke", "acme"))
    list(chain().stream({"q": TEXT}, config("s-stream", "acme")))
    RunnableLambda(lambda text: text).batch([TEXT, TEXT], config("s-batch", "acme"))
    RunnableParallel(a=RunnableLambda(lambda text: text), b=RunnableLambda(progress)).invoke(TEXT, config("s-parallel", "acme"))
    Shelf().invoke(TEXT, config("s-retriever", "acme"))
    customers.invoke({"country": TEXT}, config("s-tool", "acme"))
    graph("customers").invoke({"messages": [HumanMessage(content=TEXT)]}, config("s-graph", "acme"))


def divide(_: str) -> float:
    """Fail."""
    return 1 / 0


def failing_runs() -> None:
    """Run a tool that raises, in a graph and alone, and a chain that raises."""
    for failing in (
        lambda: graph("broken").invoke({"messages": [HumanMessage(content=TEXT)]}, config("s-broken-graph", "globex")),
        lambda: broken.invoke({"country": TEXT}, config("s-broken-tool", "globex")),
        lambda: RunnableLambda(divide).invoke(TEXT, config("s-broken-chain", "globex")),
    ):
        try:
            failing()
        except (ConnectionError, ZeroDivisionError):
            continue
        raise SystemExit("a run that must fail did not")


async def async_runs() -> None:
    """Run async, for two tenants at once, and cancel one run."""

    async def one(number: int) -> None:
        tenant = ("acme", "globex")[number % 2]
        with audit_context(trigger="api", trigger_id=f"request-{number}"):
            await chain().ainvoke({"q": f"{TEXT} for {tenant}"}, config(f"s-async-{number}", tenant))

    await asyncio.gather(*(one(number) for number in range(10)))
    async for _ in chain().astream({"q": TEXT}, config("s-astream", "acme")):
        pass

    async def forever(_: Any) -> None:
        await asyncio.Event().wait()

    waiting = RunnableLambda(forever)
    try:
        await asyncio.wait_for(waiting.ainvoke(TEXT, config("s-cancelled", "acme")), 0.05)
    except TimeoutError:
        return
    raise SystemExit("the run that must be cancelled was not")


def threaded_runs() -> None:
    """Run two tenants in threads and in a pool."""

    def work(number: int) -> None:
        chain().invoke({"q": TEXT}, config(f"s-thread-{number}", ("acme", "globex")[number % 2]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4, 12)))


def main() -> None:
    """Run everything, write what the recorder saw, and wait for Kafka."""
    sync_runs()
    failing_runs()
    asyncio.run(async_runs())
    threaded_runs()
    Path(sys.argv[1]).write_text("\n".join(json.dumps(seen) for seen in recorder.seen))
    left = AuditCallbackHandler().flush(30)
    if left:
        raise SystemExit(f"{left} events are not acknowledged after 30 s ({time.monotonic():.0f})")


if __name__ == "__main__":
    main()
