"""How many tokens a call took, from wherever its provider tells it: totals include the parts that came from a cache.

Anthropic and Bedrock count cached tokens beside the input, others within it. Totals here include them, as LangChain's
usage_metadata promises; where the sum shows that a provider counted beside, they are added.
"""

from collections.abc import Mapping
from typing import Any

from .labels import mapping_of

Counts = dict[str, int | None]

_MAX_COUNT = 2**53
_COUNTED_BESIDE = ("input_tokens", "inputTokens", "inputTokenCount")
"""Names under which Anthropic and Bedrock report an input without its cached tokens."""
_READ = ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount", "cached_content_token_count")
_ANSWERED = ("completion_tokens", "output_tokens", "outputTokens", "outputTokenCount", "candidates_token_count", "eval_count")
_WRITTEN_FOR = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""Names under which Anthropic reports what a cache keeps for five minutes, and for an hour."""


def tokens(
    message: Any, described: Mapping[str, Any], whole: Mapping[str, Any], generation: Mapping[str, Any]
) -> tuple[Counts, str]:
    """Return the token counts that an answer tells, and which part of it told them; empty for LangChain's usage_metadata."""
    if was_cached(message):
        return {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}, "cache"
    standard = mapping_of(getattr(message, "usage_metadata", None))
    if standard:
        return _standard(standard), ""
    for source, usage in (
        ("generation_info.usage_metadata", generation.get("usage_metadata")),
        ("response_metadata.usage", described.get("usage") or described.get("token_usage")),
        ("response_metadata.usage_metadata", described.get("usage_metadata")),
        ("response_metadata.token_count", described.get("token_count")),
        ("llm_output", whole.get("token_usage") or whole.get("usage")),
        ("bedrock", described.get("amazon-bedrock-invocationMetrics")),
        ("response_metadata", described if "eval_count" in described else None),
        ("generation_info", generation if "eval_count" in generation else None),
    ):
        if counted := mapping_of(usage):
            return _raw(counted), source
    return {}, ""


def was_cached(message: Any) -> bool:
    """Tell whether LangChain's cache made this message: it sets a total cost of 0, which no provider does."""
    cost = mapping_of(getattr(message, "usage_metadata", None)).get("total_cost")
    return type(cost) in (int, float) and not cost


def _standard(usage: Mapping[str, Any]) -> Counts:
    """Read LangChain's UsageMetadata: details are parts of the totals, except where the total shows that they are not."""
    into, out = mapping_of(usage.get("input_token_details")), mapping_of(usage.get("output_token_details"))
    given, answered, total = _count(usage, "input_tokens"), _count(usage, "output_tokens"), _count(usage, "total_tokens")
    read, written = _count(into, "cache_read"), _written(_count(into, "cache_creation"), into)
    if given is not None:
        given += _beside(given, answered, total, (read or 0) + (written or 0))
    return {
        "input_tokens": given,
        "output_tokens": answered,
        "total_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": _count(out, "reasoning"),
    }


def _raw(usage: Mapping[str, Any]) -> Counts:
    """Read what providers themselves report, by the names of OpenAI, Anthropic, Bedrock, Cohere, Gemini and Ollama."""
    within, beside = _count(usage, "prompt_tokens", "prompt_token_count", "prompt_eval_count"), _count(usage, *_COUNTED_BESIDE)
    answered = _count(usage, *_ANSWERED)
    total = _count(usage, "total_tokens", "totalTokens", "total_token_count")
    into = mapping_of(
        usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or usage.get("input_token_details")
    )
    out = mapping_of(
        usage.get("completion_tokens_details") or usage.get("output_tokens_details") or usage.get("output_token_details")
    )
    read = _count(usage, *_READ)
    written = _count(usage, "cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    written = _written(written, mapping_of(usage.get("cache_creation")))
    thought = _count(usage, "thoughts_token_count")
    if thought and answered is not None and (within is None or total != within + answered):
        answered += thought  # Gemini counts them beside the answer
    given = within if within is not None or beside is None else beside + (read or 0) + (written or 0)
    return {
        "input_tokens": given,
        "output_tokens": answered,
        "total_tokens": total if total is not None or given is None or answered is None else given + answered,
        "cache_read_tokens": read if read is not None else _count(into, "cached_tokens", "cache_read"),
        "cache_write_tokens": written if written is not None else _count(into, "cache_creation"),
        "reasoning_tokens": thought if thought is not None else _count(out, "reasoning_tokens", "reasoning"),
    }


def _written(in_all: int | None, parts: Mapping[str, Any]) -> int | None:
    """Return how much a cache took: LangChain says 0 in all where Anthropic tells for how long the parts are kept."""
    known = [count for name in _WRITTEN_FOR if (count := _count(parts, name)) is not None]
    return max(in_all or 0, sum(known)) if known else in_all


def _beside(given: int, answered: int | None, total: int | None, cached: int) -> int:
    """Return what must be added to an input that does not include its cached tokens: the total, or their number, shows it."""
    if not cached:
        return 0
    if cached > given or (total is not None and answered is not None and total == given + answered + cached):
        return cached
    return 0


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value: Any = usage.get(name)
        cls = type(value)
        if issubclass(cls, int) and cls is not bool and 0 <= value <= _MAX_COUNT:
            return int(value)
        if issubclass(cls, float) and value.is_integer() and 0 <= value <= _MAX_COUNT:
            return int(value)
    return None
