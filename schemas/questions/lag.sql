-- How long events took from the callback until they could be asked for, in milliseconds, by application.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
--
-- to_worker is the way through the spool and Kafka to the worker; to_store is all of it. A process without its broker, or one
-- that was killed, leaves its events in a spool until another one ships them: those are the long ones. skewed: events whose
-- clock was ahead of the worker's.
SELECT
    t.tenant_id AS tenant_id,
    t.app AS app,
    count() AS events,
    toInt64(quantile(0.5)(dateDiff('millisecond', t.occurred_at, t.processed_at))) AS to_worker_median_ms,
    toInt64(quantile(0.99)(dateDiff('millisecond', t.occurred_at, t.processed_at))) AS to_worker_p99_ms,
    toInt64(quantile(0.5)(dateDiff('millisecond', t.occurred_at, t._ingested_at))) AS to_store_median_ms,
    toInt64(quantile(0.99)(dateDiff('millisecond', t.occurred_at, t._ingested_at))) AS to_store_p99_ms,
    max(dateDiff('millisecond', t.occurred_at, t._ingested_at)) AS to_store_max_ms,
    countIf(t.clock_skewed) AS skewed
FROM trail AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
GROUP BY tenant_id, app
ORDER BY to_store_p99_ms DESC, tenant_id, app
