-- Use of models by tenant, day, provider, model and principal.
--
-- A sum that a materialised view keeps would count an event twice for ever when it was emitted twice. So `usage` keeps one
-- narrow row for each finished model call, under the event's own identity, and replaces it as `events` does; the sums are made
-- when usage_daily is read. The key begins with what usage_daily groups by, so that the sums are made in the order of the table.
-- `usage` has its own window for tokens: without one, a repeated insert that `events` drops would still arrive here.
--
-- Unknown is null and never 0. A sum leaves unknown values out and is null when all are unknown; unpriced_requests and
-- uncounted_requests say how many successful requests it does not cover.

CREATE TABLE IF NOT EXISTS usage
(
    tenant_id      LowCardinality(String),
    day            Date,
    provider       LowCardinality(String) COMMENT 'empty when unknown',
    model          LowCardinality(String) COMMENT 'that answered, else that was asked for; empty when unknown',
    principal_id   String           CODEC(ZSTD(1)),
    event_id       UUID             CODEC(ZSTD(1)),
    event_hash     FixedString(32)  CODEC(NONE),
    revision       Int64            CODEC(T64, ZSTD(1)),
    failed         Bool,
    input_tokens   Nullable(Int64)  CODEC(T64, ZSTD(1)),
    output_tokens  Nullable(Int64)  CODEC(T64, ZSTD(1)),
    total_tokens   Nullable(Int64)  CODEC(T64, ZSTD(1)),
    cost_nanousd   Nullable(Int64)  CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(day)
ORDER BY (tenant_id, day, provider, model, principal_id, event_id, event_hash)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_of_events TO usage AS
SELECT
    tenant_id,
    toDate(occurred_at) AS day,
    ifNull(provider, '') AS provider,
    coalesce(nullIf(response_model, ''), request_model, '') AS model,
    principal_id,
    event_id,
    event_hash,
    revision,
    event_type = 'llm_error' OR ifNull(outcome, '') = 'failure' AS failed,
    input_tokens,
    output_tokens,
    coalesce(total_tokens, input_tokens + output_tokens, input_tokens, output_tokens) AS total_tokens,
    cost_nanousd
FROM events
WHERE event_type IN ('llm_end', 'llm_error');

CREATE VIEW IF NOT EXISTS usage_daily AS
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
GROUP BY tenant_id, day, provider, model, principal_id;
