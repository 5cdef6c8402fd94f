-- What failed, with its error: the newest first.
-- kind = NULL: only chain, llm, tool or retriever
-- error_type = NULL: only this class of exception
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A tool that answered with an error failed too, although nothing was raised.
SELECT
    t.occurred_at AS occurred_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    t.principal_id AS principal_id,
    splitByChar('_', t.event_type)[1] AS kind,
    coalesce(t.tool_name, t.request_model, t.component) AS name,
    t.error_type AS error_type,
    coalesce(t.error_message, if(t.event_type = 'tool_end', t.output, NULL)) AS error,
    t.attempt AS attempt,
    t.latency_us AS latency_us,
    toString(t.run_id) AS run_id,
    t.app AS app
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND match(t.event_type, '^(chain|llm|tool|retriever)_(end|error)$')
    AND (t.outcome = 'failure' OR (t.outcome IS NULL AND endsWith(t.event_type, '_error')))
    AND ({kind:Nullable(String)} IS NULL OR startsWith(t.event_type, concat({kind:Nullable(String)}, '_')))
    AND ({error_type:Nullable(String)} IS NULL OR t.error_type = {error_type:Nullable(String)})
ORDER BY occurred_at DESC, run_id
LIMIT {limit:UInt64}
