"""What the first two stages load: an application pays for it whenever it starts."""

import os
import subprocess
import sys

HEAVY = (
    *("faust", "mode", "aiokafka", "clickhouse_connect", "chdb", "typer", "rich"),
    *("langgraph", "langchain", "re2", "numpy", "pandas"),
)
"""What an application would pay for by import time and dependencies, and the producer does not need."""
A_RUN = """
from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langtrail.producer import AuditCallbackHandler, audit_context

@tool
def look(what: str) -> str:
    "Look."
    return what

config = {"callbacks": [AuditCallbackHandler()]}
with audit_context(tenant_id="acme", user_id="ann"):
    (ChatPromptTemplate.from_messages([("user", "{q}")]) | FakeListChatModel(responses=["x"])).invoke({"q": "hi"}, config)
    look.invoke({"what": "x"}, config)
"""


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a new Python has after running some code, warnings being errors."""
    code = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-I", "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_the_producer_loads_nothing_it_does_not_need() -> None:
    """Importing langtrail.producer brings no stream processor, no database client, no command line and no LangGraph."""
    assert loaded_by("import langtrail.producer") & set(HEAVY) == set()


def test_recording_loads_nothing_it_does_not_need() -> None:
    """A chain, a model and a tool are recorded without LangGraph, which may not even be installed."""
    assert loaded_by(A_RUN) & set(HEAVY) == set()


def test_the_schemas_load_next_to_nothing() -> None:
    """Importing langtrail.schemas brings neither LangChain nor a Kafka client."""
    assert loaded_by("import langtrail.schemas") & {*HEAVY, "langchain_core", "confluent_kafka", "pydantic"} == set()


def test_a_switch_that_is_none_is_refused_on_import_by_its_name() -> None:
    """LANGTRAIL_ENABLED is read before there is a handler."""
    environ = {**os.environ, "LANGTRAIL_ENABLED": "maybe"}
    command = [sys.executable, "-c", "import langtrail.producer"]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stderr
    assert said.splitlines()[-1] == "langtrail.schemas.settings.SettingsError: LANGTRAIL_ENABLED: expected 1 or 0"
