"""What a client asks for in ClickHouse's HTTP protocol: statement, database, format, settings, parameters, session, data."""

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import BodyPartReader, web

from .clickhouse_codecs import Decompressor, pick
from .clickhouse_errors import Code, refusal

_PIECE_BYTES: Final = 1024 * 1024
_SESSION_SECONDS: Final = 60

# Parameters of a request that are no settings (https://clickhouse.com/docs/interfaces/http).
_NOT_SETTINGS: Final = frozenset(
    {
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "password",
        "query",
        "query_id",
        "quota_key",
        "readonly",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
_EXTERNAL: Final = ("_structure", "_format", "_types")


@dataclass(frozen=True)
class ExternalTable:
    """A temporary table that came with the request, for this request alone."""

    name: str
    structure: str
    input_format: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """One request, taken apart. `readonly` is the client's own wish: 0, 1 or 2."""

    query: str
    query_id: str
    database: str
    default_format: str
    settings: Mapping[str, str]
    params: Mapping[str, str]
    session_id: str
    session_timeout: float
    session_check: bool
    readonly: int
    is_get: bool
    wait_end_of_query: bool
    answer_encoding: str
    external: list[ExternalTable]


async def read_call(request: web.Request) -> Call:
    """Take a request apart, but for its data. Raises EngineError for what ClickHouse would refuse."""
    fields, files = await _read_form(request)
    given = {**request.query, **fields}
    if _is_on(given, "compress") or _is_on(given, "decompress"):
        raise refusal(Code.NOT_IMPLEMENTED, "ClickHouse's own compression is not supported here: use HTTP content encodings")
    encoding = pick(request.headers.get("Accept-Encoding", "")) if _is_on(given, "enable_http_compression") else ""
    return Call(
        query=given.get("query", ""),
        query_id=given.get("query_id") or str(uuid.uuid4()),
        database=given.get("database") or request.headers.get("X-ClickHouse-Database") or "",
        default_format=given.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated",
        settings=_settings(given, files),
        params={name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")},
        session_id=given.get("session_id", ""),
        session_timeout=_number(given, "session_timeout", _SESSION_SECONDS),
        session_check=_is_on(given, "session_check"),
        readonly=_number(given, "readonly", 0),
        is_get=request.method in ("GET", "HEAD"),
        wait_end_of_query=_is_on(given, "wait_end_of_query"),
        answer_encoding=encoding,
        external=[_external(given, name, data) for name, data in files.items()],
    )


class Body:
    """The data of a request, decompressed as it comes."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content
        self._codec = Decompressor(request.headers.get("Content-Encoding", "").lower())
        self._ended = False

    async def read(self, at_least: int) -> bytes:
        """Return the next piece, shorter than `at_least` bytes only at the end. Raises EngineError on a broken encoding."""
        gathered = bytearray()
        while len(gathered) < at_least and not self._ended:
            raw = await self._content.readany()
            if raw:
                gathered += self._codec.feed(raw)
            else:
                self._ended = True
                self._codec.finish()
        return bytes(gathered)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the rest in pieces of about a megabyte."""
        while piece := await self.read(_PIECE_BYTES):
            yield piece


async def _read_form(request: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields and the files of a multipart request; none of either when it is not one."""
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if request.content_type != "multipart/form-data":
        return fields, files
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise refusal(Code.BAD_ARGUMENTS, "A part of the form has no name")
        data = bytes(await part.read())
        if part.filename is None:
            fields[part.name] = data.decode()
        else:
            files[part.name] = data
    return fields, files


def _settings(given: Mapping[str, str], files: Mapping[str, bytes]) -> dict[str, str]:
    described = {f"{name}{suffix}" for name in files for suffix in _EXTERNAL}
    others = _NOT_SETTINGS | described
    return {name: value for name, value in given.items() if name not in others and not name.startswith("param_")}


def _external(given: Mapping[str, str], name: str, data: bytes) -> ExternalTable:
    structure = given.get(f"{name}_structure")
    if structure is None:
        types = given.get(f"{name}_types", "").split(",")
        structure = ", ".join(f"_{number} {column}" for number, column in enumerate(types, start=1))
    return ExternalTable(name, structure, given.get(f"{name}_format", "TabSeparated"), data)


def _is_on(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "").lower() in ("1", "true")


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name) or str(default)
    if not value.isdecimal():
        raise refusal(Code.BAD_ARGUMENTS, f"The parameter {name} is not a number")
    return int(value)
