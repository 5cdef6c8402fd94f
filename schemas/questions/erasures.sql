-- What was removed from the trail, why, by whom, and how many events it was: the newest first.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A removal by `langtrail retain` tells of itself before it begins and when it is done, and is one row; an outcome that is null
-- did not end yet. Its facts are those of the table removals, and signed when an operator has a key.
WITH said AS
(
    SELECT
        if(has(t.ext.key, 'removal_id'), t.ext.value[indexOf(t.ext.key, 'removal_id')], toString(t.event_id)) AS removal_id,
        min(t.occurred_at) AS began,
        t.tenant_id AS tenant,
        t.event_type AS kind,
        argMax(tuple(t.principal_id, t.approver_id, t.trigger, t.trigger_id, t.policy_id, t.policy_version), t.occurred_at) AS who,
        argMax(tuple(t.count, t.outcome, t.metadata, t.ext), t.occurred_at) AS what
    FROM events AS t FINAL
    PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
        AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
        AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
        AND t.event_type IN ('erasure', 'retention')
    GROUP BY tenant, kind, removal_id
)
SELECT
    s.began AS occurred_at,
    s.tenant AS tenant_id,
    s.kind AS event_type,
    s.who.1 AS principal_id,
    s.who.2 AS approver_id,
    s.who.3 AS trigger,
    s.who.4 AS trigger_id,
    s.who.5 AS policy_id,
    s.who.6 AS policy_version,
    s.what.1 AS removed,
    s.what.2 AS outcome,
    s.what.3 AS reason,
    arrayMap(fact -> concat(fact.key, '=', fact.value), s.what.4) AS facts
FROM said AS s
ORDER BY occurred_at DESC, s.removal_id
LIMIT {limit:UInt64}
