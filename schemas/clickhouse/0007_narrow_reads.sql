-- trail and reads as before, but they read all columns only of the rows that a question is about.
--
-- With FINAL the engine reads every column of every row in the granules it looks at, unless it may test conditions first.
-- optimize_move_to_prewhere_if_final lets it do that for conditions on the sorting key alone: all copies of an event agree on it,
-- so no superseded revision comes to light. Conditions on other columns, such as cost or redaction, are tested after FINAL.
-- In a store of a million events a session was read in about half the time.

CREATE OR REPLACE VIEW trail AS
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
WHERE event_type != 'audit_read'
  AND NOT (app = 'langtrail-read' AND event_type IN ('stream_open', 'heartbeat', 'stream_close'))
SETTINGS optimize_move_to_prewhere_if_final = 1;

CREATE OR REPLACE VIEW reads AS
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
WHERE event_type = 'audit_read'
SETTINGS optimize_move_to_prewhere_if_final = 1;
