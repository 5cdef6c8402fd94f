"""Python's collector of garbage, for processes that handle records by the thousand."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEW_OBJECTS: Final = 70_000


@contextmanager
def garbage_seldom_collected() -> Iterator[None]:
    """Let the collector look for cycles a hundred times less often: records by the thousand are not what cycles are made of.

    At what is there already it does not look at all.
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
