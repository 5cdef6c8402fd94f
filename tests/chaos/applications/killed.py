"""An application that asks a model for two tool calls and waits within the first: it ends when the file `go` is there.

`python killed.py SESSION DIRECTORY`: the file `inside` says that the tool runs.
"""

import sys
import time
from pathlib import Path

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool

from langtrail.producer import AuditCallbackHandler

SESSION, DIRECTORY = sys.argv[1], Path(sys.argv[2])
CALLS = [{"name": "archive", "args": {"year": year}, "id": f"{SESSION}-{year}"} for year in (2019, 2020)]


@tool
def archive(year: int) -> str:
    """Archive a year."""
    (DIRECTORY / "inside").touch()
    while not (DIRECTORY / "go").exists():
        time.sleep(0.05)
    return f"{year} is archived"


def agent(question: str, config: RunnableConfig) -> str:
    """Call the model, then its tools one after the other."""
    model = GenericFakeChatModel(messages=iter([AIMessage(content="", tool_calls=CALLS)]))
    answer = model.invoke(question, config)
    for call in answer.tool_calls:
        archive.invoke({**call, "type": "tool_call"}, config)
    return "done"


handler = AuditCallbackHandler()
metadata = {"tenant_id": "watched", "user_id": "archiver", "session_id": SESSION}
RunnableLambda(agent).invoke("archive it", {"callbacks": [handler], "metadata": metadata})
raise SystemExit(handler.flush(20))
