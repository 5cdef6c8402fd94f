"""Who started a run: which source counts, and what the environment stands in for."""

import pytest

from langtrail.producer import ProducerSettings, audit_context
from langtrail.producer.identity import from_environment, inherit, resolve


def test_metadata_counts_before_configurable_before_context_before_environment() -> None:
    """The nearest source that names a fact wins; others fill in what it does not name."""
    settings = ProducerSettings(tenant_id="from-environment", user_id="from-environment", trigger_id="job-7")
    with audit_context(tenant_id="from-context", user_id="from-context", session_id="from-context"):
        found = resolve({"tenant_id": "from-metadata"}, {"tenant_id": "from-configurable", "user_id": "bob"}, settings)
    assert (found.tenant_id, found.principal_id, found.session_id) == ("from-metadata", "bob", "from-context")
    assert found.trigger_id == "job-7"


@pytest.mark.parametrize("key", ["session_id", "thread_id", "conversation_id"])
def test_a_session_has_three_names(key: str) -> None:
    """session_id, thread_id and conversation_id all name the session."""
    assert resolve({key: "s1"}, {}, ProducerSettings()).session_id == "s1"


def test_what_an_application_says_is_asserted() -> None:
    """A named user is a human whom the application asserts; an unnamed one is the OS user, unknown."""
    settings = ProducerSettings()
    named, unnamed = resolve({"user_id": "ann"}, {}, settings), from_environment(settings)
    assert (named.principal_type, named.identity_assurance) == ("human", "asserted")
    assert (unnamed.principal_type, unnamed.identity_assurance) == ("service", "unknown")


def test_a_scheduled_run_is_a_job() -> None:
    """A user named for a schedule is a job."""
    with audit_context(user_id="contractor-7", trigger="schedule", trigger_id="crm-sync"):
        found = resolve({}, {}, ProducerSettings())
    assert (found.principal_type, found.trigger, found.trigger_id) == ("job", "schedule", "crm-sync")


def test_contexts_nest_and_end() -> None:
    """An inner context adds to the outer one, and is gone after its block."""
    with audit_context(tenant_id="acme"):
        with audit_context(user_id="ann"):
            assert resolve({}, {}, ProducerSettings()).tenant_id == "acme"
        assert resolve({}, {}, ProducerSettings()).principal_id != "ann"
    assert resolve({}, {}, ProducerSettings()).tenant_id == ""


def test_an_unknown_trigger_is_refused_where_it_is_written() -> None:
    """audit_context names the words that it knows."""
    with pytest.raises(ValueError, match="interactive, api, schedule"), audit_context(trigger="cron"):
        pass


def test_a_child_keeps_the_tenant_of_its_root() -> None:
    """Another tenant in a child is refused and reported; a root without one may be completed."""
    root = resolve({"tenant_id": "acme"}, {}, ProducerSettings())
    child, conflict = inherit({"tenant_id": "globex"}, {}, root)
    assert (child.tenant_id, conflict) == ("acme", True)
    child, conflict = inherit({"tenant_id": "globex"}, {}, resolve({}, {}, ProducerSettings()))
    assert (child.tenant_id, conflict) == ("globex", False)
