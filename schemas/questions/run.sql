-- Everything that happened in the tree of a run, in order: the run, those above it and those below.
-- run_id: id of any run of the tree
-- tenant = NULL: only events of this tenant

SELECT
    t.occurred_at AS occurred_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    t.event_type AS event_type,
    t.component AS component,
    toString(t.run_id) AS run_id,
    toString(t.parent_run_id) AS parent_run_id,
    t.principal_id AS principal_id,
    t.outcome AS outcome,
    t.latency_us AS latency_us,
    t.input AS input,
    t.output AS output,
    t.error_type AS error_type,
    t.error_message AS error_message,
    t.redaction_types AS redacted
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND (t.tenant_id, t.root_run_id) IN
    (
        SELECT t.tenant_id, t.root_run_id
        FROM events AS t
        WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)}) AND t.run_id = {run_id:UUID}
    )
    AND t.event_type != 'audit_read'
ORDER BY occurred_at, toString(t.stream_id), t.seq
