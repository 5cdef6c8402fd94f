-- All events of a stretch of time with all their columns, in order: what an export writes.
-- asked by: langtrail export
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
--
-- Hashes and ids are text, so that every format shows them the same: hashes hexadecimal, as `langtrail sql` prints them.
SELECT t.* REPLACE
(
    lower(hex(t.record_hash)) AS record_hash,
    lower(hex(t.event_hash)) AS event_hash,
    lower(hex(t.chain_hash)) AS chain_hash,
    toString(t.event_id) AS event_id,
    toString(t.stream_id) AS stream_id,
    toString(t.run_id) AS run_id,
    toString(t.parent_run_id) AS parent_run_id,
    toString(t.root_run_id) AS root_run_id,
    toString(t.previous_stream_id) AS previous_stream_id,
    lower(hex(t.input_commit)) AS input_commit,
    lower(hex(t.output_commit)) AS output_commit,
    lower(hex(t.error_commit)) AS error_commit,
    lower(hex(t.params_commit)) AS params_commit,
    lower(hex(t.metadata_commit)) AS metadata_commit,
    lower(hex(t.tags_commit)) AS tags_commit
)
FROM trail AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
ORDER BY occurred_at, stream_id, seq
