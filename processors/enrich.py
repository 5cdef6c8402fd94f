"""Step 3 of the pipeline: what is known of tenant and model, and what the call cost. A miss is counted, never guessed."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from genai_prices.types import ModelInfo

from .event import Event
from .prices import PRICE_VERSION, Prices, Tokens, Unpriced
from .tenant import Tenant

UNKNOWN_RETENTION: Final = "standard"
"""Retention class of events whose tenant is not known."""

SKEW_US: Final = 5 * 60 * 1_000_000
"""How far the producer's clock may be ahead. How far behind cannot be told from an event that waited in a spool."""

_WITH_USAGE: Final = frozenset(("llm_end", "llm_error"))
_NO_MODEL: Final[dict[str, Any]] = dict.fromkeys(("model_family", "model_context_window", "cost_nanousd", "price_version"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Enricher:
    """The step: fills in tenant, model, cost, processed_at and clock_skewed.

    `misses` counts why something stayed unknown: unknown_tenant, and the words of Unpriced.
    """

    def __init__(
        self,
        tenants: Callable[[str], Tenant | None],
        prices: Prices,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self.misses: Counter[str] = Counter()
        self._tenants = tenants
        self._known: dict[str, tuple[Tenant, dict[str, Any]]] = {}
        self._prices = prices
        self._now_us = now_us

    def __call__(self, event: Event) -> None:
        """Enrich one event."""
        now_us = self._now_us()
        head, core = event.head, event.core
        head.update(self._tenant(core["tenant_id"]))
        head.update(self._model(core))
        head["processed_at"] = now_us
        head["clock_skewed"] = core["occurred_at"] > min(now_us, event.timestamp_ms * 1000) + SKEW_US

    def _tenant(self, tenant_id: str) -> dict[str, Any]:
        tenant = self._tenants(tenant_id) if tenant_id else None
        if tenant_id and tenant is None:
            self.misses["unknown_tenant"] += 1
        if tenant is None:
            return _UNKNOWN_TENANT
        known, fields = self._known.get(tenant_id, (None, _UNKNOWN_TENANT))
        if known is not tenant:
            fields = _tenant_fields(tenant)
            self._known[tenant_id] = tenant, fields
        return fields

    def _model(self, core: dict[str, Any]) -> dict[str, Any]:
        if not core["request_model"] and not core["response_model"]:
            return _NO_MODEL
        fields = _NO_MODEL
        tokens = _tokens(core)
        try:
            model = self._known_model(core)
            fields = {**_NO_MODEL, "model_family": model.id, "model_context_window": model.context_window}
            if tokens is not None:
                fields["cost_nanousd"] = self._prices.cost_nanousd(model, tokens, _called_at(core))
                fields["price_version"] = PRICE_VERSION
        except Unpriced as miss:
            if tokens is not None:
                self.misses[str(miss)] += 1
        return fields

    def _known_model(self, core: dict[str, Any]) -> ModelInfo:
        """Return the model that answered, else the one that was asked for: a deployment may answer under a name of its own."""
        try:
            return self._prices.model(core["provider"], core["response_model"] or core["request_model"])
        except Unpriced:
            return self._prices.model(core["provider"], core["request_model"])


def _tenant_fields(tenant: Tenant) -> dict[str, Any]:
    return {
        "tenant_name": tenant.name,
        "tenant_plan": tenant.plan,
        "tenant_region": tenant.region,
        "data_class": tenant.data_class,
        "retention_class": tenant.retention_class,
    }


_UNKNOWN_TENANT: Final = _tenant_fields(Tenant("", 0, retention_class=UNKNOWN_RETENTION))


def _tokens(core: dict[str, Any]) -> Tokens | None:
    """Return the usage that an event carries; None when it carries none: nothing is priced, and nothing missing."""
    if core["event_type"] not in _WITH_USAGE or (core["input_tokens"] is None and core["output_tokens"] is None):
        return None
    return Tokens(
        core["input_tokens"],
        core["output_tokens"],
        core["cache_read_tokens"],
        core["cache_write_tokens"],
        core["reasoning_tokens"],
    )


def _called_at(core: dict[str, Any]) -> datetime:
    return _EPOCH + timedelta(microseconds=core.get("started_at") or core["occurred_at"])
