-- Tool calls that a policy denied and that were executed all the same; there should be none.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most

WITH denied AS
(
    SELECT t.tenant_id AS tenant_id, assumeNotNull(t.tool_call_id) AS tool_call_id, max(t.occurred_at) AS denied_at,
        any(t.policy_id) AS policy_id, any(t.policy_version) AS policy_version, any(t.policy_rule) AS policy_rule
    FROM events AS t
    WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
      AND (t.event_type = 'policy_denied' OR t.decision IN ('deny', 'reject'))
      AND t.tool_call_id IS NOT NULL
    GROUP BY tenant_id, tool_call_id
)
SELECT
    d.denied_at AS denied_at,
    t.occurred_at AS executed_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    t.principal_id AS principal_id,
    t.tool_name AS tool,
    t.tool_call_id AS tool_call_id,
    d.policy_id AS policy_id,
    d.policy_version AS policy_version,
    d.policy_rule AS policy_rule,
    t.output AS output
FROM
(
    SELECT t.occurred_at, t.tenant_id, t.session_id, t.principal_id, t.tool_name, t.tool_call_id, t.output
    FROM events AS t FINAL
    PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
        AND t.event_type = 'tool_end'
        AND t.outcome = 'success'
        AND (t.tenant_id, t.tool_call_id) IN (SELECT tenant_id, tool_call_id FROM denied)
) AS t
INNER JOIN denied AS d ON t.tenant_id = d.tenant_id AND t.tool_call_id = d.tool_call_id
ORDER BY executed_at DESC, tool_call_id
LIMIT {limit:UInt64}
