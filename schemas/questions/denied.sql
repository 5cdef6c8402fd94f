-- What was denied, by which rule of which version of a policy, to whom, and how often.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A call that was denied may tell of it twice, by the policy's event and by the tool's: it is counted once. That counts an
-- event once that is stored twice, too; so it is read from `events`, without FINAL.
SELECT
    t.tenant_id AS tenant_id,
    t.policy_id AS policy_id,
    t.policy_version AS policy_version,
    t.policy_rule AS policy_rule,
    t.principal_id AS principal_id,
    coalesce(t.tool_name, t.component) AS tool,
    uniqExact(coalesce(t.tool_call_id, toString(t.run_id), toString(t.event_id))) AS denied,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last,
    arraySort(groupUniqArray(100)(t.session_id)) AS sessions
FROM events AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
  AND (t.event_type = 'policy_denied' OR (t.outcome = 'denied' AND t.policy_id IS NOT NULL) OR t.decision IN ('deny', 'reject'))
  AND t.event_type != 'audit_read'
GROUP BY tenant_id, policy_id, policy_version, policy_rule, principal_id, tool
ORDER BY denied DESC, last DESC
LIMIT {limit:UInt64}
