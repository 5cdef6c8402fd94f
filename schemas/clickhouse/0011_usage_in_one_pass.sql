-- usage_daily as before, read in one pass.
--
-- With FINAL the engine cuts what it reads into layers by primary key, for several threads, and tests each row against its
-- layer's borders. That pays where rows are wide; a row of `usage` is so narrow that the tests cost more than the merging.
-- Without the layers the usage of ten million events is summed in two thirds of the time.

CREATE OR REPLACE VIEW usage_daily AS
SELECT
    tenant_id,
    day,
    provider,
    model,
    principal_id,
    count() AS requests,
    countIf(failed) AS errors,
    sum(u.input_tokens) AS input_tokens,
    sum(u.output_tokens) AS output_tokens,
    sum(u.total_tokens) AS tokens,
    sum(u.cost_nanousd) / 1e9 AS cost_usd,
    countIf(NOT failed AND u.cost_nanousd IS NULL) AS unpriced_requests,
    countIf(NOT failed AND u.total_tokens IS NULL) AS uncounted_requests
FROM usage AS u FINAL
GROUP BY tenant_id, day, provider, model, principal_id
SETTINGS split_intersecting_parts_ranges_into_layers_final = 0;
