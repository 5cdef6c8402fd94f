-- Runs that began and never ended: they still run, or their process was killed. The oldest first.
-- older_than_seconds = 0: only what began at least so long ago
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- abandoned: langtrail, or the process itself, gave the run up. The state of its stream tells whether its process still speaks.
-- Nothing here counts an event that is stored twice twice, so `events` is read, without FINAL. A run is known among the ended
-- ones by a hash of 128 bits, three times as fast as by tenant and id. Those found are a value (found): the engine asks a WITH
-- again wherever its name stands.
WITH
    (
        SELECT groupArray((tenant_id, run_id, began, session_id, principal_id, kind, name, stream_id, abandoned, parent_run_id))
        FROM
        (
            SELECT
                t.tenant_id AS tenant_id,
                t.run_id AS run_id,
                min(t.occurred_at) AS began,
                argMin(t.session_id, (t.occurred_at, t.seq)) AS session_id,
                argMin(t.principal_id, (t.occurred_at, t.seq)) AS principal_id,
                argMin(splitByChar('_', t.event_type)[1], (t.occurred_at, t.seq)) AS kind,
                argMin(coalesce(t.tool_name, t.request_model, t.component), (t.occurred_at, t.seq)) AS name,
                argMin(t.stream_id, (t.occurred_at, t.seq)) AS stream_id,
                countIf(t.event_type = 'abandoned') > 0 AS abandoned,
                any(toString(t.parent_run_id)) AS parent_run_id
            FROM events AS t
            WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
              AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
              AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
              AND t.run_id IS NOT NULL
              AND match(t.event_type, '^((chain|llm|tool|retriever)_start|abandoned)$')
              AND sipHash128(t.tenant_id, assumeNotNull(t.run_id)) NOT IN
              (
                  SELECT sipHash128(t.tenant_id, assumeNotNull(t.run_id))
                  FROM events AS t
                  WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
                    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
                    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
                    AND t.run_id IS NOT NULL
                    AND match(t.event_type, '^(chain|llm|tool|retriever)_(end|error)$')
              )
            GROUP BY tenant_id, run_id
            HAVING began <= now64(6) - {older_than_seconds:UInt64}
            ORDER BY began, run_id
            LIMIT {limit:UInt64}
        )
    ) AS found,
    open AS
    (
        SELECT arrayJoin(found) AS one, one.1 AS tenant_id, one.2 AS run_id, one.3 AS began, one.4 AS session_id, one.5 AS principal_id,
            one.6 AS kind, one.7 AS name, one.8 AS stream_id, one.9 AS abandoned, one.10 AS parent_run_id
    )
SELECT
    o.began AS began,
    o.tenant_id AS tenant_id,
    o.session_id AS session_id,
    o.principal_id AS principal_id,
    o.kind AS kind,
    o.name AS name,
    if(o.abandoned, 'abandoned', 'open') AS state,
    s.app AS app,
    s.host AS host,
    s.pid AS pid,
    if(s.closed, 'closed', 'not closed') AS stream,
    s.last_heard AS last_heard,
    toString(o.run_id) AS run_id,
    o.parent_run_id AS parent_run_id
FROM open AS o
LEFT JOIN
(
    SELECT
        t.stream_id AS stream_id,
        any(t.app) AS app,
        any(t.host) AS host,
        any(t.pid) AS pid,
        max(t.occurred_at) AS last_heard,
        countIf(t.event_type = 'stream_close') > 0 AS closed
    FROM events AS t
    WHERE t.stream_id IN (SELECT stream_id FROM open)
    GROUP BY t.stream_id
) AS s ON o.stream_id = s.stream_id
ORDER BY began, run_id
