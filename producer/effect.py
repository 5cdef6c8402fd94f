"""An effect: one thing that code does to the world, as whoever saw it tells it."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Effect(NamedTuple):
    """One thing done. `effect`: read, write, delete or external; `operation`: an SQL verb, an HTTP method and the like.

    `resource` and `ext` stand in the core: they name no person and hold no secret. `told` is content.
    """

    kind: str
    operation: str
    effect: str
    resource: str
    told: Any
    ext: dict[str, str] = {}  # noqa: RUF012 - never changed


Record = Callable[[Effect], None]
