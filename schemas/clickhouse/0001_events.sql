-- One row for each event: the columns are the fields of AuditEvent, in their order and under their names.
--
-- Types. Each column can hold exactly what its Avro field can, so that
--   SELECT <the fields in order> FROM events FORMAT Avro SETTINGS output_format_avro_codec = 'null'
-- gives back the bytes that were on Kafka, and every hash can be checked from here. Nullable text is Nullable(String);
-- LowCardinality only where a value is never null, because LowCardinality(Nullable) halves the speed of inserts and loses
-- the difference between null and empty in Avro. Integers are Int64 as in Avro; their codecs make them small.
--
-- Engine. Inserts carry a token, so a repeated insert is dropped (the window below). ReplacingMergeTree is for what no token
-- can see: an event that a worker emitted twice, or again with a higher revision after a dead letter was replayed.
-- Readers use the view trail, which has each event once. Never build a sum on this table: it may hold an event twice.
--
-- Sorting key. All of it is in the core, which nobody changes, so the copies of an event always meet. Tenant and hour first:
-- most questions are about one tenant and a stretch of time. Principal and session next: within the hour, a person's and a
-- session's events lie together. event_hash last: two different events under one event_id are evidence and both stay.
--
-- Partitions by month of the event keep a merge small and let old months be moved. There is no TTL: what is removed, when and
-- by which rule is decided and signed outside the engine.
--
-- Codecs. ZSTD(3) for content, which is read seldom and is most of the volume. T64 for integers and times, whose high bytes are
-- alike within a block. NONE for hashes, which do not compress; LZ4 where a hash may be null, because nulls do.
--
-- Indexes: minmax where rows nearly follow the sorting key, bloom filters for look-ups of one value out of very many.
-- Granules of 2048 rows: a session's few rows are read with less of their neighbours' content, for 2 % more on disk;
-- index_granularity_bytes is raised so that long content does not cut granules down to a few rows.

CREATE TABLE IF NOT EXISTS events
(
    -- head: what the processors added
    record_hash          FixedString(32)                        CODEC(NONE),
    event_hash           FixedString(32)                        CODEC(NONE),
    chain_hash           FixedString(32)                        CODEC(NONE),
    revision             Int64                                  CODEC(T64, ZSTD(1)),
    input                Nullable(String)                       CODEC(ZSTD(3)),
    output               Nullable(String)                       CODEC(ZSTD(3)),
    error_message        Nullable(String)                       CODEC(ZSTD(3)),
    params               Nullable(String)                       CODEC(ZSTD(3)),
    metadata             Nullable(String)                       CODEC(ZSTD(3)),
    tags                 Array(String)                          CODEC(ZSTD(1)),
    redaction_status     LowCardinality(String)                 CODEC(ZSTD(1)),
    redaction_types      Array(String)                          CODEC(ZSTD(1)),
    redaction_counts     Array(Int64)                           CODEC(ZSTD(1)),
    subject_tokens       Array(String)                          CODEC(ZSTD(1)),
    policy_revision      LowCardinality(String)                 CODEC(ZSTD(1)),
    redactor_version     LowCardinality(String)                 CODEC(ZSTD(1)),
    tenant_name          Nullable(String)                       CODEC(ZSTD(1)),
    tenant_plan          Nullable(String)                       CODEC(ZSTD(1)),
    tenant_region        Nullable(String)                       CODEC(ZSTD(1)),
    data_class           Nullable(String)                       CODEC(ZSTD(1)),
    retention_class      LowCardinality(String)                 CODEC(ZSTD(1)),
    model_family         Nullable(String)                       CODEC(ZSTD(1)),
    model_context_window Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    cost_nanousd         Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    price_version        Nullable(String)                       CODEC(ZSTD(1)),
    processed_at         DateTime64(6, 'UTC')                   CODEC(T64, ZSTD(1)),
    clock_skewed         Bool                                   CODEC(ZSTD(1)),
    -- core A event
    event_type           LowCardinality(String)                 CODEC(ZSTD(1)),
    event_id             UUID                                   CODEC(ZSTD(1)),
    stream_id            UUID                                   CODEC(ZSTD(1)),
    seq                  Int64                                  CODEC(T64, ZSTD(1)),
    occurred_at          DateTime64(6, 'UTC')                   CODEC(T64, ZSTD(1)),
    monotonic_ns         Int64                                  CODEC(T64, ZSTD(1)),
    tenant_id            LowCardinality(String)                 CODEC(ZSTD(1)),
    session_id           String                                 CODEC(ZSTD(1)),
    run_id               Nullable(UUID)                         CODEC(ZSTD(1)),
    parent_run_id        Nullable(UUID)                         CODEC(ZSTD(1)),
    root_run_id          Nullable(UUID)                         CODEC(ZSTD(1)),
    component            LowCardinality(String)                 CODEC(ZSTD(1)),
    -- core B model
    provider             Nullable(String)                       CODEC(ZSTD(1)),
    request_model        Nullable(String)                       CODEC(ZSTD(1)),
    response_model       Nullable(String)                       CODEC(ZSTD(1)),
    response_id          Nullable(String)                       CODEC(ZSTD(1)),
    finish_reason        Nullable(String)                       CODEC(ZSTD(1)),
    input_tokens         Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    output_tokens        Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    total_tokens         Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    cache_read_tokens    Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    cache_write_tokens   Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    reasoning_tokens     Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    ttft_us              Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    -- core C outcome
    outcome              Nullable(String)                       CODEC(ZSTD(1)),
    error_type           Nullable(String)                       CODEC(ZSTD(1)),
    started_at           Nullable(DateTime64(6, 'UTC'))         CODEC(ZSTD(1)),
    latency_us           Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    attempt              Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    -- core D place
    thread_id            Nullable(String)                       CODEC(ZSTD(1)),
    checkpoint_ns        Nullable(String)                       CODEC(ZSTD(1)),
    node                 Nullable(String)                       CODEC(ZSTD(1)),
    step                 Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    interrupt_id         Nullable(String)                       CODEC(ZSTD(1)),
    trace_id             Nullable(String)                       CODEC(ZSTD(1)),
    span_id              Nullable(String)                       CODEC(ZSTD(1)),
    -- core E tool
    tool_name            Nullable(String)                       CODEC(ZSTD(1)),
    tool_call_id         Nullable(String)                       CODEC(ZSTD(1)),
    tool_effect          Nullable(String)                       CODEC(ZSTD(1)),
    resource             Nullable(String)                       CODEC(ZSTD(1)),
    prompt_name          Nullable(String)                       CODEC(ZSTD(1)),
    prompt_version       Nullable(String)                       CODEC(ZSTD(1)),
    -- core F who
    principal_id         String                                 CODEC(ZSTD(1)),
    principal_type       LowCardinality(String)                 CODEC(ZSTD(1)),
    identity_assurance   LowCardinality(String)                 CODEC(ZSTD(1)),
    auth_issuer          Nullable(String)                       CODEC(ZSTD(1)),
    token_id             Nullable(String)                       CODEC(ZSTD(1)),
    roles                Array(String)                          CODEC(ZSTD(1)),
    on_behalf_of         Nullable(String)                       CODEC(ZSTD(1)),
    trigger              LowCardinality(String)                 CODEC(ZSTD(1)),
    trigger_id           Nullable(String)                       CODEC(ZSTD(1)),
    client_ip            Nullable(String)                       CODEC(ZSTD(1)),
    -- core G policy
    policy_id            Nullable(String)                       CODEC(ZSTD(1)),
    policy_version       Nullable(String)                       CODEC(ZSTD(1)),
    policy_rule          Nullable(String)                       CODEC(ZSTD(1)),
    decision             Nullable(String)                       CODEC(ZSTD(1)),
    approval_id          Nullable(String)                       CODEC(ZSTD(1)),
    approver_id          Nullable(String)                       CODEC(ZSTD(1)),
    -- core H the stream's own events
    first_seq            Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    last_seq             Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    count                Nullable(Int64)                        CODEC(T64, ZSTD(1)),
    previous_stream_id   Nullable(UUID)                         CODEC(ZSTD(1)),
    -- core I where
    app                  LowCardinality(String)                 CODEC(ZSTD(1)),
    app_version          LowCardinality(String)                 CODEC(ZSTD(1)),
    environment          LowCardinality(String)                 CODEC(ZSTD(1)),
    host                 LowCardinality(String)                 CODEC(ZSTD(1)),
    pid                  Int64                                  CODEC(T64, ZSTD(1)),
    python_version       LowCardinality(String)                 CODEC(ZSTD(1)),
    langchain_version    LowCardinality(String)                 CODEC(ZSTD(1)),
    langtrail_version    LowCardinality(String)                 CODEC(ZSTD(1)),
    -- core J content facts
    input_commit         Nullable(FixedString(32))              CODEC(LZ4),
    output_commit        Nullable(FixedString(32))              CODEC(LZ4),
    error_commit         Nullable(FixedString(32))              CODEC(LZ4),
    params_commit        Nullable(FixedString(32))              CODEC(LZ4),
    metadata_commit      Nullable(FixedString(32))              CODEC(LZ4),
    tags_commit          Nullable(FixedString(32))              CODEC(LZ4),
    content_bytes        Int64                                  CODEC(T64, ZSTD(1)),
    truncated            Bool                                   CODEC(ZSTD(1)),
    -- core K rest
    flags                Array(String)                          CODEC(ZSTD(1)),
    ext                  Array(Tuple(key String, value String)) CODEC(ZSTD(1)),

    -- where the row came from
    _topic               LowCardinality(String)                 CODEC(ZSTD(1)),
    _partition           Int32                                  CODEC(T64, ZSTD(1)),
    _offset              Int64                                  CODEC(T64, ZSTD(1)),
    _schema_id           Int32                                  CODEC(T64, ZSTD(1)),
    _ingested_at         DateTime64(6, 'UTC') DEFAULT now64(6)  CODEC(T64, ZSTD(1)),

    INDEX by_time        occurred_at  TYPE minmax              GRANULARITY 1,
    INDEX by_offset      _offset      TYPE minmax              GRANULARITY 1,
    INDEX by_event       event_id     TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session     session_id   TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_principal   principal_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_run         run_id       TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_root_run    root_run_id  TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_stream      stream_id    TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace       trace_id     TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_tool_call   tool_call_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(occurred_at)
PRIMARY KEY (tenant_id, toStartOfHour(occurred_at), principal_id, session_id)
ORDER BY (tenant_id, toStartOfHour(occurred_at), principal_id, session_id, occurred_at, event_id, event_hash)
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 2048, index_granularity_bytes = 67108864;
