-- What was removed from the trail, why, by whom, and how many events it was: the newest first.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most

SELECT
    t.occurred_at AS occurred_at,
    t.tenant_id AS tenant_id,
    t.event_type AS event_type,
    t.principal_id AS principal_id,
    t.approver_id AS approver_id,
    t.trigger AS trigger,
    t.trigger_id AS trigger_id,
    t.policy_id AS policy_id,
    t.policy_version AS policy_version,
    t.count AS removed,
    t.outcome AS outcome,
    t.metadata AS reason,
    arrayMap(fact -> concat(fact.key, '=', fact.value), t.ext) AS facts
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND t.event_type IN ('erasure', 'retention')
ORDER BY occurred_at DESC, toString(t.event_id)
LIMIT {limit:UInt64}
