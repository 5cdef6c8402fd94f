"""Step enrich: what is known of tenant and model, and what the call cost."""

from typing import Any

import pytest

from langtrail.processors.enrich import Enricher
from langtrail.processors.event import Event
from langtrail.processors.prices import PRICE_VERSION, Prices
from langtrail.processors.tenant import Tenant
from langtrail.schemas import TENANT, registry

PRICES = Prices()
NOW_US = 1_793_000_000_000_000
ACME = Tenant("acme", 3, "Acme", "gold", "eu", "confidential", "long", updated_at=NOW_US)
ANSWER = {
    "event_type": "llm_end",
    "tenant_id": "acme",
    "occurred_at": NOW_US,
    "started_at": NOW_US - 1_000_000,
    "provider": "openai",
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-2024-08-06",
    "input_tokens": 1000,
    "output_tokens": 100,
    "cache_read_tokens": None,
    "cache_write_tokens": None,
    "reasoning_tokens": None,
}


def enriched(enricher: Enricher | None = None, arrived_us: int = NOW_US, **core: Any) -> dict[str, Any]:
    """Return the head of an event after the step."""
    event = Event(None, b"", {}, 0, 0, arrived_us // 1000, core=ANSWER | core)
    (enricher or Enricher({"acme": ACME}.get, PRICES, now_us=lambda: NOW_US))(event)
    return event.head


def test_what_is_known_of_the_tenant_is_in_the_event() -> None:
    """Name, plan, region, class of data and of retention."""
    head = enriched()
    assert (head["tenant_name"], head["tenant_plan"], head["tenant_region"]) == ("Acme", "gold", "eu")
    assert (head["data_class"], head["retention_class"]) == ("confidential", "long")


@pytest.mark.parametrize(("tenant_id", "misses"), [("nobody", {"unknown_tenant": 1}), ("", {})])
def test_an_unknown_tenant_is_counted_and_kept_by_the_standard(tenant_id: str, misses: dict[str, int]) -> None:
    """Its events have no metadata and the standard retention; an event without a tenant misses nothing."""
    enricher = Enricher({"acme": ACME}.get, PRICES)
    head = enriched(enricher, tenant_id=tenant_id)
    assert (head["tenant_name"], head["data_class"], head["retention_class"]) == (None, None, "standard")
    assert enricher.misses == misses


def test_the_tenant_is_looked_up_for_every_event() -> None:
    """A tenant's new record holds from the next event on."""
    tenants = {"acme": ACME}
    enricher = Enricher(tenants.get, PRICES)
    enriched(enricher)
    tenants["acme"] = Tenant("acme", 4, "Acme 2")
    assert enriched(enricher)["tenant_name"] == "Acme 2"


def test_model_and_cost_are_in_an_answer() -> None:
    """Family, window, cost in billionths of a dollar and the list it is from."""
    head = enriched()
    assert (head["model_family"], head["model_context_window"]) == ("gpt-4o", 128_000)
    assert (head["cost_nanousd"], head["price_version"]) == (1000 * 2500 + 100 * 10_000, PRICE_VERSION)


def test_cached_tokens_cost_less() -> None:
    """They are a part of the input, not more of it."""
    assert enriched(cache_read_tokens=400)["cost_nanousd"] == 600 * 2500 + 400 * 1250 + 100 * 10_000


def test_only_what_carries_usage_is_priced() -> None:
    """A start has a model and no cost; an error has one when the provider told its usage; other events have neither."""
    enricher = Enricher({"acme": ACME}.get, PRICES)
    nothing: dict[str, Any] = {"input_tokens": None, "output_tokens": None}
    start = enriched(enricher, event_type="llm_start", response_model=None, **nothing)
    assert (start["model_family"], start["cost_nanousd"], start["price_version"]) == ("gpt-4o", None, None)
    assert enriched(enricher, event_type="llm_error")["cost_nanousd"] > 0
    assert enriched(enricher, event_type="llm_error", **nothing)["cost_nanousd"] is None
    tool = enriched(enricher, event_type="tool_end", provider=None, request_model=None, response_model=None, **nothing)
    assert (tool["model_family"], tool["cost_nanousd"]) == (None, None)
    assert enricher.misses == {}


@pytest.mark.parametrize(
    ("core", "why"),
    [
        ({"provider": None}, "no_provider"),
        ({"provider": "fake"}, "unknown_provider"),
        ({"request_model": "mine", "response_model": "mine"}, "unknown_model"),
        ({"output_tokens": None}, "no_usage"),
        ({"cache_read_tokens": 5000}, "inconsistent_usage"),
    ],
)
def test_a_miss_is_counted_never_guessed(core: dict[str, Any], why: str) -> None:
    """Without a price there is no cost, and the reason is counted."""
    enricher = Enricher({"acme": ACME}.get, PRICES)
    head = enriched(enricher, **core)
    assert (head["cost_nanousd"], head["price_version"]) == (None, None)
    assert enricher.misses == {why: 1}


def test_a_deployment_with_a_name_of_its_own_is_found_by_what_was_asked_for() -> None:
    """The model that answered decides; when the list does not know it, the one asked for does."""
    assert enriched(response_model="my-deployment")["model_family"] == "gpt-4o"
    assert enriched(request_model="my-deployment", response_model="gpt-4o-mini")["model_family"] == "gpt-4o-mini"
    assert enriched(response_model=None)["model_family"] == "gpt-4o"


@pytest.mark.parametrize(
    ("ahead_seconds", "arrived_before_now_seconds", "skewed"),
    [(299, 0, False), (301, 0, True), (-86_400, 0, False), (200, 150, True), (0, 86_400 * 3, True)],
)
def test_a_clock_ahead_of_broker_or_worker_is_marked(ahead_seconds: int, arrived_before_now_seconds: int, skewed: bool) -> None:
    """More than five minutes ahead of either is skewed; behind, an event may have waited in a spool."""
    occurred = NOW_US + ahead_seconds * 1_000_000
    assert enriched(occurred_at=occurred, arrived_us=NOW_US - arrived_before_now_seconds * 1_000_000)["clock_skewed"] is skewed


def test_processed_at_is_the_workers_clock() -> None:
    """In microseconds, of the clock that was given or of the machine's."""
    assert enriched()["processed_at"] == NOW_US
    assert enriched(Enricher(dict[str, Tenant]().get, PRICES))["processed_at"] > 1_700_000_000_000_000


def test_a_tenant_has_the_fields_of_its_record() -> None:
    """The dataclass and the registered schema name the same fields in the same order."""
    assert list(Tenant.__dataclass_fields__) == [field["name"] for field in registry().latest(TENANT).avro["fields"]]
