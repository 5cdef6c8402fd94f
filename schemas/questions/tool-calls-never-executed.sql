-- Tool calls that a model asked for and that no tool ever ran: the newest first.
-- older_than_seconds = 60: only what was asked for at least so long ago; a call may still be on its way
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- The calls are read from the models' answers, and met with the runs of tools of the same session by the call's id.
-- noticed: langtrail has already made an event of it.
WITH
    asked AS
    (
        SELECT
            t.occurred_at AS asked_at,
            t.tenant_id AS tenant_id,
            t.session_id AS session_id,
            t.principal_id AS principal_id,
            coalesce(t.response_model, t.request_model) AS model,
            toString(t.run_id) AS run_id,
            JSONExtract(ifNull(t.output, ''), 'Array(Tuple(tool_calls Array(Tuple(name String, id String))))') AS messages,
            arrayJoin(arrayFlatten(messages.tool_calls)) AS call
        FROM events AS t FINAL
        PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
            AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
            AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
            AND t.event_type = 'llm_end'
            AND t.occurred_at <= now64(6) - {older_than_seconds:UInt64}
        WHERE t.output LIKE '%"tool_calls"%'
    ),
    told AS
    (
        SELECT
            t.tenant_id AS tenant_id,
            t.session_id AS session_id,
            assumeNotNull(t.tool_call_id) AS tool_call_id,
            t.event_type = 'tool_not_executed' AS noticed
        FROM events AS t
        WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
          AND t.event_type IN ('tool_start', 'tool_end', 'tool_error', 'tool_not_executed')
          AND t.tool_call_id IS NOT NULL
    )
SELECT
    a.asked_at AS asked_at,
    a.tenant_id AS tenant_id,
    a.session_id AS session_id,
    a.principal_id AS principal_id,
    a.model AS model,
    a.call.1 AS tool,
    a.call.2 AS tool_call_id,
    a.run_id AS run_id,
    (a.tenant_id, a.session_id, a.call.2) IN (SELECT tenant_id, session_id, tool_call_id FROM told WHERE noticed) AS noticed
FROM asked AS a
WHERE (a.tenant_id, a.session_id, a.call.2) NOT IN (SELECT tenant_id, session_id, tool_call_id FROM told WHERE NOT noticed)
ORDER BY asked_at DESC, tool_call_id
LIMIT {limit:UInt64}
