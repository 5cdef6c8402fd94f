-- When recording started and stopped in each process, and how it stopped: the newest first.
-- silent_seconds = 180: how long a stream may say nothing before it counts as silent; it says something every minute
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- closed: the process ended in order. silent: it was killed, or cut off from Kafka. open: it runs. With a tenant, these are the
-- streams that carried events of that tenant. What `langtrail watch` found is no process's stream, and left out. Nothing here
-- counts an event that is stored twice twice.
SELECT
    toString(s.stream_id) AS stream_id,
    any(s.app) AS app,
    any(s.environment) AS environment,
    any(s.host) AS host,
    any(s.pid) AS pid,
    minIf(s.occurred_at, s.event_type = 'stream_open') AS started,
    max(s.occurred_at) AS last_heard,
    multiIf(
        countIf(s.event_type = 'stream_close') > 0, 'closed',
        max(s.occurred_at) < now64(6) - {silent_seconds:UInt64}, 'silent',
        'open') AS state,
    uniqExactIf(s.event_hash, s.event_type = 'dropped') AS times_dropped,
    arraySum(told -> told.2, groupUniqArrayIf((s.event_hash, ifNull(s.count, 0)), s.event_type = 'dropped')) AS dropped,
    any(toString(s.previous_stream_id)) AS previous_stream_id
FROM events AS s
WHERE s.event_type != 'audit_read'
  AND NOT (s.app = 'langtrail-read' AND s.event_type IN ('stream_open', 'heartbeat', 'stream_close'))
  AND s.stream_id IN
(
    SELECT t.stream_id
    FROM events AS t
    WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
      AND t.event_type != 'audit_read'
)
GROUP BY s.stream_id
HAVING NOT (max(s.seq) = 0 AND countIf(s.event_type = 'stream_open') = 0)
ORDER BY last_heard DESC, stream_id
LIMIT {limit:UInt64}
