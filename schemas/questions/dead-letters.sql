-- What was rejected or withheld, why, where it came from, and whether its event is whole by now; the newest first.
-- for operators: a dead letter names no tenant, or one that nobody could check
-- reason = NULL: only of this reason, such as withheld or malformed_record
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- event: whole (it is in the trail with its content, for instance after `langtrail dead-letters replay`), withheld (it is there
-- without some of it), missing (it is not there: it leaves a hole in its stream), none (the bytes are no event). stream_id, seq
-- and event_id are what the rejected bytes say.
WITH letters AS
(
    SELECT *
    FROM dead_letters AS d FINAL
    WHERE ({reason:Nullable(String)} IS NULL OR d.reason = {reason:Nullable(String)})
      AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR d.rejected_at >= {since:Nullable(DateTime64(6, 'UTC'))})
      AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR d.rejected_at < {until:Nullable(DateTime64(6, 'UTC'))})
    ORDER BY d.rejected_at DESC, d.partition, d.offset DESC
    LIMIT {limit:UInt64}
),
stored AS
(
    SELECT e.event_id AS id, argMax(e.redaction_status, e.revision) AS status
    FROM events AS e
    WHERE e.event_id IN (SELECT assumeNotNull(l.event_id) FROM letters AS l WHERE l.event_id IS NOT NULL)
    GROUP BY id
)
SELECT
    concat(toString(l.partition), ':', toString(l.offset)) AS letter,
    l.rejected_at AS rejected_at,
    l.reason AS reason,
    l.stage AS stage,
    multiIf(
        l.event_id IS NULL, 'none',
        s.status = '', 'missing',
        s.status IN ('withheld', 'partial'), 'withheld',
        'whole') AS event,
    l.error AS error,
    l.origin_topic AS origin_topic,
    l.origin_partition AS origin_partition,
    l.origin_offset AS origin_offset,
    l.bytes AS bytes,
    l.revision AS revision,
    toString(l.stream_id) AS stream_id,
    l.seq AS seq,
    toString(l.event_id) AS event_id
FROM letters AS l
LEFT JOIN stored AS s ON l.event_id = s.id
ORDER BY rejected_at DESC, l.partition, l.offset DESC
