"""What made-up events have in common: models and their prices, tools, words, and the fields that hardly change."""

from random import Random
from typing import Any, Final

from . import sample_events

MODELS: Final = (
    ("openai", "gpt-4o-mini", 150),
    ("anthropic", "claude-sonnet-4-5", 3000),
    ("mistralai", "mistral-large-latest", 2000),
    ("openai", "gpt-4.1", 2000),
)
"""Provider, model, billionths of a US dollar for an input token."""
TOOLS: Final = ("search_orders", "read_contract", "customer_by_number", "stock_level", "send_summary")
_WORDS: Final = 6000
_COMMON: Final = """
the of and to a in is for that with on as by it from at this are be an or not have was which will can please customer order
invoice contract refund delivery payment account answer question status late open region quarter price report [PERSON]
[EMAIL] [IBAN] [PHONE] summary product service request ticket policy claim date amount total balance team manager office
"""
_CONSONANTS: Final = "bdfghklmnprstv"
_VOWELS: Final = "aeio"

HEAD: Final[dict[str, Any]] = {
    **sample_events.HEAD,
    "metadata": '{"ls_provider": "openai", "langgraph_step": 1}',
    "tenant_plan": "enterprise",
    "tenant_region": "eu",
    "data_class": "internal",
}
CORE: Final[dict[str, Any]] = {**sample_events.CORE, "component": "Chain", "environment": "production"}


def words() -> tuple[str, ...]:
    """Return the vocabulary, the most frequent word first; always the same."""
    random = Random(1)  # noqa: S311 - made-up data, not secrets
    syllables = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
    common = _COMMON.split()
    made = dict.fromkeys("".join(random.choices(syllables, k=random.randrange(2, 5))) for _ in range(2 * _WORDS))
    return (*common, *list(made)[: _WORDS - len(common)])
