"""Of what went in or came out, what a person wants to see first: the last thing said, the tool call, the documents found."""

import json
from collections.abc import Mapping
from typing import Any


def excerpt(value: Any) -> str:
    """Return the gist of a recorded input or output as text; compact JSON where its shape is not one of LangChain's."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    for known in (_messages, _message, _documents, _only_value):
        if (found := known(value)) is not None:
            return found
    return json.dumps(value, ensure_ascii=False)


def _messages(value: Any) -> str | None:
    """Return the last message of a list of messages, or of a graph's state."""
    messages = value.get("messages") if isinstance(value, Mapping) else value
    if not isinstance(messages, list) or not messages:
        return None
    return _message(messages[-1])


def _message(value: Any) -> str | None:
    """Return what a message says: its text, and the tools it asks for. A message may be a pair of role and text."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return str(value[1])
    if not isinstance(value, Mapping) or "content" not in value or "type" not in value:
        return None
    calls = [_tool_call(call) for call in value.get("tool_calls") or [] if isinstance(call, Mapping)]
    return " ".join(part for part in (_text(value["content"]), *calls) if part)


def _tool_call(call: Mapping[str, Any]) -> str:
    return f"→ {call.get('name')}({json.dumps(call.get('args'), ensure_ascii=False)})"


def _text(content: Any) -> str:
    if not isinstance(content, list):
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return " ".join(_block(block) for block in content)


def _block(block: Any) -> str:
    if isinstance(block, str):
        return block
    if isinstance(block, Mapping):
        return str(block["text"]) if "text" in block else f"[{block.get('type', 'block')}]"
    return json.dumps(block, ensure_ascii=False)


def _documents(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(item, Mapping) and "page_content" in item for item in value):
        return None
    texts = " | ".join(str(item["page_content"]) for item in value)
    return f"{len(value)} document{'s' if len(value) > 1 else ''}: {texts}"


def _only_value(value: Any) -> str | None:
    """Return the text in a mapping that holds nothing else, such as {"input": "…"}."""
    if isinstance(value, Mapping) and list(value) in (["input"], ["output"], ["question"]):
        return excerpt(value[next(iter(value))])
    return None
