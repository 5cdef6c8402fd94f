-- The events that were stored after a place in a partition, in the order of their offsets.
-- asked by: langtrail tail
-- topic: the topic they came from
-- partition: its partition
-- after: only events of a higher offset
-- began: only what was stored since this time
-- types = []: only events of these types
-- tenant = NULL: only events of this tenant
--
-- From `events`, because FINAL would read all that an event may have a copy in: whoever follows drops the copies. by_offset
-- finds the place. A topic that was made anew begins again at 0; `began` keeps the events of the old one apart.
SELECT
    t._offset AS offset,
    t.occurred_at AS occurred_at,
    t._ingested_at AS stored_at,
    t.tenant_id AS tenant_id,
    t.session_id AS session_id,
    t.event_type AS event_type,
    coalesce(t.tool_name, t.response_model, t.request_model, t.component) AS name,
    t.principal_id AS principal_id,
    t.outcome AS outcome,
    t.latency_us AS latency_us,
    t.total_tokens AS total_tokens,
    t.cost_nanousd AS cost_nanousd,
    t.input AS input,
    t.output AS output,
    t.error_type AS error_type,
    t.error_message AS error_message,
    t.redaction_types AS redacted,
    t.app AS app,
    toString(t.run_id) AS run_id,
    toString(t.stream_id) AS stream_id,
    t.seq AS seq,
    t.revision AS revision,
    toString(t.event_id) AS event_id,
    lower(hex(t.event_hash)) AS event_hash
FROM events AS t
WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
  AND t._topic = {topic:String}
  AND t._partition = {partition:Int32}
  AND t._offset > {after:Int64}
  AND t._ingested_at >= {began:DateTime64(6, 'UTC')}
  AND (empty({types:Array(String)}) OR has({types:Array(String)}, t.event_type))
  AND t.event_type != 'audit_read'
  AND NOT (t.app = 'langtrail-read' AND t.event_type IN ('stream_open', 'heartbeat', 'stream_close'))
ORDER BY t._offset
LIMIT 1000
