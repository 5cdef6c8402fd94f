-- The events of a session in order, from start to finish, with all their columns.
-- asked by: langtrail replay
-- session: id of the session
-- tenant = NULL: only events of this tenant; needed where two tenants used the same session id
-- at = NULL: only what had happened by then, such as 2026-11-22T08:30:00Z
--
-- session_index knows all of the primary key: tenants, principals and the stretch of time. The conditions are those of trail;
-- PREWHERE tests them before any other column is read, which is exact because the copies of an event agree on them.
-- stream_id is compared as text, which is the order of its bytes; the engine's own order of UUIDs is another one.
WITH
    (SELECT (min(first), max(last)) FROM session_index WHERE session_id = {session:String}) AS stretch
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
PREWHERE session_id = {session:String}
    AND (tenant_id, principal_id) IN
    (
        SELECT tenant_id, arrayJoin(principal_ids)
        FROM session_index
        WHERE session_id = {session:String} AND ({tenant:Nullable(String)} IS NULL OR tenant_id = {tenant:Nullable(String)})
    )
    AND occurred_at >= stretch.1
    AND occurred_at <= stretch.2
    AND ({at:Nullable(DateTime64(6, 'UTC'))} IS NULL OR occurred_at <= {at:Nullable(DateTime64(6, 'UTC'))})
    AND event_type != 'audit_read'
    AND NOT (app = 'langtrail-read' AND event_type IN ('stream_open', 'heartbeat', 'stream_close'))
ORDER BY occurred_at, toString(stream_id), seq
