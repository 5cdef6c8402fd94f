-- The two ways to read the events.
--
-- trail: each event once, its highest revision, whatever was delivered or emitted twice. It leaves out the records of reading
-- (audit_read): otherwise each question would change the answer of the next.
-- reads: only those records: who asked what, and how much they saw.
--
-- FINAL makes them exact at any moment, merged or not. It costs most on wide, recent ranges; a question that names a tenant and
-- a time reads little. cost_usd is for people and charts: sum cost_nanousd where every billionth counts.

CREATE VIEW IF NOT EXISTS trail AS
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
WHERE event_type != 'audit_read';

CREATE VIEW IF NOT EXISTS reads AS
SELECT *, cost_nanousd / 1e9 AS cost_usd
FROM events FINAL
WHERE event_type = 'audit_read';
