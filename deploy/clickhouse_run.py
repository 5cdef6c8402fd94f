"""From a statement to blocks of rows: what is checked before it runs, and how it is run. All of it blocks."""

from collections.abc import Generator

from .clickhouse_engine import Result
from .clickhouse_errors import Code, refusal
from .clickhouse_readonly import ReadOnlyGuard, check_get, refuse_outfile
from .clickhouse_request import Call
from .clickhouse_sessions import Lease
from .clickhouse_statement import first_word, is_concatenable


def start(guard: ReadOnlyGuard, lease: Lease, call: Call, text: bytes, format_name: str) -> Generator[Result]:
    """Check a statement and return its blocks; it runs with the first `next`. Raises EngineError when it may not run."""
    _check(guard, lease, call, text)
    if lease.session and first_word(text) == "SET":
        lease.session.has_own_settings = True
    if call.readonly:
        # 2 would let the statement change settings, some of which name files; the request's own are set already.
        lease.handle.set({"readonly": "1"})
    if is_concatenable(format_name):
        return lease.handle.stream(text, call.default_format, call.params)
    return _at_once(lease, call, text)


def first_blocks(blocks: Generator[Result], up_to_bytes: float) -> tuple[list[Result], bool]:
    """Return the first blocks, up to about so many bytes, and whether they are all."""
    gathered, size = [], 0
    for block in blocks:
        gathered.append(block)
        size += len(block.data)
        if size > up_to_bytes:
            return gathered, False
    return gathered, True


def check_insert(call: Call) -> None:
    """Raise EngineError when a request must not insert."""
    if call.readonly or call.is_get:
        raise refusal(Code.READONLY, "Cannot execute query in readonly mode")


def _at_once(lease: Lease, call: Call, text: bytes) -> Generator[Result]:
    yield lease.handle.run(text, call.default_format, call.params)


def _check(guard: ReadOnlyGuard, lease: Lease, call: Call, text: bytes) -> None:
    _, statements = lease.handle.classify(text)
    if statements > 1:
        raise refusal(Code.SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
    refuse_outfile(lease.handle, text)
    if call.readonly:
        guard.check(lease.handle, text)
    elif call.is_get:
        check_get(lease.handle, text)
