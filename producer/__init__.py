"""Step 2 of 5: LangChain callbacks become numbered, chained events on Kafka. Nothing blocks, nothing vanishes."""

import os

from langtrail.schemas.settings import SettingsError, switch

from .context import audit_context
from .errors import AuditUnavailable, IdentityMissing, ProducerError, SpoolDamaged, SpoolFull, TokenRefused
from .handler import AuditCallbackHandler
from .install import install
from .settings import ProducerSettings

__all__ = [
    "AuditCallbackHandler",
    "AuditUnavailable",
    "IdentityMissing",
    "ProducerError",
    "ProducerSettings",
    "SettingsError",
    "SpoolDamaged",
    "SpoolFull",
    "TokenRefused",
    "audit_context",
    "install",
]

try:
    _enabled = switch(os.environ.get("LANGTRAIL_ENABLED") or "0")
except ValueError as error:
    raise SettingsError(f"LANGTRAIL_ENABLED: {error}") from None
if _enabled:
    install()
