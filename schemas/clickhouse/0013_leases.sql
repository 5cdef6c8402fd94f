-- Leases: what must not be done by two at once, such as `langtrail retain`, is done by who holds its lease.
--
-- A lease has generations. Whoever takes the next one inserts its row under a token that names lease and generation: of two such
-- inserts the engine keeps one, on a single server by the window below, on a cluster by Keeper. Who finds its own row there holds
-- the lease, until the time in it by the store's clock; the same row is written again with a later time while the work goes on,
-- and with the present time when it ends. What a process that died held is over at its time.

CREATE TABLE IF NOT EXISTS leases
(
    name        LowCardinality(String)           COMMENT 'of what is done, such as retain',
    generation  UInt64                           COMMENT 'the highest counts',
    holder_id   UUID                             COMMENT 'of one taking of the lease',
    holder      String                           COMMENT 'for people: user, host and process',
    taken_at    DateTime64(6, 'UTC'),
    until       DateTime64(6, 'UTC'),
    changed_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (name, generation, holder_id)
SETTINGS non_replicated_deduplication_window = 10000;
