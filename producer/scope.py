"""What the blocks of audit_context around the running code say; a context variable, so that tasks and threads never mix.

A generator that yields within a block shares it with the code that it yields to. So blocks are not always left in the order
of their entering, nor where they were entered. One that was left is over all the same: only what was started within it and
has a context of its own, as a task, goes on to say what it says.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from .langchain_context import Origin, origin

VERIFIED = object()
"""The key under which a scope keeps what a token proved. No metadata can name it: it is no text."""


class Block:
    """A block that was entered: what it says, and where that was."""

    def __init__(self, said: Mapping[Any, Any], entered: Origin) -> None:
        self.said, self.entered = said, entered
        self.left = False


class Scope:
    """What one block says and what those around it say; never changed once it is made. The outermost has no block."""

    def __init__(self, facts: Mapping[Any, Any], block: Block | None, outer: "Scope | None") -> None:
        self.facts, self.block, self.outer = facts, block, outer


_scope: Final[ContextVar[Scope]] = ContextVar("langtrail_audit_context", default=Scope({}, None, None))  # noqa: B039 - never changed
_left_elsewhere: Final[list[bool]] = []
"""Holds something once a block was left elsewhere than it was entered, where its scope may still be the current one."""


def current_scope() -> Mapping[Any, Any]:
    """Return what the enclosing audit_context blocks say, inner ones first."""
    scope = _scope.get()
    return _without_left(scope).facts if _left_elsewhere else scope.facts


def enter_scope(said: Mapping[Any, Any]) -> Block:
    """Begin a block: what it says is added to what the outer ones say."""
    block = Block(said, origin())
    _scope.set(_within(_scope.get(), block))
    return block


def leave_scope(blocks: list[Block]) -> None:
    """End the innermost of `blocks` that is open here; where none is, because a framework leaves it elsewhere, the last one."""
    if not blocks:
        return
    scope = _scope.get()
    block = _innermost(scope, blocks) or blocks[-1]
    blocks.remove(block)
    block.left = True
    if block.entered != origin():
        _left_elsewhere[:] = [True]
    _scope.set(_without(scope, block))


def _within(outer: Scope, block: Block) -> Scope:
    return Scope({**outer.facts, **block.said}, block, outer)


def _innermost(scope: Scope, blocks: list[Block]) -> Block | None:
    here: Scope | None = scope
    while here is not None and here.block not in blocks:
        here = here.outer
    return here.block if here is not None else None


def _without(scope: Scope, block: Block) -> Scope:
    """Return a scope without one of its blocks, the very same where it is none of them."""
    inner, outer = scope.block, scope.outer
    if inner is None or outer is None:
        return scope
    if inner is block:
        return outer
    rest = _without(outer, block)
    return scope if rest is outer else _within(rest, inner)


def _without_left(scope: Scope) -> Scope:
    """Return a scope without the blocks that were entered here and left elsewhere; from then on it is the current one."""
    here: Origin | None = None
    found, each = scope, scope
    while each.outer is not None:
        if each.block is not None and each.block.left:
            here = here or origin()
            if each.block.entered == here:
                found = _without(found, each.block)
        each = each.outer
    if found is not scope:
        _scope.set(found)
    return found
