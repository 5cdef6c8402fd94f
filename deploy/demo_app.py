"""The demo's sample applications, each in a process of its own: `python -m langtrail.deploy.demo_app NAME DIRECTORY`.

They are written as an application's own code would be: LangChain, LangGraph, and one or two lines of langtrail.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig, RunnablePassthrough
from langchain_core.tools import BaseTool, tool

from langtrail.producer import AuditCallbackHandler, audit_context, install

from .demo_models import ScriptedChatModel, real_or_scripted, scripted
from .demo_recorder import Recorder

CUSTOMERS = (
    ("Bäckerei Sonnenfeld", "DE", "erika.mustermann@sonnenfeld.example", "+49 30 901820", "DE89 3704 0044 0532 0130 00"),
    ("Nordwind Logistik", "DE", "kontakt@nordwind.example", "+49 40 428280", "DE75 5121 0800 1245 1261 99"),
    ("Atelier Lichtblick", "DE", "jan.vogel@lichtblick.example", "+49 89 2180 0", "DE12 5001 0517 0648 4898 90"),
    ("Maison Perrin", "FR", "claire@perrin.example", "+33 1 42 68 53 00", "FR14 2004 1010 0505 0001 3M02 606"),
)
CARD = "4111 1111 1111 1111"
PERSONAL = (CARD, *(value for customer in CUSTOMERS for value in customer[2:]))
"""All personal data that the applications handle: none of it may be found in the store."""

POLICIES = (
    "Refunds: a double charge is refunded to the same card within five working days, without asking a manager.",
    "Refunds: above 500 EUR a manager approves.",
    "Shipping: a parcel that is late by ten days is sent again.",
)


def crm_sync(recorder: Recorder) -> None:
    """Run the job that a contractor left behind: nightly, it reads customers from the database."""
    database = Path("crm.sqlite")
    _fill(database)

    @tool
    def read_customers(country: str) -> str:
        """Read the customers of a country with their contact and bank details."""
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT company, email, phone, iban FROM customers WHERE country = ?", (country,))
            return json.dumps([dict(row) for row in rows], ensure_ascii=False)

    model = scripted(
        "openai", "gpt-4o-mini", _calls(read_customers, country="DE"), "Read 3 customers; the copy in the CRM is up to date."
    )
    install()
    with audit_context(
        tenant_id="acme", user_id="contractor-7", session_id="crm-sync-1", trigger="schedule", trigger_id="crm-sync"
    ):
        _agent("crm-agent", model, [read_customers]).invoke(
            {"messages": [("user", "Copy the German customers to the CRM.")]}, {"callbacks": [recorder]}
        )


def support_chat(recorder: Recorder) -> None:
    """Answer an employee who pastes a customer's personal data into the prompt; the answer is streamed."""
    email, phone, iban = CUSTOMERS[0][2:]
    model = scripted(
        "openai",
        "gpt-4o-mini",
        f"Yes: a double charge is refunded to the same card within five working days. I would write to {email} today.",
        "Within five working days.",
    )
    chain: Runnable[str, str] = (
        {"policies": Policies(), "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_messages([("system", "Answer from these policies: {policies}"), ("user", "{question}")])
        | real_or_scripted(model)
        | StrOutputParser()
    )
    config = RunnableConfig(
        callbacks=[AuditCallbackHandler(), recorder],
        run_name="support-chat",
        metadata={
            "tenant_id": "acme",
            "user_id": "maria",
            "session_id": "support-42",
            "trigger": "interactive",
            "prompt_name": "support",
            "prompt_version": "v3",
        },
    )
    for question in (
        f"{email} ({phone}) says that card {CARD} was charged twice; refund to IBAN {iban}. Is that within our refund policy?",
        "And how long does a refund take?",
    ):
        for _part in chain.stream(question, config):
            pass


def refund_agent(recorder: Recorder) -> None:
    """Run an agent of another tenant whose tool fails, with a card number in the error's text."""

    @tool
    def refund_card(order: str) -> str:
        """Refund an order to the card that paid for it."""
        raise ConnectionError(f"203.0.113.7 closed the connection while {order} was refunded to card {CARD}")

    model = scripted("anthropic", "claude-sonnet-4-5", _calls(refund_card, order="A-1009"))
    handlers: list[BaseCallbackHandler] = [AuditCallbackHandler(), recorder]
    with (
        audit_context(tenant_id="globex", user_id="ops-bot", principal_type="agent", session_id="refund-A-1009", trigger="api"),
        contextlib.suppress(ConnectionError),  # the application has its own answer to this; the trail has the error
    ):
        _agent("refund-agent", model, [refund_card]).invoke(
            {"messages": [("user", "Refund order A-1009.")]}, {"callbacks": handlers}
        )


def quarterly_report(recorder: Recorder) -> None:
    """Start to stream a long answer and cancel it half way, as when a user closes the window."""
    model = scripted("anthropic", "claude-sonnet-4-5", "Revenue rose in the north and fell in the south. " * 200)
    chain = ChatPromptTemplate.from_template("Write the report of {quarter}.") | model | StrOutputParser()
    config = RunnableConfig(callbacks=[AuditCallbackHandler(), recorder], run_name="quarterly-report")

    async def read_half() -> None:
        async for part in chain.astream({"quarter": "Q3"}, config):
            if "south" in part and (task := asyncio.current_task()):
                task.cancel()

    with (
        audit_context(tenant_id="globex", user_id="hank", session_id="report-Q3", trigger="interactive"),
        contextlib.suppress(asyncio.CancelledError),
    ):
        asyncio.run(read_half())


def archive_job(recorder: Recorder) -> None:
    """Enter a tool that never returns: the demo kills this process in the middle of it."""

    @tool
    def archive_invoices(year: int) -> str:
        """Move the invoices of a year to the archive."""
        threading.Event().wait()
        return f"The invoices of {year} are archived."

    model = scripted("openai", "gpt-4o-mini", _calls(archive_invoices, year=2019))
    handlers: list[BaseCallbackHandler] = [AuditCallbackHandler(), recorder]
    with audit_context(
        tenant_id="acme", user_id="archiver", session_id="archive-2019", trigger="schedule", trigger_id="archive-invoices"
    ):
        _agent("archive-agent", model, [archive_invoices]).invoke(
            {"messages": [("user", "Archive the invoices of 2019.")]}, {"callbacks": handlers}
        )


class Policies(BaseRetriever):
    """Finds the policies that share a word with the question."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        topics = {policy: policy.partition(":")[0].lower().removesuffix("s") for policy in POLICIES}
        return [Document(policy) for policy, topic in topics.items() if topic in query.lower()]


APPLICATIONS: dict[str, Callable[[Recorder], None]] = {
    "crm-sync": crm_sync,
    "support-chat": support_chat,
    "refund-agent": refund_agent,
    "quarterly-report": quarterly_report,
    "archive-job": archive_job,
}


def main(argv: Sequence[str]) -> None:
    """Run one application in a directory; what its recorder saw is in NAME.callbacks there."""
    name, directory = argv
    os.chdir(directory)
    APPLICATIONS[name](Recorder(Path(f"{name}.callbacks")))


def _agent(name: str, model: ScriptedChatModel, tools: Sequence[BaseTool]) -> Runnable[Any, Any]:
    from langgraph.graph import START, MessagesState, StateGraph  # noqa: PLC0415 - half a second that a chat need not pay
    from langgraph.prebuilt import ToolNode, tools_condition  # noqa: PLC0415 - as above

    bound = model.bind_tools(tools)

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", think)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile(name=name)


def _calls(called: BaseTool, **arguments: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": called.name, "args": arguments, "id": f"call_{called.name}"}])


def _fill(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE customers (company, country, email, phone, iban)")
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", CUSTOMERS)


if __name__ == "__main__":
    main(sys.argv[1:])
