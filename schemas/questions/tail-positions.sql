-- Up to which offset each partition is stored, and what the store's clock says.
-- asked by: langtrail tail
-- after = -1: only partitions that have something after this offset
-- tenant = NULL: only events of this tenant
--
-- The offset of what was stored last, not the highest one: a topic that was made anew begins again at 0.
SELECT
    t._topic AS topic,
    t._partition AS partition,
    argMax(t._offset, (t._ingested_at, t._offset)) AS offset,
    now64(6, 'UTC') AS now
FROM events AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND t._offset > {after:Int64}
GROUP BY topic, partition
ORDER BY topic, partition
