"""An application's own record of its callbacks, which knows nothing of langtrail: the demo counts against it."""

import json
import os
from pathlib import Path
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler


class Recorder(BaseCallbackHandler):
    """Writes a line of JSON for each callback, before the callback returns: a killed process has written all it saw."""

    run_inline = True

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def on_chain_start(self, *_: Any, **seen: Any) -> None:  # noqa: D102 - LangChain's hook, as all below
        self._write("chain_start", **seen)

    def on_chain_end(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("chain_end", **seen)

    def on_chain_error(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("chain_error", **seen)

    def on_chat_model_start(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("llm_start", **seen)

    def on_llm_end(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("llm_end", **seen)

    def on_llm_error(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("llm_error", **seen)

    def on_tool_start(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("tool_start", **seen)

    def on_tool_end(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("tool_end", **seen)

    def on_tool_error(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("tool_error", **seen)

    def on_retriever_start(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("retriever_start", **seen)

    def on_retriever_end(self, *_: Any, **seen: Any) -> None:  # noqa: D102
        self._write("retriever_end", **seen)

    def _write(self, event_type: str, *, run_id: Any, **_: Any) -> None:
        os.write(self._file, json.dumps({"run_id": str(run_id), "event_type": event_type}).encode() + b"\n")
