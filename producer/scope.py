"""What the blocks of audit_context around the running code say; a context variable, so that tasks and threads never mix."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

VERIFIED = object()
"""The key under which a scope keeps what a token proved. No metadata can name it: it is no text."""


class _Scope(dict[Any, Any]):
    """What one block says and what those around it say; never changed once it is made."""

    owner: object = None
    outer: Mapping[Any, Any]


_scope: ContextVar[Mapping[Any, Any]] = ContextVar("langtrail_audit_context", default=_Scope())  # noqa: B039 - never changed


current_scope: Final = _scope.get
"""Returns what the enclosing audit_context blocks say, inner ones first."""


def enter_scope(owner: object, said: Mapping[Any, Any]) -> None:
    """Begin a block of `owner`'s: what it says is added to what the outer ones say."""
    outer = _scope.get()
    scope = _Scope({**outer, **said})
    scope.owner, scope.outer = owner, outer
    _scope.set(scope)


def leave_scope(owner: object) -> None:
    """Go back to the outer scope. A framework may leave the block in another context, where it was never entered."""
    scope = _scope.get()
    if isinstance(scope, _Scope) and scope.owner is owner:
        _scope.set(scope.outer)
