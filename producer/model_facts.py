"""What a model's answer says about itself: tokens, served model, finish reason. Unknown stays None, never 0."""

from collections.abc import Mapping
from typing import Any

from langchain_core.outputs import LLMResult


def answer_facts(response: LLMResult) -> dict[str, Any]:
    """Return the core fields of group model that an answer tells, from wherever its provider puts them."""
    message = _first_message(response)
    described = _mapping(getattr(message, "response_metadata", None))
    whole = _mapping(response.llm_output)
    generation = _mapping(_first(response) and _first(response).generation_info)
    return {
        "response_model": _text(described.get("model_name") or described.get("model") or whole.get("model_name")),
        "response_id": _text(described.get("id") or whole.get("id") or _provider_id(message)),
        "finish_reason": _text(
            generation.get("finish_reason") or described.get("finish_reason") or described.get("stop_reason")
        ),
        **_usage(message, whole, generation),
    }


def generations(response: LLMResult) -> list[Any]:
    """Return the answers, every candidate of every prompt: messages of chat models, texts of others."""
    return [getattr(item, "message", None) or item.text for candidates in response.generations for item in candidates]


def requested_tool_calls(response: LLMResult) -> list[str]:
    """Return the ids of the tool calls that the answers ask for."""
    calls = [getattr(message, "tool_calls", None) or [] for message in generations(response)]
    return [call["id"] for group in calls for call in group if call.get("id")]


def _usage(message: Any, whole: Mapping[str, Any], generation: Mapping[str, Any]) -> dict[str, int | None]:
    usage = _mapping(getattr(message, "usage_metadata", None)) or _mapping(generation.get("usage_metadata"))
    if usage:
        into, out = _mapping(usage.get("input_token_details")), _mapping(usage.get("output_token_details"))
        return {
            "input_tokens": _count(usage.get("input_tokens")),
            "output_tokens": _count(usage.get("output_tokens")),
            "total_tokens": _count(usage.get("total_tokens")),
            "cache_read_tokens": _count(into.get("cache_read")),
            "cache_write_tokens": _count(into.get("cache_creation")),
            "reasoning_tokens": _count(out.get("reasoning")),
        }
    counted = _mapping(whole.get("token_usage") or whole.get("usage"))
    return {
        "input_tokens": _count(counted.get("prompt_tokens", counted.get("input_tokens"))),
        "output_tokens": _count(counted.get("completion_tokens", counted.get("output_tokens"))),
        "total_tokens": _count(counted.get("total_tokens")),
    }


def _first(response: LLMResult) -> Any:
    return next((item for candidates in response.generations for item in candidates), None)


def _first_message(response: LLMResult) -> Any:
    return getattr(_first(response), "message", None)


def _provider_id(message: Any) -> str | None:
    """LangChain makes an id of its own (run-…, lc_…) where the provider gave none."""
    given = getattr(message, "id", None)
    return None if given is None or str(given).startswith(("run-", "lc_")) else str(given)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
