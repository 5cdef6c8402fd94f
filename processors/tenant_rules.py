"""What holds for each tenant's texts, by the policy in its record: live, read once for each revision."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from .policy import Policy
from .policy_reader import PolicyError, parse_policy
from .scan import Scanner
from .tenant import Tenant
from .treatment import PseudonymsMissing, Rules, Tokens

DEFAULT_POLICY: Final = Policy("default-1")
"""What holds where a tenant has no policy: every detector on, every finding replaced by its type."""

_REMEMBERED: Final = 1024

_log = logging.getLogger(__name__)


class PolicyUnusable(Exception):
    """A tenant's policy cannot be applied here: its content is withheld. `revision` names the policy."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"policy {revision} cannot be applied")
        self.revision = revision


class TenantRules:
    """Callable on the id of a tenant: returns its rules. Raises PolicyUnusable, and says why once for each revision."""

    def __init__(
        self,
        scanner: Callable[[], Scanner],
        tenants: Callable[[str], Tenant | None] = lambda _: None,
        pseudonyms: Tokens | None = None,
    ) -> None:
        self._scanner = scanner
        self._tenants = tenants
        self._pseudonyms = pseudonyms
        self._known: dict[str, tuple[Tenant, Rules | None]] = {}
        self._default = lru_cache(maxsize=_REMEMBERED)(self._default_rules)

    def __call__(self, tenant_id: str) -> Rules:
        """Return what holds now."""
        tenant = self._tenants(tenant_id) if tenant_id else None
        if tenant is None or tenant.policy is None:
            return self._default(tenant_id)
        known, rules = self._known.get(tenant_id, (None, None))
        if known is None or (known.policy, known.policy_revision) != (tenant.policy, tenant.policy_revision):
            rules = self._read(tenant, tenant.policy)
            self._known[tenant_id] = tenant, rules
        if rules is None:
            raise PolicyUnusable(tenant.policy_revision)
        return rules

    def _default_rules(self, tenant_id: str) -> Rules:
        return Rules(DEFAULT_POLICY, self._scanner(), tenant_id, self._pseudonyms)

    def _read(self, tenant: Tenant, text: str) -> Rules | None:
        try:
            policy = parse_policy(text)
            return Rules(policy, self._scanner().with_more(policy.custom), tenant.tenant_id, self._pseudonyms)
        except PolicyError:  # its text may quote the policy, and that what it is about
            why = "this version of langtrail cannot read it"
        except PseudonymsMissing as missing:
            why = str(missing)
        _log.error("all content of a tenant with policy %s is withheld: %s", tenant.policy_revision, why)
        return None
