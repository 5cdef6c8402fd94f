"""What the watch asks the store, in SQL. Each question is bounded: by offsets that are new, a stretch of time, or ids.

`{scope}` is a condition of ours, without anything of anybody's data; `statement` fills it in, and the other words in braces
that are no parameters. Rows are read without FINAL: a copy of an event, or an earlier revision of it, says the same of all
that is asked here; only what is summed is made distinct first.
"""

from typing import Final

from .watch_events import COPIED

_STARTS: Final = "('chain_start', 'llm_start', 'tool_start', 'retriever_start')"
_ENDS: Final = (
    "('chain_end', 'llm_end', 'tool_end', 'retriever_end', "
    "'chain_error', 'llm_error', 'tool_error', 'retriever_error', 'abandoned')"
)
_DERIVED: Final = "(seq = 0 AND event_type IN ('abandoned', 'tool_not_executed', 'gap', 'burst'))"
"""A stream of the watch's own; any other begins with stream_open."""
_TOKENS: Final = {"{starts}": _STARTS, "{ends}": _ENDS, "{derived}": _DERIVED, "{copied}": ", ".join(COPIED)}

NOW: Final = "SELECT toUnixTimestamp64Micro(now64(6)) AS now"

POSITIONS: Final = """
SELECT _partition AS partition, max(_offset) AS last FROM events
WHERE _topic = {topic:String} AND {scope} GROUP BY _partition
"""

HOURS: Final = """
SELECT toUnixTimestamp(toStartOfHour(occurred_at)) AS hour, count() AS events FROM events
WHERE {scope} GROUP BY hour ORDER BY hour
"""

ARRIVED: Final = """
SELECT
    stream_id,
    min(seq) AS first,
    max(seq) AS last,
    groupBitmap(toUInt64(seq)) AS numbers,
    toUnixTimestamp64Micro(min(occurred_at)) AS first_at,
    toUnixTimestamp64Micro(max(occurred_at)) AS last_at,
    toUnixTimestamp64Micro(max(_ingested_at)) AS heard,
    toUnixTimestamp64Micro(maxIf(occurred_at, event_type = 'stream_close')) AS closed_at,
    toUInt32OrZero(anyIf(arrayFirst(e -> e.1 = 'heartbeat_seconds', ext).2, event_type = 'stream_open')) AS heartbeat_seconds,
    toUInt32OrZero(anyIf(arrayFirst(e -> e.1 = 'run_deadline_seconds', ext).2, event_type = 'stream_open'))
        AS deadline_seconds
FROM events
WHERE {scope} AND NOT {derived}
GROUP BY stream_id
HAVING {having}
"""
EVERY: Final = "1"
STILL_MATTERS: Final = "(closed_at = 0 AND heard > {since_us}) OR first != 0 OR last + 1 != numbers"
"""Of all streams there ever were: those that may still say something, and those that miss a number."""

GONE: Final = """
SELECT assumeNotNull(previous_stream_id) AS stream_id, toUnixTimestamp64Micro(min(occurred_at)) AS at FROM events
WHERE {scope} AND event_type = 'stream_open' AND previous_stream_id IS NOT NULL AND has(ext.key, 'previous_is_gone')
GROUP BY stream_id
"""

OPEN_RUNS: Final = """
SELECT DISTINCT assumeNotNull(run_id) AS run_id FROM events
WHERE {scope} AND event_type IN {starts} AND run_id NOT IN
(
    SELECT run_id FROM events WHERE {scope} AND event_type IN {ends} AND run_id IS NOT NULL
)
"""

UNENDED: Final = """
SELECT
    {copied}, stream_id, splitByChar('_', event_type)[1] AS kind,
    toUnixTimestamp64Micro(occurred_at) AS started_at, toUnixTimestamp64Micro(_ingested_at) AS heard
FROM events
WHERE run_id IN {runs:Array(UUID)} AND event_type IN {starts} AND run_id NOT IN
(
    SELECT run_id FROM events WHERE run_id IN {runs:Array(UUID)} AND event_type IN {ends}
)
ORDER BY events.occurred_at, toString(stream_id), seq
LIMIT 1 BY run_id
"""

GIVEN_UP: Final = """
SELECT
    assumeNotNull(root_run_id) AS root, toUnixTimestamp64Micro(min(occurred_at)) AS at,
    toUnixTimestamp64Micro(max(_ingested_at)) AS heard
FROM events WHERE {scope} AND event_type = 'abandoned' AND run_id = root_run_id GROUP BY root
"""

CALLS: Final = """
WITH asked AS
(
    SELECT
        {copied}, stream_id,
        JSONExtract(ifNull(output, ''), 'Array(Tuple(tool_calls Array(Tuple(name String, id String))))') AS messages,
        arrayJoin(arrayFlatten(messages.tool_calls)) AS call
    FROM events
    WHERE root_run_id IN {roots:Array(UUID)} AND event_type = 'llm_end' AND run_id != root_run_id
      AND output LIKE '%"tool_calls"%'
      AND root_run_id NOT IN
      (
          SELECT run_id FROM events
          WHERE run_id IN {roots:Array(UUID)} AND event_type IN {ends} AND event_type != 'abandoned'
      )
    ORDER BY revision DESC, occurred_at, toString(stream_id), seq
)
SELECT * EXCEPT (messages, call), call.1 AS call_name, call.2 AS call_id
FROM asked
WHERE call_id != '' AND (tenant_id, session_id, call_id) NOT IN
(
    SELECT tenant_id, session_id, assumeNotNull(e.tool_call_id) FROM events AS e
    WHERE e.tool_call_id IN (SELECT call.2 FROM asked)
      AND e.event_type IN ('tool_start', 'tool_end', 'tool_error', 'tool_not_executed')
)
LIMIT 1 BY root_run_id, run_id, call_id
"""

HOLES: Final = """
SELECT stream_id, before + 1 AS first_seq, seq - 1 AS last_seq, at, heard, before_at,
       if(tenant_id = before_tenant, tenant_id, '') AS tenant_id, environment
FROM
(
    SELECT
        stream_id, seq, at, heard, tenant_id, environment,
        lagInFrame(seq, 1, {first:Int64} * seq - 1) OVER stream AS before,
        lagInFrame(at, 1, 0) OVER stream AS before_at,
        lagInFrame(tenant_id, 1, tenant_id) OVER stream AS before_tenant
    FROM
    (
        SELECT
            stream_id, seq, toUnixTimestamp64Micro(any(occurred_at)) AS at, any(e.tenant_id) AS tenant_id,
            toUnixTimestamp64Micro(min(_ingested_at)) AS heard, any(e.environment) AS environment
        FROM events AS e
        WHERE {scope} GROUP BY stream_id, seq
    )
    WINDOW stream AS (PARTITION BY stream_id ORDER BY seq)
)
WHERE seq > before + 1
ORDER BY stream_id, first_seq
"""

LAST: Final = """
SELECT stream_id, max(seq) AS last, toUnixTimestamp64Micro(max(occurred_at)) AS last_at FROM events
WHERE {scope} GROUP BY stream_id
"""

EXPLAINED: Final = """
SELECT stream_id, assumeNotNull(first_seq) AS first, assumeNotNull(last_seq) AS last FROM events
WHERE stream_id IN {streams:Array(UUID)} AND event_type = 'dropped' AND first_seq IS NOT NULL AND last_seq IS NOT NULL
UNION ALL
SELECT assumeNotNull(d.stream_id), assumeNotNull(d.seq), assumeNotNull(d.seq) FROM dead_letters AS d
WHERE d.stream_id IN {streams:Array(UUID)} AND d.seq IS NOT NULL
UNION ALL
SELECT stream_id, min(seq), max(seq) FROM
(
    SELECT stream_id, seq, seq - row_number() OVER (PARTITION BY stream_id ORDER BY seq) AS island
    FROM (SELECT DISTINCT stream_id, seq FROM removed_events WHERE stream_id IN {streams:Array(UUID)})
)
GROUP BY stream_id, island
UNION ALL
SELECT toUUIDOrZero(arrayFirst(e -> e.1 = 'stream_id', ext).2) AS of_stream, assumeNotNull(first_seq), assumeNotNull(last_seq)
FROM events
WHERE event_type = 'gap' AND of_stream IN {streams:Array(UUID)} AND first_seq IS NOT NULL AND last_seq IS NOT NULL
"""

BURSTS: Final = """
SELECT
    tenant_id,
    intDiv(toUnixTimestamp64Micro(at), {window_us:Int64}) * {window_us:Int64} AS window_at,
    uniqExactIf(request, failed) AS errors,
    uniqExactIf(denial, denied) AS denials,
    intDiv(sum(cost), 1000000000) AS spend
FROM
(
    SELECT
        e.tenant_id AS tenant_id,
        any(e.occurred_at) AS at,
        any(coalesce(e.root_run_id, e.run_id)) AS request,
        any(coalesce(e.tool_call_id, toString(e.run_id), toString(e.event_id))) AS denial,
        max(e.outcome = 'failure' OR (e.outcome IS NULL AND e.event_type LIKE '%_error')) = 1 AS failed,
        max(e.event_type = 'policy_denied' OR (e.outcome = 'denied' AND e.policy_id IS NOT NULL)
            OR e.decision IN ('deny', 'reject')) = 1 AS denied,
        argMax(ifNull(e.cost_nanousd, 0), e.revision) AS cost
    FROM events AS e
    WHERE {scope}
      AND (e.outcome IN ('failure', 'denied') OR e.event_type = 'policy_denied' OR e.event_type LIKE '%_error'
           OR e.decision IN ('deny', 'reject') OR e.cost_nanousd > 0)
    GROUP BY e.tenant_id, e.event_id
)
GROUP BY tenant_id, window_at
HAVING (errors >= {errors:Int64} AND {errors:Int64} > 0)
    OR (denials >= {denials:Int64} AND {denials:Int64} > 0)
    OR (spend >= {spend:Int64} AND {spend:Int64} > 0)
ORDER BY window_at, tenant_id
"""

KNOWN: Final = """
SELECT DISTINCT event_id FROM events
WHERE event_id IN {ids:Array(UUID)} AND tenant_id IN {tenants:Array(String)} AND {scope}
"""


def statement(sql: str, scope: str, having: str) -> str:
    """Return a question with its scope and its condition on groups; what ClickHouse fills in stays as it is."""
    for token, text in {**_TOKENS, "{scope}": f"({scope})", "{having}": having}.items():
        sql = sql.replace(token, text)
    return sql
