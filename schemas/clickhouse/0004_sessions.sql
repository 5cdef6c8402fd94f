-- Where each session lies in time, so that a question about a session reads that stretch of `events` and nothing else.
--
-- Only idempotent aggregates: smallest, largest, set. A block that arrives twice, or an event that was emitted twice, changes
-- nothing. It never shrinks, so it may name a stretch that is too wide, never one too narrow; counts and costs come from trail.
-- The session first in the key, because it is looked up by a session id alone. It holds identity (session, principals):
-- who erases a person's events erases these rows too. What a stream says about itself is of no session.

CREATE TABLE IF NOT EXISTS session_index
(
    session_id     String CODEC(ZSTD(1)),
    tenant_id      LowCardinality(String),
    first          SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last           SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    principal_ids  SimpleAggregateFunction(groupUniqArrayArray, Array(String))
)
ENGINE = AggregatingMergeTree
ORDER BY (session_id, tenant_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_index_of_events TO session_index AS
SELECT
    session_id,
    tenant_id,
    min(occurred_at) AS first,
    max(occurred_at) AS last,
    groupUniqArray(principal_id) AS principal_ids
FROM events
WHERE session_id != '' AND event_type NOT IN ('audit_read', 'stream_open', 'heartbeat', 'dropped', 'stream_close')
GROUP BY session_id, tenant_id;
