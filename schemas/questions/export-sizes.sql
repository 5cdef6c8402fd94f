-- How many events, and about how many bytes of them, each stretch of time holds: what an export cuts its work by.
-- asked by: langtrail export
-- width: seconds of a stretch
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
SELECT
    toDateTime64(toStartOfInterval(t.occurred_at, toIntervalSecond({width:UInt64})), 6, 'UTC') AS start,
    count() AS rows,
    sum(t.content_bytes) + 1500 * rows AS bytes
FROM trail AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
GROUP BY start
ORDER BY start
