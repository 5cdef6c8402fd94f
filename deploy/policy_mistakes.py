"""All that is wrong with a policy: what cannot be read, else the tests of its own that it fails."""

from typing import Any

from langtrail.processors.policy_reader import Mistake, PolicyError, read_policy
from langtrail.processors.policy_trial import failed_tests


def policy_mistakes(table: Any) -> list[Mistake]:
    """Return the mistakes, none for a policy that can be applied."""
    try:
        return failed_tests(read_policy(table))
    except PolicyError as error:
        return error.mistakes
