"""A policy's own tests: each text redacted under it, compared with what its owner expects."""

from .event import Withheld
from .policy import Policy
from .policy_reader import Mistake
from .redact import rules_of, search
from .redaction import spliced


class _Unkeyed:
    """Stands for the key, so that what a test expects can be written down."""

    def token(self, tenant_id: str, kind: str, value: str) -> str:
        return f"{kind}:PSEUDONYM"


def failed_tests(policy: Policy) -> list[Mistake]:
    """Return the tests of the policy that do not come out as expected. A pseudonym reads [TYPE:PSEUDONYM] in them."""
    rules = rules_of(policy, _Unkeyed())
    failed: list[Mistake] = []
    for index, test in enumerate(policy.tests):
        try:
            became = spliced(test.text, search(test.text, rules=rules, field=test.field))
        except Withheld as withheld:
            became = f"withheld: {withheld}"
        if became != test.expected:
            failed.append(Mistake(("tests", index), f"became {became!r}, expected {test.expected!r}"))
    return failed
