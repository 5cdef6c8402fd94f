-- Models whose price is not known, so that the cost of their calls is not either.
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time

SELECT
    t.tenant_id AS tenant_id,
    t.provider AS provider,
    coalesce(t.response_model, t.request_model) AS model,
    uniqExact(t.run_id) AS calls,
    sum(coalesce(t.total_tokens, t.input_tokens + t.output_tokens)) AS tokens,
    countIf(t.total_tokens IS NULL AND t.input_tokens IS NULL AND t.output_tokens IS NULL) AS uncounted_calls,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND t.event_type = 'llm_end'
WHERE t.cost_nanousd IS NULL
GROUP BY tenant_id, provider, model
ORDER BY calls DESC, tenant_id, provider, model
