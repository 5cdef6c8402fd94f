-- What came in and what became of it, by partition of the events: stored, rejected, or not there; it must add up.
-- for operators: a partition is every tenant's
--
-- offsets = stored + rejected + removed + other. offsets: how many numbers of the partition there are from the first to the
-- last that the store has. rejected: dead letters of the sink, rejected_by_worker: those that never became an event, of the
-- same partition of langtrail.raw; withheld events are stored, and are no loss. removed: by `langtrail retain`. other: emitted
-- twice, of which one is kept, or lost: `langtrail audit-offsets` asks Kafka and tells which.
WITH
    stored AS
    (
        SELECT e._topic AS topic, e._partition AS partition, uniqExact(e._offset) AS stored, min(e._offset) AS lo, max(e._offset) AS hi
        FROM events AS e
        GROUP BY topic, partition
    ),
    removed AS
    (
        SELECT r.topic AS topic, r.partition AS partition, uniqExact(r.offset) AS removed, min(r.offset) AS lo, max(r.offset) AS hi
        FROM removed_events AS r
        GROUP BY topic, partition
    ),
    letters AS
    (
        SELECT
            d.stage = 'sink' AS of_sink,
            d.origin_topic AS topic,
            assumeNotNull(d.origin_partition) AS partition,
            uniqExact(d.origin_offset) AS rejected
        FROM dead_letters AS d
        WHERE d.reason != 'withheld' AND d.origin_partition IS NOT NULL AND d.revision = 0
        GROUP BY of_sink, topic, partition
    )
SELECT
    s.topic AS topic,
    s.partition AS partition,
    if(r.removed > 0, least(s.lo, r.lo), s.lo) AS first_offset,
    greatest(s.hi, r.hi) AS last_offset,
    last_offset - first_offset + 1 AS offsets,
    s.stored AS stored,
    k.rejected AS rejected,
    r.removed AS removed,
    offsets - stored - rejected - removed AS other,
    w.rejected AS rejected_by_worker
FROM stored AS s
LEFT JOIN removed AS r ON s.topic = r.topic AND s.partition = r.partition
LEFT JOIN (SELECT * FROM letters WHERE of_sink) AS k ON s.topic = k.topic AND s.partition = k.partition
LEFT JOIN (SELECT * FROM letters WHERE NOT of_sink) AS w ON s.partition = w.partition
ORDER BY topic, partition
