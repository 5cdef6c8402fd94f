"""What a model is and what its calls cost, from the data of the package genai-prices: nothing is fetched or guessed."""

from bisect import bisect_left
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from importlib.metadata import version
from operator import mul
from typing import Final, NamedTuple

from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

PRICE_VERSION: Final = f"genai-prices-{version('genai-prices')}"
"""The price list, as it is written into events; its data is a part of the package and has no date of its own."""

_MANY: Final = 10**9
"""Tokens of a probe: their price in dollars is the price of one in billionths of a dollar."""
_REMEMBERED: Final = 4096
_RESOURCE: Final = "models/"
"""Before the name of a model where Google's interface names it as a resource."""


class Tokens(NamedTuple):
    """The tokens of a call. Cached ones are a part of the input, reasoning of the output; None is unknown."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Unpriced(Exception):
    """There is no price. The text is one word that says why, for counting."""


class _Rates(NamedTuple):
    """Billionths of a dollar: a call, and one token more of each kind while the others stay as they are."""

    call: Decimal
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    reasoning: Decimal


class Prices:
    """The price list. Look-ups are remembered: asking again costs microseconds."""

    version: Final = PRICE_VERSION

    def __init__(self) -> None:
        self._snapshot = get_snapshot()
        self._find = lru_cache(maxsize=_REMEMBERED)(self._look_up)
        self._thresholds: dict[int, list[int]] = {}
        self._rates: dict[tuple[int, int], _Rates] = {}

    def model(self, provider: str | None, model: str | None) -> ModelInfo:
        """Return what is known of a provider's model.

        Raises Unpriced: no_provider, no_model, unknown_provider or unknown_model.
        """
        found = self._find(provider, model)
        if isinstance(found, str):
            raise Unpriced(found)
        return found

    def cost_nanousd(self, model: ModelInfo, tokens: Tokens, at: datetime) -> int:
        """Return what a call made at that time costs by the list, billionths of a US dollar, rounded half to even.

        Raises Unpriced: no_usage, inconsistent_usage or no_price.
        """
        if tokens.input is None or tokens.output is None:
            raise Unpriced("no_usage")
        parts = (tokens.input, tokens.output, tokens.cache_read or 0, tokens.cache_write or 0, tokens.reasoning or 0)
        if min(parts) < 0 or parts[2] + parts[3] > parts[0] or parts[4] > parts[1]:
            raise Unpriced("inconsistent_usage")
        rates = self._rates_of(model.get_prices(at), tokens.input)
        cost = sum(map(mul, rates, (1, *parts)))
        return int(cost.to_integral_value(ROUND_HALF_EVEN))

    def _look_up(self, provider: str | None, model: str | None) -> ModelInfo | str:
        """Return the model, or why there is none. Without a provider there is none: one name has many prices."""
        if not provider or not model:
            return "no_model" if provider else "no_provider"
        try:
            found = self._snapshot.find_provider(None, provider, None)
        except LookupError:
            return "unknown_provider"
        for name in (model, model.removeprefix(_RESOURCE)):
            if known := found.find_model(name, all_providers=self._snapshot.providers):
                return known
        return "unknown_model"

    def _rates_of(self, price: ModelPrice, input_tokens: int) -> _Rates:
        # The list holds its prices for as long as it lives, so an id stands for one of them.
        if (thresholds := self._thresholds.get(id(price))) is None:
            thresholds = self._thresholds[id(price)] = _thresholds(price)
        key = id(price), bisect_left(thresholds, input_tokens)
        if (rates := self._rates.get(key)) is None:
            rates = self._rates[key] = _probe(_in_tier(price, input_tokens))
        return rates


def _thresholds(price: ModelPrice) -> list[int]:
    """Return the numbers of input tokens above which another price holds, for all tokens of the call."""
    tiered = [value for value in vars(price).values() if isinstance(value, TieredPrices)]
    return sorted({tier.start for value in tiered for tier in value.tiers})


def _in_tier(price: ModelPrice, input_tokens: int) -> ModelPrice:
    """Return the price without tiers that holds for calls of this many input tokens."""

    def flat(value: Decimal | TieredPrices | None) -> Decimal | None:
        if not isinstance(value, TieredPrices):
            return value
        return next((tier.price for tier in reversed(value.tiers) if input_tokens > tier.start), value.base)

    return ModelPrice(**{name: flat(value) for name, value in vars(price).items()})


def _probe(price: ModelPrice) -> _Rates:
    """Ask the package what a call costs and what more tokens of each kind add; without tiers a price is linear.

    Raises Unpriced when the package has no price for tokens.
    """

    def cost(**tokens: int) -> Decimal:
        try:
            return price.calc_price(Usage(**tokens))["total_price"]
        except ValueError:
            raise Unpriced("no_price") from None

    if vars(price).get("input_mtok") is None and vars(price).get("output_mtok") is None:
        raise Unpriced("no_price")
    call = cost()
    into, out = cost(input_tokens=_MANY), cost(output_tokens=_MANY)
    return _Rates(
        call=call * _MANY,
        input=into - call,
        output=out - call,
        cache_read=cost(input_tokens=_MANY, cache_read_tokens=_MANY) - into,
        cache_write=cost(input_tokens=_MANY, cache_write_tokens=_MANY) - into,
        reasoning=cost(output_tokens=_MANY, output_reasoning_tokens=_MANY) - out,
    )
