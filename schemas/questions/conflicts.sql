-- Different events under one number of one stream; there should be none: one of them was forged, or a stream was copied.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most

SELECT
    toString(t.stream_id) AS stream_id,
    t.seq AS seq,
    uniqExact(t.event_hash) AS versions,
    arraySort(groupUniqArray(t.tenant_id)) AS tenants,
    arraySort(groupUniqArray(t.event_type)) AS event_types,
    arraySort(groupUniqArray(lower(hex(t.event_hash)))) AS event_hashes,
    min(t.occurred_at) AS occurred_first,
    max(t.occurred_at) AS occurred_last,
    min(t._ingested_at) AS stored_first,
    max(t._ingested_at) AS stored_last
FROM events AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
  AND t.stream_id IN
  (
      SELECT t.stream_id
      FROM events AS t
      WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      GROUP BY t.stream_id
      HAVING uniqExact(sipHash64(t.seq, t.event_hash)) > uniqExact(t.seq)
  )
GROUP BY t.stream_id, t.seq
HAVING versions > 1
ORDER BY stored_last DESC, stream_id, seq
LIMIT {limit:UInt64}
