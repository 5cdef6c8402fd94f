-- Who read the trail, what they asked, and how many rows they saw: the newest first.
-- principal = NULL: only this reader
-- command = NULL: only this command, such as replay or export
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- Reading of one tenant is that tenant's; reading across tenants is nobody's, and is shown without a tenant only. Long reading
-- (tail, export) tells when it begins and when it ends, and is one row; an outcome that is null never ended: it still reads, or
-- was killed.
WITH said AS
(
    SELECT
        if(has(t.ext.key, 'read_id'), t.ext.value[indexOf(t.ext.key, 'read_id')], toString(t.event_id)) AS read_id,
        min(t.occurred_at) AS began,
        max(t.occurred_at) AS ended,
        t.tenant_id AS tenant,
        argMax(t.principal_id, t.seq) AS principal_id,
        argMax(t.principal_type, t.seq) AS principal_type,
        argMax(t.identity_assurance, t.seq) AS identity_assurance,
        argMax(t.ext, t.seq) AS facts,
        argMax(t.host, t.seq) AS host,
        argMax(t.input, t.seq) AS asked,
        argMax(t.outcome, t.seq) AS outcome,
        argMax(t.count, t.seq) AS rows
    FROM reads AS t
    WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
      AND ({principal:Nullable(String)} IS NULL OR t.principal_id = {principal:Nullable(String)})
    GROUP BY tenant, read_id
)
SELECT
    s.began AS began,
    s.tenant AS tenant,
    s.principal_id AS principal_id,
    s.identity_assurance AS identity_assurance,
    arrayMap(fact -> concat(fact.key, '=', fact.value), arrayFilter(fact -> fact.key != 'read_id', s.facts)) AS facts,
    s.host AS host,
    JSONExtractString(s.asked, 'command') AS command,
    s.asked AS asked,
    s.outcome AS outcome,
    s.rows AS rows
FROM said AS s
WHERE {command:Nullable(String)} IS NULL OR JSONExtractString(s.asked, 'command') = {command:Nullable(String)}
ORDER BY began DESC, s.read_id
LIMIT {limit:UInt64}
