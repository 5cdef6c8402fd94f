"""Prices are the package's own, whatever shortcuts make them fast."""

import json
import random
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from langtrail.processors.prices import PRICE_VERSION, Prices, Tokens, Unpriced

PRICES = Prices()
CASES = Path(__file__).with_name("genai_prices_cases.jsonl")
"""Some of tests/dataset/usages.json of pydantic/genai-prices (MIT), with the costs that stand there."""
NOVEMBER = datetime(2026, 11, 3, 12, 30, tzinfo=UTC)


def cost(provider: str, model: str, tokens: Tokens, at: datetime = NOVEMBER) -> int:
    """Return what a call costs, in billionths of a dollar."""
    return PRICES.cost_nanousd(PRICES.model(provider, model), tokens, at)


def by_the_package(provider: str, model: str, tokens: Tokens, at: datetime = NOVEMBER) -> int:
    """Return what the package says, asked directly."""
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        output_reasoning_tokens=tokens.reasoning,
    )
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price
    return int((price * 10**9).to_integral_value(ROUND_HALF_EVEN))


def test_a_price_by_hand() -> None:
    """gpt-4o: 2.50 dollars a million in, 10 out, 1.25 for input from the cache, which is a part of the input."""
    assert cost("openai", "gpt-4o", Tokens(1000, 100)) == 1000 * 2500 + 100 * 10_000
    assert cost("openai", "gpt-4o", Tokens(1000, 100, cache_read=400)) == 600 * 2500 + 400 * 1250 + 100 * 10_000


def test_every_model_of_the_list_costs_what_the_package_says() -> None:
    """Cached, written and reasoning tokens, tiers by length and prices by date: the same number for all of them."""
    chance = random.Random(3)  # noqa: S311 - always the same tokens
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            size = chance.choice((10, 1000, 150_000, 250_000, 700_000))
            read, out = chance.randrange(size), chance.randrange(5000)
            tokens = Tokens(size, out, read, chance.randrange(size - read), chance.randrange(out + 1))
            try:
                mine = PRICES.cost_nanousd(model, tokens, NOVEMBER)
            except Unpriced:
                continue
            usage = Usage(**{f"{name}_tokens": count for name, count in tokens._asdict().items() if name != "reasoning"})
            usage.output_reasoning_tokens = tokens.reasoning
            price = model.calc_price(usage, provider, genai_request_timestamp=NOVEMBER).total_price
            assert mine == int((price * 10**9).to_integral_value(ROUND_HALF_EVEN)), (provider.id, model.id, tokens)
            compared += 1
    assert compared > 1500


def test_the_packages_own_cases_cost_what_it_says() -> None:
    """Usage of real answers by 22 providers is priced as its repository has it, or as the installed package has it by now."""
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    names = {"output_reasoning_tokens": "reasoning"}
    now_other = 0
    for case in cases:
        tokens = Tokens(**{names.get(name, name.removesuffix("_tokens")): count for name, count in case["usage"].items()})
        mine = cost(case["provider"], case["model"], tokens)
        if mine != case["nanousd"]:
            assert mine == by_the_package(case["provider"], case["model"], tokens), case
            now_other += 1
    assert (len(cases), len({case["provider"] for case in cases})) == (125, 22)
    assert sum("cache_read_tokens" in case["usage"] for case in cases) > 20
    assert sum("output_reasoning_tokens" in case["usage"] for case in cases) > 20
    assert now_other <= len(cases) // 10


@pytest.mark.parametrize("size", [200_000, 200_001])
def test_the_price_of_a_long_call_is_another(size: int) -> None:
    """Above a threshold of input tokens all tokens of the call cost more; at it they do not."""
    tokens = Tokens(size, 1000, 50_000, 0)
    assert cost("google", "gemini-2.5-pro", tokens) == by_the_package("google", "gemini-2.5-pro", tokens)
    assert cost("google", "gemini-2.5-pro", Tokens(200_001, 0)) > 1.9 * cost("google", "gemini-2.5-pro", Tokens(200_000, 0))


@pytest.mark.parametrize("hour", [3, 12, 18, 20])
def test_the_price_at_the_time_of_the_call_counts(hour: int) -> None:
    """Prices that change by date or by the hour are those of the call, not of today."""
    for at in (datetime(2025, 3, 1, hour, tzinfo=UTC), datetime(2026, 11, 1, hour, tzinfo=UTC)):
        tokens = Tokens(12_345, 678, 1000, 0)
        assert cost("deepseek", "deepseek-chat", tokens, at) == by_the_package("deepseek", "deepseek-chat", tokens, at)


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("google_genai", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google_vertexai", "gemini-2.5-pro", "gemini-2.5-pro"),
        ("azure", "gpt-4o-2024-11-20", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("amazon_bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0", "regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("mistralai", "mistral-large-latest", "mistral-large"),
    ],
)
def test_providers_and_models_as_langchain_names_them(provider: str, model: str, family: str) -> None:
    """LangChain's names of providers and dated names of models are found."""
    assert PRICES.model(provider, model).id == family


@pytest.mark.parametrize(
    ("provider", "model", "why"),
    [
        (None, "gpt-4o", "no_provider"),
        ("", "gpt-4o", "no_provider"),
        ("openai", None, "no_model"),
        ("fake-list-chat-model", "gpt-4o", "unknown_provider"),
        ("openai", "no-such-model", "unknown_model"),
    ],
)
def test_what_is_not_in_the_list_has_no_price(provider: str | None, model: str | None, why: str) -> None:
    """A model's name alone is not enough: what it costs depends on who serves it."""
    for _ in range(2):
        with pytest.raises(Unpriced, match=rf"^{why}$"):
            PRICES.model(provider, model)


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (Tokens(None, 5), "no_usage"),
        (Tokens(5, None), "no_usage"),
        (Tokens(5, 5, cache_read=6), "inconsistent_usage"),
        (Tokens(5, 5, cache_read=3, cache_write=3), "inconsistent_usage"),
        (Tokens(5, 5, reasoning=6), "inconsistent_usage"),
        (Tokens(-5, 5), "inconsistent_usage"),
    ],
)
def test_usage_that_cannot_be_is_not_priced(tokens: Tokens, why: str) -> None:
    """Parts larger than their whole, and unknown wholes, give no cost rather than a wrong one."""
    with pytest.raises(Unpriced, match=rf"^{why}$"):
        cost("openai", "gpt-4o", tokens)


def test_a_model_without_a_price_for_tokens_is_not_free() -> None:
    """An empty price is not known, not nothing."""
    unpriced = [m for p in get_snapshot().providers for m in p.models if not str(m.get_prices(NOVEMBER))]
    assert unpriced
    with pytest.raises(Unpriced, match=r"^no_price$"):
        PRICES.cost_nanousd(unpriced[0], Tokens(1, 1), NOVEMBER)


def test_costs_are_exact() -> None:
    """Billionths of a dollar are whole numbers at any size; nothing is added in floating point."""
    huge = cost("openai", "gpt-4o", Tokens(10**15, 1))
    assert Decimal(huge) == Decimal(10**15) * 2500 + 10_000


def test_the_version_names_the_package() -> None:
    """An event says by which list it was priced."""
    assert version("genai-prices") in PRICE_VERSION
    assert Prices.version == PRICE_VERSION
