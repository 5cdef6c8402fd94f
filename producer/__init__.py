"""Step 2 of 5: LangChain callbacks become numbered, chained events on Kafka. Nothing blocks, nothing vanishes."""

import os

from langtrail.schemas.settings import SettingsError, switch

from .errors import AuditUnavailable, ProducerError, SpoolDamaged, SpoolFull
from .handler import AuditCallbackHandler
from .identity import audit_context
from .install import install
from .settings import ProducerSettings

__all__ = [
    "AuditCallbackHandler",
    "AuditUnavailable",
    "ProducerError",
    "ProducerSettings",
    "SettingsError",
    "SpoolDamaged",
    "SpoolFull",
    "audit_context",
    "install",
]

if os.environ.get("LANGTRAIL_ENABLED") and switch(os.environ["LANGTRAIL_ENABLED"]):
    install()
