"""audit_context: who and why, for everything that runs within a block of the application's code."""

import asyncio
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from .pipeline import pipeline
from .scope import VERIFIED, Block, enter_scope, leave_scope
from .vocabulary import PRINCIPAL_TYPES, TRIGGERS

P = ParamSpec("P")
R = TypeVar("R")


class audit_context:  # noqa: N801 - used as a function, as contextlib's own are
    """Say who and why for every run started within: inner contexts add to outer ones, other tasks and threads are untouched.

    A generator that yields within the block shares it with whoever reads the generator, until the block ends.

    For `with`, `async with` and as a decorator. `token` is an OpenID Connect token: it is verified when the block is entered,
    and its subject counts before any name that is merely said. `flush_timeout` waits at the end of the block, at most so many
    seconds, until Kafka has acknowledged what was recorded.

    Raises ValueError for a trigger or principal_type that the contract does not know, and for a flush_timeout that is no number
    of seconds; TypeError where it decorates a generator, which runs outside of the call that makes it. On entering it raises
    TokenRefused for a token that does not hold, or that cannot be verified with the settings that there are.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        thread_id: str | None = None,
        conversation_id: str | None = None,
        principal_type: str | None = None,
        roles: str | tuple[str, ...] | list[str] | None = None,
        on_behalf_of: str | None = None,
        trigger: str | None = None,
        trigger_id: str | None = None,
        client_ip: str | None = None,
        prompt_name: str | None = None,
        prompt_version: str | None = None,
        token: str | None = None,
        flush_timeout: float | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in _NOT_FACTS and value is not None}
        _check("trigger", trigger, TRIGGERS)
        _check("principal_type", principal_type, PRINCIPAL_TYPES)
        _check_seconds("flush_timeout", flush_timeout)
        self._given, self._token, self._flush_timeout = given, token, flush_timeout
        self._entered: list[Block] = []

    def __enter__(self) -> None:
        self._entered.append(enter_scope({**self._given, **self._verified()}))

    def __exit__(self, *_: object) -> None:
        leave_scope(self._entered)
        if self._flush_timeout is not None:
            pipeline().flush(self._flush_timeout)

    async def __aenter__(self) -> None:
        verified = await asyncio.to_thread(self._verified) if self._token is not None else {}
        self._entered.append(enter_scope({**self._given, **verified}))

    async def __aexit__(self, *_: object) -> None:
        leave_scope(self._entered)
        if self._flush_timeout is not None:
            await asyncio.to_thread(pipeline().flush, self._flush_timeout)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Run each call of a function, or of a coroutine function, within the context."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("audit_context cannot decorate a generator; write `with audit_context(...):` in its body")
        if not inspect.iscoroutinefunction(function):

            @wraps(function)
            def within(*args: P.args, **kwargs: P.kwargs) -> R:
                with self:
                    return function(*args, **kwargs)

            return within

        @wraps(function)
        async def within_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return cast("Callable[P, R]", within_async)

    def _verified(self) -> dict[Any, Any]:
        if self._token is None:
            return {}
        from .verified import verify  # noqa: PLC0415 - loads PyJWT

        return {VERIFIED: verify(self._token, pipeline().settings)}


_LONGEST_FLUSH = 24 * 3600
_NOT_FACTS = ("self", "token", "flush_timeout")


def _check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"audit_context: {name} must be one of {', '.join(allowed)}")


def _check_seconds(name: str, value: Any) -> None:
    if value is not None and not (isinstance(value, (int, float)) and 0 <= value <= _LONGEST_FLUSH):
        raise ValueError(f"audit_context: {name} must be a number of seconds from 0 to {_LONGEST_FLUSH}")
