-- How sure it is who acted: requests by application and assurance, and their share.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
--
-- All is counted by the ids of runs, so an event that is stored twice counts once: it is read from `events`, without FINAL.
-- verified: a token was checked; asserted: the application says so; unknown: the process's user stands for it.
SELECT
    c.tenant_id AS tenant_id,
    c.app AS app,
    c.identity_assurance AS identity_assurance,
    c.auth_issuer AS auth_issuer,
    c.requests AS requests,
    round(c.requests / sum(c.requests) OVER (PARTITION BY c.tenant_id, c.app), 4) AS share,
    c.principals AS principals,
    c.first AS first,
    c.last AS last
FROM
(
    SELECT
        t.tenant_id AS tenant_id,
        t.app AS app,
        t.identity_assurance AS identity_assurance,
        t.auth_issuer AS auth_issuer,
        uniqExact(t.run_id) AS requests,
        uniqExact(t.principal_id) AS principals,
        min(t.occurred_at) AS first,
        max(t.occurred_at) AS last
    FROM events AS t
    WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
      AND t.run_id = t.root_run_id
      AND t.event_type NOT IN ('abandoned', 'audit_read')
    GROUP BY tenant_id, app, identity_assurance, auth_issuer
) AS c
ORDER BY tenant_id, app, requests DESC, identity_assurance
