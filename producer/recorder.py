"""What our handlers are known by, and what each thread is in the middle of: classes that stay Python's own when we compile."""

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .runs import Run


class Recorder:
    """What all handlers of ours are: LangChain may have several of them in one list, and each run is recorded once."""


class _ThisThread(threading.local):
    """What one thread is in the middle of: a batch of starts, and an event that further copies of our handler will repeat."""

    batch: "list[Run] | None" = None
    batch_params: Any = None
    batch_left: int = 0
    dispatch: int = 0
    repeats_left: int = 0


this_thread: Final = _ThisThread()
