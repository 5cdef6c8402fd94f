-- What a principal did, session by session: in the last week, or since the day they left. The newest first.
-- principal: id of the principal; what was done on its behalf counts too
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- The principals that acted on its behalf are looked up first, so that the primary key can be used for all of them. LIMIT 1 BY
-- leaves each event once, in its newest revision: what FINAL does, for the rows of one person alone.
SELECT
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last,
    groupUniqArray(t.trigger) AS triggers,
    arraySort(groupUniqArrayIf(assumeNotNull(t.trigger_id), t.trigger_id IS NOT NULL)) AS trigger_ids,
    arraySort(groupUniqArray(t.identity_assurance)) AS identity_assurance,
    uniqExactIf(t.run_id, t.run_id = t.root_run_id) AS requests,
    arraySort(groupUniqArrayIf(assumeNotNull(t.tool_name), t.tool_name IS NOT NULL)) AS tools,
    countIf(t.outcome = 'failure') AS failures,
    sum(t.cost_nanousd) / 1e9 AS cost_usd
FROM
(
    SELECT *
    FROM events AS t
    WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
      AND t.principal_id IN
      (
          SELECT {principal:String}
          UNION ALL
          SELECT DISTINCT t.principal_id
          FROM events AS t
          WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
            AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
            AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
            AND t.on_behalf_of = {principal:String}
      )
      AND {principal:String} IN (t.principal_id, t.on_behalf_of)
      AND t.run_id IS NOT NULL
      AND t.event_type != 'audit_read'
    ORDER BY t.revision DESC
    LIMIT 1 BY t.event_id, t.event_hash
) AS t
GROUP BY tenant_id, session_id
ORDER BY last DESC, tenant_id, session_id
LIMIT {limit:UInt64}
