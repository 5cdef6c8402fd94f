-- What models cost, by tenant, day, provider, model and principal: list prices in US dollars.
-- principal = NULL: only of this principal
-- tenant = NULL: only events of this tenant
-- since = NULL: from this day on, such as 2026-11-22 or 7d (ago)
-- until = NULL: before this day
-- limit = 1000: how many rows at most
--
-- Unknown costs are left out and counted: unpriced_requests.
SELECT
    t.tenant_id AS tenant_id,
    t.day AS day,
    t.provider AS provider,
    t.model AS model,
    t.principal_id AS principal_id,
    t.requests AS requests,
    t.errors AS errors,
    t.input_tokens AS input_tokens,
    t.output_tokens AS output_tokens,
    t.tokens AS tokens,
    t.cost_usd AS cost_usd,
    t.unpriced_requests AS unpriced_requests
FROM usage_by_principal AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(Date)} IS NULL OR t.day >= {since:Nullable(Date)})
  AND ({until:Nullable(Date)} IS NULL OR t.day < {until:Nullable(Date)})
  AND ({principal:Nullable(String)} IS NULL OR t.principal_id = {principal:Nullable(String)})
ORDER BY day DESC, cost_usd DESC NULLS LAST, tenant_id, provider, model, principal_id
LIMIT {limit:UInt64}
