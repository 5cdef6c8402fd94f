"""Answers in ClickHouse's HTTP protocol: headers, whole answers, answers in pieces, errors before and within an answer."""

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Final

from aiohttp import web

from .clickhouse_codecs import Compressor
from .clickhouse_engine import EngineError, Result
from .clickhouse_request import Call

_CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnames": "text/tab-separated-values; charset=UTF-8",
    "native": "application/octet-stream",
    "rowbinary": "application/octet-stream",
    "parquet": "application/octet-stream",
    "avro": "application/octet-stream",
}


def headers(query_id: str, timezone: str, format_name: str | None = None) -> dict[str, str]:
    """Return the headers that every answer has; `format_name` is given when the statement returns rows."""
    common = {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Timezone": timezone}
    if format_name:
        common["X-ClickHouse-Format"] = format_name
        common["Content-Type"] = _CONTENT_TYPES.get(format_name.lower(), "text/plain; charset=UTF-8")
    return common


def summary(parts: list[Result]) -> dict[str, str]:
    """Return the header X-ClickHouse-Summary: counts over all blocks of an answer, as text."""
    counted = [name.name for name in fields(Result) if name.name != "data"]
    totals = {name: str(sum(getattr(part, name) for part in parts)) for name in counted}
    totals["total_rows_to_read"] = totals["read_rows"]
    return {"X-ClickHouse-Summary": json.dumps(totals)}


def whole(call: Call, common: dict[str, str], parts: list[Result]) -> web.Response:
    """Return an answer whose rows are all here."""
    compressor = Compressor(call.answer_encoding)
    data = b"".join(part.data for part in parts)
    if call.answer_encoding and data:
        common = {**common, "Content-Encoding": call.answer_encoding}
        data = compressor.add(data) + compressor.finish()
    return web.Response(body=data, headers={**common, **summary(parts)})


def failure(error: EngineError, common: dict[str, str], version: str) -> web.Response:
    """Return the answer to a statement that the engine refused."""
    headers = {**common, "X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"}
    text = str(error) if "(version " in str(error) else f"{error} (version {version})"
    return web.Response(status=error.status, text=f"{text}\n", headers=headers)


async def in_pieces(
    request: web.Request, call: Call, common: dict[str, str], first: list[Result], rest: AsyncIterator[Result]
) -> web.StreamResponse:
    """Send an answer block by block; an error on the way is written at its end, as ClickHouse does since 25.11."""
    tag = secrets.token_hex(8)
    compressor = Compressor(call.answer_encoding)
    response = web.StreamResponse(headers={**common, "X-ClickHouse-Exception-Tag": tag})
    if call.answer_encoding:
        response.headers["Content-Encoding"] = call.answer_encoding
    await response.prepare(request)
    try:
        for part in first:
            await response.write(compressor.add(part.data))
        async for part in rest:
            await response.write(compressor.add(part.data))
    except EngineError as error:
        text = str(error).encode()
        marked = b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
            tag.encode(),
            text,
            len(text) + 1,
            tag.encode(),
        )
        await response.write(compressor.add(marked))
    await response.write_eof(compressor.finish())
    return response
