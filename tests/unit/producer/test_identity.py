"""Who started a run: which source counts, what a child may change, and what the environment stands in for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler, IdentityMissing, ProducerSettings, SettingsError, audit_context
from langtrail.producer.identity import Identity, from_environment, inherit, resolve
from langtrail.producer.scope import current_scope
from tests.unit.producer.fakes import until
from tests.unit.producer.trail import Trail, config

RunBy = Callable[[str, Any, Any, RunnableConfig], None]


def root(metadata: dict[str, Any], configurable: dict[str, Any] | None = None, **settings: Any) -> Identity:
    """Return the identity of a root run."""
    return resolve(metadata, configurable or {}, ProducerSettings(**settings)).identity


def test_metadata_counts_before_configurable_before_context_before_environment() -> None:
    """The nearest source that names a fact wins; others fill in what it does not name."""
    given = {"tenant_id": "from-environment", "user_id": "from-environment", "trigger_id": "job-7"}
    with audit_context(tenant_id="from-context", user_id="from-context", session_id="from-context"):
        found = root({"tenant_id": "from-metadata"}, {"tenant_id": "from-configurable", "user_id": "bob"}, **given)
    assert (found.tenant_id, found.principal_id, found.session_id) == ("from-metadata", "bob", "from-context")
    assert found.trigger_id == "job-7"


@pytest.mark.parametrize("key", ["session_id", "thread_id", "conversation_id"])
def test_a_session_has_three_names(key: str) -> None:
    """session_id, thread_id and conversation_id all name the session."""
    assert root({key: "s1"}).session_id == "s1"


def test_what_an_application_says_is_asserted() -> None:
    """A named user is a human whom the application asserts; an unnamed one is the OS user, unknown."""
    named, unnamed = root({"user_id": "ann"}), from_environment(ProducerSettings())
    assert (named.principal_type, named.identity_assurance) == ("human", "asserted")
    assert (unnamed.principal_type, unnamed.identity_assurance) == ("service", "unknown")


def test_somebody_is_named_who_has_the_name_of_the_os_user() -> None:
    """The application asserts it, of the root or of a child, whatever the process would be taken for."""
    unnamed = from_environment(ProducerSettings())
    child, *_ = inherit({"user_id": unnamed.principal_id}, {}, unnamed, None)
    for found in (root({"user_id": unnamed.principal_id}), child):
        assert (found.principal_id, found.principal_type) == (unnamed.principal_id, "human")
        assert found.identity_assurance == "asserted"


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_names_nobody(blank: str) -> None:
    """Who is named elsewhere counts, and else the OS user, unknown."""
    unnamed = from_environment(ProducerSettings())
    assert root({"user_id": blank}) == root({}, user_id=blank) == unnamed
    with audit_context(user_id="ann"):
        assert root({"user_id": blank}).principal_id == "ann"


def test_a_scheduled_run_is_a_job() -> None:
    """A user named for a schedule is a job."""
    with audit_context(user_id="contractor-7", trigger="schedule", trigger_id="crm-sync"):
        found = root({})
    assert (found.principal_type, found.trigger, found.trigger_id) == ("job", "schedule", "crm-sync")


def test_contexts_nest_and_end() -> None:
    """An inner context adds to the outer one, and is gone after its block."""
    with audit_context(tenant_id="acme"):
        with audit_context(user_id="ann"):
            assert root({}).tenant_id == "acme"
        assert root({}).principal_id != "ann"
    assert root({}).tenant_id == ""


def test_an_unknown_trigger_is_refused_where_it_is_written() -> None:
    """audit_context names the words that it knows."""
    with pytest.raises(ValueError, match="interactive, api, schedule"), audit_context(trigger="cron"):
        pass


def test_an_unknown_trigger_in_the_environment_is_refused_at_start(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named."""
    monkeypatch.setenv("LANGTRAIL_TRIGGER", "cron")
    with pytest.raises(SettingsError, match="LANGTRAIL_TRIGGER"):
        AuditCallbackHandler()


def test_a_context_decorates_functions_and_coroutines() -> None:
    """Each call has a context of its own, also where calls overlap."""

    @audit_context(tenant_id="acme")
    def name() -> str:
        return root({}).tenant_id

    @audit_context(tenant_id="globex")
    async def name_later() -> str:
        await asyncio.sleep(0)
        return root({}).tenant_id

    async def main() -> list[str]:
        return list(await asyncio.gather(name_later(), name_later()))

    assert name() == "acme"
    assert asyncio.run(main()) == ["globex", "globex"]
    assert not current_scope()


def test_a_context_refuses_to_decorate_a_generator() -> None:
    """It would be left before the generator's body runs."""

    def work() -> Generator[None, None, None]:
        yield

    async def work_later() -> AsyncIterator[None]:
        yield

    for generator in (work, work_later):
        with pytest.raises(TypeError, match="write `with audit_context"):
            audit_context(tenant_id="acme")(generator)


@pytest.mark.parametrize("seconds", ["x", -1, float("nan"), float("inf")])
def test_a_wait_that_is_no_number_of_seconds_is_refused_where_it_is_written(seconds: Any) -> None:
    """Not after the block, when its work is done."""
    with pytest.raises(ValueError, match="flush_timeout"):
        audit_context(flush_timeout=seconds)


def test_one_role_needs_no_list() -> None:
    """A text is one role, wherever it is said."""
    assert root({"roles": "admin"}).roles == ("admin",)
    with audit_context(roles="admin"):
        assert root({}).roles == ("admin",)


def test_a_context_left_in_another_context_leaves_it_as_it_is() -> None:
    """Frameworks enter and leave generators in different tasks."""

    async def enter(block: audit_context) -> None:
        await block.__aenter__()

    async def main() -> None:
        block = audit_context(tenant_id="acme")
        await asyncio.create_task(enter(block))
        await block.__aexit__(None, None, None)
        assert root({}).tenant_id == ""

    asyncio.run(main())


def test_contexts_of_generators_that_take_turns_end_with_them() -> None:
    """A block that is left before one that was entered later takes only itself away, and never comes back."""

    def work(tenant: str, user: str) -> Generator[None, None, None]:
        with audit_context(tenant_id=tenant, user_id=user):
            yield

    first, second = work("acme", "ann"), work("globex", "bob")
    next(first)
    with audit_context(session_id="s1"):
        next(second)
        first.close()
        assert (root({}).tenant_id, root({}).principal_id, root({}).session_id) == ("globex", "bob", "s1")
    assert (root({}).tenant_id, root({}).session_id) == ("globex", "")
    second.close()
    assert not current_scope()


def test_a_context_ends_with_an_asynchronous_generator_that_nobody_reads_to_its_end() -> None:
    """The event loop closes it in a task of its own; what was started within the block is still within it."""
    ended = threading.Event()

    async def work() -> AsyncIterator["asyncio.Task[str]"]:
        try:
            with audit_context(tenant_id="acme"):
                yield asyncio.create_task(later())
        finally:
            ended.set()

    async def later() -> str:
        await until(ended)
        return root({}).tenant_id

    async def main() -> None:
        task = await anext(work())
        assert root({}).tenant_id == "acme"
        await until(ended)
        assert root({}).tenant_id == ""
        assert await task == "acme"

    asyncio.run(main())


def test_a_child_keeps_the_tenant_of_its_root() -> None:
    """Another tenant in a child is refused and reported; a root without one may be completed."""
    child, flags, _ = inherit({"tenant_id": "globex"}, {}, root({"tenant_id": "acme"}), None)
    assert (child.tenant_id, flags) == ("acme", ("tenant_conflict",))
    child, flags, _ = inherit({"tenant_id": "globex"}, {}, root({}), None)
    assert (child.tenant_id, flags) == ("globex", ())


def test_a_child_keeps_the_session_of_its_root() -> None:
    """A nested graph's own thread does not tear its events out of the session."""
    child, *_ = inherit({"thread_id": "inner"}, {}, root({"session_id": "s1"}), None)
    assert child.session_id == "s1"


def test_a_child_that_names_nothing_shares_its_parents_identity() -> None:
    """The very same object: its bytes are encoded once."""
    parent = root({"user_id": "ann", "thread_id": "t1"})
    child, *_ = inherit({"user_id": "ann", "thread_id": "t1", "langgraph_node": "x"}, {}, parent, current_scope())
    assert child is parent


def test_a_context_around_the_root_does_not_speak_again_in_a_child() -> None:
    """What the root's metadata said against its context holds for its children, whose metadata may be gone."""
    with audit_context(tenant_id="from-context"):
        parent = root({"tenant_id": "acme"})
        child, flags, _ = inherit({}, {}, parent, current_scope())
        assert (child.tenant_id, flags) == ("acme", ())
        with audit_context(user_id="bob"):
            child, *_ = inherit({}, {}, parent, {"tenant_id": "from-context"})
        assert (child.tenant_id, child.principal_id) == ("acme", "bob")


@pytest.mark.parametrize(
    ("value", "recorded"),
    [(7, "7"), ("\ud800", "\\ud800"), ("x" * 2000, "x" * 2000), (int, "<class 'int'>")],
    ids=["number", "surrogate", "long", "class"],
)
def test_an_identity_of_any_kind_is_text_as_given(trail: Trail, value: Any, recorded: str) -> None:
    """Whatever an application gives as an id, the run is recorded."""
    RunnableLambda(lambda x: x).invoke(1, config(user_id=value, session_id=value))
    start = trail.one("chain_start")
    assert start["session_id"] == start["principal_id"] == recorded


def test_an_id_that_cannot_be_text_is_named_by_its_class(trail: Trail) -> None:
    """An object whose text raises costs no event."""

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    RunnableLambda(lambda x: x).invoke(1, config(user_id=Hostile()))
    assert "Hostile" in trail.one("chain_start")["principal_id"]


def test_facts_that_name_a_person_are_withheld_from_the_core_and_kept_as_content(trail: Trail) -> None:
    """A trigger id with an e-mail address; the original is in the sealed content of each event."""
    with audit_context(trigger="schedule", trigger_id="mail to bob@example.com"):
        RunnableLambda(lambda x: x).invoke(1, config(note="n"))
    for event in trail.events("chain_start", "chain_end"):
        assert event["trigger_id"] == "withheld"
        assert event["content"]["metadata"]["withheld"] == {"trigger_id": "mail to bob@example.com"}
    assert trail.one("chain_start")["content"]["metadata"]["note"] == "n"


# configurable: since langchain-core 1.3 it is in nobody's metadata


@tool
def nothing() -> str:
    """Do nothing."""
    return ""


def _model() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage("x"), AIMessage("y")]))


@pytest.mark.parametrize(
    ("runnable", "given"),
    [
        (lambda: RunnableLambda(lambda x: x), 1),
        (lambda: RunnableLambda(lambda x: x) | RunnableLambda(lambda x: x), 1),
        (_model, "hi"),
        (lambda: nothing, {}),
        (lambda: RunnableLambda(lambda x: x).with_fallbacks([RunnableLambda(lambda x: x)]), 1),
    ],
    ids=["lambda", "sequence", "model", "tool", "fallbacks"],
)
@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke", "astream", "batch"])
def test_a_roots_configurable_names_its_user_from_the_first_event_on(
    trail: Trail, run_by: RunBy, runnable: Any, given: Any, how: str
) -> None:
    """user_id and tenant_id in `configurable` alone: root and children have them, however the run is started."""
    named = config({"user_id": "ann", "tenant_id": "acme", "session_id": "s1"})
    run_by(how, runnable(), given, named)
    events = [event for event in trail.events() if event["run_id"]]
    assert {(event["principal_id"], event["tenant_id"], event["session_id"]) for event in events} == {("ann", "acme", "s1")}


def test_two_tenants_at_once_in_tasks_and_threads_never_mix(trail: Trail) -> None:
    """Two hundred tasks of two tenants on one handler, and as many threads' calls: every event has its own tenant."""
    handler = AuditCallbackHandler()

    async def inner(tenant: str) -> str:
        await asyncio.sleep(0)
        echo: RunnableLambda[str, str] = RunnableLambda(lambda value: value)
        return await echo.ainvoke(tenant)

    def call(tenant: str) -> str:
        with audit_context(tenant_id=tenant, user_id=f"user of {tenant}"):
            echo: RunnableLambda[str, str] = RunnableLambda(lambda value: value)
            return echo.invoke(tenant, {"callbacks": [handler]})

    async def main() -> None:
        given: Any = [
            {"callbacks": [handler], "metadata": {"tenant_id": tenant, "user_id": f"user of {tenant}"}}
            for tenant in ("acme", "globex") * 100
        ]
        await asyncio.gather(*(RunnableLambda(inner).ainvoke(each["metadata"]["tenant_id"], each) for each in given))

    asyncio.run(main())
    with ThreadPoolExecutor(32) as executor:
        list(executor.map(call, ["acme", "globex"] * 100))
    ends = trail.events("chain_end")
    assert len(ends) == 600
    assert all(event["content"]["output"] == event["tenant_id"] for event in ends)
    assert all(event["principal_id"] == f"user of {event['tenant_id']}" for event in ends)


def test_the_block_of_a_context_may_wait_for_what_was_recorded_in_it(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """flush_timeout waits when the block ends, for as long as it says."""
    from langtrail.producer.pipeline import Pipeline  # noqa: PLC0415 - what is watched here

    waited: list[tuple[float, str]] = []
    monkeypatch.setattr(Pipeline, "flush", lambda _, seconds: waited.append((seconds, threading.current_thread().name)))
    with audit_context(tenant_id="acme", flush_timeout=2.0):
        assert waited == []

    async def main() -> None:
        async with audit_context(tenant_id="acme", flush_timeout=1.0):
            pass

    asyncio.run(main())
    assert [seconds for seconds, _ in waited] == [2.0, 1.0]
    assert waited[1][1] != threading.current_thread().name


@pytest.mark.parametrize("kind", ["tool", "chain", "model"])
def test_a_run_that_names_nobody_may_be_refused(trail: Trail, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """With LANGTRAIL_REQUIRE_IDENTITY=1 it does not begin, and that it was refused is in the trail; a named one runs."""
    monkeypatch.setenv("LANGTRAIL_REQUIRE_IDENTITY", "1")
    done: list[int] = []

    @tool
    def act() -> str:
        """Act."""
        done.append(1)
        return ""

    runnable: Any = {"tool": act, "chain": RunnableLambda(lambda _: act.invoke({})), "model": _model()}[kind]
    with pytest.raises(IdentityMissing, match="LANGTRAIL_REQUIRE_IDENTITY"):
        runnable.invoke({} if kind == "tool" else "hi", config())
    assert done == []
    denied = trail.one("policy_denied")
    assert (denied["outcome"], denied["decision"], denied["policy_id"]) == ("denied", "deny", "langtrail.require_identity")
    assert trail.events("tool_start", "chain_start", "llm_start") == []
    with audit_context(user_id="ann"):
        runnable.invoke({} if kind == "tool" else "hi", config())
    assert kind == "model" or done == [1]


def test_whoever_is_named_may_run_and_a_blank_is_nobody(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LANGTRAIL_REQUIRE_IDENTITY=1 it is asked whether somebody is named, not whether that is another than the OS user."""
    monkeypatch.setenv("LANGTRAIL_REQUIRE_IDENTITY", "1")
    step: RunnableLambda[int, int] = RunnableLambda(lambda x: x)
    for blank in ("", " "):
        with pytest.raises(IdentityMissing):
            step.invoke(1, config(user_id=blank))
    assert step.invoke(1, config(user_id=from_environment(ProducerSettings()).principal_id)) == 1
