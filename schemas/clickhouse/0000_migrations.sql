-- The ledger of migrations: which numbered file was applied, with which content, and when.
--
-- It is the first file and is applied before the ledger is read, so it must for ever be safe to run again.
-- Two migrations that run at once may both write the row of a file. The rows are the same
-- but for the time; the reader takes the earliest.

CREATE TABLE IF NOT EXISTS migrations
(
    version     UInt32,
    name        String,
    checksum    String COMMENT 'SHA-256 of the file, hexadecimal',
    applied_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (version, applied_at);
