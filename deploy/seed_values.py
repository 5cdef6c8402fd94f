"""What made-up events have in common: models and their prices, tools, words, and the fields that hardly change."""

from random import Random
from typing import Any, Final

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
    "revision": 0,
    "params": '{"temperature": 0.2, "max_tokens": 512}',
    "metadata": '{"ls_provider": "openai", "langgraph_step": 1}',
    "tags": ["seq:step:1"],
    "redaction_status": "ok",
    "redaction_types": ["IBAN", "PERSON"],
    "redaction_counts": [1, 1],
    "subject_tokens": [],
    "policy_revision": "default-1",
    "redactor_version": "0.1.0",
    "tenant_plan": "enterprise",
    "tenant_region": "eu",
    "data_class": "internal",
    "retention_class": "standard",
    "clock_skewed": False,
}
CORE: Final[dict[str, Any]] = {
    "component": "Chain",
    "principal_type": "human",
    "identity_assurance": "asserted",
    "roles": ["support"],
    "trigger": "interactive",
    "app_version": "1.0.0",
    "environment": "production",
    "pid": 4711,
    "python_version": "3.11",
    "langchain_version": "1.0.0",
    "langtrail_version": "0.1.0",
    "truncated": False,
    "flags": [],
    "ext": [],
}


def words() -> tuple[str, ...]:
    """Return the vocabulary, the most frequent word first; always the same."""
    random = Random(1)  # noqa: S311 - made-up data, not secrets
    syllables = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
    common = _COMMON.split()
    made = dict.fromkeys("".join(random.choices(syllables, k=random.randrange(2, 5))) for _ in range(2 * _WORDS))
    return (*common, *list(made)[: _WORDS - len(common)])
