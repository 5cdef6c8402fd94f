-- The events of a session in order, from start to finish, with all their columns.
-- asked by: langtrail replay
-- session: id of the session
-- tenant = NULL: only events of this tenant; needed where two tenants used the same session id
-- at = NULL: only what had happened by then, such as 2026-11-22T08:30:00Z
--
-- session_index says where to look. stream_id is compared as text, which is the order of its bytes; the engine's own order of
-- UUIDs is another one.
SELECT *
FROM trail
WHERE session_id = {session:String}
  AND tenant_id IN
  (
      SELECT tenant_id
      FROM session_index
      WHERE session_id = {session:String} AND ({tenant:Nullable(String)} IS NULL OR tenant_id = {tenant:Nullable(String)})
  )
  AND occurred_at >= (SELECT min(first) FROM session_index WHERE session_id = {session:String})
  AND occurred_at <= (SELECT max(last) FROM session_index WHERE session_id = {session:String})
  AND ({at:Nullable(DateTime64(6, 'UTC'))} IS NULL OR occurred_at <= {at:Nullable(DateTime64(6, 'UTC'))})
ORDER BY occurred_at, toString(stream_id), seq
