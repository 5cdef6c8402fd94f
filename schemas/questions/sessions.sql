-- The sessions, the one that was active last first.
-- asked by: langtrail sessions
-- tenant = NULL: only sessions of this tenant
-- limit = 1000: how many at most
--
-- session_index names the newest sessions and their stretch of time; everything else is counted as in trail, where each
-- event is once. cost_usd is null when there were model calls and the cost of none is known. The newest are found once, as a
-- value (found): the engine asks a WITH again wherever its name stands.
WITH
    (
        SELECT groupArray((tenant_id, session_id, first, last, principal_ids))
        FROM
        (
            SELECT session_id, tenant_id, min(s.first) AS first, max(s.last) AS last, groupUniqArrayArray(s.principal_ids) AS principal_ids
            FROM session_index AS s
            WHERE {tenant:Nullable(String)} IS NULL OR tenant_id = {tenant:Nullable(String)}
            GROUP BY session_id, tenant_id
            ORDER BY last DESC, session_id, tenant_id
            LIMIT {limit:UInt64}
        )
    ) AS found,
    newest AS
    (
        SELECT arrayJoin(found) AS one, one.1 AS tenant_id, one.2 AS session_id, one.3 AS first, one.4 AS last, one.5 AS principal_ids
    )
SELECT
    tenant_id,
    session_id,
    min(occurred_at) AS first,
    max(occurred_at) AS last,
    count() AS events,
    uniqExact(run_id) AS runs,
    countIf(outcome = 'failure' OR (outcome IS NULL AND endsWith(event_type, '_error'))) AS errors,
    arraySort(groupUniqArray(principal_id)) AS principal_ids,
    if(countIf(event_type = 'llm_end') > 0, sum(cost_nanousd), ifNull(sum(cost_nanousd), 0)) / 1e9 AS cost_usd
FROM events FINAL
PREWHERE (tenant_id, principal_id, session_id) IN (SELECT tenant_id, arrayJoin(principal_ids), session_id FROM newest)
    AND occurred_at BETWEEN (SELECT min(first) FROM newest) AND (SELECT max(last) FROM newest)
    AND event_type != 'audit_read'
    AND NOT (app = 'langtrail-read' AND event_type IN ('stream_open', 'heartbeat', 'stream_close'))
GROUP BY tenant_id, session_id
ORDER BY last DESC, session_id, tenant_id
