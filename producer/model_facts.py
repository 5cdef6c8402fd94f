"""What a call of a model and its answer say about themselves: models, tokens, finish reason. Unknown stays None, never 0."""

from collections.abc import Mapping
from typing import Any

from langchain_core.outputs import LLMResult

from .labels import mapping_of, optional_identifier, optional_technical
from .usage import tokens, was_cached


def request_facts(metadata: Mapping[str, Any] | None, params: Any) -> dict[str, Any]:
    """Return provider and model of a call, as LangChain's standard metadata has them, else as the parameters name them."""
    known, given = metadata or {}, mapping_of(params)
    model = known.get("ls_model_name") or given.get("model") or given.get("model_name") or given.get("model_id")
    return {"provider": optional_technical(known.get("ls_provider")), "request_model": optional_technical(model)}


def answer_facts(response: LLMResult) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the core fields of group model that an answer tells, wherever its provider puts them, and where from.

    The second part is empty where LangChain's own usage_metadata told the tokens.
    """
    first = _first(response)
    message = getattr(first, "message", None)
    described = mapping_of(getattr(message, "response_metadata", None))
    whole, generation = mapping_of(response.llm_output), mapping_of(getattr(first, "generation_info", None))
    counted, source = tokens(message, described, whole, generation)
    gateway = mapping_of(generation.get("ls_gateway_info"))
    served = (
        gateway.get("model")
        or described.get("model_name")
        or described.get("model")
        or described.get("model_id")
        or whole.get("model_name")
    )
    reason = (
        generation.get("finish_reason")
        or described.get("finish_reason")
        or described.get("stop_reason")
        or described.get("stopReason")
    )
    facts = {
        "response_model": optional_technical(served),
        "response_id": optional_identifier(described.get("id") or whole.get("id") or _provider_id(message)),
        "finish_reason": optional_technical(reason),
        **counted,
    }
    return facts, {"usage_source": source} if source else {}


def is_cache_hit(response: LLMResult) -> bool:
    """Tell whether LangChain's cache answered, and no model was called: its only mark is a total cost of 0."""
    return not response.llm_output and was_cached(getattr(_first(response), "message", None))


def generations(response: LLMResult) -> list[Any]:
    """Return the answers, every candidate of every prompt: messages of chat models, texts of others."""
    return [getattr(item, "message", None) or item.text for candidates in response.generations for item in candidates]


def _first(response: LLMResult) -> Any:
    return next((item for candidates in response.generations for item in candidates), None)


def _provider_id(message: Any) -> str | None:
    """LangChain makes an id of its own (run-…, lc_…) where the provider gave none."""
    given = getattr(message, "id", None)
    return None if given is None or str(given).startswith(("run-", "lc_", "lc-", "lc_run-")) else str(given)
