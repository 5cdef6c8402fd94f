-- What personal data and which secrets were found and redacted, by type: how often, in how many events and sessions.
-- type = NULL: only of this type, such as EMAIL
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
--
-- What could not be judged is withheld, and is in `unredacted`.
SELECT
    t.tenant_id AS tenant_id,
    found.1 AS type,
    sum(found.2) AS findings,
    count() AS events,
    uniqExact(t.session_id) AS sessions,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last
FROM trail AS t
ARRAY JOIN arrayZip(t.redaction_types, t.redaction_counts) AS found
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
  AND ({type:Nullable(String)} IS NULL OR found.1 = {type:Nullable(String)})
GROUP BY tenant_id, type
ORDER BY findings DESC, tenant_id, type
