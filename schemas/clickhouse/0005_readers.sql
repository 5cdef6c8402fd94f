-- What reading leaves is not in trail: neither the records of reading (audit_read) nor what the streams that carry them say of
-- themselves. Otherwise each question would change the answer of the next.
--
-- A reader is known by its application, langtrail-read. Only its stream's opening, heartbeats and end are left out: what it could
-- not keep (dropped) stays, and so does everything that an application does under that name. `events` has all of it.

CREATE OR REPLACE VIEW trail AS
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
WHERE event_type != 'audit_read'
  AND NOT (app = 'langtrail-read' AND event_type IN ('stream_open', 'heartbeat', 'stream_close'));
