-- One row for each dead letter: what its headers say, and whose event its bytes seem to be. Never a value, a key or content.
--
-- Only what was rejected may leave a hole in a stream's numbers; with stream_id and seq beside the reason, the hole is explained.
-- These three ids are read from bytes that were rejected and held against no hash: null where the bytes are no event at all.
-- A reason `withheld` leaves no hole: the event is in `events` without its content, until the dead letter is put back.
--
-- The key is the place of the dead letter in Kafka. A letter that is loaded twice is the same row, so read it with FINAL. The
-- largest offset of each partition is also where the loading goes on: every insert is one block, hence no partitions here.
-- There is no TTL: Kafka forgets a dead letter after 30 days, that there was one must not be forgotten.

CREATE TABLE IF NOT EXISTS dead_letters
(
    topic             LowCardinality(String)   COMMENT 'of the dead letter, as partition and offset are',
    partition         Int32,
    offset            Int64                    CODEC(Delta, ZSTD(1)),
    rejected_at       DateTime64(3, 'UTC')     CODEC(Delta, ZSTD(1)),
    reason            LowCardinality(String),
    stage             LowCardinality(String),
    error             String                   CODEC(ZSTD(1)),
    origin_topic      LowCardinality(String),
    origin_partition  Nullable(Int64),
    origin_offset     Nullable(Int64)          CODEC(ZSTD(1)),
    origin_at         Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    langtrail_version LowCardinality(String),
    revision          Int64                    COMMENT 'of the replay that was rejected again; 0: straight from a producer',
    replayed_from     Nullable(String)         CODEC(ZSTD(1)),
    bytes             Int64                    COMMENT 'size of the value' CODEC(T64, ZSTD(1)),
    schema_id         Nullable(UInt32),
    event_id          Nullable(UUID)           CODEC(ZSTD(1)),
    stream_id         Nullable(UUID)           CODEC(ZSTD(1)),
    seq               Nullable(Int64)          CODEC(ZSTD(1)),
    _ingested_at      DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;
