-- What left to which provider and model: calls, tokens, bytes, and the kinds of personal data that were in it.
-- provider = NULL: only this provider
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- The model that was asked for and those that answered are told apart. The kinds of personal data are those found in what
-- went in and in what came back: the provider saw them, this trail did not keep them.
SELECT
    t.tenant_id AS tenant_id,
    any(t.tenant_region) AS tenant_region,
    t.provider AS provider,
    t.request_model AS request_model,
    arraySort(groupUniqArrayIf(assumeNotNull(t.response_model), t.response_model IS NOT NULL)) AS response_models,
    uniqExact(t.run_id) AS calls,
    sum(t.input_tokens) AS input_tokens,
    sum(t.output_tokens) AS output_tokens,
    sumIf(t.content_bytes, t.event_type = 'llm_start') AS bytes_out,
    arraySort(groupUniqArrayArray(t.redaction_types)) AS personal_data,
    arraySort(groupUniqArray(t.environment)) AS environments,
    uniqExact(t.principal_id) AS principals,
    min(t.occurred_at) AS first,
    max(t.occurred_at) AS last
FROM events AS t FINAL
PREWHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
    AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
    AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
    AND t.event_type IN ('llm_start', 'llm_end', 'llm_error')
    AND ({provider:Nullable(String)} IS NULL OR t.provider = {provider:Nullable(String)})
GROUP BY tenant_id, provider, request_model
ORDER BY calls DESC, tenant_id, provider, request_model
LIMIT {limit:UInt64}
