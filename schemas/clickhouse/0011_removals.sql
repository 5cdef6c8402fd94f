-- What `langtrail retain` removed, so that a hole it left can be told from any other, and chains can still be checked.
--
-- removals has one row for each tenant, retention class and month of events that went: until when they had arrived, how many
-- there were, a digest over all of them, and an operator's signature over these facts, where there is a key. The row is written
-- before anything is removed, and again as it goes on; the highest step counts. begun: the events are being listed. listed:
-- count, digest and signature are final, the events go now. done: they are gone.
--
-- removed_events names each of them: its place in its stream, and the hashes. A chain of hashes is checked with the hash of an
-- event in place of the event; its offset tells `langtrail audit-offsets` that it was stored. Neither content nor a person is
-- in it. It stays when the events have gone: about 130 bytes each.

CREATE TABLE IF NOT EXISTS removals
(
    removal_id       UUID,
    step             UInt8                   COMMENT '1 begun, 2 listed, 3 done',
    tenant_id        LowCardinality(String),
    retention_class  LowCardinality(String),
    month            UInt32                  COMMENT 'in which the events occurred, UTC, such as 202611',
    before           DateTime64(6, 'UTC')    COMMENT 'they had arrived (processed_at) before this time',
    events           UInt64                  COMMENT '0 while they are being listed',
    digest           FixedString(32)         COMMENT 'SHA-256 over the removed events, see langtrail.deploy.removal',
    policy           String                  COMMENT 'SHA-256 of the file of retention periods, hexadecimal',
    removed_by       String,
    public_key       String                  COMMENT 'Ed25519, base64; empty when there is no signature',
    signature        String                  COMMENT 'Ed25519 over the facts, base64; empty when there is no key',
    changed_at       DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(step)
ORDER BY removal_id
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS removed_events
(
    removal_id   UUID             CODEC(ZSTD(1)),
    stream_id    UUID             CODEC(ZSTD(1)),
    seq          Int64            CODEC(Delta, ZSTD(1)),
    event_id     UUID             CODEC(ZSTD(1)),
    event_hash   FixedString(32)  CODEC(NONE),
    record_hash  FixedString(32)  CODEC(NONE),
    topic        LowCardinality(String)  COMMENT 'where the row came from, as partition and offset are',
    partition    Int32            CODEC(T64, ZSTD(1)),
    offset       Int64            CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (stream_id, seq, event_hash, removal_id)
SETTINGS non_replicated_deduplication_window = 10000;
