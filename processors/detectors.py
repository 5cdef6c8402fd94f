"""The table of all detectors."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from .detector import Detector
from .detectors_address import ADDRESSES
from .detectors_assignments import ASSIGNMENTS
from .detectors_calls import CALLS
from .detectors_carriers import CARRIERS
from .detectors_commands import COMMANDS
from .detectors_financial import FINANCIAL
from .detectors_identity import IDENTITY
from .detectors_life import LIFE
from .detectors_network import NETWORK
from .detectors_pairs import PAIRS
from .detectors_personal import PERSONAL
from .detectors_phone import PHONE
from .detectors_phone_forms import PHONE_FORMS
from .detectors_said import SAID
from .detectors_secrets import SECRETS
from .detectors_services import SERVICES
from .detectors_tables import TABLES
from .detectors_tools import TOOLS
from .detectors_vendor_names import VENDOR_NAMES
from .detectors_vendors import VENDORS

DETECTORS: Final = (
    *SECRETS,
    *ASSIGNMENTS,
    *PAIRS,
    *CALLS,
    *TABLES,
    *COMMANDS,
    *SAID,
    *VENDORS,
    *SERVICES,
    *TOOLS,
    *VENDOR_NAMES,
    *FINANCIAL,
    *PERSONAL,
    *NETWORK,
    *IDENTITY,
    *LIFE,
    *ADDRESSES,
    *PHONE,
    *PHONE_FORMS,
    *CARRIERS,
)
"""Every detector, in the order in which they are run."""


def fingerprint(detectors: Iterable[Detector] = DETECTORS) -> str:
    """Return eight hexadecimal digits that change whenever a pattern does."""
    return sha256("\0".join(f"{d.name}\0{d.type}\0{d.pattern}" for d in detectors).encode()).hexdigest()[:8]
