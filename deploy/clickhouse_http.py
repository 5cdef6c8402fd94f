"""ClickHouse's HTTP protocol over the engine in this process: what clickhouse-connect, curl and Grafana speak."""

import asyncio
import hmac
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, TypeVar

from aiohttp import web

from . import clickhouse_answer as answer
from .clickhouse_engine import Engine, EngineError, Insert, Result
from .clickhouse_errors import Code, refusal
from .clickhouse_hello import hello, is_hello
from .clickhouse_readonly import ReadOnlyGuard
from .clickhouse_request import Body, Call, read_call
from .clickhouse_run import check_insert, first_blocks, start
from .clickhouse_sessions import Lease, Sessions
from .clickhouse_statement import InsertHead, insert_head, output_format, returns_rows

_STATEMENTS_AT_ONCE: Final = 32
_HEAD_BYTES: Final = 64 * 1024
_WHOLE_ANSWER_BYTES: Final = 1024 * 1024
_FORM_BYTES: Final = 1024**3
_EXPIRE_SECONDS: Final = 5

T = TypeVar("T")


class Server:
    """Answers requests. One user, one password; statements run in threads, so that a long one holds nobody up."""

    def __init__(self, engine: Engine, user: str, password: str) -> None:
        self._engine = engine
        self._credentials = (user.encode(), password.encode())
        self._threads = ThreadPoolExecutor(_STATEMENTS_AT_ONCE, "statement")
        self._killer = ThreadPoolExecutor(1, "kill")
        self._sessions = Sessions(engine)
        handle = engine.open()
        self._guard = ReadOnlyGuard(handle)
        facts = handle.run("SELECT displayName(), version(), timezone()", "TSVRaw").data.decode()
        self._display_name, self._version, self._timezone = facts.strip().split("\t")
        handle.close()

    def application(self) -> web.Application:
        """Return the application that serves `/`, `/ping` and statements."""
        application = web.Application(client_max_size=_FORM_BYTES)
        application.router.add_get("/ping", self._ping)
        application.router.add_get("/", self._statement)
        application.router.add_post("/", self._statement)
        application.cleanup_ctx.append(self._housekeeping)
        return application

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def _housekeeping(self, _application: web.Application) -> AsyncIterator[None]:
        async def expire() -> None:
            while True:
                await asyncio.sleep(_EXPIRE_SECONDS)
                await self._in_thread(self._sessions.close_expired)

        task = asyncio.create_task(expire())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._threads.shutdown()
        self._killer.shutdown()
        self._sessions.close()

    async def _statement(self, request: web.Request) -> web.StreamResponse:
        if request.method in ("GET", "HEAD") and not request.query:
            return await self._ping(request)
        common = answer.headers(request.query.get("query_id", ""), self._timezone)
        try:
            self._authenticate(request)
            call = await read_call(request)
            common = answer.headers(call.query_id, self._timezone)
            async with self._held(partial(self._sessions.take, call), partial(self._sessions.give_back, call)) as lease:
                return await self._execute(request, call, lease)
        except EngineError as error:
            return answer.failure(error, common, self._version)

    def _authenticate(self, request: web.Request) -> None:
        user, password = _credentials(request)
        # Both are always compared, in constant time: the answer says nothing about which was wrong.
        right = [hmac.compare_digest(*pair) for pair in zip((user, password), self._credentials, strict=True)]
        if not all(right):
            name = user.decode(errors="replace") or "default"
            raise refusal(
                Code.AUTHENTICATION_FAILED,
                f"{name}: Authentication failed: password is incorrect, or there is no user with such name",
            )

    async def _execute(self, request: web.Request, call: Call, lease: Lease) -> web.StreamResponse:
        body = Body(request)
        text = b"\n".join(part for part in (call.query.encode(), await body.read(_HEAD_BYTES)) if part)
        head = None if call.params else insert_head(text)  # an INSERT with parameters goes to the engine as one text
        if head:
            return await self._insert(call, lease, head, text[head.data_at :], body)
        return await self._query(request, call, lease, text + b"".join([piece async for piece in body.pieces()]))

    async def _insert(self, call: Call, lease: Lease, head: InsertHead, first: bytes, body: Body) -> web.StreamResponse:
        check_insert(call)
        begin = partial(lease.handle.insert, head.statement, head.settings, head.input_format)
        async with self._held(begin, Insert.cancel) as insert:
            if first:
                await self._in_thread(insert.append, first)
            async for piece in body.pieces():
                await self._in_thread(insert.append, piece)
            result = await self._in_thread(insert.finish)
        return answer.whole(call, answer.headers(call.query_id, self._timezone), [result])

    async def _query(self, request: web.Request, call: Call, lease: Lease, text: bytes) -> web.StreamResponse:
        format_name = output_format(text, call.default_format)
        common = answer.headers(call.query_id, self._timezone, format_name if returns_rows(text) else None)
        if is_hello(text) and format_name.lower() == "native":
            greeting = hello(self._display_name, self._version, self._timezone)
            return answer.whole(call, common, [Result(data=greeting, result_rows=1)])
        begin = partial(start, self._guard, lease, call, text, format_name)
        async with self._held(begin, Generator.close) as blocks:
            first, ended = await self._in_thread(first_blocks, blocks, _whole_bytes(call), cancel=lease.mark)
            if ended:
                return answer.whole(call, common, first)
            return await answer.in_pieces(request, call, common, first, self._rest(blocks, lease))

    async def _rest(self, blocks: Generator[Result], lease: Lease) -> AsyncIterator[Result]:
        while block := await self._in_thread(next, blocks, None, cancel=lease.mark):
            yield block

    @asynccontextmanager
    async def _held(self, make: Callable[[], T], release: Callable[[T], object]) -> AsyncIterator[T]:
        """Make something in a thread for the block and release it in one, even when the client leaves while it is made."""
        made: list[T] = []
        try:
            await self._in_thread(lambda: made.append(make()))
            yield made[0]
        finally:
            for it in made:
                await self._in_thread(release, it)

    async def _in_thread(self, function: Callable[..., T], *args: object, cancel: str = "") -> T:
        """Run a blocking call. When the client goes away, the statement with the log_comment `cancel` is ended first."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, function, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if cancel:
                loop.run_in_executor(self._killer, self._engine.kill, cancel)
            while not future.done():  # its connection is in use until then
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()  # nobody is left to tell
            raise


def _whole_bytes(call: Call) -> float:
    """Return up to which size an answer is gathered before any of it is sent: only then an error can be an HTTP status."""
    return float("inf") if call.wait_end_of_query else _WHOLE_ANSWER_BYTES


def _credentials(request: web.Request) -> tuple[bytes, bytes]:
    """Return the user and the password of a request, from wherever ClickHouse looks for them; empty when there are none."""
    given = request.headers.get("Authorization", "")
    if given.lower().startswith("basic "):
        with suppress(ValueError):
            user, _, password = b64decode(given[6:]).partition(b":")
            return user, password
        return b"", b""
    if "X-ClickHouse-User" in request.headers:
        return request.headers["X-ClickHouse-User"].encode(), request.headers.get("X-ClickHouse-Key", "").encode()
    return request.query.get("user", "").encode(), request.query.get("password", "").encode()
