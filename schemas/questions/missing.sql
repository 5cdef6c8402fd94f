-- Is anything missing: streams with holes in their numbers, and streams that fell silent without saying that they closed.
-- silent_seconds = 180: how long a stream may say nothing before it counts as silent; it says something every minute
-- tenant = NULL: only events of this tenant
-- since = NULL: from this time on, such as 2026-11-22, 2026-11-22T08:30:00Z or 7d (ago)
-- until = NULL: before this time
-- limit = 1000: how many rows at most
--
-- A stream numbers its events from 0 without holes, and ends with stream_close. `dropped` is what the stream itself said that
-- it could not keep, `rejected` what lies with the dead letters, `removed` what `langtrail retain` took away; what is missing
-- beyond these, nobody explained. Numbers and
-- times are of the whole stream, for a hole may be anyone's: with a tenant, or a time, they are of the streams that carried
-- events of that tenant, or in that time. A stream of one event that is no stream_open is one that `langtrail watch` found:
-- nothing follows it. Nothing here counts an event that is stored twice twice, so FINAL is not needed. Most streams are whole:
-- the numbers of all are counted once, as a value (suspected), since the engine asks a WITH again wherever its name stands.
WITH
    (
        SELECT groupArray((stream_id, last_seq, missing, closed))
        FROM
        (
            SELECT
                e.stream_id AS stream_id,
                max(e.seq) AS last_seq,
                last_seq + 1 - groupBitmap(toUInt64(e.seq)) AS missing,
                countIf(e.event_type = 'stream_close') > 0 AS closed
            FROM events AS e
            WHERE ({tenant:Nullable(String)} IS NULL AND {since:Nullable(DateTime64(6, 'UTC'))} IS NULL
                AND {until:Nullable(DateTime64(6, 'UTC'))} IS NULL) OR e.stream_id IN
            (
                SELECT t.stream_id
                FROM events AS t
                WHERE ({tenant:Nullable(String)} IS NULL OR t.tenant_id = {tenant:Nullable(String)})
                  AND ({since:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at >= {since:Nullable(DateTime64(6, 'UTC'))})
                  AND ({until:Nullable(DateTime64(6, 'UTC'))} IS NULL OR t.occurred_at < {until:Nullable(DateTime64(6, 'UTC'))})
            )
            GROUP BY stream_id
            HAVING (missing > 0 OR NOT closed) AND NOT (last_seq = 0 AND countIf(e.event_type = 'stream_open') = 0)
        )
    ) AS suspected,
    suspects AS
    (
        SELECT arrayJoin(suspected) AS one, one.1 AS stream_id, one.2 AS last_seq, one.3 AS missing, one.4 AS closed
    ),
    streams AS
    (
        SELECT
            u.stream_id AS stream_id,
            u.last_seq AS last_seq,
            u.missing AS missing,
            u.closed AS closed,
            f.app AS app,
            f.host AS host,
            f.pid AS pid,
            f.first AS first,
            f.last AS last,
            f.dropped AS dropped
        FROM suspects AS u
        JOIN
        (
            SELECT
                e.stream_id AS stream_id,
                any(e.app) AS app,
                any(e.host) AS host,
                any(e.pid) AS pid,
                min(e.occurred_at) AS first,
                max(e.occurred_at) AS last,
                arraySum(told -> told.2, groupUniqArrayIf((e.event_hash, ifNull(e.count, 0)), e.event_type = 'dropped')) AS dropped
            FROM events AS e
            WHERE e.stream_id IN (SELECT stream_id FROM suspects)
            GROUP BY stream_id
        ) AS f ON f.stream_id = u.stream_id
    ),
    numbers AS
    (
        SELECT DISTINCT e.stream_id AS stream_id, e.seq AS seq
        FROM events AS e
        WHERE e.stream_id IN (SELECT stream_id FROM suspects WHERE missing > 0)
    ),
    holes AS
    (
        SELECT h.stream_id AS stream_id, groupArraySorted(100)((h.before + 1, h.seq - 1)) AS ranges
        FROM
        (
            SELECT n.stream_id AS stream_id, n.seq AS seq, lagInFrame(n.seq, 1, -1) OVER stream AS before
            FROM numbers AS n
            WINDOW stream AS (PARTITION BY n.stream_id ORDER BY n.seq)
        ) AS h
        WHERE h.seq > h.before + 1
        GROUP BY stream_id
    ),
    letters AS
    (
        SELECT assumeNotNull(d.stream_id) AS stream_id, uniqExact(d.seq) AS rejected
        FROM dead_letters AS d
        WHERE d.stream_id IN (SELECT stream_id FROM suspects WHERE missing > 0)
          AND (assumeNotNull(d.stream_id), assumeNotNull(d.seq)) NOT IN (SELECT stream_id, seq FROM numbers)
        GROUP BY stream_id
    ),
    removals AS
    (
        SELECT r.stream_id AS stream_id, uniqExactIf(r.seq, r.seq < s.last_seq) AS removed, max(r.seq) > any(s.last_seq) AS end_removed
        FROM removed_events AS r
        JOIN suspects AS s ON r.stream_id = s.stream_id
        WHERE r.stream_id IN (SELECT stream_id FROM suspects)
          AND (r.stream_id, r.seq) NOT IN (SELECT stream_id, seq FROM numbers)
        GROUP BY stream_id
    )
SELECT
    toString(s.stream_id) AS stream_id,
    s.app AS app,
    s.host AS host,
    s.pid AS pid,
    s.first AS first,
    s.last AS last,
    multiIf(s.closed, 'closed', m.end_removed, 'removed', s.last < now64(6) - {silent_seconds:UInt64}, 'silent', 'open') AS state,
    s.missing AS missing,
    s.dropped AS dropped,
    l.rejected AS rejected,
    m.removed AS removed,
    greatest(s.missing - s.dropped - l.rejected - m.removed, 0) AS unexplained,
    arrayMap(r -> if(r.1 = r.2, toString(r.1), concat(toString(r.1), '-', toString(r.2))), h.ranges) AS holes
FROM streams AS s
LEFT JOIN holes AS h ON s.stream_id = h.stream_id
LEFT JOIN letters AS l ON s.stream_id = l.stream_id
LEFT JOIN removals AS m ON s.stream_id = m.stream_id
WHERE s.missing > 0 OR state = 'silent'
ORDER BY unexplained DESC, missing DESC, last DESC
LIMIT {limit:UInt64}
