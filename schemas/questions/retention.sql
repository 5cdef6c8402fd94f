-- How much is kept in each retention class, and since when it is here.
-- tenant = NULL: only events of this tenant
--
-- Retention counts from arrival: an event from a spool may have happened long before. Removals are in `erasures`.
SELECT
    t.tenant_id AS tenant_id,
    t.retention_class AS retention_class,
    t.data_class AS data_class,
    count() AS events,
    sum(t.content_bytes) AS content_bytes,
    min(t._ingested_at) AS stored_first,
    max(t._ingested_at) AS stored_last,
    min(t.occurred_at) AS occurred_first,
    max(t.occurred_at) AS occurred_last
FROM trail AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
GROUP BY tenant_id, retention_class, data_class
ORDER BY tenant_id, retention_class, data_class
