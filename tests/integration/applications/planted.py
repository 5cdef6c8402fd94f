"""An application with personal data in every place that it can write to: `python planted.py`.

Each place has an address of its own, by its number in `PLACES`. Identity (user_id, session_id, thread_id) has none.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from langchain_core.callbacks import CallbackManagerForRetrieverRun, dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler, audit_context

PLACES = (
    *("input_text", "input_key", "input_nested_key", "input_nested", "input_json_in_text", "input_json_in_json", "input_list"),
    *("input_base64", "input_percent", "input_url", "output", "output_key", "tag", "metadata_value", "metadata_key"),
    *("metadata_nested", "metadata_json", "run_name", "prompt_name", "trigger_id", "context_metadata", "system", "human"),
    *("content_part", "additional_kwargs", "response_metadata", "answer", "call_argument", "call_argument_key", "call_nested"),
    *("invalid_call", "stop_word", "tool_argument", "tool_output", "tool_output_key", "tool_artifact", "tool_error"),
    *("tool_error_cause", "chain_error", "llm_error", "query", "document", "document_metadata", "document_key", "custom_data"),
    *("custom_name", "template_variable", "configurable"),
)
CARD = 4012888888881881
SECRETS = (
    "4012888888881881",
    "4012 8888 8888 1881",
    "NO93 8601 1117 947",
    "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
    "hunter2-planted",
)


def at(place: str) -> str:
    """Return the address that stands in a place."""
    return f"planted{PLACES.index(place):02d}@people-example.org"


class Shelf(BaseRetriever):
    """Finds one document."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [
            Document(
                at("document"), metadata={"author": at("document_metadata"), at("document_key"): 1, "password": SECRETS[4]}
            )
        ]


@tool
def look_up(who: str) -> str:
    """Look somebody up."""
    return json.dumps({"found": at("tool_output"), at("tool_output_key"): [CARD], "iban": SECRETS[2]})


@tool(response_format="content_and_artifact")
def attach(who: str) -> tuple[str, dict[str, str]]:
    """Return a file."""
    return "attached", {"file": at("tool_artifact")}


@tool
def fail(who: str) -> str:
    """Fail."""
    cause = LookupError(f"nobody is {at('tool_error_cause')}")
    raise ConnectionError(f"no route to {at('tool_error')} with {SECRETS[3]}") from cause


class Refusing(GenericFakeChatModel):
    """A model whose provider refuses."""

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(f"the provider refuses {at('llm_error')}, card {SECRETS[1]}")


def answers() -> Iterator[AIMessage]:
    """Yield one answer with everything that an answer can hold."""
    yield AIMessage(
        content=[{"type": "text", "text": at("answer")}, {"type": "text", "text": json.dumps({"x": at("content_part")})}],
        additional_kwargs={"refusal": at("additional_kwargs")},
        response_metadata={"model_name": "gpt-4o", "note": at("response_metadata")},
        tool_calls=[
            {
                "name": "look_up",
                "args": {"who": at("call_argument"), at("call_argument_key"): CARD, "deep": {"a": [{"b": at("call_nested")}]}},
                "id": "call_1",
            }
        ],
        invalid_tool_calls=[{"name": "look_up", "args": f'{{"who": "{at("invalid_call")}', "id": "call_2", "error": "cut"}],
    )


def work(given: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
    """Do everything once."""
    messages = [SystemMessage(at("system")), HumanMessage([{"type": "text", "text": at("human")}])]
    GenericFakeChatModel(messages=answers()).invoke(messages, config, stop=[at("stop_word")])
    template = ChatPromptTemplate.from_messages([("human", "for {who}")])
    template.invoke({"who": at("template_variable")}, config)
    for run in (
        lambda: look_up.invoke({"who": at("tool_argument")}, config),
        lambda: attach.invoke({"type": "tool_call", "id": "call_3", "name": "attach", "args": {"who": "x"}}, config),
        lambda: fail.invoke({"who": "x"}, config),
        lambda: Refusing(messages=iter(())).invoke("x", config),
        lambda: Shelf().invoke(at("query"), config),
        lambda: dispatch_custom_event(at("custom_name"), {"to": at("custom_data"), "secret": SECRETS[4]}, config=config),
        lambda: RunnableLambda(_break).invoke("x", config),
    ):
        try:
            run()
        except (ConnectionError, ValueError, RuntimeError):
            continue
    return {"text": at("output"), at("output_key"): 1, "password": SECRETS[4]}


def _break(_: str) -> None:
    raise RuntimeError(f"broken for {at('chain_error')}")


def main() -> int:
    """Run it, and return how many events Kafka has not acknowledged."""
    given = {
        "text": f"I am {at('input_text')}, card {SECRETS[1]}",
        at("input_key"): {at("input_nested_key"): {"list": [1, {"deep": at("input_nested")}]}, "card": CARD},
        "json": json.dumps({"a": at("input_json_in_text"), "b": json.dumps({"c": at("input_json_in_json")})}),
        "list": [at("input_list"), None, 1.5],
        "blob": base64.b64encode(f"contact {at('input_base64')} today".encode()).decode(),
        "query": f"to={quote(at('input_percent'), safe='')}&x=1",
        "url": f"https://shop.example/u?mail={at('input_url')}#x",
        "api_key": SECRETS[3],
    }
    handler = AuditCallbackHandler()
    metadata = {
        "note": at("metadata_value"),
        at("metadata_key"): 1,
        "nested": {"a": [at("metadata_nested")]},
        "json": json.dumps({"x": at("metadata_json")}),
        "password": SECRETS[4],
        "prompt_name": at("prompt_name"),
    }
    config = RunnableConfig(
        callbacks=[handler],
        run_name=at("run_name"),
        tags=[at("tag"), "plain"],
        metadata=metadata,
        configurable={"note": at("configurable")},
    )
    with audit_context(
        tenant_id="planted", user_id="u-1", session_id="planted-1", trigger="event", trigger_id=at("trigger_id"),
        prompt_version=at("context_metadata"),
    ):  # fmt: skip
        RunnableLambda(work).invoke(given, config)
    return handler.flush(20)


if __name__ == "__main__":
    raise SystemExit(main())
